"""Means of what is finite; those of samples say what was left out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.defects import left_out
from ired_diag.stats.summary import CONFIDENCE, Summary, summarise

Cube = Array  # of any number of axes


def summarise_finite(values: ArrayLike, *, confidence: float = CONFIDENCE) -> Summary:
    """Return mean, sd and t interval of the finite values.

    Args:
        values: Values of shape (n,); those that are not finite are left out, and ``reason`` says how many.
        confidence: Confidence level of the interval.

    >>> summarise_finite([1.0, 3.0, float("nan")]).reason
    '1 of 3 are not finite'
    """
    x = as_floats(values)
    finite = x[np.isfinite(x)]
    summary = summarise(finite, confidence=confidence)
    if len(finite) == len(x):
        return summary
    return replace(summary, reason=left_out(len(x) - len(finite), len(x), "are not finite"))


def summary_of_finite(values: Array) -> Summary:
    """Return mean, sd and t interval of the finite values, without a word on how many are left out.

    Args:
        values: Values of shape (n,).
    """
    return summarise(values[np.isfinite(values)])


def quotient(a: ArrayLike, b: ArrayLike) -> Cube:
    """Return a / b; NaN where b is 0.

    >>> quotient([1.0, 1.0], [2.0, 0.0]).tolist()
    [0.5, nan]
    """
    above, below = np.broadcast_arrays(as_floats(a), as_floats(b))
    ratio: Cube = np.full(above.shape, math.nan)
    np.divide(above, below, out=ratio, where=below != 0)
    return ratio


def mean_of_finite(values: Cube) -> Cube:
    """Return the mean over the first axis of what is finite; NaN where nothing is.

    >>> mean_of_finite(np.array([[1.0, np.nan], [3.0, np.nan]])).tolist()
    [2.0, nan]
    """
    finite = np.isfinite(values)
    sums = np.where(finite, values, 0.0).sum(axis=0)
    return quotient(sums, finite.sum(axis=0))
