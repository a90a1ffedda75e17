"""A dead end: a loss that is logged as a constant because the training has become NaN.

Some trainers do not log NaN. transformers, for one, filters it out of the training loss and logs 0.0, step
after step, while the gradient norm next to it is NaN. To a reader of the loss such a run has the best result
of all. So the judged metric is taken as not finite from the step s on, if from there on to the end

    it does not move at all, at three evaluations or more, and
    another metric, finite before, is not finite any more: from s on, or from one evaluation before.

Reference: transformers.TrainingArguments, ``logging_nan_inf_filter``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.history import Series

FEWEST = 3  # evaluations that do not move


@dataclass(frozen=True)
class DeadEnd:
    """Since when a logged constant stands for NaN.

    Attributes:
        step: The first step at which it does.
        value: What is logged.
        witness: The metric that is not finite any more.
    """

    step: int
    value: float
    witness: str


def dead_end_of(series: Mapping[str, Series], metric: str) -> DeadEnd | None:
    """Return since when a metric is logged as a constant while another is not finite; None where it is not.

    Args:
        series: All metrics of a run, by name.
        metric: The judged one.
    """
    judged = series.get(metric)
    if judged is None or len(judged) < FEWEST:
        return None
    constant = float(judged.values[-1])
    first = _first_of_constant_end(judged.values)
    if not np.isfinite(constant) or len(judged) - first < FEWEST:
        return None
    earliest = judged.steps[max(0, first - 1)]
    constant_steps = judged.steps[first:]
    for name, other in series.items():
        lost_since = _lost_since(other)
        if name == metric or lost_since is None or lost_since < earliest:
            continue
        steps = constant_steps[constant_steps >= lost_since]
        if len(steps) >= FEWEST:
            return DeadEnd(int(steps[0]), constant, witness=name)
    return None


def _first_of_constant_end(values: NDArray[np.float64]) -> int:
    """Return the place from which values stay at the last one."""
    moving = np.flatnonzero(values != values[-1])
    if not len(moving):
        return 0
    return int(moving[-1]) + 1


def as_judged(series: Mapping[str, Series], metric: str) -> Series | None:
    """Return a metric with NaN where a constant stands for it; None where it is not logged.

    Args:
        series: All metrics of a run, by name.
        metric: The judged one.
    """
    judged = series.get(metric)
    dead_end = dead_end_of(series, metric)
    if judged is None or dead_end is None:
        return judged
    values = np.where(judged.steps >= dead_end.step, np.nan, judged.values)
    return Series(judged.steps, values)


def _lost_since(series: Series) -> int | None:
    """Return the step from which a metric that was finite is not finite any more, to its end."""
    finite = np.flatnonzero(np.isfinite(series.values))
    if not len(finite):
        return None
    first_lost = int(finite[-1]) + 1
    if first_lost >= len(series):
        return None
    return int(series.steps[first_lost])
