"""Smallest p: how small can the p of an exact test get at this many values?

An exact test counts arrangements. The most extreme one and its mirror image are 2 of them, so two-sided

    pairs:        2 / 2^n              sign flips, and Wilcoxon's signed ranks
    two samples:  2 / C(n_a + n_b, n_a)  permutations, and Mann-Whitney's ranks,

where no values are tied; ties only make it larger. Below that no data can take it, whatever the effect: with
5 pairs p ≥ 0.0625, and 5% is out of reach. The two-sided p is twice the smaller one-sided one, at most 1. A
Monte Carlo test with m draws has p ≥ 1 / (m + 1) as well.

References: Ernst (2004), Permutation Methods: A Basis for Exact Inference; Phipson & Smyth (2010),
Permutation P-values Should Never Be Zero.
"""

from __future__ import annotations

import math


def smallest_paired_p(n: int) -> float:
    """Return the smallest two-sided p of a sign-flip or Wilcoxon test of n pairs; NaN without pairs.

    >>> smallest_paired_p(10)
    0.001953125
    """
    return 2.0 ** (1 - n) if n >= 1 else math.nan


def smallest_two_sample_p(n_a: int, n_b: int) -> float:
    """Return the smallest two-sided p of a permutation or Mann-Whitney test; NaN where a sample is empty.

    >>> smallest_two_sample_p(3, 3)
    0.1
    """
    return min(1.0, 2 / math.comb(n_a + n_b, n_a)) if min(n_a, n_b) >= 1 else math.nan
