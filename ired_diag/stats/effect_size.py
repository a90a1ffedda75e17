"""Effect size of paired differences: their mean in units of their spread.

    d = mean(x) / sd(x),    x the differences

For Gaussian differences √n·d follows the noncentral t distribution with n - 1 degrees of freedom and
noncentrality √n·δ, δ the true effect. The interval holds those δ for which the observed d is not among
the (1 - confidence)/2 least or most of its distribution.

Reference: Cumming & Finch (2001), A Primer on the Understanding, Use, and Calculation of Confidence
Intervals; Hedges & Olkin (1985), section 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import as_floats
from ired_diag.stats.defects import ROUNDING, SAME_AMOUNT, left_out
from ired_diag.stats.noncentral import noncentrality_interval
from ired_diag.stats.quantiles import t_quantile
from ired_diag.stats.summary import CONFIDENCE


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A paired effect.

    Attributes:
        mean: Mean difference, in the unit of the data.
        mean_low: Lower end of its t interval.
        mean_high: Upper end of the interval.
        d: Mean difference over the sd of the differences; 0 where all are 0.
        d_low: Lower end of the interval.
        d_high: Upper end of the interval.
        n: Number of pairs.
        reason: Why something is NaN.
    """

    mean: float
    mean_low: float
    mean_high: float
    d: float
    d_low: float
    d_high: float
    n: int
    reason: str = ""


def paired_effect(differences: ArrayLike, *, confidence: float = CONFIDENCE) -> Effect:
    """Return the effect in paired differences.

    Args:
        differences: Of shape (n,); pairs that are not finite are left out and said in ``reason``.
        confidence: Confidence level of both intervals.

    >>> paired_effect([0.0, 0.0, 0.0]).d
    0.0
    """
    values = as_floats(differences)
    x = values[np.isfinite(values)]
    n = len(x)
    reason = left_out(len(values) - n, len(values), "differences are not finite")
    if n < 2:
        return _effect(math.nan, n=n, reason=reason or f"{n} pairs: at least 2 are needed")
    if not x.any():
        none = _effect(0.0, n=n, reason=reason)
        return replace(none, d=0.0, d_low=0.0, d_high=0.0)
    mean = float(x.mean())
    sd = float(x.std(ddof=1))
    if sd <= ROUNDING * abs(mean):
        return _effect(mean, n=n, reason=reason or SAME_AMOUNT)
    root = math.sqrt(n)
    half = t_quantile(confidence, n - 1) * sd / root
    low, high = noncentrality_interval(root * mean / sd, n - 1, confidence=confidence)
    return Effect(
        mean=mean,
        mean_low=mean - half,
        mean_high=mean + half,
        d=mean / sd,
        d_low=low / root,
        d_high=high / root,
        n=n,
        reason=reason,
    )


def _effect(mean: float, *, n: int, reason: str) -> Effect:
    """Return the effect of differences that are all alike: without a d."""
    return Effect(
        mean=mean,
        mean_low=mean,
        mean_high=mean,
        d=math.nan,
        d_low=math.nan,
        d_high=math.nan,
        n=n,
        reason=reason,
    )
