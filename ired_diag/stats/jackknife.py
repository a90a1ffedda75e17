"""The jackknife: an interval for what is no mean, from what it becomes when each observation is left out.

With θ an estimate from n independent observations and θ_i the same without the i-th,

    se² = (n - 1)/n Σ_i (θ_i - mean of the θ_i)²,        θ ± t_{n-1} se.

*Replicates* are the estimate and its n values with one observation left out, as one array of shape (n + 1,):
any function of several estimates is then a function of their arrays.

A ratio θ/φ has an interval of its own, Fieller's: those ρ for which θ - ρφ cannot be distinguished from 0.
Where φ itself cannot be distinguished from 0 they have no end, and there is no interval: no more is known
than that φ is small.

References: Efron & Stein (1981), The Jackknife Estimate of Variance; Fieller (1954), Some Problems in
Interval Estimation, section 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.summary import CONFIDENCE

Replicates = Array
FEWEST = 3  # observations: with one left out, two must be left to differ
UNSURE_DIVISOR = "what it is divided by cannot be distinguished from 0"


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its interval; NaN, with a reason, where it has none."""

    value: float
    low: float
    high: float
    reason: str = ""


def replicates_of_mean(values: ArrayLike) -> Replicates:
    """Return the mean, then the n means with one observation left out, of shape (n + 1,).

    Args:
        values: Observations of shape (n,), n > 1.

    >>> replicates_of_mean([0.0, 3.0, 6.0]).tolist()
    [3.0, 4.5, 3.0, 1.5]
    """
    x = as_floats(values)
    total = x.sum()
    n = len(x)
    return np.concatenate([[total / n], (total - x) / (n - 1)])


def jackknife_interval(replicates: Replicates, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the estimate and its interval.

    Args:
        replicates: Replicates of shape (n + 1,), the estimate first.
        confidence: Confidence level of the interval.
    """
    if not np.isfinite(replicates).all():
        return no_interval("not a finite number")
    error = math.sqrt(covariance(replicates, replicates))
    half = _quantile(replicates, confidence) * error
    value = float(replicates[0])
    return Interval(value, value - half, value + half)


def no_interval(reason: str) -> Interval:
    """Return an interval without numbers, and the reason why it has none."""
    return Interval(value=math.nan, low=math.nan, high=math.nan, reason=reason)


def ratio_interval(above: Replicates, below: Replicates, *, confidence: float = CONFIDENCE) -> Interval:
    """Return a ratio and Fieller's interval, where what it is divided by is surely above 0.

    Args:
        above: Replicates of the numerator, of shape (n + 1,).
        below: Replicates of the denominator, from the same observations.
        confidence: Confidence level of the interval, and of the test of the denominator.
    """
    if not (np.isfinite(above).all() and np.isfinite(below).all()):
        return no_interval("not a finite number")
    s = above[0]
    g = below[0]
    t2 = _quantile(above, confidence) ** 2
    ss = covariance(above, above)
    sg = covariance(above, below)
    gg = covariance(below, below)
    square = g * g - t2 * gg
    if g <= 0 or square <= 0:
        return no_interval(UNSURE_DIVISOR)
    middle = s * g - t2 * sg
    discriminant = middle * middle - square * (s * s - t2 * ss)
    root = math.sqrt(max(0.0, discriminant))
    low = float((middle - root) / square)
    high = float((middle + root) / square)
    return Interval(float(s / g), low, high)


def covariance(first: Replicates, second: Replicates) -> float:
    """Return the jackknife's covariance of two estimates from the same n observations."""
    a = first[1:] - first[1:].mean()
    b = second[1:] - second[1:].mean()
    n = len(a)
    return float((n - 1) / n * (a @ b))


def _quantile(replicates: Replicates, confidence: float) -> float:
    return float(special.stdtrit(len(replicates) - 2, (1 + confidence) / 2))
