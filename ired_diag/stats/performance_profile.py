"""Performance profile: which share of runs, or of tasks, scores above τ, for each τ?

    runs:   P(τ) = mean over tasks of the share of its runs with x_it > τ
    tasks:  P(τ) = share of the tasks whose mean over seeds is above τ

with one number of seeds in all tasks, the first is the share of all nT runs. It shows what an aggregate
hides: one group lies above another everywhere, or the two cross.

The band of the first is simultaneous: by bootstrap, with s(τ)² the mean square of P*(τ) - P(τ) over resampled
profiles P*, plus f², c is the 95% quantile of

    max over τ of |P*(τ) - P(τ)| / s(τ),    and the band    P ± c k s,

k the stretch of ``score_aggregates`` for few seeds. The floor f = 3 / nT is for both ends: where no run lies
beyond τ, no resample has one, and other seeds might. Where whole seeds are drawn it is ⁴√T times as large.
Without the floor the band holds the whole profile in 65% of simulated cases, with it in 92 to 100% (3 to 10
seeds, 5 and 12 tasks). For the share of tasks no band is known that holds with few seeds, and none is made.

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
RUNS_BEYOND = 3.0
NO_BAND_OF_TASKS = "no band of the share of tasks is known to hold"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A performance profile.

    Attributes:
        thresholds: Scores τ, of shape (k,).
        share: Share above each, of shape (k,).
        low: Lower end of the simultaneous band, of shape (k,); NaN without a band.
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
    reason = defect_of_scores(x)
    if of_tasks:
        reason = NO_BAND_OF_TASKS
    if reason:
        nowhere = np.full(len(tau), np.nan)
        return Profile(
            thresholds=tau,
            share=share,
            low=nowhere,
            high=nowhere,
            reason=reason,
        )
    rng = np.random.default_rng(resampling.seed)
    parts = []
    for count in blocks(x.size, resampling.draws):
        drawn = resamples(x, resampling, rng, count)
        parts.append(share_of_runs(drawn, tau))
    distances = np.abs(np.concatenate(parts) - share)
    squares = np.mean(distances**2, axis=0)
    floor = _floor(x, separate=resampling.separate)
    spread = np.sqrt(squares + floor**2)
    largest = np.max(distances / spread, axis=1)
    width = float(np.quantile(largest, resampling.confidence))
    stretch = resampling.stretch(fewest_seeds(x), x.shape[1])
    half = width * stretch * spread
    low = np.maximum(share - half, 0.0)
    high = np.minimum(share + half, 1.0)
    return Profile(thresholds=tau, share=share, low=low, high=high)


def _floor(scores: Array, *, separate: bool) -> float:
    """Return the least spread of a share, for what no resample shows."""
    runs = int(np.isfinite(scores).sum())
    floor = RUNS_BEYOND / runs
    if not separate:
        floor *= float(scores.shape[1]) ** 0.25
    return floor
