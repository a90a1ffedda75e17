"""Ratios of means and squared correlations, with intervals by the delta method.

For pairs (x_i, y_i) the ratio r = x̄ / ȳ of their means moves, to first order, as the mean of

    u_i = (x_i - r y_i) / ȳ,        r ± t_{n-1} sd(u) / √n,

so that what x and y have in common (an easy problem is easy for both) cancels. The squared correlation
R² = S_xy² / (S_xx S_yy), each S the mean of a product that belongs to one unit i, moves as the mean of

    u_i = 2 S_xy xy_i / (S_xx S_yy) - R² (xx_i / S_xx + yy_i / S_yy).

Two means of different units are independent: on the logarithm, se² = (se_x / x̄)² + (se_y / ȳ)².

Where a few units decide a mean, such an interval is too short. Cochran's rule tells: with G the skewness of
the u_i, it wants n > 25 G²; where it does not hold, ``reason`` says so.

Reference: Cochran (1977), Sampling Techniques, sections 2.15 (skewness) and 6.3 (ratios); van der
Vaart (1998), Asymptotic Statistics, section 3.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ired_diag.stats.summary import CONFIDENCE, Summary

FEW_DECIDE = "few units decide it: the interval may be too short"


@dataclass(frozen=True)
class Ratio:
    """A ratio.

    Attributes:
        value: The ratio.
        low: Lower end of its interval.
        high: Upper end.
        n: Number of units.
        reason: Why something is NaN or left out.
    """

    value: float
    low: float
    high: float
    n: int
    reason: str = ""


def ratio_of_means(numerator: ArrayLike, denominator: ArrayLike, *, confidence: float = CONFIDENCE) -> Ratio:
    """Return the ratio of the means of paired values.

    Args:
        numerator: Of shape (n,); pairs that are not finite are left out and said in ``reason``.
        denominator: Of the same shape.
        confidence: Of the interval.

    >>> ratio_of_means([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    Ratio(value=0.5, low=0.5, high=0.5, n=3, reason='')
    """
    (x, y), reason = _finite(numerator, denominator)
    if len(x) == 0:
        return _nan(0, reason)
    mean = y.mean()
    if mean == 0:
        return _nan(len(x), "the mean below the line is 0")
    value = float(x.mean() / mean)
    return _interval(value=value, influence=(x - value * y) / mean, confidence=confidence, reason=reason)


def squared_correlation(
    xy: ArrayLike, xx: ArrayLike, yy: ArrayLike, *, confidence: float = CONFIDENCE
) -> Ratio:
    """Return R² of the sums of products that each unit adds; its interval ends at 0 and 1.

    Args:
        xy: Products of deviations, summed within each unit, of shape (n,).
        xx: Squares of the one's deviations.
        yy: Of the other's.
        confidence: Of the interval.
    """
    (a, b, c), reason = _finite(xy, xx, yy)
    if len(a) == 0:
        return _nan(0, reason)
    s_xy, s_xx, s_yy = (float(values.mean()) for values in (a, b, c))
    if s_xx <= 0 or s_yy <= 0:
        return _nan(len(a), "one of them does not vary")
    value = s_xy**2 / (s_xx * s_yy)
    told = _interval(
        value=value,
        influence=2 * s_xy * a / (s_xx * s_yy) - value * (b / s_xx + c / s_yy),
        confidence=confidence,
        reason=reason,
    )
    return Ratio(
        value=told.value,
        low=max(told.low, 0.0),
        high=min(told.high, 1.0),
        n=told.n,
        reason=told.reason,
    )


def ratio_of_independent_means(x: Summary, y: Summary) -> Ratio:
    """Return the ratio of the means of two samples of different units, both positive.

    Args:
        x: Above the line.
        y: Below it; the normal's quantile stands for Student's: meant for some hundred units.
    """
    n = min(x.n, y.n)
    if not (x.mean > 0 and y.mean > 0):
        return _nan(n, x.reason or y.reason or "needs two positive means")
    value = x.mean / y.mean
    spread = math.hypot(*(s.sd / (math.sqrt(s.n) * s.mean) for s in (x, y)))
    reach = math.exp(float(stats.norm.ppf((1 + x.confidence) / 2)) * spread)
    return Ratio(
        value=value,
        low=value / reach,
        high=value * reach,
        n=n,
        reason=x.reason or y.reason,
    )


def _finite(*columns: ArrayLike) -> tuple[NDArray[np.float64], str]:
    """Return the columns where every one is finite, of shape (columns, n), and why others are left out."""
    values = np.array(columns, dtype=np.float64)
    keep: NDArray[np.bool_] = np.all(np.isfinite(values), axis=0, keepdims=True)[0]
    left_out = int((~keep).sum())
    return values[:, keep], f"{left_out} of {len(keep)} are not finite" if left_out else ""


def _interval(value: float, influence: NDArray[np.float64], confidence: float, reason: str) -> Ratio:
    n = len(influence)
    if n < 2:
        return Ratio(
            value=value,
            low=math.nan,
            high=math.nan,
            n=n,
            reason=reason or "one value has no spread",
        )
    sd = float(influence.std(ddof=1))
    reach = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * sd / math.sqrt(n)
    if sd > 0 and n <= 25 * float(np.mean(((influence - influence.mean()) / sd) ** 3)) ** 2:
        reason = "; ".join(filter(None, (reason, FEW_DECIDE)))
    return Ratio(
        value=value,
        low=value - reach,
        high=value + reach,
        n=n,
        reason=reason,
    )


def _nan(n: int, reason: str) -> Ratio:
    return Ratio(
        value=math.nan,
        low=math.nan,
        high=math.nan,
        n=n,
        reason=reason or "no values",
    )
