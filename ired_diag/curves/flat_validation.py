"""Why an evaluation metric stays flat: the training, the data, or the noise?

A run is called stuck where its judged metric has won nothing beyond noise. Two things can be seen of it that
make this no accusation of the optimiser:

**The training loss falls** to 4/5 or less. Then the optimiser works. What it learns does not carry over to
the validation data, or all that does was learned before the first evaluation, as in a fine-tuning. (Where
each batch is drawn fresh, training and validation data are the same, and a difference is a mistake.)

**The noise hides a gain.** With standard deviation s of one evaluation, in nats, the means of two halves of n
evaluations differ by noise with a standard error of 2 s / sqrt(n). A gain below two of these is not seen:
``hidden_gain`` nats.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ired_diag.curves.shape import Shape
from ired_diag.runs.evaluation_metric import is_of_training, training_metric
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import LOWER, TRAINING, words_of
from ired_diag.runs.over_fitting import draws_fresh_batches
from ired_diag.runs.run import Run

FALLEN = 0.8
FEWEST = 5  # values of a training loss
STANDARD_ERRORS = 2.0
OF_TRAINING = frozenset(TRAINING)

Values = NDArray[np.float64]


def falling_training_loss(run: Run) -> str | None:
    """Return a training loss that falls while the judged metric stays flat; None where none does."""
    names = run.history.series
    metric = run.judging_metric
    if metric is None or is_of_training(metric, names):
        return None
    if draws_fresh_batches(run):
        return None
    losses = []
    twin = training_metric(metric, names)
    if twin is not None and run.direction_of(twin).lower_is_better:
        losses.append(twin)
    for name in names:
        if _is_training_loss(name):
            losses.append(name)
    for name in losses:
        if _falls(names[name]):
            return name
    return None


def hidden_gain(shape: Shape, evaluations: int) -> float:
    """Return the gain, in nats, below which the noise of a flat curve hides it.

    Args:
        shape: Of the curve, with its noise.
        evaluations: How many the curve has.
    """
    n = max(1, evaluations)
    standard_error = 2.0 * shape.noise / np.sqrt(n)
    return float(STANDARD_ERRORS * standard_error)


def _is_training_loss(name: str) -> bool:
    words = words_of(name)
    is_of_training_data = not OF_TRAINING.isdisjoint(words)
    return is_of_training_data and not LOWER.isdisjoint(words)


def _falls(series: Series) -> bool:
    values: Values = np.asarray(series.values, dtype=np.float64)
    if len(values) < FEWEST:
        return False
    if not np.isfinite(values).all() or values.min() < 0:
        return False
    fifth = max(1, len(values) // 5)
    first = float(np.median(values[:fifth]))
    last = float(np.median(values[-fifth:]))
    return last <= FALLEN * first
