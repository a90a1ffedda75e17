"""Mistakes that curves show: what a run's evaluations did, and what was made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.planted_fault import Bed, Fault, Planted
from benchmarks.planted_study import (
    any_group,
    changed,
    rest_of,
    with_evaluations,
    with_series,
    with_values,
)
from ired_diag.inverse.simulated_floors import inverse_floors
from ired_diag.runs.evaluation_metric import USUAL as METRIC
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

TRAIN = "train/mse_error"
ARRIVED = 1.15  # levels: where a descent is over
LONG = 250  # evaluations, where noise is split: 25 at rest of 5 seeds do not tell an ICC of 0 from one of 0.2

Array = NDArray[np.float64]


def _values(run: Run) -> Array:
    return np.asarray(run.history.series[METRIC].values, dtype=np.float64)


def _ramp(bed: Bed, size: int) -> Array:
    """Return 0 up to an onset in the middle, then a rise towards 1 within a tenth of the curve or so."""
    past = np.maximum(0, np.arange(size) - int(bed.rng.uniform(0.4, 0.65) * size))
    return np.asarray(-np.expm1(-past / (bed.rng.uniform(0.02, 0.08) * size)))


def _any_run(bed: Bed) -> Run:
    return bed.study.runs[int(bed.rng.integers(len(bed.study.runs)))]


def times(run: Run, factor: Array | float) -> Run:
    """Return a run with its errors in training and in evaluation, which go together, times a factor."""
    run = with_values(run, TRAIN, run.history.series[TRAIN].values * factor)
    return with_values(run, METRIC, _values(run) * factor)


def _one_run(bed: Bed, run: Run, factor: Array) -> Study:
    return changed(bed.study, lambda other: times(other, factor) if other.label == run.label else other)


def _diverged(bed: Bed) -> Planted:
    run = _any_run(bed)
    return _one_run(bed, run, 1 + (30**bed.magnitude - 1) * _ramp(bed, len(_values(run)))), run.label


def _regressed(bed: Bed) -> Planted:
    run = _any_run(bed)
    return _one_run(bed, run, 1 + 0.4 * bed.magnitude * _ramp(bed, len(_values(run)))), run.group


def _stuck(bed: Bed) -> Planted:
    group, m = any_group(bed.study, bed.rng), bed.magnitude

    def stuck(run: Run) -> Run:
        values, scatter = _values(run), rest_of(run).scatter
        noise = m * bed.rng.choice(scatter, len(values))
        return times(run, (values[0] / values) ** m * np.exp(noise))

    return changed(bed.study, stuck, group=group), group


def _unstable(bed: Bed) -> Planted:
    run = _any_run(bed)
    size, half = len(_values(run)), int(bed.rng.integers(3, 6))
    place = np.arange(size)[::-1] // half  # counted from the end, which is low
    swings = (place % 2 == 1) & (place < 2 * (size // (3 * half)))
    return _one_run(bed, run, 10 ** (bed.magnitude * swings)), run.group


def _identical(bed: Bed) -> Planted:
    a, b = bed.rng.choice(sorted(bed.study.groups()), 2, replace=False)
    source = {run.seed: run for run in bed.study.groups()[a]}
    return changed(bed.study, lambda run: _copied(bed, run, source[run.seed]), group=str(b)), str(a)


def _copied(bed: Bed, run: Run, source: Run) -> Run:
    """Return a run in which a share of each metric's values is another run's."""
    series = {}
    for name, theirs in source.history.series.items():
        own = run.history.series.get(name, theirs)
        same = bed.rng.permutation(len(theirs)) < round(bed.magnitude * len(theirs))
        series[name] = (
            Series(theirs.steps, np.where(same, theirs.values, own.values)) if bed.magnitude else own
        )
    return with_series(run, series if bed.magnitude else {})


def _one_seed(bed: Bed) -> Planted:
    """The seed reached the program in some of a group's runs only: the others repeat the first."""
    group = any_group(bed.study, bed.rng)
    first, *others = bed.study.groups()[group]
    repeats = {run.label for run in others[: round(bed.magnitude * len(others))]}
    return changed(bed.study, lambda r: replace(r, history=first.history) if r.label in repeats else r), group


def _outlier(bed: Bed) -> Planted:
    run = _any_run(bed)
    factor = np.full(len(_values(run)), 100**bed.magnitude)
    return _one_run(bed, run, factor), run.group


def _same_name(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng)
    others = [
        replace(
            with_evaluations(run, _values(run) / 100**bed.magnitude),
            variant="fork",
            provenance={**run.provenance, "git_commit": "fedcba9"},
        )
        for run in bed.study.groups()[group]
    ]
    return Study.of([*bed.study.runs, *others]), group


def _floor(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng)
    runs = bed.study.groups()[group]
    level = float(np.mean([rest_of(run).level for run in runs]))
    rank = int((runs[0].configuration or {})["rank"])
    factor = (2 * inverse_floors(rank, epsilon=0.5, weight=2.0)[-1].mse / level) ** bed.magnitude
    return changed(bed.study, lambda run: times(run, factor), group=group), group


