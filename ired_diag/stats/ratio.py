"""Ratios of means and squared correlations, with intervals by the delta method.

For pairs (x_i, y_i) the ratio r = x̄ / ȳ of their means moves, to first order, as the mean of

    u_i = (x_i - r y_i) / ȳ,        r ± t_{n-1} sd(u) / √n,

so that what x and y have in common (an easy problem is easy for both) cancels. The squared correlation
R² = S_xy² / (S_xx S_yy), each S the mean of a product that belongs to one unit i, moves as the mean of

    u_i = 2 S_xy xy_i / (S_xx S_yy) - R² (xx_i / S_xx + yy_i / S_yy).

Two means of different units are independent: on the logarithm, se² = (se_x / x̄)² + (se_y / ȳ)².

Where a few units decide a mean, such an interval is too short. Cochran's rule says when: with G the
skewness of the u_i, it wants n > 25 G²; where it does not hold, ``reason`` says so.

Reference: Cochran (1977), Sampling Techniques, sections 2.15 (skewness) and 6.3 (ratios); van der
Vaart (1998), Asymptotic Statistics, section 3.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ired_diag.stats.arrays import Array
from ired_diag.stats.defects import joined, left_out
from ired_diag.stats.quantiles import t_quantile
from ired_diag.stats.summary import CONFIDENCE, Summary

FEW_DECIDE = "few units decide it: the interval may be too short"


@dataclass(frozen=True)
class Ratio:
    """A ratio.

    Attributes:
        value: The ratio.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Number of units.
        reason: Why something is NaN or left out.
    """

    value: float
    low: float
    high: float
    n: int
    reason: str = ""


def ratio_of_means(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    confidence: float = CONFIDENCE,
) -> Ratio:
    """Return the ratio of the means of paired values.

    Args:
        numerator: Values of shape (n,); pairs that are not finite are left out; ``reason`` says how many.
        denominator: Values of the same shape.
        confidence: Confidence level of the interval.

    >>> ratio_of_means([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    Ratio(value=0.5, low=0.5, high=0.5, n=3, reason='')
    """
    columns, reason = _finite(numerator, denominator)
    x, y = columns
    n = len(x)
    if n == 0:
        return _undefined(0, reason)
    mean = y.mean()
    if mean == 0:
        return _undefined(n, "the mean below the line is 0")
    value = float(x.mean() / mean)
    influence = (x - value * y) / mean
    return _interval(
        value,
        influence,
        confidence=confidence,
        reason=reason,
    )


def squared_correlation(
    xy: ArrayLike,
    xx: ArrayLike,
    yy: ArrayLike,
    *,
    confidence: float = CONFIDENCE,
) -> Ratio:
    """Return R² of the sums of products that each unit adds; its interval ends at 0 and 1.

    Args:
        xy: Products of the deviations of x and y, summed within each unit, of shape (n,).
        xx: Squares of the deviations of x, likewise.
        yy: Squares of the deviations of y, likewise.
        confidence: Confidence level of the interval.
    """
    columns, reason = _finite(xy, xx, yy)
    product, square_x, square_y = columns
    n = len(product)
    if n == 0:
        return _undefined(0, reason)
    s_xy = float(product.mean())
    s_xx = float(square_x.mean())
    s_yy = float(square_y.mean())
    if s_xx <= 0 or s_yy <= 0:
        return _undefined(n, "one of them does not vary")
    below = s_xx * s_yy
    value = s_xy**2 / below
    of_product = 2 * s_xy * product / below
    of_squares = square_x / s_xx + square_y / s_yy
    ratio = _interval(
        value,
        influence=of_product - value * of_squares,
        confidence=confidence,
        reason=reason,
    )
    return replace(
        ratio,
        low=max(ratio.low, 0.0),
        high=min(ratio.high, 1.0),
    )


def ratio_of_independent_means(x: Summary, y: Summary) -> Ratio:
    """Return the ratio of the means of two samples of different units, both positive.

    Args:
        x: Summary of the numerator.
        y: Below it; the normal's quantile stands for Student's: meant for some hundred units.
    """
    n = min(x.n, y.n)
    reason = x.reason or y.reason
    if not (x.mean > 0 and y.mean > 0):
        return _undefined(n, reason or "needs two positive means")
    value = x.mean / y.mean
    error_x = x.sd / (math.sqrt(x.n) * x.mean)
    error_y = y.sd / (math.sqrt(y.n) * y.mean)
    error = math.hypot(error_x, error_y)
    upper_tail = (1 + x.confidence) / 2
    z = float(special.ndtri(upper_tail))
    factor = math.exp(z * error)
    return Ratio(
        value,
        low=value / factor,
        high=value * factor,
        n=n,
        reason=reason,
    )


def _finite(*columns: ArrayLike) -> tuple[Array, str]:
    """Return the columns where every one is finite, of shape (columns, n), and why others are left out."""
    values = np.array(columns, dtype=np.float64)
    finite = np.isfinite(values)
    keep: NDArray[np.bool_] = np.all(finite, axis=0, keepdims=True)[0]
    lost = int((~keep).sum())
    reason = left_out(lost, len(keep), "are not finite")
    return values[:, keep], reason


def _interval(
    value: float,
    influence: Array,
    *,
    confidence: float,
    reason: str,
) -> Ratio:
    n = len(influence)
    if n < 2:
        return Ratio(
            value,
            low=math.nan,
            high=math.nan,
            n=n,
            reason=reason or "one value has no spread",
        )
    sd = float(influence.std(ddof=1))
    reach = t_quantile(confidence, n - 1) * sd / math.sqrt(n)
    if sd > 0 and _few_decide(influence, sd):
        reason = joined(reason, FEW_DECIDE)
    return Ratio(
        value,
        low=value - reach,
        high=value + reach,
        n=n,
        reason=reason,
    )


def _few_decide(influence: Array, sd: float) -> bool:
    """Say whether Cochran's rule finds too few units for the skewness of what each moves."""
    deviations = influence - influence.mean()
    scores = deviations / sd
    skewness = float(np.mean(scores**3))
    return len(influence) <= 25 * skewness**2


def _undefined(n: int, reason: str) -> Ratio:
    return Ratio(
        math.nan,
        low=math.nan,
        high=math.nan,
        n=n,
        reason=reason or "no values",
    )
