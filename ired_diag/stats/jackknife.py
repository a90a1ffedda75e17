"""The jackknife: an interval for what is no mean, from what it becomes when each observation is left out.

With θ an estimate from n independent observations and θ_i the same without the i-th,

    se² = (n - 1)/n Σ_i (θ_i - mean of the θ_i)²,        θ ± t_{n-1} se.

*Replicates* are the estimate and its n values with one observation left out, as one array of shape (n + 1,):
any function of several estimates is then a function of their arrays.

A ratio θ/φ has an interval of its own, Fieller's: those ρ for which θ - ρφ is not told from 0. Where φ itself
is not told from 0 they have no end, and there is no interval: no more is known than that φ is small.

References: Efron & Stein (1981), The Jackknife Estimate of Variance; Fieller (1954), Some Problems in
Interval Estimation, section 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ired_diag.stats.summary import CONFIDENCE

Replicates = NDArray[np.float64]
FEWEST = 3  # observations: with one left out, two must be there to be told apart
UNSURE_DIVISOR = "what it is divided by is not told from 0"


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its interval; NaN, with a reason, where it has none."""

    value: float
    low: float
    high: float
    reason: str = ""


def replicates_of_mean(values: ArrayLike) -> Replicates:
    """Return the replicates of a mean.

    Args:
        values: Of shape (n,), n > 1.

    >>> replicates_of_mean([0.0, 3.0, 6.0]).tolist()
    [3.0, 4.5, 3.0, 1.5]
    """
    x = np.asarray(values, dtype=np.float64)
    total, n = x.sum(), len(x)
    return np.concatenate([[total / n], (total - x) / (n - 1)])


def jackknife_interval(replicates: Replicates, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the estimate and its interval.

    Args:
        replicates: Of shape (n + 1,), the estimate first.
        confidence: Of the interval.
    """
    if not np.isfinite(replicates).all():
        return Interval(value=math.nan, low=math.nan, high=math.nan, reason="not a finite number")
    half = _quantile(replicates, confidence) * math.sqrt(covariance(replicates, replicates))
    value = float(replicates[0])
    return Interval(value, value - half, value + half)


def ratio_interval(above: Replicates, below: Replicates, *, confidence: float = CONFIDENCE) -> Interval:
    """Return a ratio and Fieller's interval, where what it is divided by is surely above 0.

    Args:
        above: Replicates of the numerator, of shape (n + 1,).
        below: Those of the denominator, from the same observations.
        confidence: Of the interval, and of the test of the denominator.
    """
    if not (np.isfinite(above).all() and np.isfinite(below).all()):
        return Interval(value=math.nan, low=math.nan, high=math.nan, reason="not a finite number")
    s, g, t2 = above[0], below[0], _quantile(above, confidence) ** 2
    ss, sg, gg = covariance(above, above), covariance(above, below), covariance(below, below)
    square = g * g - t2 * gg
    if g <= 0 or square <= 0:
        return Interval(value=math.nan, low=math.nan, high=math.nan, reason=UNSURE_DIVISOR)
    middle = s * g - t2 * sg
    root = math.sqrt(max(0.0, middle * middle - square * (s * s - t2 * ss)))
    return Interval(float(s / g), float((middle - root) / square), float((middle + root) / square))


def covariance(one: Replicates, other: Replicates) -> float:
    """Return the jackknife's covariance of two estimates from the same n observations."""
    a, b = one[1:] - one[1:].mean(), other[1:] - other[1:].mean()
    return float((len(a) - 1) / len(a) * (a @ b))


def _quantile(replicates: Replicates, confidence: float) -> float:
    return float(stats.t.ppf((1 + confidence) / 2, len(replicates) - 2))