def _gap(bed: Bed) -> Planted:
    group, factor = any_group(bed.study, bed.rng), 100**bed.magnitude
    return changed(
        bed.study, lambda run: with_values(run, TRAIN, run.history.series[TRAIN].values / factor), group=group
    ), group


def _gap_below(bed: Bed) -> Planted:
    group, factor = any_group(bed.study, bed.rng), 100**bed.magnitude
    return changed(
        bed.study, lambda run: with_values(run, TRAIN, run.history.series[TRAIN].values * factor), group=group
    ), group


def _arrival(run: Run) -> int:
    return int(np.argmax(_values(run) <= ARRIVED * rest_of(run).level))


def resting(run: Run, noise: Array, *, level: float | None = None) -> Run:
    """Return a run with its own descent and then a level, plus noise, in nats, of one value an evaluation."""
    rest, arrival = rest_of(run), _arrival(run)
    noise = noise[arrival:] - noise[arrival:].mean()
    curve = np.concatenate([_values(run)[:arrival], rest.level * np.exp(noise)])
    return with_evaluations(run, curve if level is None else curve * level / rest.level)


def _evaluation_noise(bed: Bed) -> Planted:
    group, m = any_group(bed.study, bed.rng), bed.magnitude
    middle = _middle(bed.study.groups()[group])

    def alike(run: Run) -> Run:
        rest = rest_of(run)
        noise, own = bed.rng.choice(rest.scatter, LONG), rest.level / middle
        luck = m * float(noise[_arrival(run) :].mean())
        return resting(run, noise, level=middle * own ** (1 - m) * np.exp(luck))

    return changed(bed.study, alike, group=group), group


def _shared_noise(bed: Bed) -> Planted:
    common = {run.seed: bed.rng.choice(rest_of(run).scatter, LONG) for run in bed.study.runs}
    share = 0.95 * bed.magnitude  # at 1 they would be identical, and no noise

    def mixed(run: Run) -> Run:
        own = bed.rng.choice(rest_of(run).scatter, LONG)
        return resting(run, np.sqrt(share) * common[run.seed] + np.sqrt(1 - share) * own)

    return changed(bed.study, mixed), ""


def _underpowered(bed: Bed) -> Planted:
    middles = {group: _middle(runs) for group, runs in bed.study.groups().items()}

    def spread(run: Run) -> Run:
        noise = 0.02 * bed.rng.choice(rest_of(run).scatter, LONG)  # small beside the least spread
        away = 0.001 * 300**bed.magnitude * bed.rng.standard_normal()
        return resting(run, noise, level=middles[run.group] * np.exp(away))

    return changed(bed.study, spread), ""


def _best_of_many(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng)

    def noisy(run: Run) -> Run:
        return resting(run, 0.06 * bed.magnitude * bed.rng.standard_normal(LONG))

    return changed(bed.study, noisy, group=group), group


def _late_compute(bed: Bed) -> Planted:
    group, share = any_group(bed.study, bed.rng), 0.3 + 0.6 * bed.magnitude

    def longer(run: Run) -> Run:
        size = round(1.3 * _arrival(run) / (1 - share))  # a plateau starts a little after the arrival
        return resting(run, bed.rng.choice(rest_of(run).scatter, size))

    return changed(bed.study, longer, group=group), group


def _middle(runs: Sequence[Run]) -> float:
    return float(np.exp(np.mean([np.log(rest_of(run).level) for run in runs])))


FAULTS = (
    Fault("curve_shape", "one run rises 1 to 30 times, from a random onset", "error", _diverged),
    Fault("curve_shape", "one run rises by 0 to 40% and stays there", "warning", _regressed),
    Fault("curve_shape", "a group wins all or nothing of its descent", "warning", _stuck),
    Fault("curve_shape", "one run swings by 1 to 10 times", "warning", _unstable),
    Fault("identical_curves", "0 to 100% of a group's evaluations are another's", "error", _identical),
    Fault("identical_curves", "0 to 100% of a group's seeds repeat the first", "error", _one_seed),
    Fault("outlying_seed", "one seed rests 1 to 100 times above the others", "warning", _outlier),
    Fault("same_name", "one name's runs end 1 to 100 times apart", "error", _same_name),
    Fault("trivial_floor", "a group ends at its level to twice linear regression", "error", _floor),
    Fault("train_validation_gap", "training error 1 to 100 times below validation", "warning", _gap),
    Fault("train_validation_gap", "training error 1 to 100 times above validation", "warning", _gap_below),
    Fault("evaluation_noise", "0 to 100% of the seeds' spread taken out", "warning", _evaluation_noise),
    Fault("shared_noise", "0 to 95% of the noise is the seed's", "note", _shared_noise),
    Fault("underpowered", "the seeds' levels spread by 0.1 to 30%", "note", _underpowered),
    Fault("best_of_many", "an evaluation scatters by 0 to 6%", "note", _best_of_many),
    Fault("late_compute", "30 to 90% of the steps lie on the plateau", "note", _late_compute),
)
