"""The difference of two shares of independent items, with an interval that holds at 0 and at 1 too.

With p and q the shares and (l, u) the ends of Wilson's interval of each, the ends of p - q are

    p - q - √((p - l_p)² + (u_q - q)²),        p - q + √((u_p - p)² + (q - l_q)²).

Where all items of both succeed a t interval would have no width; this one has.

Reference: Newcombe (1998), Interval estimation for the difference between independent proportions, Statistics
in Medicine 17:873, method 10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike

from ired_diag.stats.arrays import as_floats
from ired_diag.stats.quantiles import normal_quantile
from ired_diag.stats.summary import CONFIDENCE


@dataclass(frozen=True)
class ShareDifference:
    """A difference of two shares with its interval.

    Attributes:
        value: First minus second; NaN without items.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Items of both together.
        reason: Why something is NaN.
    """

    value: float
    low: float
    high: float
    n: int
    reason: str = ""


def share_difference(a: ArrayLike, b: ArrayLike, *, confidence: float = CONFIDENCE) -> ShareDifference:
    """Return the share of a minus that of b.

    Args:
        a: 0 or 1 of each item, of shape (n_a,).
        b: 0 or 1 of each item, of shape (n_b,).
        confidence: Confidence level of the interval.

    >>> import numpy as np
    >>> a, b = np.repeat([1.0, 0.0], [56, 14]), np.repeat([1.0, 0.0], [48, 32])  # Newcombe's example (a)
    >>> difference = share_difference(a, b)
    >>> round(difference.value, 4), round(difference.low, 4), round(difference.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    x, y = as_floats(a), as_floats(b)
    if not len(x) or not len(y):
        nan = math.nan
        return ShareDifference(nan, nan, nan, len(x) + len(y), "no items")
    z = normal_quantile(confidence)
    p, q = float(x.mean()), float(y.mean())
    p_low, p_high = _wilson(p, len(x), z)
    q_low, q_high = _wilson(q, len(y), z)
    return ShareDifference(
        value=p - q,
        low=p - q - math.hypot(p - p_low, q_high - q),
        high=p - q + math.hypot(p_high - p, q - q_low),
        n=len(x) + len(y),
    )


def _wilson(p: float, n: int, z: float) -> tuple[float, float]:
    """Return the ends of Wilson's interval of a share of n items."""
    stretch = 1 + z**2 / n
    centre = (p + z**2 / (2 * n)) / stretch
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / stretch
    return max(0.0, centre - half), min(1.0, centre + half)
