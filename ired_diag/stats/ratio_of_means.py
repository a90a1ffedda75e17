"""Ratio of two means with Fieller's interval: how many per cent one group is above the other.

The interval of ρ = μ_a / μ_b holds those ρ for which mean(a) - ρ mean(b) cannot be distinguished from 0,

    (x̄ - ρ ȳ)² ≤ t² (v_xx - 2 ρ v_xy + ρ² v_yy),

v the variances and the covariance of the means. Pairs: v = s²/n, t with n - 1 degrees of freedom; exact for
Gaussian pairs. Two samples: v_xy = 0 and, as Welch does, variances of their own, with Satterthwaite's degrees
of freedom of x̄ - r ȳ at the observed r = x̄/ȳ:

    df = (v_xx + r² v_yy)² / (v_xx²/(n_a - 1) + (r² v_yy)²/(n_b - 1)).

Where ȳ itself cannot be distinguished from 0 the set has no end, and there is no interval: then the data
say only that the divisor is small. ``ratio`` has the interval by the delta method, which needs many units;
with few values this one is to be used. Swapping a and b turns the interval over, where both means can be
distinguished from 0.

References: Fieller (1954), Some Problems in Interval Estimation, section 2; Tamhane & Logan (2004), Finding
the Maximum Safe Dose Level for Heteroscedastic Data (the degrees of freedom).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.defects import Sample, as_sample, defect_of, is_constant
from ired_diag.stats.jackknife import UNSURE_DIVISOR
from ired_diag.stats.quantiles import t_quantile
from ired_diag.stats.ratio import Ratio
from ired_diag.stats.summary import CONFIDENCE

SAME_RATIO = "the ratio does not vary"


def paired_ratio_of_means(
    a: ArrayLike,
    b: ArrayLike,
    *,
    confidence: float = CONFIDENCE,
) -> Ratio:
    """Return mean(a) / mean(b) of pairs of shape (n,), and Fieller's interval.

    >>> ratio = paired_ratio_of_means([3.0, 4.1, 5.0], [2.0, 2.5, 3.0])
    >>> round(ratio.value, 4), round(ratio.low, 4), round(ratio.high, 4)
    (1.6133, 1.2231, 1.7501)
    """
    x = as_sample(a)
    y = as_sample(b)
    n = min(len(x), len(y))
    if defect := defect_of(x, y, paired=True):
        return _undefined(math.nan, n, defect)
    mean = float(y.mean())
    if mean == 0:
        return _undefined(math.nan, n, UNSURE_DIVISOR)
    ratio = float(x.mean() / y.mean())
    # Of x = r y + e: with e in place of x, what both have in common costs no digits.
    e = x - ratio * y
    if is_constant(e, scale=_largest(x)):
        return _undefined(ratio, n, SAME_RATIO)
    covariances = np.cov(e, y) / n
    (ee, ey), (_, yy) = covariances.tolist()
    variances = _Variances(ee=ee, ey=ey, yy=yy)
    return _fieller(
        ratio,
        mean,
        variances,
        df=n - 1,
        n=n,
        confidence=confidence,
    )


def ratio_of_two_means(
    a: ArrayLike,
    b: ArrayLike,
    *,
    confidence: float = CONFIDENCE,
) -> Ratio:
    """Return mean(a) / mean(b) of two samples of shapes (n_a,) and (n_b,), and Fieller's interval."""
    x = as_sample(a)
    y = as_sample(b)
    n_a = len(x)
    n_b = len(y)
    n = min(n_a, n_b)
    if defect := defect_of(x, y):
        return _undefined(math.nan, n, defect)
    mean = float(y.mean())
    if mean == 0:
        return _undefined(math.nan, n, UNSURE_DIVISOR)
    ratio = float(x.mean() / y.mean())
    if _unvaried(x) and _unvaried(y):
        return _undefined(ratio, n, SAME_RATIO)
    xx = float(x.var(ddof=1)) / n_a
    yy = float(y.var(ddof=1)) / n_b
    parts = np.array([xx, ratio**2 * yy])
    variance = float(parts.sum())
    squares = parts**2 / [n_a - 1, n_b - 1]
    df = float(parts.sum() ** 2 / squares.sum())
    # The residual e = x - r y of independent means has variance xx + r² yy and covariance -r yy with y.
    variances = _Variances(ee=variance, ey=-ratio * yy, yy=yy)
    return _fieller(
        ratio,
        mean,
        variances,
        df=df,
        n=n,
        confidence=confidence,
    )


@dataclass(frozen=True)
class _Variances:
    """The (co)variances of the means of e = x - ratio y and of y."""

    ee: float
    ey: float
    yy: float


def _fieller(
    ratio: float,
    below: float,
    v: _Variances,
    *,
    df: float,
    n: int,
    confidence: float,
) -> Ratio:
    """Return the interval: with δ = ρ - ratio the set is δ² ȳ² ≤ t² (v_ee - 2 δ v_ey + δ² v_yy)."""
    t2 = t_quantile(confidence, df) ** 2
    square = below**2 - t2 * v.yy
    if square <= 0:
        return _undefined(ratio, n, UNSURE_DIVISOR)
    middle = -t2 * v.ey
    discriminant = middle**2 + square * t2 * v.ee
    root = math.sqrt(discriminant)
    low = (middle - root) / square
    high = (middle + root) / square
    return Ratio(
        ratio,
        low=ratio + low,
        high=ratio + high,
        n=n,
    )


def _unvaried(x: Sample) -> bool:
    return is_constant(x, scale=_largest(x))


def _largest(x: Sample) -> float:
    return float(np.abs(x).max())


def _undefined(ratio: float, n: int, reason: str) -> Ratio:
    return Ratio(
        ratio,
        low=math.nan,
        high=math.nan,
        n=n,
        reason=reason,
    )
