"""Ranges of what could have been meant, where numbers are computed from rounded ones.

A function of rounded inputs is evaluated at the ends and middles of their ranges; what it took there is the
range of its value. The functions used here are monotone in each input, or nearly so, within a last digit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from ired_diag.claims.numbers import Printed

ROUNDING = 1e-6  # of a unit: a 5 is rounded up by one program and down by the next


@dataclass(frozen=True)
class Range:
    """The values that a number may have.

    Attributes:
        low: The smallest.
        middle: Of exact inputs, or of what is printed.
        high: The largest.
    """

    low: float
    middle: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Range:
        """Return the range of a number that is known."""
        return cls(value, value, value)

    @classmethod
    def around(cls, value: float, half: float) -> Range:
        """Return a range from ``half`` below a value to ``half`` above."""
        return cls(value - half, value, value + half)

    @property
    def known(self) -> bool:
        """Whether it is a range of numbers at all."""
        return all(math.isfinite(end) for end in (self.low, self.middle, self.high))


def printed_range(number: Printed) -> Range:
    """Return what a printed number may stand for: half a last digit to each side."""
    return Range.around(number.value, number.unit / 2)


def through(function: Callable[..., float], *inputs: Range) -> Range:
    """Return the range of a function's value.

    >>> through(lambda a, b: a - b, Range(1.0, 2.0, 3.0), Range.exactly(1.0))
    Range(low=0.0, middle=1.0, high=2.0)
    """
    ends = [sorted({r.low, r.middle, r.high}) for r in inputs]
    values = [function(*point) for point in itertools.product(*ends)]
    middle = function(*(r.middle for r in inputs))
    if not all(math.isfinite(value) for value in (*values, middle)):
        return Range(math.nan, math.nan, math.nan)
    return Range(min(values), middle, max(values))


def fits(number: Printed, recomputed: Range, *, magnitude: bool = False) -> bool:
    """Say whether a printed number may be a rounding of a recomputed one.

    Where the recomputed one comes from rounded inputs, a last digit that is off by one is let pass.

    Args:
        number: As printed; ``< 0.001`` is a bound.
        recomputed: From what is known.
        magnitude: Compare sizes without signs.
    """
    low, high, value = recomputed.low, recomputed.high, number.value
    if not recomputed.known:
        return False
    if magnitude:
        value = abs(value)
        low, high = (0.0, max(-low, high)) if low < 0 < high else sorted((abs(low), abs(high)))
    if number.relation == "<":
        return low <= value
    if number.relation == ">":
        return high >= value
    digits = 0.5 if high - low < number.unit / 2 else 1.0
    slack = number.unit * (digits + ROUNDING) + 1e-12 * abs(value)
    return low - slack <= value <= high + slack
