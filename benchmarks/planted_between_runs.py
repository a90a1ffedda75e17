"""Mistakes that runs show next to each other: slips in settings, camps of seeds, seeds counted twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.planted_fault import Bed, Fault, Planted
from benchmarks.planted_study import any_group, changed, with_settings, with_values
from ired_diag.runs.evaluation_metric import USUAL as METRIC
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study


def twin_runs(bed: Bed, count: int) -> list[Run]:
    """Return the runs of a study, and as many more studies like it, of other names and noise."""
    runs = list(bed.study.runs)
    for letter in "abcdefgh"[:count]:
        for run in bed.study.runs:
            series = run.history.series[METRIC]
            noisy = series.values * np.exp(1e-3 * bed.rng.standard_normal(len(series)))
            runs.append(replace(with_values(run, METRIC, noisy), experiment=f"{run.experiment}{letter}"))
    return runs


def _slip(bed: Bed) -> Planted:
    """Of twelve groups one has a digit too many in its batch size, and another ratio too."""
    group = any_group(bed.study, bed.rng)
    digit = str(bed.rng.integers(1, 10))

    def slipped(run: Run) -> Run:
        size = str((run.configuration or {})["batch_size"])
        place = int(bed.rng.integers(1, len(size)))
        return with_settings(run, batch_size=int(f"{size[:place]}{digit}{size[place:]}"), ema_decay=0.91)

    runs = twin_runs(bed, 3)
    if not bed.magnitude:
        return Study.of(runs), group
    first = next(run for run in runs if run.group == group)
    size = slipped(first).configuration or {}
    hurt = [
        with_settings(r, batch_size=size["batch_size"], ema_decay=0.91) if r.group == group else r
        for r in runs
    ]
    return Study.of(hurt), group


def _exchanged(bed: Bed) -> Planted:
    """Of twelve groups one has two digits of its batch size exchanged, and nothing else."""
    group = any_group(bed.study, bed.rng)
    odd = 521 if bed.magnitude else 512
    runs = [with_settings(run, batch_size=odd if run.group == group else 512) for run in twin_runs(bed, 3)]
    return Study.of(runs), group


def _factor(bed: Bed) -> Planted:
    """A group whose name claims 1.1 times the only setting that differs has 1.1 to 2 times it."""
    group, rate = "x1.1", 0.003 * (1.1 + 0.9 * bed.magnitude)
    source = bed.study.runs[0].experiment
    runs = [
        replace(run, experiment="plain", name="plain") for run in bed.study.runs if run.experiment == source
    ]
    claimed = [
        with_settings(replace(run, experiment=group, name=group), learning_rate=rate)
        for run in twin_runs(bed, 1)
        if run.experiment == f"{source}a"
    ]
    return Study.of([*runs, *claimed]), group


def _percent(bed: Bed) -> Planted:
    """A group that claims 10% more of a learning rate has 10 to 100% more."""
    group, rate = "lr_plus10", 0.003 * (1.1 + 0.9 * bed.magnitude)
    runs = twin_runs(bed, 1)
    source = bed.study.runs[0].experiment
    twins = [run for run in runs if run.experiment == f"{source}a"]
    others = [run for run in runs if run.experiment == source]
    claimed = [with_settings(replace(run, experiment=group, name=group), learning_rate=rate) for run in twins]
    return Study.of([*others, *claimed]), group


def _fatal(bed: Bed) -> Planted:
    """Of two settings one makes 0 to 100% of its runs diverge."""
    key, runs = "warmup", []
    for run in twin_runs(bed, 1):
        is_twin = run.experiment.endswith("a")
        values = run.history.series[METRIC].values
        if is_twin and bed.rng.random() < bed.magnitude:
            values = values * np.geomspace(1, 1000, len(values)) ** 2
        runs.append(with_values(with_settings(run, **{key: 7 if is_twin else 50}), METRIC, values))
    return Study.of(runs), f"{key} = 7"


def _camps(bed: Bed) -> Planted:
    """Half of ten seeds ran at another commit, which raises them by 0 to 10 standard deviations."""
    group = bed.study.runs[0].group
    values = [run.history.series[METRIC].values[-10:].mean() for run in bed.study.groups()[group]]
    rise = 10 * bed.magnitude * float(np.std(values, ddof=1) / np.mean(values))
    runs = []
    for run in twin_runs(bed, 1):
        if run.experiment == f"{group}a" and run.seed is not None:
            values_there = run.history.series[METRIC].values * (1 + rise)
            run = replace(with_values(run, METRIC, values_there), experiment=group, seed=run.seed + 5000)
            runs.append(replace(run, provenance={**run.provenance, "git_commit": "b" * 40}))
        elif run.group == group:
            runs.append(replace(run, provenance={**run.provenance, "git_commit": "a" * 40}))
    return Study.of(runs), group


def _alone(bed: Bed) -> Planted:
    """A group called a baseline has all its seeds, down to one."""
    group, name = bed.study.runs[0].group, "baseline"
    seeds = [run.seed for run in bed.study.groups()[group]]
    kept = seeds[: 1 + round((len(seeds) - 1) * (1 - bed.magnitude))]
    named = [
        replace(run, experiment=name, name=name) if run.group == group else run for run in bed.study.runs
    ]
    return Study.of(run for run in named if run.experiment != name or run.seed in kept), name


def _again(bed: Bed) -> Planted:
    """The runs of a group are in folders of their seeds, and all state one seed."""
    group = any_group(bed.study, bed.rng)

    def same_seed(run: Run) -> Run:
        run = replace(run, run_name=run.seed_label, path=bed.folder / f"seed{run.seed}")
        return with_settings(replace(run, seed=17), seed=17) if bed.magnitude else run

    return changed(bed.study, same_seed, group=group), group


FAULTS = (
    Fault("setting_slip", "one digit too many in a batch size", "warning", _slip, graded=False),
    Fault("setting_slip", "two digits of a batch size exchanged", "warning", _exchanged, graded=False),
    Fault("sweep_claims", "x1.1 is 1.1 to 2 times", "warning", _factor),
    Fault("sweep_claims", "plus 10% is 10 to 100% more", "warning", _percent),
    Fault("failed_setting", "a setting makes 0 to 100% of its runs diverge", "note", _fatal),
    Fault("seed_camps", "half of the seeds 0 to 10 standard deviations higher", "note", _camps),
    Fault("lone_baseline", "the baseline has all of its seeds, down to one", "note", _alone),
    Fault("repeated_seed", "all seeds of a group are one", "warning", _again, graded=False),
)
