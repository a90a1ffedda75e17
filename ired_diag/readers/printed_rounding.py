"""Whether printed numbers are the rounded ones of another log.

A program that writes a table often prints the same values with fewer digits: 0.0021978 becomes ``0.002198``.
With d decimals, the most that a printed series shows, each printed value is within half a unit of its last
decimal, 0.5e-d, of the other; where numbers are printed in the form 2.198e-03 with s digits, within a share
of 0.5e-(s-1). A few digits agree by chance, so the printed values must differ among each other: there are
three or more of them, and their range is many roundings.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

FEWEST_DIFFERENT = 3  # printed values
FEWEST_ROUNDINGS = 100  # in the range of the printed values
SLACK = 1.0001  # the halves that a float cannot hold

Values = NDArray[np.float64]


def is_rounded(printed: Values, values: Values) -> bool:
    """Say whether printed numbers are the rounded values, NaN and infinity included.

    Args:
        printed: The printed numbers, of shape (n,).
        values: The numbers of the other log at the same steps, of shape (n,).

    >>> values = np.array([0.50123, 0.33387, 0.25042])
    >>> is_rounded(np.array([0.501, 0.334, 0.25]), values), is_rounded(np.array([0.5, 0.3, 0.3]), values)
    (True, False)
    """
    is_finite = np.isfinite(printed)
    others = printed[~is_finite]
    if not np.array_equal(others, values[~is_finite], equal_nan=True):
        return False
    shown = printed[is_finite]
    own = values[is_finite]
    different = np.unique(shown)
    if len(different) < FEWEST_DIFFERENT or not np.all(np.isfinite(own)):
        return False
    decimals, digits = _precision(different)
    rounding = 0.5 * SLACK * 10.0**-decimals
    share = 0.5 * SLACK * 10.0 ** (1 - digits)
    gaps = np.abs(shown - own)
    sizes = np.abs(own)
    for bounds in (np.full(len(own), rounding), share * sizes):
        if np.all(gaps <= bounds):
            return bool(np.ptp(shown) >= FEWEST_ROUNDINGS * np.max(bounds))
    return False


def _precision(printed: Values) -> tuple[int, int]:
    """Return the most decimals, and the most significant digits, that any of the numbers shows."""
    decimals = 0
    digits = 1
    for value in printed.tolist():
        number = Decimal(repr(value)).normalize()
        _, own_digits, exponent = number.as_tuple()
        decimals = max(decimals, -int(exponent))
        digits = max(digits, len(own_digits))
    return decimals, digits
