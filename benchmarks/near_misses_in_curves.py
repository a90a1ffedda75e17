"""Near misses of the rules about curves: what looks like a mistake in them and is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.near_miss import NearMiss
from benchmarks.planted_fault import Bed
from benchmarks.planted_in_curves import TRAIN, resting, times
from benchmarks.planted_study import any_group, changed, rest_of, with_evaluations, with_series
from ired_diag.inverse.simulated_floors import inverse_floors
from ired_diag.runs.evaluation_metric import USUAL as METRIC
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

LONG = 250  # evaluations
OF_FRESH_DATA = ("ood", "diffusion_steps")

Array = NDArray[np.float64]


def _spike(bed: Bed) -> Study:
    """One evaluation of one run is three times too high, in the middle of its curve."""
    run = bed.study.runs[int(bed.rng.integers(len(bed.study.runs)))]
    size = len(run.history.series[METRIC])
    factor = np.where(np.arange(size) == int(bed.rng.uniform(0.3, 0.8) * size), 3.0, 1.0)
    return changed(bed.study, lambda other: times(other, factor) if other.label == run.label else other)


def _same_data(bed: Bed) -> Study:
    """Two groups print the same errors, all digits of them, and other energies."""
    mined = [name for name, runs in bed.study.groups().items() if _is_mined(runs[0])]
    a, b = mined[:2]
    source = {run.seed: run.history.series for run in bed.study.groups()[a]}

    def copied(run: Run) -> Run:
        return with_series(run, {name: source[run.seed][name] for name in (METRIC, TRAIN)})

    return changed(bed.study, copied, group=b)


def _is_mined(run: Run) -> bool:
    return (run.configuration or {}).get("mining_strategy") != "none"


def _same_schedule(bed: Bed) -> Study:
    """All runs log the same learning rate, to the last digit."""

    def logged(run: Run) -> Run:
        steps = run.history.series[METRIC].steps
        return with_series(run, {"train/lr": Series(steps, np.geomspace(1e-3, 1e-5, len(steps)))})

    return changed(bed.study, logged)


def _sweep(bed: Bed) -> Study:
    """A sweep: its variants, named by their setting, end 100 times apart."""
    group = any_group(bed.study, bed.rng)
    others = [
        replace(
            times(run, 0.01),
            variant="learning_rate=0.001",
            configuration={**(run.configuration or {}), "learning_rate": 0.001},
        )
        for run in bed.study.groups()[group]
    ]
    return Study.of([*bed.study.runs, *others])


def _better_than_linear(bed: Bed) -> Study:
    """A group ends 5% below linear regression."""
    group = any_group(bed.study, bed.rng)
    runs = bed.study.groups()[group]
    level = float(np.mean([rest_of(run).level for run in runs]))
    rank = int((runs[0].configuration or {})["rank"])
    factor = 0.95 * inverse_floors(rank, epsilon=0.5, weight=2.0)[-1].mse / level
    return changed(bed.study, lambda run: times(run, factor), group=group)


def _over_fitted(bed: Bed) -> Study:
    """A finite data set: training falls on to a hundredth while the validation error rests."""

    def fitted(run: Run) -> Run:
        train = run.history.series[TRAIN]
        kept: dict[str, Any] = {k: v for k, v in (run.configuration or {}).items() if k not in OF_FRESH_DATA}
        fall = np.geomspace(1, 1e-4, len(train))
        run = with_series(run, {TRAIN: Series(train.steps, train.values * fall)})
        return replace(run, configuration={**kept, "dataset": "photographs"})

    return changed(bed.study, fitted)


def _close_seeds(bed: Bed) -> Study:
    """Seeds that differ by half a percent, and evaluations that scatter by a fiftieth of that."""
    return _levels(bed, noise=1e-4, spread=5e-3)


def _close_seeds_and_a_spike(bed: Bed) -> Study:
    """The same, and one evaluation that is 30 times too high: next to it all seeds look alike."""
    study = _close_seeds(bed)
    last = study.runs[int(bed.rng.integers(len(study.runs)))]
    size = len(last.history.series[METRIC])
    factor = np.where(np.arange(size) == int(bed.rng.uniform(0.5, 0.9) * size), 30.0, 1.0)
    spiked = with_evaluations(last, last.history.series[METRIC].values * factor)
    return Study.of(spiked if run is last else run for run in study.runs)


def _even_spread(bed: Bed) -> Study:
    """Seeds that spread widely and evenly: none of them is apart from the others."""
    group = any_group(bed.study, bed.rng)
    place = {run.label: i for i, run in enumerate(bed.study.groups()[group])}
    return changed(bed.study, lambda run: times(run, 1.5 ** -place[run.label]), group=group)


def _own_noise(bed: Bed) -> Study:
    """Runs of equal seed that fall alike and scatter each for themselves."""
    return changed(bed.study, lambda run: resting(run, bed.rng.choice(rest_of(run).scatter, LONG)))


def _equivalent(bed: Bed) -> Study:
    """All groups rest within a tenth of a percent: undecided, and equivalent."""
    level = min(rest_of(run).level for run in bed.study.runs)
    return _levels(bed, noise=1e-4, spread=1e-3, level=level)


def _little_luck(bed: Bed) -> Study:
    """The best evaluation is luck, and worth less than the seeds differ and than 1%."""
    return _levels(bed, noise=2e-3, spread=0.03)


def _levels(bed: Bed, *, noise: float, spread: float, level: float | None = None) -> Study:
    """Return runs that rest at levels of a given spread, with evaluations of a given noise, in nats."""

    def at_rest(run: Run) -> Run:
        middle = rest_of(run).level if level is None else level
        own = middle * float(np.exp(spread * bed.rng.standard_normal()))
        return resting(run, noise * bed.rng.standard_normal(LONG), level=own)

    return changed(bed.study, at_rest)


def _short_rest(bed: Bed) -> Study:
    """Training ends soon after the plateau begins."""

    def shorter(run: Run) -> Run:
        values = run.history.series[METRIC].values
        arrival = int(np.argmax(values <= 1.15 * rest_of(run).level))
        return with_evaluations(run, values[: max(20, int(1.5 * arrival))])

    return changed(bed.study, shorter)


NEAR_MISSES = (
    NearMiss("curve_shape", "one evaluation in the middle is three times too high", _spike),
    NearMiss("identical_curves", "two groups print the same errors, and other energies", _same_data),
    NearMiss("identical_curves", "all runs log the same learning rates", _same_schedule),
    NearMiss("same_name", "a sweep's variants, named by their setting, end 100 times apart", _sweep),
    NearMiss("trivial_floor", "a group ends 5% below linear regression", _better_than_linear),
    NearMiss("train_validation_gap", "a finite data set is over-fitted", _over_fitted),
    NearMiss("evaluation_noise", "seeds differ little, and evaluations less", _close_seeds),
    NearMiss("evaluation_noise", "the same, and one spike", _close_seeds_and_a_spike),
    NearMiss("outlying_seed", "five seeds spread widely and evenly", _even_spread),
    NearMiss("shared_noise", "curves fall together, and scatter each for itself", _own_noise, True),
    NearMiss("underpowered", "groups are undecided because they are equivalent", _equivalent, True),
    NearMiss("best_of_many", "the best is luck that is worth little", _little_luck, True),
    NearMiss("late_compute", "training ends soon after the plateau begins", _short_rest, True),
)
