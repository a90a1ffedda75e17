"""Success rate: in how many of all runs does training succeed, given how many of these did?

The interval of Clopper & Pearson holds every rate π under which x successes of n, or more extreme numbers,
are not too improbable at either end:

    P(X ≥ x | low) = α/2,    P(X ≤ x | high) = α/2,    X ~ Binomial(n, π),

with low = 0 at x = 0 and high = 1 at x = n. It covers the true rate with at least the stated probability at
every n. It has width where all succeed: 5 of 5 is consistent with a rate of 48%.

Reference: Clopper & Pearson (1934), The use of confidence or fiducial limits illustrated in the case of the
binomial, Biometrika 26.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from ired_diag.stats.summary import CONFIDENCE


@dataclass(frozen=True, kw_only=True)
class SuccessRate:
    """A rate of success with its exact interval.

    Attributes:
        successes: Number of runs that succeeded.
        n: Number of runs.
        rate: Share of successes.
        low: Lower end of the interval.
        high: Upper end of the interval.
        reason: Why the numbers are NaN, where they are.
    """

    successes: int
    n: int
    rate: float
    low: float
    high: float
    reason: str = ""


def success_rate(successes: int, n: int, *, confidence: float = CONFIDENCE) -> SuccessRate:
    """Return the share of successes with its exact interval.

    Args:
        successes: How many runs succeeded.
        n: How many runs there are.
        confidence: Confidence level of the interval.

    >>> rate = success_rate(5, 5)
    >>> rate.rate, round(rate.low, 3), rate.high
    (1.0, 0.478, 1.0)
    """
    if not 0 <= successes <= n:
        raise ValueError(f"expected successes between 0 and n, got {successes!r} of {n!r}")
    if n == 0:
        nan = math.nan
        return SuccessRate(successes=0, n=0, rate=nan, low=nan, high=nan, reason="no runs")
    low, high = _exact_interval(successes, n, (1 - confidence) / 2)
    return SuccessRate(
        successes=successes,
        n=n,
        rate=successes / n,
        low=low,
        high=high,
    )


def _exact_interval(successes: int, n: int, tail: float) -> tuple[float, float]:
    """Return where so many successes or more, and so many or fewer, have the probability ``tail``."""
    low, high = 0.0, 1.0
    if successes > 0:
        low = float(special.betaincinv(successes, n - successes + 1, tail))
    if successes < n:
        high = float(special.betaincinv(successes + 1, n - successes, 1 - tail))
    return low, high
