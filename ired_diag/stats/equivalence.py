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
from dataclasses import dataclass, replace

from scipy import special

from ired_diag.stats.standard_error import MeanDifference

ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Equivalence:
    """Two one-sided tests of a - b.

    Attributes:
        difference: Mean of a minus mean of b.
        margin: Half-width of the zone that is too small to matter, in the unit of the data.
        p_lower: One-sided p against a difference of -margin or less.
        p_upper: One-sided p against a difference of margin or more.
        p: P value of equivalence, the larger of the two; small means equivalent.
        low: Lower end of the (1 - 2 alpha) interval of the difference.
        high: Upper end of the interval.
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


def two_one_sided(mean: MeanDifference, margin: float, alpha: float = ALPHA) -> Equivalence:
    """Return the two one-sided tests of a difference of means against a margin in its unit."""
    difference, error, df = mean.difference, mean.standard_error, mean.df
    if mean.reason:
        return _untested(mean, margin=margin, reason=mean.reason)
    half = -float(special.stdtrit(df, alpha)) * error
    low = difference - half
    high = difference + half
    if not 0 < margin < math.inf:
        reason = f"the margin must be positive and finite, found {margin:g}"
        return replace(_untested(mean, margin=margin, reason=reason), low=low, high=high)
    p_lower = float(special.stdtr(df, -(difference + margin) / error))
    p_upper = float(special.stdtr(df, (difference - margin) / error))
    return Equivalence(
        difference=difference,
        margin=margin,
        p_lower=p_lower,
        p_upper=p_upper,
        p=max(p_lower, p_upper),
        low=low,
        high=high,
        n=mean.n,
    )


def _untested(mean: MeanDifference, *, margin: float, reason: str) -> Equivalence:
    return Equivalence(
        difference=mean.difference,
        margin=margin,
        p_lower=math.nan,
        p_upper=math.nan,
        p=math.nan,
        low=math.nan,
        high=math.nan,
        n=mean.n,
        reason=reason,
    )
