"""What is computed from two numbers that are known as ranges.

difference        x - y
relative change   100 (x - y) / |y|,  in percent of y
ratio             the larger size over the smaller one
"""

from __future__ import annotations

import math

from ired_diag.claims.ranges import Range, through


def difference_of(a: Range, b: Range) -> Range:
    """Return the range of a - b.

    >>> difference_of(Range(1.0, 2.0, 3.0), Range.exactly(1.0))
    Range(low=0.0, middle=1.0, high=2.0)
    """
    return through(lambda x, y: x - y, a, b)


def percent_of_base(a: Range, base: Range) -> Range:
    """Return the range of the difference of a number from a base, in percent of the base."""
    return through(_percent, a, base)


def larger_over_smaller(a: Range, b: Range) -> Range:
    """Return the range of the ratio of two numbers, at least 1; no known one if their signs differ."""
    return through(_ratio_of_sizes, a, b)


def _percent(x: float, y: float) -> float:
    if not y:
        return math.nan
    return 100 * (x - y) / abs(y)


def _ratio_of_sizes(x: float, y: float) -> float:
    small, large = sorted((abs(x), abs(y)))
    if not small or x * y <= 0:
        return math.nan
    return large / small
