"""Does a validation loss rise because the model over-fits, and not because training broke down?

In both cases the validation loss ends above its best. The training loss distinguishes them: where training
diverges, it rises too; where the model over-fits a finite training set, it falls on,

    L_train at the end  <=  1/2 L_train at the best validation loss,

or 4/5 of it where the validation loss rises by less than 1.5 times; and the validation loss rises step by
step, not in one jump. The accuracy often stays where it is while the validation loss doubles: the model is
right as often as before, and too confident where it is wrong.

Where each batch is drawn fresh there is no training set to over-fit, so the same picture is not over-fitting.

Reference: Guo et al. (2017), On Calibration of Modern Neural Networks, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.direction import direction_of
from ired_diag.runs.evaluation_metric import is_of_training, training_metric
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import LOSSES, SPLITS, TEST_SPLITS, words_of
from ired_diag.runs.run import Run

FALLEN = 0.5  # of the training loss at the best evaluation
FALLEN_SLIGHTLY, SLIGHTLY = 0.8, 1.5  # the same, where the validation loss rises by fewer times
STAYED = 0.95  # of another metric's value there
STAYED_LOW = 1.05  # of an error rate's value there
LARGEST_STEP = 0.5  # of the whole rise: more in one step is a jump
FEWEST = 5  # evaluations
RATES = frozenset("wer cer ter eer err misclassification".split())  # of errors, which no confidence enters
LOSS_WORDS = frozenset(LOSSES) - {"error"}
# Settings of studies that draw each batch fresh.
FRESH = ("rank", "ood", "mining_strategy", "diffusion_steps")

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OverFitting:
    """A validation loss that rises while the training loss falls.

    Attributes:
        train: The training loss.
        best_step: Step of the best validation loss.
        times: How many times the best the validation loss ends at.
        kept: Another validation metric that stays as good as it was, such as an accuracy; None without one.
    """

    train: str
    best_step: float
    times: float
    kept: str | None


def over_fitting_of(run: Run, metric: str | None = None) -> OverFitting | None:
    """Return how a run over-fits; None where its losses do not show it.

    Args:
        run: The run.
        metric: The validation loss. Default: the metric that judges the run.
    """
    metric = metric or run.judging_metric
    if metric is None or not run.direction_of(metric).lower_is_better:
        return None
    if draws_fresh_batches(run):
        return None
    validation = run.as_judged(metric)
    twin = training_metric(metric, run.history.series)
    if validation is None or twin is None or is_of_training(metric, run.history.series):
        return None
    train = run.history.series[twin]
    if not _are_losses(validation, train):
        return None
    values = np.asarray(validation.values, dtype=np.float64)
    place = int(np.argmin(values))
    best_step = float(validation.steps[place])
    times = _late_level(values, share=10) / float(values[place])
    fallen = FALLEN_SLIGHTLY if times < SLIGHTLY else FALLEN
    if not _climbs(values[place:]) or not _falls_on(train, best_step, fallen):
        return None
    return OverFitting(
        train=twin,
        best_step=best_step,
        times=times,
        kept=kept_metric(run, metric, best_step),
    )


def draws_fresh_batches(run: Run) -> bool:
    """Say whether a run draws each batch fresh, by its settings."""
    configuration = run.configuration or {}
    return all(key in configuration for key in FRESH)


def _are_losses(validation: Series, train: Series) -> bool:
    """Say whether two series are long enough, finite and not negative, and the first is above 0."""
    for series in (validation, train):
        values = np.asarray(series.values)
        if len(values) < FEWEST or not np.isfinite(values).all():
            return False
        if values.min() < 0:
            return False
    return bool(np.min(validation.values) > 0)


def _late_level(values: Array, share: int) -> float:
    """Return the median of the last part of values, one in ``share`` of them."""
    late = values[-max(1, len(values) // share) :]
    return float(np.median(late))


def _climbs(values: Array) -> bool:
    """Say whether values rise step by step from the first one on."""
    if len(values) < 3 or values[-1] <= values[0]:
        return False
    steps = np.diff(values)
    # Of few steps each is a large share: 1.5 times an even rise is not a jump.
    largest_share = max(LARGEST_STEP, 1.5 / len(steps))
    whole_rise = float(np.ptp(values))
    return float(steps.max()) <= largest_share * whole_rise


def _falls_on(train: Series, best_step: float, fallen: float) -> bool:
    """Say whether the training loss ends at most at a share of what it was at the best evaluation."""
    values = np.asarray(train.values, dtype=np.float64)
    place = int(np.searchsorted(train.steps, best_step))
    near = values[max(0, place - 1) : place + 2]
    if not len(near):
        return False
    level_at_best = float(np.median(near))
    return _late_level(values, share=10) <= fallen * level_at_best


def kept_metric(run: Run, metric: str, best_step: float) -> str | None:
    """Return a metric of the same evaluation, no loss, that is as good at the end as at a step.

    Args:
        run: The run.
        metric: The validation loss.
        best_step: Step at which it is best.
    """
    data = _data_of(metric)
    for name, series in run.history.series.items():
        grows = _grows_by_name(name)
        if grows is None or name == metric or _data_of(name) != data:
            continue
        values = np.asarray(series.values, dtype=np.float64)
        is_before = np.asarray(series.steps) <= best_step
        before = values[is_before][-3:]
        if len(values) < FEWEST or not len(before):
            continue
        level, late = float(np.median(before)), _late_level(values, share=5)
        if (late >= STAYED * level) if grows else (late <= STAYED_LOW * level):
            return name
    return None


def _grows_by_name(name: str) -> bool | None:
    """Say whether higher is better of a metric, by its name; None of losses, and where it does not say."""
    direction = direction_of(name)
    if direction.source == "assumed":
        return None
    if not direction.lower_is_better:
        return True
    words = words_of(name)
    return False if RATES.intersection(words) and LOSS_WORDS.isdisjoint(words) else None


def _data_of(name: str) -> frozenset[str]:
    return frozenset(words_of(name)).intersection((*SPLITS, *TEST_SPLITS))
