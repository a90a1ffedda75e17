"""Interquartile mean: the mean of the middle half, over seeds and tasks together.

Of the n values the ⌊n/4⌋ smallest and the ⌊n/4⌋ largest are left out, and the rest averaged: seeds that
diverged cannot decide it as they decide a mean, and it wastes less than a median does. With several tasks all
scores stand in one row, so they must be in one unit.

The interval is the percentile one of a stratified bootstrap: within each task seeds are drawn again, as many
as there are, and tasks stay; it speaks of other seeds on these tasks. With few seeds of one task it is too
short: ``coverage`` says by how much.

Reference: Agarwal et al. (2021), Deep Reinforcement Learning at the Edge of the Statistical Precipice,
section 4.3 (IQM) and 4.1 (stratified bootstrap).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.bootstrap import DRAWS
from ired_diag.stats.defects import ROUNDING, defect_of
from ired_diag.stats.summary import CONFIDENCE

LEAST_SCORES = 4  # with fewer, nothing is left out
BLOCK = 4_000_000  # values drawn at a time: 32 MB


@dataclass(frozen=True, kw_only=True)
class InterquartileMean:
    """An interquartile mean and its interval.

    Attributes:
        value: The mean of the middle half.
        low: Lower end of the bootstrap interval.
        high: Upper end of the interval.
        seeds: Scores of each task.
        tasks: Number of tasks.
        left_out: How many scores the value leaves out on each side.
        reason: Why something is NaN.
    """

    value: float
    low: float
    high: float
    seeds: int
    tasks: int
    left_out: int
    reason: str = ""


def interquartile_mean(
    scores: ArrayLike, *, seed: int, draws: int = DRAWS, confidence: float = CONFIDENCE
) -> InterquartileMean:
    """Return the interquartile mean and its interval.

    Args:
        scores: Of shape (seeds,) or (seeds, tasks), tasks in one unit.
        seed: Random seed of the resamples.
        draws: Number of resamples.
        confidence: Confidence level of the interval.

    >>> interquartile_mean([1.0, 2.0, 3.0, 4.0, 1000.0], seed=0).value
    3.0
    """
    values = as_floats(scores)
    x = values.reshape(len(values), -1) if values.size else values.reshape(0, 1)
    seeds, tasks = x.shape
    mean = InterquartileMean(
        value=math.nan,
        low=math.nan,
        high=math.nan,
        seeds=seeds,
        tasks=tasks,
        left_out=x.size // 4,
    )
    if defect := defect_of(x.ravel(), fewest=LEAST_SCORES) or defect_of(x[:, 0]):
        return replace(mean, reason=defect)
    value = float(middle_mean(x.reshape(1, -1))[0])
    rounding = ROUNDING * np.abs(x).max()
    if (np.ptp(x, axis=0) <= rounding).all():
        return replace(mean, value=value, reason="no spread to draw from")
    drawn = _resampled(x, draws, np.random.default_rng(seed))
    levels = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(drawn, levels).tolist()
    return replace(mean, value=value, low=low, high=high)


def middle_mean(rows: Array) -> Array:
    """Return the mean of the middle half of each row, of shape (rows, n)."""
    n = rows.shape[-1]
    cut = n // 4
    ordered = np.sort(rows, axis=-1)
    middle: Array = ordered[..., cut : n - cut].mean(axis=-1)
    return middle


def _resampled(x: Array, draws: int, rng: np.random.Generator) -> Array:
    seeds, tasks = x.shape
    columns = np.arange(tasks)
    block = max(1, BLOCK // x.size)
    parts = []
    for first in range(0, draws, block):
        count = min(block, draws - first)
        chosen = rng.integers(seeds, size=(count, seeds, tasks))
        scores = x[chosen, columns].reshape(count, -1)
        parts.append(middle_mean(scores))
    return np.concatenate(parts)
