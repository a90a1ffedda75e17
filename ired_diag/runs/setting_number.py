"""A configured value as a number, where it is one."""

from __future__ import annotations

import math


def number_of(value: object) -> float | None:
    """Return a configured value as a float; None where it is not a finite number, or too large for one.

    >>> number_of(3), number_of(True), number_of("3"), number_of(10**400), number_of(math.nan)
    (3.0, None, None, None, None)
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
