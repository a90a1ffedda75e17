"""Performance profile: which share of runs, or of tasks, scores above τ, for each τ?

    runs:   P(τ) = mean over tasks of the share of its runs with x_it > τ
    tasks:  P(τ) = share of the tasks whose mean over seeds is above τ

with one number of seeds in all tasks, the first is the share of all nT runs. It shows what an aggregate
hides: one group lies above another everywhere, or the two cross.

The band is simultaneous: by bootstrap, with s(τ) the standard deviation of resampled profiles P*, c is the
95% quantile of

    max over τ of |P*(τ) - P(τ)| / s(τ),    and the band    P ± c k s,

k the stretch of ``score_aggregates`` for few seeds. Where no resample differs from P, as beyond all scores,
there is no band: that says nothing of other seeds.

Reference: Agarwal et al. (2021), section 4.2; Dolan & Moré (2002), Benchmarking optimization software with
performance profiles (the average-score form).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.score_aggregates import (
    Resampling,
    blocks,
    defect_of_scores,
    fewest_seeds,
    resamples,
)

DRAWS = 2000


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A performance profile.

    Attributes:
        thresholds: Scores τ, of shape (k,).
        share: Share above each, of shape (k,).
        low: Lower end of the simultaneous band, of shape (k,); NaN without one.
        high: Upper end of the band.
        reason: Why there is no band.
    """

    thresholds: Array
    share: Array
    low: Array
    high: Array
    reason: str = ""


def share_of_runs(scores: Array, thresholds: Array) -> Array:
    """Return the share of runs above each threshold, of shape (..., k).

    Args:
        scores: Of shape (..., seeds, tasks), NaN where a seed has none.
        thresholds: Of shape (k,).

    >>> share_of_runs(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.0, 1.0, 2.5])).tolist()
    [1.0, 0.75, 0.5]
    """
    present = np.isfinite(scores)
    counts = np.maximum(present.sum(axis=-2), 1)
    weights = present / counts[..., None, :] / scores.shape[-1]
    shares = [np.sum(weights * (scores > threshold), axis=(-2, -1)) for threshold in thresholds]
    return np.stack(shares, axis=-1)


def share_of_tasks(scores: Array, thresholds: Array) -> Array:
    """Return the share of tasks whose mean is above each threshold, of shape (..., k)."""
    present = np.isfinite(scores)
    counts = np.maximum(present.sum(axis=-2), 1)
    totals = np.sum(np.where(present, scores, 0.0), axis=-2)
    means = totals / counts
    above = means[..., None, :] > thresholds[:, None]
    share: Array = above.mean(axis=-1)
    return share


def profile(
    scores: ArrayLike,
    thresholds: ArrayLike,
    *,
    resampling: Resampling,
    of_tasks: bool = False,
) -> Profile:
    """Return the performance profile of a group.

    Args:
        scores: Of shape (seeds, tasks), larger is better; NaN where a seed has none.
        thresholds: Of shape (k,).
        resampling: How scores are drawn again.
        of_tasks: Whether means of tasks are counted instead of runs.
    """
    x = as_floats(scores)
    tau = as_floats(thresholds)
    statistic = share_of_tasks if of_tasks else share_of_runs
    share = statistic(x, tau)
    nowhere = np.full(len(tau), np.nan)
    reason = defect_of_scores(x)
    if reason:
        return Profile(thresholds=tau, share=share, low=nowhere, high=nowhere, reason=reason)
    rng = np.random.default_rng(resampling.seed)
    parts = []
    for count in blocks(x.size, resampling.draws):
        parts.append(statistic(resamples(x, resampling, rng, count), tau))
    distances = np.abs(np.concatenate(parts) - share)
    spread = np.sqrt(np.mean(distances**2, axis=0))
    moves = spread > 0
    if not moves.any():
        return Profile(thresholds=tau, share=share, low=nowhere, high=nowhere, reason="no resample differs")
    largest = np.max(distances[:, moves] / spread[moves], axis=1)
    width = float(np.quantile(largest, resampling.confidence))
    half = width * resampling.stretch(fewest_seeds(x), x.shape[1]) * spread
    low = np.where(moves, np.maximum(share - half, 0.0), np.nan)
    high = np.where(moves, np.minimum(share + half, 1.0), np.nan)
    return Profile(thresholds=tau, share=share, low=low, high=high)
