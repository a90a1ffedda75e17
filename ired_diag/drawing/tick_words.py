"""The numbers at the ticks of an axis as a paper writes them: plain, or as powers of ten.

Numbers from 0.001 up to 100 000 are plain. Where one of an axis is not, all of a logarithmic axis are powers
(10⁻⁴, 2×10⁻⁴), and a linear axis has one power at its end (×10⁻⁴). No tick reads 0.00006 or 1e-06.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

PLAIN = (0.001, 1e5)  # the numbers from the first up to the second are plain
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def tick_words(values: Sequence[float]) -> list[str]:
    """Return the numbers at the ticks of a logarithmic axis, all plain or all as powers of ten.

    >>> tick_words([0.001, 0.02, 10000.0]), tick_words([0.0001, 0.01, 1.0])
    (['0.001', '0.02', '10000'], ['10⁻⁴', '10⁻²', '10⁰'])
    >>> tick_words([0.00002, 0.00005]), tick_words([1e6])
    (['2×10⁻⁵', '5×10⁻⁵'], ['10⁶'])
    """
    low, high = PLAIN
    if all(low <= abs(value) < high or value == 0 for value in values):
        return [f"{value:g}" for value in values]
    return [_as_power(value) for value in values]


def power_in_words(power: int) -> str:
    """Return a power of ten.

    >>> power_in_words(-5)
    '10⁻⁵'
    """
    return f"10{str(power).translate(RAISED)}"


def _as_power(value: float) -> str:
    """Return a number as a multiple of a power of ten."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits, _, power = f"{value:.5e}".partition("e")
    factor = f"{float(digits):g}"
    words = power_in_words(int(power))
    return words if factor == "1" else f"{factor}×{words}"
