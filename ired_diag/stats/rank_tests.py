"""Rank tests: is a larger than b, whatever the shape of their distributions?

    Mann-Whitney:  U = #{(i, j): aᵢ > bⱼ} + ½ #{(i, j): aᵢ = bⱼ}      of the n_a n_b pairs
    Wilcoxon:      W = Σ ranks of |dᵢ| over dᵢ > 0,   d = a - b seed by seed, dᵢ = 0 left out

Both are two-sided and twice the smaller tail. Swapping a and b gives n_a n_b - U and n(n + 1)/2 - W. R's
wilcox.test prints the same U (as W) and W (as V); scipy's wilcoxon the smaller of W and its mirror.

Without ties p is exact up to 50 values a sample. With ties scipy's exact null distribution is wrong, but
the tests are permutation tests of ranks, so p is counted over all arrangements of the tied ranks: up to 14
pairs, or 200,000 splits (10 values against 10). Else p is the normal approximation, its variance corrected
for ties and half a unit taken off for continuity. ``method`` says which.

References: Mann & Whitney (1947), On a Test of Whether One of Two Random Variables is Stochastically
Larger; Wilcoxon (1945), Individual Comparisons by Ranking Methods; Hollander, Wolfe & Chicken (2014),
Nonparametric Statistical Methods, sections 3.1 and 4.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import ArrayLike

from ired_diag.stats.defects import Sample, as_sample, defect_of, left_out
from ired_diag.stats.permutation import EXACT_PAIRS, EXACT_SPLITS, sign_flip, two_samples

LARGEST_EXACT = 50  # values a sample; beyond, the normal approximation is within 5% of a p near 0.05

Method = Literal["exact", "normal approximation", "none"]


@dataclass(frozen=True)
class RankTest:
    """One rank test of a against b.

    Attributes:
        statistic: U or W; large where a is larger.
        p: Two-sided p value.
        n: Number of values of both samples, or of pairs that differ.
        method: How p was found.
        reason: Why the numbers are NaN, or what was left out.
    """

    statistic: float
    p: float
    n: int
    method: Method
    reason: str = ""


def mann_whitney(a: ArrayLike, b: ArrayLike) -> RankTest:
    """Return the Mann-Whitney U test of two samples of shapes (n_a,) and (n_b,).

    >>> mann_whitney([4.0, 5.0, 6.0], [1.0, 2.0, 3.0])
    RankTest(statistic=9.0, p=0.1, n=6, method='exact', reason='')
    """
    x = as_sample(a)
    y = as_sample(b)
    n_a = len(x)
    n = n_a + len(y)
    if defect := defect_of(x, y, fewest=1):
        return _untested(n, defect)
    ranks = scipy.stats.rankdata(np.concatenate([x, y]))
    ranks_x = ranks[:n_a]
    ranks_y = ranks[n_a:]
    smallest_sum = n_a * (n_a + 1) / 2
    statistic = float(ranks_x.sum()) - smallest_sum
    if np.ptp(ranks) == 0:
        untested = _untested(n, "all values are equal")
        return replace(untested, statistic=statistic)
    tied = _tied(ranks)
    larger = max(n_a, len(y))
    method: Method = "exact"
    if tied and math.comb(n, n_a) <= EXACT_SPLITS:
        p = two_samples(ranks_x, ranks_y).p
    elif tied or larger > LARGEST_EXACT:
        method = "normal approximation"
        test = scipy.stats.mannwhitneyu(x, y, method="asymptotic")
        p = float(test.pvalue)
    else:
        test = scipy.stats.mannwhitneyu(x, y, method="exact")
        p = float(test.pvalue)
    return RankTest(
        statistic=statistic,
        p=p,
        n=n,
        method=method,
    )


def wilcoxon(a: ArrayLike, b: ArrayLike) -> RankTest:
    """Return Wilcoxon's signed rank test of two samples of shape (n,), the i-th of each belonging together.

    >>> wilcoxon([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    RankTest(statistic=6.0, p=0.25, n=3, method='exact', reason='')
    """
    x = as_sample(a)
    y = as_sample(b)
    if defect := defect_of(x, y, fewest=1, paired=True):
        shorter = min(len(x), len(y))
        return _untested(shorter, defect)
    pairs = len(x)
    differences = _differences(x, y)
    d = differences[differences != 0]
    n = len(d)
    if n == 0:
        return _untested(0, "the two of every pair are equal")
    ranks = scipy.stats.rankdata(np.abs(d))
    signed = np.sign(d) * ranks
    positive_ranks = ranks[d > 0]
    tied = _tied(ranks)
    method: Method = "exact"
    if tied and n <= EXACT_PAIRS:
        p = sign_flip(signed, np.zeros(n)).p
    elif tied or n > LARGEST_EXACT:
        method = "normal approximation"
        test = scipy.stats.wilcoxon(signed, correction=True, method="auto")
        p = float(test.pvalue)
    else:
        test = scipy.stats.wilcoxon(signed, correction=True, method="exact")
        p = float(test.pvalue)
    return RankTest(
        statistic=float(positive_ranks.sum()),
        p=p,
        n=n,
        method=method,
        reason=left_out(pairs - n, pairs, "pairs are equal and left out"),
    )


def _untested(n: int, reason: str) -> RankTest:
    return RankTest(
        statistic=math.nan,
        p=math.nan,
        n=n,
        method="none",
        reason=reason,
    )


def _differences(x: Sample, y: Sample) -> Sample:
    """Return x - y to 13 digits of the largest value, so that 1.1 - 0.9 and 0.3 - 0.1 are a tie."""
    differences = x - y
    largest_x = np.abs(x).max()
    largest_y = np.abs(y).max()
    scale = max(largest_x, largest_y)
    if scale < 1e-280:  # rounding would need a power of ten that is no float
        return differences
    exponent = math.floor(math.log10(scale))
    return np.round(differences, 12 - exponent)


def _tied(ranks: Sample) -> bool:
    different = np.unique(ranks)
    return len(different) < len(ranks)
