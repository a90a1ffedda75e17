"""Near misses of the rules about runs next to each other: sweeps, scattered failures, hosts, copies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.near_miss import NearMiss
from benchmarks.planted_between_runs import twin_runs
from benchmarks.planted_fault import Bed
from benchmarks.planted_study import any_group, changed, with_settings
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study


def _meant(bed: Bed) -> Study:
    """One group has ten times the batch size, and its notes say so."""
    group = any_group(bed.study, bed.rng)
    size = 10 * int((bed.study.runs[0].configuration or {})["batch_size"])
    notes = f"Larger batches: a batch_size of {size}."
    runs = twin_runs(bed, 2)
    return Study.of(
        with_settings(run, batch_size=size, notes=notes) if run.group == group else run for run in runs
    )


def _ten_percent(bed: Bed) -> Study:
    """A group with 10% more learning rate is called so; another was trained on 10% of something else."""
    first, second = sorted(bed.study.groups())[:2]
    rate = (bed.study.groups()[first][0].configuration or {})["learning_rate"]

    def named(run: Run) -> Run:
        if run.experiment == f"{first}a":
            run = replace(
                with_settings(run, learning_rate=1.1 * rate), experiment="lr_plus10", name="lr_plus10"
            )
        if run.experiment == f"{second}a":
            run = replace(run, experiment="dropout 10%", name="dropout 10%")
        return run

    return Study.of(map(named, twin_runs(bed, 1)))


def _named_521(bed: Bed) -> Study:
    """One group has a batch size of 521 next to 512, and its name says so."""
    group = any_group(bed.study, bed.rng)

    def named(run: Run) -> Run:
        if run.group != group:
            return with_settings(run, batch_size=512)
        return replace(with_settings(run, batch_size=521), experiment="batch521", name="batch521")

    return Study.of(map(named, twin_runs(bed, 2)))


def _other_numbers(bed: Bed) -> Study:
    """Names hold numbers that are no change of a setting: an exponent, and a count of devices."""
    first, second = sorted(bed.study.groups())[:2]
    names = {f"{first}a": ("lr_minus4", 1e-4), f"{second}a": ("net_2x", 0.009)}

    def named(run: Run) -> Run:
        if run.experiment not in names:
            return run
        name, rate = names[run.experiment]
        return replace(with_settings(run, learning_rate=rate), experiment=name, name=name)

    return Study.of(map(named, twin_runs(bed, 1)))


def _many_hosts(bed: Bed) -> Study:
    """Seeds ran on two hosts in turn, whose results are alike."""
    runs = []
    for place, run in enumerate(twin_runs(bed, 1)):
        seed = None if run.seed is None else run.seed + 5000 * run.experiment.endswith("a")
        provenance = {**run.provenance, "host": f"node{place % 2}"}
        runs.append(replace(run, experiment=run.experiment.rstrip("a"), seed=seed, provenance=provenance))
    return Study.of(runs)


def _single_runs(bed: Bed) -> Study:
    """All groups have one run, the baseline too."""
    seed = min(run.seed for run in bed.study.runs if run.seed is not None)
    group = any_group(bed.study, bed.rng)

    def named(run: Run) -> Run:
        return replace(run, experiment="baseline", name="baseline") if run.group == group else run

    return Study.of(named(run) for run in bed.study.runs if run.seed == seed)


def _seed_folders(bed: Bed) -> Study:
    """Runs in folders of their seeds, where another folder is named by a number too."""

    def placed(run: Run) -> Run:
        return replace(run, path=bed.folder / "batch256" / f"seed{run.seed}" / "run_1")

    return changed(bed.study, placed)


def _spread_settings(bed: Bed) -> Study:
    """Every seed has another warm-up, and all runs are healthy."""

    def varied(run: Run) -> Run:
        return with_settings(run, warmup=int(np.abs(run.seed or 0)) % 3)

    return changed(bed.study, varied)


NEAR_MISSES = (
    NearMiss("setting_slip", "ten times the batch size, as the notes say", _meant, not_even_a_note=True),
    NearMiss("sweep_claims", "10% more that is 10% more, and 10% of something else", _ten_percent),
    NearMiss("setting_slip", "a number that the name gives, one digit exchanged", _named_521),
    NearMiss("sweep_claims", "minus4 is an exponent, 2x two devices", _other_numbers),
    NearMiss("failed_setting", "settings vary, and nothing fails", _spread_settings, not_even_a_note=True),
    NearMiss("seed_camps", "seeds on two hosts that do not matter", _many_hosts),
    NearMiss("lone_baseline", "single runs on all sides", _single_runs, not_even_a_note=True),
    NearMiss("repeated_seed", "runs in folders of their seeds", _seed_folders),
)
