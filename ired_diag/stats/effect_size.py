"""Effect size of paired differences: their mean in units of their spread.

    d = mean(x) / sd(x),    x the differences

For Gaussian differences √n·d follows the noncentral t distribution with n - 1 degrees of freedom and
noncentrality √n·δ, δ the true effect. The interval holds those δ for which the observed d is not among
the (1 - confidence)/2 least or most of its distribution.

Reference: Cumming & Finch (2001), A Primer on the Understanding, Use, and Calculation of Confidence
Intervals; Hedges & Olkin (1985), section 5.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from ired_diag.stats.summary import CONFIDENCE

LARGE = 1000  # from here on d is normal with variance 1/n + d²/2n to three digits
NODES = 4001  # the trapezoid rule on a Gaussian: exact to 1e-12 while the step is below 1/d


@dataclass(frozen=True)
class Effect:
    """A paired effect.

    Attributes:
        mean: Mean difference, in the unit of the data.
        mean_low: Lower end of its t interval.
        mean_high: Upper end.
        d: Mean difference over the sd of the differences; 0 where all are 0.
        d_low: Lower end of its interval.
        d_high: Upper end.
        n: Number of pairs.
        reason: Why something is NaN.
    """

    mean: float
    mean_low: float
    mean_high: float
    d: float
    d_low: float
    d_high: float
    n: int
    reason: str = ""


def paired_effect(differences: ArrayLike, *, confidence: float = CONFIDENCE) -> Effect:
    """Return the effect in paired differences.

    Args:
        differences: Of shape (n,); pairs that are not finite are left out and said in ``reason``.
        confidence: Of both intervals.

    >>> paired_effect([0.0, 0.0, 0.0]).d
    0.0
    """
    given = np.asarray(differences, dtype=np.float64)
    x = given[np.isfinite(given)]
    n, left_out = len(x), len(given) - len(x)
    reason = f"{left_out} of {len(given)} differences are not finite" if left_out else ""
    nan = math.nan
    if n < 2:
        return Effect(nan, nan, nan, nan, nan, nan, n, reason or f"{n} pairs: at least 2 are needed")
    mean, sd = float(x.mean()), float(x.std(ddof=1))
    if not x.any():
        return Effect(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, n, reason)
    if sd <= 16 * np.finfo(np.float64).eps * abs(mean):
        return Effect(mean, mean, mean, nan, nan, nan, n, reason or "all pairs differ by the same amount")
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * sd / math.sqrt(n)
    low, high = _noncentral_interval(mean / sd, n, confidence)
    return Effect(mean, mean - half, mean + half, mean / sd, low, high, n, reason)


def _noncentral_interval(d: float, n: int, confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    spread = float(stats.norm.isf(tail)) * math.sqrt(1 / n + d * d / (2 * n))
    if n >= LARGE:
        return d - spread, d + spread
    density, scale = _chi_over_root(n - 1)
    t = d * math.sqrt(n)

    def off(delta: float, probability: float) -> float:
        return float(density @ special.ndtr(t * scale - delta * math.sqrt(n))) - probability

    reach = 3 * spread + 1
    ends = [optimize.brentq(off, d - reach, d + reach, args=(p,)) for p in (1 - tail, tail)]
    return float(ends[0]), float(ends[1])


@functools.cache
def _chi_over_root(df: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return probabilities and values of √(χ²/df) at the nodes of an integral over it.

    P(T ≤ t) of the noncentral t is the mean of Φ(t √(χ²/df) - noncentrality). Taken so it holds for effects
    of any size; scipy's series gives NaN at d = 40. Checked against it where it gives numbers.
    """
    z = np.linspace(-8.5, 8.5, NODES)
    below = stats.chi2.ppf(special.ndtr(z[z < 0]), df)
    above = stats.chi2.isf(special.ndtr(-z[z >= 0]), df)
    weight = np.exp(-(z**2) / 2)
    return weight / weight.sum(), np.sqrt(np.concatenate([below, above]) / df)
