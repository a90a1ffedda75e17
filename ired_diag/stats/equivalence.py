"""Equivalence: is a difference of means so small that it does not matter?

A large p of a t test does not show that two means are alike. Two one-sided tests do. With a margin m that
says what is too small to matter, and se and df of the difference (pairs, or Welch's),

    p_lower = P(T_df ≥ (d + m) / se)   tests  "the difference is -m or less",
    p_upper = P(T_df ≤ (d - m) / se)   tests  "the difference is  m or more",
    p       = max(p_lower, p_upper).

p < α exactly where the (1 - 2α) interval of the difference lies inside ±m: for α = 5% the 90% interval.

The margin is treated as fixed. Where it is a share of b's mean, the error of that mean is neglected (at a
relative error of 0.1% the margin is off by 0.1% of itself), and swapping a and b changes the margin a little.
A margin in units of the metric has neither flaw.

Reference: Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ired_diag.stats.standard_error import MeanDifference, paired_difference, welch_difference

SHARE = 0.01  # of b's mean: what the study calls too small to matter
ALPHA = 0.05


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests of a - b.

    Attributes:
        difference: Mean of a minus mean of b.
        margin: Half-width of the zone of no matter, in the unit of the data.
        p_lower: One-sided p against a difference of -margin or less.
        p_upper: One-sided p against a difference of margin or more.
        p: Of equivalence, the larger of the two; small means equivalent.
        low: Lower end of the (1 - 2 alpha) interval of the difference.
        high: Its upper end.
        n: Number of pairs, or of both samples together.
        reason: Why something is NaN.
    """

    difference: float
    margin: float
    p_lower: float
    p_upper: float
    p: float
    low: float
    high: float
    n: int
    reason: str = ""


def paired_equivalence(
    a: ArrayLike, b: ArrayLike, *, margin: float | None = None, share: float = SHARE, alpha: float = ALPHA
) -> Equivalence:
    """Return the two one-sided tests of pairs.

    Args:
        a: Of shape (n,).
        b: Of the same shape, the i-th belonging to a's i-th.
        margin: In the unit of the data; None takes ``share`` of the mean of b.
        share: Margin as a share of the mean of b.
        alpha: Level of each one-sided test.
    """
    return two_one_sided(paired_difference(a, b), _margin(b, margin, share), alpha)


def welch_equivalence(
    a: ArrayLike, b: ArrayLike, *, margin: float | None = None, share: float = SHARE, alpha: float = ALPHA
) -> Equivalence:
    """Return the two one-sided tests of two samples of shapes (n_a,) and (n_b,), their variances unequal.

    Args:
        a: Of shape (n_a,).
        b: Of shape (n_b,).
        margin: In the unit of the data; None takes ``share`` of the mean of b.
        share: Margin as a share of the mean of b.
        alpha: Level of each one-sided test.
    """
    return two_one_sided(welch_difference(a, b), _margin(b, margin, share), alpha)


def _margin(b: ArrayLike, margin: float | None, share: float) -> float:
    reference = np.asarray(b, dtype=np.float64)
    if margin is not None:
        return float(margin)
    return share * abs(float(reference.mean())) if len(reference) else math.nan


def two_one_sided(mean: MeanDifference, margin: float, alpha: float = ALPHA) -> Equivalence:
    """Return the two one-sided tests of a difference of means against a margin in its unit."""
    d, se, df, nan = mean.difference, mean.standard_error, mean.df, math.nan
    if mean.reason:
        return Equivalence(d, margin, nan, nan, nan, nan, nan, mean.n, mean.reason)
    half = float(stats.t.isf(alpha, df)) * se
    if not 0 < margin < math.inf:
        reason = f"the margin must be positive and finite, found {margin:g}"
        return Equivalence(d, margin, nan, nan, nan, d - half, d + half, mean.n, reason)
    lower, upper = float(stats.t.sf((d + margin) / se, df)), float(stats.t.cdf((d - margin) / se, df))
    return Equivalence(d, margin, lower, upper, max(lower, upper), d - half, d + half, mean.n)
