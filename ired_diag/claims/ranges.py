"""Ranges of what could have been meant, where numbers are computed from rounded ones.

A function of rounded inputs is evaluated at the ends and middles of their ranges; what it took there is the
range of its value. The functions used here are monotone in each input, or nearly so, within a last digit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ired_diag.claims.numbers import Printed

ROUNDING = 1e-6  # of a unit: a 5 is rounded up by one program and down by the next
FAR = 10.0  # a number that is so many times off may be of another metric


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
    def is_finite(self) -> bool:
        """Whether it is a range of numbers at all."""
        return all(map(math.isfinite, (self.low, self.middle, self.high)))

    def scaled(self, factor: float) -> Range:
        """Return the range in another unit, of a positive factor."""
        return Range(self.low * factor, self.middle * factor, self.high * factor)

    def widened(self, share: float) -> Range:
        """Return the range of a positive number with ends that are further out by a share of them."""
        return Range(self.low * (1 - share), self.middle, self.high * (1 + share))


def printed_range(number: Printed) -> Range:
    """Return what a printed number may stand for: half a last digit to each side."""
    return Range.around(number.value, number.unit / 2)


def through(function: Callable[..., float], *inputs: Range) -> Range:
    """Return the range of a function's value.

    >>> through(lambda a, b: a - b, Range(1.0, 2.0, 3.0), Range.exactly(1.0))
    Range(low=0.0, middle=1.0, high=2.0)
    """
    ends = []
    middles = []
    for given in inputs:
        # A set: of a number that is known exactly, the function is computed once.
        ends.append(sorted({given.low, given.middle, given.high}))
        middles.append(given.middle)
    values = list(itertools.starmap(function, itertools.product(*ends)))
    middle = function(*middles)
    if not all(map(math.isfinite, (*values, middle))):
        return Range(math.nan, math.nan, math.nan)
    return Range(min(values), middle, max(values))


def fits(number: Printed, recomputed: Range, *, magnitude: bool = False) -> bool:
    """Say whether a printed number may be a rounding of a recomputed one.

    Where the recomputed one comes from rounded inputs, a last digit that is off by one is accepted.

    Args:
        number: As printed; ``< 0.001`` is a bound.
        recomputed: From what is known.
        magnitude: Compare sizes without signs.
    """
    if not recomputed.is_finite:
        return False
    low = recomputed.low
    high = recomputed.high
    value = number.value
    if magnitude:
        value = abs(value)
        low, high = _sizes(low, high)
    if number.relation == "<":
        return low <= value
    if number.relation == ">":
        return high >= value
    digits = 1.0
    if high - low < number.unit / 2:
        digits = 0.5
    # The second term is for large numbers, whose own rounding in memory is wider than that of their digits.
    slack = number.unit * (digits + ROUNDING) + 1e-12 * abs(value)
    return low - slack <= value <= high + slack


def fits_any(number: Printed, recomputed: Iterable[Range], *, magnitude: bool = False) -> bool:
    """Say whether a printed number may be a rounding of one of several recomputed ones."""
    for candidate in recomputed:
        if fits(number, candidate, magnitude=magnitude):
            return True
    return False


def _sizes(low: float, high: float) -> tuple[float, float]:
    """Return the smallest and the largest size of the numbers between two ends."""
    if low < 0 < high:
        return 0.0, max(-low, high)
    smaller, larger = sorted((abs(low), abs(high)))
    return smaller, larger


def is_far(value: float, middle: float) -> bool:
    """Say whether two sizes differ by such a factor that they may be of two metrics; not if the second is 0.

    >>> is_far(0.5, 0.4), is_far(50.0, 0.4), is_far(1.0, 0.0)
    (False, True, False)
    """
    if not middle:
        return False
    return not 1 / FAR < abs(value / middle) < FAR
