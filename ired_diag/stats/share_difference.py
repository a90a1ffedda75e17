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

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.quantiles import normal_quantile
from ired_diag.stats.share import Share
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
    >>> a = np.repeat([1.0, 0.0], [56, 14])  # Newcombe's example (a)
    >>> b = np.repeat([1.0, 0.0], [48, 32])
    >>> difference = share_difference(a, b)
    >>> round(difference.value, 4), round(difference.low, 4), round(difference.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    x = as_floats(a)
    y = as_floats(b)
    n = len(x) + len(y)
    if not len(x) or not len(y):
        return ShareDifference(
            value=math.nan,
            low=math.nan,
            high=math.nan,
            n=n,
            reason="no items",
        )
    z = normal_quantile(confidence)
    p = _wilson(x, z)
    q = _wilson(y, z)
    value = p.mean - q.mean
    below = math.hypot(p.mean - p.low, q.high - q.mean)
    above = math.hypot(p.high - p.mean, q.mean - q.low)
    return ShareDifference(
        value=value,
        low=value - below,
        high=value + above,
        n=n,
    )


def _wilson(values: Array, z: float) -> Share:
    """Return a share with Wilson's interval.

    ``share_of`` takes n - 1 for n, because its items need not be 0 or 1.
    """
    n = len(values)
    p = float(values.mean())
    z_squared = z * z
    stretch = 1 + z_squared / n
    centre = p + z_squared / (2 * n)
    variance = p * (1 - p) / n
    half = z * math.sqrt(variance + z_squared / (4 * n * n))
    return Share(
        mean=p,
        low=max(0.0, (centre - half) / stretch),
        high=min(1.0, (centre + half) / stretch),
        n=n,
    )
