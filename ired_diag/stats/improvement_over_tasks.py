"""Probability of improvement over tasks: how often is a run of a better than a run of b on the same task?

    P = 1/T Σ_t P_t,    P_t = (pairs of runs in which a is better + ½ ties) / (n_a n_b)

with P_t the Mann-Whitney probability of task t (``improvement``), whose interval l_t to u_t is kept. The
interval of P is the wider one of two, at each end. The published one is the stratified bootstrap, here
stretched for few seeds (``score_aggregates``). But where every run of a is better on a task, no resample
differs there, while few runs cannot exclude that others would be worse. That is counted by Zou & Donner's way
from intervals of parts to one of their mean (MOVER), for tasks that are independent,

    P - 1/T √(Σ_t (P_t - l_t)²)    to    P + 1/T √(Σ_t (u_t - P_t)²).

Where seeds are shared by the tasks, whole seeds are drawn, and of both groups together where they are pairs.

References: Agarwal et al. (2021), section 4.3; Zou & Donner (2008), Construction of confidence limits about
effect measures, Statistics in Medicine 27.
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


@dataclass(frozen=True, kw_only=True)
class ImprovementOverTasks:
    """How often a run of a is better than a run of b.

    Attributes:
        mean: The mean over tasks, with its interval.
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
        task = improvement_unpaired(
            of_a[np.isfinite(of_a)],
            of_b[np.isfinite(of_b)],
            lower_is_better=False,
        )
        tasks.append(task)
    value = float(probabilities(x, y).mean())
    reason = defect_of_scores(x) or defect_of_scores(y)
    if reason:
        mean = Aggregate(
            value=value,
            low=math.nan,
            high=math.nan,
            reason=reason,
        )
        return ImprovementOverTasks(mean=mean, tasks=tasks)
    drawn = _drawn(x, y, resampling=resampling, paired=paired)
    seeds = min(fewest_seeds(x), fewest_seeds(y))
    bootstrap = resampling.interval(
        value,
        drawn,
        seeds=seeds,
        tasks=x.shape[1],
    )
    low, high = wider_interval(value, bootstrap, tasks)
    mean = Aggregate(value=value, low=low, high=high)
    return ImprovementOverTasks(mean=mean, tasks=tasks)


def wider_interval(
    value: float,
    bootstrap: tuple[float, float],
    tasks: Sequence[Improvement],
) -> tuple[float, float]:
    """Return the wider one, at each end, of a bootstrap interval and that from the intervals of tasks.

    Args:
        value: The mean probability.
        bootstrap: Ends of the bootstrap interval.
        tasks: The probability of each task with its interval.
    """
    below = [(task.probability - task.low) ** 2 for task in tasks]
    above = [(task.high - task.probability) ** 2 for task in tasks]
    count = len(tasks)
    low = min(bootstrap[0], value - math.sqrt(sum(below)) / count)
    high = max(bootstrap[1], value + math.sqrt(sum(above)) / count)
    return max(low, 0.0), min(high, 1.0)


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


def _drawn(
    x: Array,
    y: Array,
    *,
    resampling: Resampling,
    paired: bool,
) -> Array:
    rng = np.random.default_rng(resampling.seed)
    couples = len(x) * len(y) * x.shape[1]
    tasks = x.shape[1]
    parts = []
    for count in blocks(couples, resampling.draws):
        if paired and not resampling.separate:
            together = resamples(
                np.hstack([x, y]),
                resampling,
                rng,
                count,
            )
            of_a, of_b = together[..., :tasks], together[..., tasks:]
        else:
            of_a = resamples(x, resampling, rng, count)
            of_b = resamples(y, resampling, rng, count)
        parts.append(probabilities(of_a, of_b).mean(axis=-1))
    return np.concatenate(parts)
