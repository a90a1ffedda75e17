"""The slope of a straight line through points, with its t interval.

    b = Σ (xᵢ - x̄)(yᵢ - ȳ) / Σ (xᵢ - x̄)²,     se² = Σ rᵢ² / ((n - 2) Σ (xᵢ - x̄)²),     b ± t_{n-2} se,

r the residuals. It takes the points to scatter about a line independently of each other. Those of one
training run do not quite: the interval is then too narrow, and a curve is no line.

Reference: Weisberg (2014), Applied Linear Regression, sections 2.2 and 2.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.defects import left_out
from ired_diag.stats.quantiles import t_quantile
from ired_diag.stats.summary import CONFIDENCE

FEWEST = 3  # points: two lie on a line, whatever they are


@dataclass(frozen=True)
class Slope:
    """A slope.

    Attributes:
        value: b, in y's unit over x's; NaN below two points.
        low: Lower end of the interval; NaN below three points.
        high: Upper end of the interval.
        n: Number of points.
        reason: Why something is NaN or left out.
    """

    value: float
    low: float
    high: float
    n: int
    reason: str = ""


def slope_of(x: ArrayLike, y: ArrayLike, *, confidence: float = CONFIDENCE) -> Slope:
    """Return the slope of y against x.

    Args:
        x: Places of the points, of shape (n,).
        y: Values of the same shape; points that are not finite are left out; ``reason`` says how many.
        confidence: Confidence level of the interval.

    >>> slope_of([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
    Slope(value=2.0, low=2.0, high=2.0, n=3, reason='')
    """
    points = np.array([x, y], dtype=np.float64).reshape(2, -1)
    finite = points[:, np.isfinite(points).all(axis=0)]
    n, total = finite.shape[1], points.shape[1]
    reason = left_out(total - n, total, "points are not finite")
    if n == 0:
        return _no_interval(math.nan, n, reason or f"{n} points at one place have no slope")
    a, b = finite - finite.mean(axis=1, keepdims=True)
    spread = float(a @ a)
    if spread == 0:
        return _no_interval(math.nan, n, reason or f"{n} points at one place have no slope")
    value = float(a @ b) / spread
    if n < FEWEST:
        return _no_interval(value, n, reason or f"{n} points have no interval: 3 are needed")
    residuals = b - value * a
    variance = float(np.sum(residuals**2)) / ((n - 2) * spread)
    half = t_quantile(confidence, n - 2) * math.sqrt(variance)
    return Slope(value=value, low=value - half, high=value + half, n=n, reason=reason)


def _no_interval(value: float, n: int, reason: str) -> Slope:
    return Slope(value=value, low=math.nan, high=math.nan, n=n, reason=reason)
