"""Partially paired with unequal spreads: two groups of unequal size that share a part of their seeds.

REML (``stats.partially_paired``) takes both groups to have the same variance. With groups of unequal size its
level is wrong where they have not: too large where the smaller group has the larger spread. Here each group
has its own variance, as in Welch's test, and the m pairs take out what they share. With n_a and n_b seeds,

    d = x̄_a - x̄_b,    se² = s_a²/n_a + s_b²/n_b - 2 r s_a s_b m / (n_a n_b),

s_a and s_b of all seeds of a group, r Pearson's correlation of the pairs; se² ≥ 0, since m ≤ √(n_a n_b). The
degrees of freedom lie between those of the paired test, m - 1, and Welch's, γ, by the share of seeds that
only one group has, k = n_a + n_b - 2m:

    ν = (m - 1) + (γ - m + 1) k / (k + 2m).

On complete pairs this is the paired t test, without pairs it is Welch's. A group of 3 seeds that are all
shared with a group of 7 or more has too many false alarms (7.2%), and gets m - 1 degrees of freedom. The
simulated levels are in ``stats.pairing_design``.

Reference: Derrick, Russ, Toher & White (2017), Test statistics for the comparison of means for two samples
that include both paired and independent observations, Journal of Modern Applied Statistical Methods 16(1).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array
from ired_diag.stats.partially_paired import (
    Fit,
    PartialPairs,
    arrays_of_design,
    defect_of_pairs,
    t_test_of_estimate,
    without_comparison,
)
from ired_diag.stats.summary import CONFIDENCE

FEW_SHARED, MANY_OTHERS = 3, 4  # a group of so many seeds, all shared, against one with so many others


def partially_paired_unequal(
    pairs: ArrayLike,
    only_a: ArrayLike,
    only_b: ArrayLike,
    *,
    confidence: float = CONFIDENCE,
) -> PartialPairs:
    """Return the comparison of two groups by all of their seeds, each group with its own variance.

    Args:
        pairs: Numbers of the shared seeds, of shape (2, shared): those of a, then those of b.
        only_a: Numbers of the seeds that only a has, of shape (n,), which may be empty.
        only_b: Numbers of the seeds that only b has, likewise.
        confidence: Confidence level of the interval of the difference.

    >>> result = partially_paired_unequal([[1.0, 2.0, 4.0], [2.0, 3.5, 5.0]], [2.5], [])
    >>> round(result.difference, 3), round(result.test.df, 2)
    (-1.125, 2.27)
    """
    shared, x, y = arrays_of_design(pairs, only_a, only_b)
    if reason := defect_of_pairs(shared, x, y):
        return without_comparison(shared, x, y, reason=reason)
    fit = fit_unequal(shared, x, y)
    difference = float(fit.difference)
    error = math.sqrt(float(fit.variance))
    m = shared.shape[1]
    test = t_test_of_estimate(
        difference,
        error,
        float(fit.df),
        n=m + len(x) + len(y),
        confidence=confidence,
    )
    return PartialPairs(
        difference=difference,
        standard_error=error,
        correlation=float(fit.correlation),
        shared=m,
        only_a=len(x),
        only_b=len(y),
        test=test,
    )


def fit_unequal(pairs: Array, only_a: Array, only_b: Array) -> Fit:
    """Return the estimates of one study or of many at once.

    Args:
        pairs: Numbers of the shared seeds, of shape (..., 2, shared), 2 or more.
        only_a: Numbers of the seeds that only a has, of shape (..., n_a).
        only_b: Numbers of the seeds that only b has, of shape (..., n_b).
    """
    m = pairs.shape[-1]
    a = np.concatenate([pairs[..., 0, :], only_a], axis=-1)
    b = np.concatenate([pairs[..., 1, :], only_b], axis=-1)
    n_a = a.shape[-1]
    n_b = b.shape[-1]
    variance_a = a.var(axis=-1, ddof=1)
    variance_b = b.var(axis=-1, ddof=1)
    part_a = variance_a / n_a
    part_b = variance_b / n_b
    both_parts = part_a + part_b
    correlation = _correlation(pairs)
    geometric_mean = np.sqrt(variance_a * variance_b)
    shared = 2 * correlation * geometric_mean * m / (n_a * n_b)
    scale = part_a**2 / (n_a - 1) + part_b**2 / (n_b - 1)
    usable_scale = np.where(scale > 0, scale, math.nan)
    welch = both_parts**2 / usable_scale
    singles = n_a + n_b - 2 * m
    df = (m - 1) + (welch - m + 1) * singles / (singles + 2 * m)
    if is_conservative(m, only_a.shape[-1], only_b.shape[-1]):
        df = np.minimum(df, m - 1.0)
    return Fit(
        difference=a.mean(axis=-1) - b.mean(axis=-1),
        variance=both_parts - shared,
        correlation=correlation,
        df=df,
    )


def is_conservative(shared: int, only_a: int, only_b: int) -> bool:
    """Say whether the design is one that gets shared - 1 degrees of freedom."""
    fewer = min(only_a, only_b)
    more = max(only_a, only_b)
    return shared == FEW_SHARED and fewer == 0 and more >= MANY_OTHERS


def _correlation(pairs: Array) -> Array:
    """Return Pearson's correlation of pairs; 0 where one side is constant."""
    x = pairs[..., 0, :]
    y = pairs[..., 1, :]
    x = x - x.mean(axis=-1, keepdims=True)
    y = y - y.mean(axis=-1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    correlation: Array = (x * y).sum(axis=-1) / np.where(scale > 0, scale, 1.0)
    return correlation
