"""How long until it happens, where for some it has not happened yet: the estimator of Kaplan and Meier.

A run that ends before it reaches a target tells that it needs longer than it lasted, and no more: its time is
right-censored. With d_k runs that reach the target at time t_k, of y_k that still could,

    S(t) = Π_{t_k ≤ t} (1 - d_k / y_k),        Var log S = Σ d_k / (y_k (y_k - d_k))      (Greenwood).

The interval of S(t) is symmetric in log(-log S), which keeps it within 0 and 1; that of the median holds the
times at which this interval contains a half (Brookmeyer & Crowley). At 5 to 16 seeds it covers the median in
95 to 98% of studies, with and without censored runs; where few runs reach the target its end is infinite.
With probability 2⁻ⁿ all n runs lie beyond the true median, so that fewer than 5 have no interval at 95%. The
restricted mean is the area under S up to a horizon: the mean of min(time, horizon).

A run that can never reach the target, because it broke down, has an infinite time: left out, or censored
where it broke down, it would count as one that might still have reached it.

References: Kaplan & Meier (1958), JASA 53:457; Brookmeyer & Crowley (1982), Biometrics 38:29; Kalbfleisch &
Prentice (2002), The Statistical Analysis of Failure Time Data; Uno et al. (2014) on the restricted mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.stats.quantiles import normal_quantile

Array = NDArray[np.float64]
SMALLER = 1 - 1e-12  # a product of shares that is one half up to rounding has reached it


@dataclass(frozen=True, kw_only=True)
class SurvivalCurve:
    """The share of runs that have not reached a target yet.

    Attributes:
        times: Times at which a run reaches it, increasing, of shape (k,).
        share: S just after each of these times.
        low: Lower end of the interval of S.
        high: Upper end of that interval.
        at_risk: Runs that could still reach it just before.
        reached: Runs that reach it then.
        runs: Number of all runs.
        median: First time at which at most half have not reached it; infinity where more never do.
        median_low: Lower end of the interval of the median; 0 of too few runs.
        median_high: Upper end of that interval.
        confidence: Level of both intervals.
    """

    times: Array
    share: Array
    low: Array
    high: Array
    at_risk: Array
    reached: Array
    runs: int
    median: float
    median_low: float
    median_high: float
    confidence: float


@dataclass(frozen=True)
class RestrictedMean:
    """Mean of min(time, horizon), with its standard error."""

    mean: float
    standard_error: float
    horizon: float


def survival_curve(times: ArrayLike, observed: ArrayLike, *, confidence: float = 0.95) -> SurvivalCurve:
    """Return the estimate of Kaplan and Meier.

    Args:
        times: When each run reached the target, or how long it lasted without, of shape (n,); infinite for
            one that can never reach it.
        observed: Whether it reached it, of shape (n,).
        confidence: Level of the intervals, at each time by itself.

    >>> survival_curve([1, 2, 3, 4], [True, True, False, True]).median
    2.0
    """
    ends = np.asarray(times, dtype=np.float64)
    has_reached = np.asarray(observed, dtype=bool)
    reaching = ends[has_reached]
    events, counts = np.unique(reaching, return_counts=True)
    reached = counts.astype(np.float64)
    could = ends >= events[:, None]
    at_risk = could.sum(axis=1, dtype=np.float64)
    share = np.cumprod(1 - reached / at_risk)
    z = normal_quantile(confidence)
    low, high = _interval(share, at_risk, reached, z)
    median_low = 0.0
    median_high = math.inf
    chance_beyond = 0.5 ** len(ends)  # that all runs lie beyond the true median
    if chance_beyond <= 1 - confidence:
        median_low = _first_below_half(events, low)
        median_high = _first_below_half(events, high)
    return SurvivalCurve(
        times=events,
        share=share,
        low=low,
        high=high,
        at_risk=at_risk,
        reached=reached,
        runs=len(ends),
        median=_first_below_half(events, share),
        median_low=median_low,
        median_high=median_high,
        confidence=confidence,
    )


def restricted_mean(curve: SurvivalCurve, horizon: float) -> RestrictedMean:
    """Return the mean time up to a horizon: the area under the curve.

    Args:
        curve: The estimate of Kaplan and Meier.
        horizon: Time at which counting ends: the longest that all groups were watched.
    """
    is_before = curve.times < horizon
    times = curve.times[is_before]
    share = curve.share[is_before]
    edges = np.concatenate([[0.0], times, [horizon]])
    heights = np.concatenate([[1.0], share])
    areas = heights * np.diff(edges)
    whole = areas.sum()
    area_after = whole - areas.cumsum()[:-1]
    terms = _greenwood(curve.at_risk[is_before], curve.reached[is_before])
    variance = (area_after**2 * terms).sum()
    return RestrictedMean(
        mean=float(whole),
        standard_error=math.sqrt(float(variance)),
        horizon=horizon,
    )


def _greenwood(at_risk: Array, reached: Array) -> Array:
    """Return what each time adds to the variance of log S; 0 where nobody is left, because S is 0 there."""
    remaining = at_risk * (at_risk - reached)
    terms = np.zeros(len(reached))
    np.divide(reached, remaining, out=terms, where=remaining > 0)
    return terms


def _interval(share: Array, at_risk: Array, reached: Array, z: float) -> tuple[Array, Array]:
    """Return the interval of S, symmetric in log(-log S); where S is 0 nothing bounds it from above."""
    low = np.zeros(len(share))
    high = np.ones(len(share))
    is_inside = (share > 0) & (share < 1)
    hazard = -np.log(share[is_inside])
    terms = _greenwood(at_risk, reached)
    variance = terms.cumsum()[is_inside]
    width = z * np.sqrt(variance) / hazard
    most = hazard * np.exp(width)
    least = hazard * np.exp(-width)
    low[is_inside] = np.exp(-most)
    high[is_inside] = np.exp(-least)
    return low, high


def _first_below_half(times: Array, share: Array) -> float:
    below = np.flatnonzero(share * SMALLER <= 0.5)
    if not len(below):
        return math.inf
    first = below[0]
    return float(times[first])
