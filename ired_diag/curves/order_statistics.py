"""Median, mean, usual size and number of distinct values of a short array, without numpy's overhead.

A curve has about 100 evaluations, and its judgement asks for some 40 medians. At that length numpy spends
most of its time on checks of type, shape and axes. The results are numpy's to the last bit.
"""

from __future__ import annotations

import math

import numpy as np

from ired_diag.stats.arrays import Array

KEPT = 0.9
TRIMMED_SD = 0.789  # sd of a standard normal's middle 90%


def median(values: Array) -> float:
    """Return ``float(np.median(values))``; NaN where a value is NaN.

    Args:
        values: Values of shape (n,), n ≥ 1.

    >>> median(np.array([3.0, 1.0, 2.0])), median(np.array([4.0, 1.0]))
    (2.0, 2.5)
    """
    ordered = values.copy()
    ordered.sort()
    half = len(ordered) // 2
    last = ordered[-1]
    if last != last:  # NaN is sorted last
        return float(last)
    middle = ordered[half]
    if len(ordered) % 2 == 0:
        middle = (ordered[half - 1] + middle) / 2
    return float(middle) + 0.0  # numpy's sum of -0.0 is 0.0


def mean(values: Array) -> float:
    """Return ``float(np.mean(values))``.

    Args:
        values: Values of shape (n,), n ≥ 1.
    """
    return float(values.sum()) / len(values)


def distinct(values: Array) -> int:
    """Return how many values differ from each other, ``len(np.unique(values))``.

    Args:
        values: Values of shape (n,), n ≥ 1, without NaN.
    """
    ordered = values.copy()
    ordered.sort()
    changes = ordered[1:] != ordered[:-1]
    return 1 + int(np.count_nonzero(changes))


def usual_size(residuals: Array) -> float:
    """Return the standard deviation of residuals around 0, by the smaller nine tenths of them."""
    sizes = np.abs(residuals)
    sizes.sort()
    if len(sizes) and not sizes[-1] < np.inf:  # what is not finite is sorted last
        sizes = sizes[np.isfinite(sizes)]
    if not len(sizes):
        return 0.0
    count = max(1, int(KEPT * len(sizes)))
    kept = sizes[:count]
    return math.sqrt(mean(kept**2)) / TRIMMED_SD
