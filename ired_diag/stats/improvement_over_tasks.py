"""Probability of improvement over tasks: how often is a run of a better than a run of b on the same task?

    P = 1/T Σ_t P_t,    P_t = (pairs of runs in which a is better + ½ ties) / (n_a n_b)

with P_t the Mann-Whitney probability of task t (``improvement``), whose interval is kept. The interval of P
is by the stratified bootstrap of ``score_aggregates``, stretched for few seeds. Where every run of a is
better on every task, or every one worse, no resample differs and there is none: few runs cannot exclude that
others would be worse.

Where seeds are shared by the tasks, whole seeds are drawn, and of both groups together where they are pairs.

Reference: Agarwal et al. (2021), section 4.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.improvement import Improvement, improvement_unpaired
from ired_diag.stats.score_aggregates import (
    Aggregate,
    Resampling,
    blocks,
    defect_of_scores,
    fewest_seeds,
    resamples,
)

NO_WIDTH = "every resample gives the same probability"


@dataclass(frozen=True, kw_only=True)
class ImprovementOverTasks:
    """How often a run of a is better than a run of b.

    Attributes:
        mean: The mean over tasks, with its bootstrap interval.
        tasks: The probability of each task, with its interval.
    """

    mean: Aggregate
    tasks: Sequence[Improvement]


def improvement_over_tasks(
    a: ArrayLike,
    b: ArrayLike,
    *,
    resampling: Resampling,
    paired: bool = False,
) -> ImprovementOverTasks:
    """Return the probability of improvement, by task and on average.

    Args:
        a: Scores of the one group, of shape (seeds, tasks), larger is better; NaN where a seed has none.
        b: Scores of the other, of the same tasks.
        resampling: How scores are drawn again.
        paired: Whether equal rows of a and b are drawn together; only where seeds are drawn whole.
    """
    x = as_floats(a)
    y = as_floats(b)
    tasks = []
    for t in range(x.shape[1]):
        of_a, of_b = x[:, t], y[:, t]
        task = improvement_unpaired(of_a[np.isfinite(of_a)], of_b[np.isfinite(of_b)], lower_is_better=False)
        tasks.append(task)
    value = float(probabilities(x, y).mean())
    mean = _with_interval(value, x, y, resampling=resampling, paired=paired)
    return ImprovementOverTasks(mean=mean, tasks=tasks)


def probabilities(a: Array, b: Array) -> Array:
    """Return the probability that a is better, ties counted half, of shape (..., tasks).

    Args:
        a: Scores of shape (..., seeds_a, tasks), NaN where a seed has none.
        b: Scores of shape (..., seeds_b, tasks).
    """
    gains = a[..., :, None, :] - b[..., None, :, :]
    is_couple = np.isfinite(gains)
    wins = np.where(is_couple, (np.sign(gains) + 1) / 2, 0.0)
    couples = is_couple.sum(axis=(-3, -2))
    total = wins.sum(axis=(-3, -2))
    with np.errstate(invalid="ignore"):
        share: Array = total / np.where(couples > 0, couples, math.nan)
    return share


def _with_interval(value: float, x: Array, y: Array, *, resampling: Resampling, paired: bool) -> Aggregate:
    reason = defect_of_scores(x) or defect_of_scores(y)
    if reason:
        return Aggregate(value=value, low=math.nan, high=math.nan, reason=reason)
    drawn = _drawn(x, y, resampling=resampling, paired=paired)
    if np.ptp(drawn[np.isfinite(drawn)]) == 0:
        return Aggregate(value=value, low=math.nan, high=math.nan, reason=NO_WIDTH)
    seeds = min(fewest_seeds(x), fewest_seeds(y))
    low, high = resampling.interval(value, drawn, seeds=seeds, tasks=x.shape[1])
    return Aggregate(value=value, low=max(low, 0.0), high=min(high, 1.0))


def _drawn(x: Array, y: Array, *, resampling: Resampling, paired: bool) -> Array:
    rng = np.random.default_rng(resampling.seed)
    couples = len(x) * len(y) * x.shape[1]
    tasks = x.shape[1]
    parts = []
    for count in blocks(couples, resampling.draws):
        if paired and not resampling.separate:
            together = resamples(np.hstack([x, y]), resampling, rng, count)
            of_a, of_b = together[..., :tasks], together[..., tasks:]
        else:
            of_a = resamples(x, resampling, rng, count)
            of_b = resamples(y, resampling, rng, count)
        parts.append(probabilities(of_a, of_b).mean(axis=-1))
    return np.concatenate(parts)
