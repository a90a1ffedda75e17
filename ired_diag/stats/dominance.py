"""How often a value of one group exceeds one of the other: Cliff's δ and Vargha & Delaney's A.

    δ = P(a > b) - P(a < b),      A = P(a > b) + P(a = b)/2 = (δ + 1)/2

taken over all n_a n_b couples. Both are 0 (A: 1/2) where neither group tends to be larger, and need no unit,
no normal distribution and no equal spread.

Two intervals are known to serve small samples, and each has its weak side. Feng & Cliff's takes Cliff's
consistent variance s² and lets it fall as δ nears ±1,

    (δ - δ³ ± z s √((1 - δ²)² + z² s²)) / (1 - δ² + z² s²),
    s² = ((n_b - 1) s_a² + (n_a - 1) s_b² + s_ab²) / (n_a n_b),

the variances of row means, column means and entries of the matrix sign(a_i - b_j); at δ = ±1 it reaches to
±(n - z²)/(n + z²), n the smaller size. It is too short near complete separation (91% at n = 20 and δ = 0.9 of
exponentials). Newcombe's method 5 holds all A with |Â - A| ≤ z √V(A),

    V(A) = A (1 - A) (1 + n* ((1 - A)/(2 - A) + A/(1 + A))) / (n_a n_b),     n* = (n_a + n_b)/2 - 1;

it is never degenerate, but too short where one group spreads much more (93% at n = 10 and 3 : 1). What is
returned is the shortest interval that holds both: 93% or more in each of 135 cases simulated (n = 3 to 20,
normal of spread 1 : 1 and 1 : 3, exponential), 96% to 97% on average. At complete separation it still says
how little n values can exclude.

References: Cliff (1996), Answering Ordinal Questions with Ordinal Data Using Ordinal Statistics; Feng & Cliff
(2004), Monte Carlo Evaluation of Ordinal d with Improved Confidence Interval; Newcombe (2006), Confidence
Intervals for an Effect Size Measure Based on the Mann-Whitney Statistic, Part 2; Vargha & Delaney (2000).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array
from ired_diag.stats.defects import as_sample, defect_of
from ired_diag.stats.quantiles import normal_quantile
from ired_diag.stats.summary import CONFIDENCE


@dataclass(frozen=True, kw_only=True)
class Dominance:
    """How often a exceeds b.

    Attributes:
        delta: Cliff's δ, from -1 (all of a below b) to 1.
        delta_low: Lower end of the interval.
        delta_high: Upper end of the interval.
        a12: Vargha & Delaney's A, from 0 to 1.
        a12_low: Lower end of the interval.
        a12_high: Upper end of the interval.
        n_a: Size of a.
        n_b: Size of b.
        reason: Why something is NaN, or says little.
    """

    delta: float
    delta_low: float
    delta_high: float
    a12: float
    a12_low: float
    a12_high: float
    n_a: int
    n_b: int
    reason: str = ""


def dominance(a: ArrayLike, b: ArrayLike, *, confidence: float = CONFIDENCE) -> Dominance:
    """Return Cliff's δ and A of two samples of shapes (n_a,) and (n_b,).

    >>> result = dominance([4.0, 5.0, 6.0], [1.0, 2.0, 5.0])
    >>> round(result.delta, 6), round(result.a12, 6)
    (0.666667, 0.833333)
    """
    x = as_sample(a)
    y = as_sample(b)
    n_a = len(x)
    n_b = len(y)
    if defect := defect_of(x, y):
        return _dominance(
            math.nan,
            low=math.nan,
            high=math.nan,
            n_a=n_a,
            n_b=n_b,
            reason=defect,
        )
    signs = np.sign(x[:, None] - y[None, :])
    delta = float(signs.mean())
    a12 = (delta + 1) / 2
    z = normal_quantile(confidence)
    low_cliff, high_cliff = _feng_cliff(signs, delta, z)
    low_newcombe, high_newcombe = _newcombe(a12, n_a=n_a, n_b=n_b, z=z)
    reason = ""
    if not signs.any():
        reason = "all values are equal"
    return _dominance(
        delta,
        low=min(low_cliff, low_newcombe),
        high=max(high_cliff, high_newcombe),
        n_a=n_a,
        n_b=n_b,
        reason=reason,
    )


def _dominance(
    delta: float,
    *,
    low: float,
    high: float,
    n_a: int,
    n_b: int,
    reason: str,
) -> Dominance:
    """Return δ and its interval, and the same as A = (δ + 1) / 2."""
    return Dominance(
        delta=delta,
        delta_low=low,
        delta_high=high,
        a12=(delta + 1) / 2,
        a12_low=(low + 1) / 2,
        a12_high=(high + 1) / 2,
        n_a=n_a,
        n_b=n_b,
        reason=reason,
    )


def _feng_cliff(signs: Array, delta: float, z: float) -> tuple[float, float]:
    n_a, n_b = signs.shape
    if abs(delta) == 1:
        smaller = min(n_a, n_b)
        bound = (smaller - z * z) / (smaller + z * z)
        if delta > 0:
            return bound, 1.0
        return -1.0, -bound
    s_a = signs.mean(axis=1).var(ddof=1)
    s_b = signs.mean(axis=0).var(ddof=1)
    s_ab = signs.var(ddof=1)
    variances = float((n_b - 1) * s_a + (n_a - 1) * s_b + s_ab)
    square = z * z * variances / signs.size
    rest = 1 - delta**2
    half = math.sqrt(square * (rest**2 + square))
    middle = delta * rest
    below = rest + square
    low = (middle - half) / below
    high = (middle + half) / below
    return low, high


def _newcombe(a12: float, *, n_a: int, n_b: int, z: float) -> tuple[float, float]:
    """Return the interval of δ; V is the same for A and 1 - A, so one end gives the other."""
    low = _newcombe_low(a12, n_a=n_a, n_b=n_b, z=z)
    low_of_rest = _newcombe_low(1 - a12, n_a=n_a, n_b=n_b, z=z)
    return 2 * low - 1, 1 - 2 * low_of_rest


def _newcombe_low(a12: float, *, n_a: int, n_b: int, z: float) -> float:
    if a12 <= 0:
        return 0.0
    others = (n_a + n_b) / 2 - 1

    def distance(true: float) -> float:
        shares = (1 - true) / (2 - true) + true / (1 + true)
        variance = true * (1 - true) * (1 + others * shares)
        return (a12 - true) ** 2 - z * z * variance / (n_a * n_b)

    # At A = 1 the estimate itself solves the equation: the end is the other root, well below it.
    highest = min(a12, 1 - 1e-9)
    return float(scipy.optimize.brentq(distance, 0.0, highest))
