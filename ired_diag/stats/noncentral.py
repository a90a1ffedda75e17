"""Which noncentralities of Student's t are compatible with an observed t.

If T follows the noncentral t distribution with df degrees of freedom and noncentrality λ, the interval holds
those λ for which the observed t is not among the (1 - confidence)/2 least or most of the distribution. With
S = √(χ²_df / df),

    P(T ≤ t) = E Φ(t S - λ),

taken as an integral over S: it holds for a t of any size, where scipy's series gives NaN.

Reference: Johnson & Welch (1940), Applications of the Non-Central t-Distribution; Cumming & Finch (2001), A
Primer on ... Confidence Intervals That Are Based on Central and Noncentral Distributions.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import scipy  # its parts are imported when they are first used
from scipy import special

from ired_diag.stats.arrays import Array
from ired_diag.stats.summary import CONFIDENCE

LARGE = 1000  # from here on T is normal with variance 1 + t²/2df to three digits
NODES = 4001  # the trapezoid rule on a Gaussian: exact to 1e-12 for |t| up to some 300 √(2 df)


def noncentrality_interval(
    t: float,
    df: int,
    *,
    confidence: float = CONFIDENCE,
) -> tuple[float, float]:
    """Return the ends of the interval of the noncentrality.

    Args:
        t: The observed statistic, finite.
        df: Its degrees of freedom, at least 1.
        confidence: Confidence level of the interval.

    >>> low, high = noncentrality_interval(0.0, 9)
    >>> round(low, 6), round(high, 6)
    (-1.959964, 1.959964)
    """
    tail = (1 - confidence) / 2
    z = float(-special.ndtri(tail))
    variance = 1 + t * t / (2 * df)
    spread = z * math.sqrt(variance)
    if df >= LARGE:
        return t - spread, t + spread
    weight, scale = _chi_over_root(df)

    def distance(noncentrality: float, probability: float) -> float:
        below = special.ndtr(t * scale - noncentrality)
        return float(weight @ below) - probability

    reach = 3 * spread + 1
    least = t - reach
    most = t + reach
    low = scipy.optimize.brentq(distance, least, most, args=(1 - tail,))
    high = scipy.optimize.brentq(distance, least, most, args=(tail,))
    return float(low), float(high)


@functools.cache
def _chi_over_root(df: int) -> tuple[Array, Array]:
    """Return probabilities and values of √(χ²/df) at the nodes of an integral over its normal score."""
    z = np.linspace(-8.5, 8.5, NODES)
    lower = z[z < 0]
    upper = z[z >= 0]
    # Each half by its own tail, where probabilities keep their digits.
    below = 2 * special.gammaincinv(df / 2, special.ndtr(lower))
    above = special.chdtri(df, special.ndtr(-upper))
    squares = np.concatenate([below, above])
    values = np.sqrt(squares / df)
    density = np.exp(-(z**2) / 2)
    return density / density.sum(), values
