"""Worst rank: is one group better than another where some seeds have failed and have no number?

To leave a failed seed out flatters its method. Its number is unknown, but its place is not: a run that ended
in NaN is worse than every run that did not. Lachin gives all failed seeds the same rank, below the worst
number, and compares the ranks of all seeds with the test of Mann & Whitney. Its statistic, over n_a n_b, is

    P(a better than b) = (seeds of a that beat a seed of b + ½ ties) / (n_a n_b),

where two failed seeds tie.

Under the null hypothesis each choice of n_a of the N seeds is as likely to be group a as any other. With
w_i twice the mid-rank of seed i, the number of choices with rank sum s follows from one pass over the seeds,

    C_i(m, s) = C_{i-1}(m, s) + C_{i-1}(m - 1, s - w_i),

which is exact with ties (the shift algorithm of Streitberg & Röhmel). The p is two-sided: twice the smaller
one-sided one, at most 1. Above ``EXACT_UP_TO`` seeds it is that of the normal distribution with the
variance for ties and the continuity correction.

The test asks whether outcomes as a whole, failures included, are better. It does not say whether the seeds
that succeeded differ: for that compare their means, and the rates of success next to them.

References: Lachin (1999), Worst-rank score analysis with informatively missing observations in clinical
trials, Controlled Clinical Trials 20; Mann & Whitney (1947); Streitberg & Röhmel (1986), Exact distributions
for permutation and rank tests.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.smallest_p import smallest_two_sample_p

EXACT_UP_TO = 60  # seeds of both groups


@dataclass(frozen=True, kw_only=True)
class WorstRank:
    """A comparison of all seeds, the failed ones at the worst rank.

    Attributes:
        p: Two-sided.
        probability: That a seed of a is better than one of b, ties counted half.
        better: The group whose seeds are better more often; "neither" at a probability of ½.
        n_a: Seeds of a, failed ones included.
        n_b: Seeds of b, failed ones included.
        failed_a: How many of them failed.
        failed_b: How many seeds of b failed.
        smallest_p: The smallest p that groups of these sizes can reach with these failures.
        method: How p was computed.
        reason: Why p is NaN, where it is.
    """

    p: float
    probability: float
    better: Literal["a", "b", "neither"]
    n_a: int
    n_b: int
    failed_a: int
    failed_b: int
    smallest_p: float
    method: Literal["exact", "normal", ""]
    reason: str = ""


def worst_rank_test(
    a: ArrayLike,
    b: ArrayLike,
    *,
    failed_a: int,
    failed_b: int,
    lower_is_better: bool,
) -> WorstRank:
    """Return Lachin's test of two groups.

    Args:
        a: Numbers of the seeds of a that did not fail, of shape (n,), which may be empty.
        b: Numbers of the seeds of b that did not fail, likewise.
        failed_a: How many further seeds of a failed.
        failed_b: How many seeds of b failed.
        lower_is_better: Direction of the numbers.

    >>> worst_rank_test([1, 2, 3, 4, 5], [6, 7, 8], failed_a=0, failed_b=2, lower_is_better=True).p
    0.007936507936507936
    """
    x = _scores(a, failed_a, lower_is_better)
    y = _scores(b, failed_b, lower_is_better)
    n_a = len(x)
    n_b = len(y)
    finished = (n_a - failed_a, n_b - failed_b)
    failed = (failed_a, failed_b)
    untested = WorstRank(
        p=math.nan,
        probability=math.nan,
        better="neither",
        n_a=n_a,
        n_b=n_b,
        failed_a=failed_a,
        failed_b=failed_b,
        smallest_p=_smallest_p(finished, failed),
        method="",
    )
    if reason := _defect(x, y):
        return replace(untested, reason=reason)
    pooled = np.concatenate([x, y])
    scores, place = np.unique(pooled, return_inverse=True)
    counts = np.bincount(place, minlength=len(scores))
    ties = tuple(counts.tolist())
    ranks = _doubled_ranks(ties)
    rank_sum = int(ranks[place[:n_a]].sum())
    smallest_sum = n_a * (n_a + 1) / 2
    wins = rank_sum / 2 - smallest_sum
    probability = wins / (n_a * n_b)
    method: Literal["exact", "normal"] = "normal"
    if n_a + n_b <= EXACT_UP_TO:
        method = "exact"
    return replace(
        untested,
        p=_p_of(ties, n_a, rank_sum),
        probability=probability,
        better=_better(probability),
        method=method,
    )


def _better(probability: float) -> Literal["a", "b", "neither"]:
    if probability > 0.5:
        return "a"
    if probability < 0.5:
        return "b"
    return "neither"


def _p_of(ties: tuple[int, ...], n_a: int, rank_sum: int) -> float:
    if sum(ties) <= EXACT_UP_TO:
        return _exact_p(ties, n_a, rank_sum)
    return _normal_p(ties, n_a, rank_sum)


def _smallest_p(finished: tuple[int, int], failed: tuple[int, int]) -> float:
    """Return the p where all finished seeds of one group are better than all of the other, all different."""
    finished_a, finished_b = finished
    failed_a, failed_b = failed
    n_a = finished_a + failed_a
    n_b = finished_b + failed_b
    lost = failed_a + failed_b
    if not n_a or not n_b:
        return math.nan
    if not lost:
        return smallest_two_sample_p(n_a, n_b)
    all_different = [1] * (finished_a + finished_b)
    ties = (lost, *all_different)
    ranks = _doubled_ranks(ties)
    best = ranks[len(ranks) - finished_a :]
    worst = ranks[1 : 1 + finished_a]
    of_failed = failed_a * ranks[0]
    where_best = _p_of(ties, n_a, int(of_failed + best.sum()))
    where_worst = _p_of(ties, n_a, int(of_failed + worst.sum()))
    return min(where_best, where_worst)


def _scores(values: ArrayLike, failed: int, lower_is_better: bool) -> Array:
    """Return one score a seed, larger is better, -inf for a failed one."""
    if failed < 0:
        raise ValueError(f"expected a number of failed seeds of at least 0, got {failed!r}")
    numbers = as_floats(values).reshape(-1)
    if not np.isfinite(numbers).all():
        raise ValueError("expected finite numbers: count a seed that is not finite among the failed ones")
    if lower_is_better:
        numbers = -numbers
    worst = np.full(failed, -math.inf)
    return np.concatenate([numbers, worst])


def _defect(x: Array, y: Array) -> str:
    """Say why the groups cannot be compared."""
    if not len(x) or not len(y):
        return f"{len(x)} and {len(y)} seeds: at least 1 of each is needed"
    finished_a = np.isfinite(x)
    finished_b = np.isfinite(y)
    if not finished_a.any() and not finished_b.any():
        return "all seeds of both groups failed"
    return ""


@functools.lru_cache(maxsize=4096)
def _doubled_ranks(ties: tuple[int, ...]) -> NDArray[np.int64]:
    """Return twice the mid-rank of each distinct score; ``ties`` counts its seeds, worst score first."""
    counts = np.array(ties, dtype=np.int64)
    return 2 * np.cumsum(counts) - counts + 1


@functools.lru_cache(maxsize=4096)
def _choices(ties: tuple[int, ...], n_a: int) -> Array:
    """Return how many choices of n_a seeds have each doubled rank sum."""
    weights = np.repeat(_doubled_ranks(ties), ties)
    sums = int(weights.sum()) + 1
    choices = np.zeros((n_a + 1, sums))
    choices[0, 0] = 1.0
    for w in weights.tolist():
        without = choices[:-1, : sums - w].copy()
        choices[1:, w:] += without
    counts: Array = choices[n_a]
    return counts


def _exact_p(ties: tuple[int, ...], n_a: int, rank_sum: int) -> float:
    counts = _choices(ties, n_a)
    at_least = float(counts[rank_sum:].sum())
    at_most = float(counts[: rank_sum + 1].sum())
    every_choice = float(counts.sum())
    p = 2 * min(at_least, at_most) / every_choice
    return min(1.0, p)


def _normal_p(ties: tuple[int, ...], n_a: int, rank_sum: int) -> float:
    counts = np.array(ties, dtype=np.float64)
    n = float(counts.sum())
    tied_counts = float(np.sum(counts**3 - counts))
    tied = tied_counts / (n * (n - 1))
    variance = n_a * (n - n_a) / 12 * (n + 1 - tied)
    if variance == 0:
        return 1.0
    expected = n_a * (n + 1) / 2
    distance = abs(rank_sum / 2 - expected) - 0.5
    z = max(0.0, distance) / math.sqrt(variance)
    tail = float(special.ndtr(-z))
    return min(1.0, 2 * tail)
