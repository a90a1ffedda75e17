"""Simultaneous intervals: wide enough that all of several hold together.

Of k intervals, each with a confidence of 95%, at least one misses its true difference in up to 1 - 0.95^k of
all studies. With a confidence of 1 - α/k each, all of them hold together in 1 - α at least (Bonferroni),
whatever their dependence:

    d ± t(1 - α / 2k, ν) se.

Where Holm's adjusted p is above α, so is Bonferroni's, k p: such an interval contains 0. It never contradicts
a sentence that says that a difference may be 0 after correction. (The converse does not hold: Holm rejects
more than Bonferroni. An interval that belongs to each of Holm's decisions does not exist in general.)

Reference: Dunn (1961), Multiple comparisons among means; Holm (1979), section 2.
"""

from __future__ import annotations

import math

from scipy import special

from ired_diag.stats.t_tests import TTest


def simultaneous_interval(test: TTest, intervals: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of a difference as one of several that hold together.

    Args:
        test: A t test with its interval.
        intervals: How many there are, k.
        confidence: Of the test's own interval, and of all together.

    >>> test = TTest(t=2.0, df=8.0, p=0.08, low=-0.306, high=4.306, n=10)
    >>> low, high = simultaneous_interval(test, 3)
    >>> round(low, 2), round(high, 2)
    (-1.02, 5.02)
    """
    if math.isnan(test.low) or intervals < 2:
        return test.low, test.high
    alone, together = (
        float(special.stdtrit(test.df, 1 - (1 - confidence) / (2 * k))) for k in (1, intervals)
    )
    middle = (test.low + test.high) / 2
    half = (test.high - test.low) / 2 * together / alone
    return middle - half, middle + half
