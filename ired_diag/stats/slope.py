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
from scipy import stats

from ired_diag.stats.summary import CONFIDENCE

FEWEST = 3  # points: two lie on a line, whatever they are


@dataclass(frozen=True)
class Slope:
    """A slope.

    Attributes:
        value: b, in y's unit over x's; NaN below two points.
        low: Lower end of its interval; NaN below three points.
        high: Upper end.
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
        x: Of shape (n,).
        y: Of the same shape; points that are not finite are left out and said in ``reason``.
        confidence: Of the interval.

    >>> slope_of([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
    Slope(value=2.0, low=2.0, high=2.0, n=3, reason='')
    """
    points = np.array([x, y], dtype=np.float64).reshape(2, -1)
    finite = points[:, np.isfinite(points).all(axis=0)]
    n = finite.shape[1]
    lost = points.shape[1] - finite.shape[1]
    reason = f"{lost} of {points.shape[1]} points are not finite" if lost else ""
    a, b = finite - finite.mean(axis=1, keepdims=True) if n else finite
    spread = float(a @ a)
    if spread == 0:
        return Slope(
            value=math.nan,
            low=math.nan,
            high=math.nan,
            n=n,
            reason=reason or f"{n} points at one place have no slope",
        )
    value = float(a @ b) / spread
    if n < FEWEST:
        return Slope(
            value=value,
            low=math.nan,
            high=math.nan,
            n=n,
            reason=reason or f"{n} points have no interval: 3 are needed",
        )
    error = math.sqrt(float(np.sum((b - value * a) ** 2)) / ((n - 2) * spread))
    half = float(stats.t.ppf((1 + confidence) / 2, n - 2)) * error
    return Slope(
        value=value,
        low=value - half,
        high=value + half,
        n=n,
        reason=reason,
    )
