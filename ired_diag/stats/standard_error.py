"""A difference of means, its standard error and its degrees of freedom: what intervals and tests start from.

    pairs:        se = s_d / √n,  d = a - b pair by pair,      df = n - 1
    two samples:  se = √(s_a²/n_a + s_b²/n_b),                 df after Satterthwaite

References: Student (1908); Welch (1947); Satterthwaite (1946).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.defects import CONSTANT, SAME_AMOUNT, is_constant


@dataclass(frozen=True)
class MeanDifference:
    """A mean difference a - b and how well it is known.

    Attributes:
        difference: Mean of a minus mean of b, in the unit of the data.
        standard_error: Its standard error; NaN without spread.
        df: Degrees of freedom of the standard error.
        n: Number of pairs, or of both samples together.
        reason: Why something is NaN.
    """

    difference: float
    standard_error: float
    df: float
    n: int
    reason: str = ""


def paired_difference(a: ArrayLike, b: ArrayLike) -> MeanDifference:
    """Return the mean difference of two samples of shape (n,), the i-th of each belonging together.

    >>> paired_difference([1.0, 3.0], [0.0, 0.0])
    MeanDifference(difference=2.0, standard_error=1.0, df=1.0, n=2, reason='')
    """
    x = as_floats(a)
    y = as_floats(b)
    if x.shape != y.shape:
        reason = f"pairs need two samples of one size, found {len(x)} and {len(y)}"
        return _undefined(len(x) + len(y), reason)
    # Not of x - y: infinity less infinity warns.
    if reason := _defect(np.where(np.isfinite(y), x, math.nan)):
        return _undefined(len(x), reason)
    difference = x - y
    mean = float(difference.mean())
    if is_constant(difference, scale=float(np.abs([x, y]).max())):
        return replace(_undefined(len(x), SAME_AMOUNT), difference=mean)
    error = float(difference.std(ddof=1)) / math.sqrt(len(x))
    return MeanDifference(difference=mean, standard_error=error, df=float(len(x) - 1), n=len(x))


def mean_of_runs(values: ArrayLike) -> MeanDifference:
    """Return the mean of independent values of shape (n,), as the difference from 0: se = s / √n.

    >>> mean_of_runs([1.0, 3.0])
    MeanDifference(difference=2.0, standard_error=1.0, df=1.0, n=2, reason='')
    """
    x = as_floats(values)
    if reason := _defect(x):
        return _undefined(len(x), reason)
    mean = float(x.mean())
    variance = mean_variance(x)
    if not variance:
        return replace(_undefined(len(x), CONSTANT), difference=mean)
    return MeanDifference(mean, math.sqrt(variance), float(len(x) - 1), len(x))


def welch_difference(a: ArrayLike, b: ArrayLike) -> MeanDifference:
    """Return the mean difference of two samples of shapes (n_a,) and (n_b,), their variances unequal."""
    x = as_floats(a)
    y = as_floats(b)
    n = len(x) + len(y)
    if reason := _defect(x) or _defect(y):
        return _undefined(n, reason)
    difference = float(x.mean() - y.mean())
    parts = np.array([mean_variance(x), mean_variance(y)])
    if not parts.any():
        return replace(_undefined(n, CONSTANT), difference=difference)
    # As shares, so that squares of small variances do not underflow.
    shares = parts / parts.sum()
    df = 1 / float((shares**2 / [len(x) - 1, len(y) - 1]).sum())
    return MeanDifference(difference=difference, standard_error=math.sqrt(parts.sum()), df=df, n=n)


def mean_variance(x: Array) -> float:
    """Return the variance of the mean of n ≥ 2 values; 0 where they vary by rounding only."""
    if is_constant(x, scale=float(np.abs(x).max())):
        return 0.0
    return float(x.var(ddof=1)) / len(x)


def _defect(x: Array) -> str:
    """Say why a sample has no mean with a spread; empty where it has."""
    lost = len(x) - int(np.isfinite(x).sum())
    if lost:
        return f"{lost} of {len(x)} values are not finite"
    if len(x) < 2:
        plural = "" if len(x) == 1 else "s"
        return f"{len(x)} value{plural}: at least 2 are needed"
    return ""


def _undefined(n: int, reason: str) -> MeanDifference:
    return MeanDifference(
        difference=math.nan,
        standard_error=math.nan,
        df=math.nan,
        n=n,
        reason=reason,
    )
