"""The numbers at the ticks of an axis as a paper writes them: plain, or as powers of ten.

Numbers from 0.001 up to a million are plain. Where one of an axis is not, all of a logarithmic axis are
powers (10⁻⁴, 2×10⁻⁴), and a linear axis has one power at its end (×10⁻⁴). No tick reads 0.00006 or 1e-06.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PLAIN = (0.001, 1e6)  # the numbers from the first up to the second are plain
MINUS = "\u2212"
ROUNDING = 1e-9  # share of an axis, or of a power, by which a tick may be off
SEEN = 1e-3  # of the distance of two ticks: by so much a number may be rounded
MOST_DIGITS = 12
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


def linear_words(values: Sequence[float], ends: tuple[float, float]) -> tuple[list[str], str]:
    """Return the numbers at the ticks of a linear axis, and the power of ten that all are multiples of.

    Args:
        values: Places of the ticks; those beyond the ends are not seen, and decide nothing.
        ends: Ends of the axis.

    >>> linear_words([-0.5, 0, 0.5, 1], (-0.7, 0.8)), linear_words([0, 0.00002, 0.00004], (0, 0.00005))
    ((['\u22120.5', '0.0', '0.5', '1.0'], ''), (['0', '2', '4'], '\u00d710⁻⁵'))
    """
    low, high = min(ends), max(ends)
    slack = ROUNDING * (high - low)
    seen = np.array([value for value in values if low - slack <= value <= high + slack] or [0.0])
    largest = float(np.abs(seen).max())
    power = 0
    if largest > 0 and not PLAIN[0] <= largest < PLAIN[1]:
        power = math.floor(math.log10(largest) + ROUNDING)
    scaled = seen / 10.0**power
    digits = _digits(scaled)
    rounded = np.round(np.asarray(values) / 10.0**power, digits) + 0.0  # no minus zero
    words = [f"{value:.{digits}f}".replace("-", MINUS) for value in rounded.tolist()]
    return words, f"\u00d7{power_in_words(power)}" if power else ""


def _digits(numbers: NDArray[np.float64]) -> int:
    """Return how many digits after the point tell ticks apart and say where they are."""
    apart = np.diff(np.unique(numbers))
    step = float(apart.min()) if len(apart) else max(1.0, float(np.abs(numbers).max()))
    for digits in range(MOST_DIGITS):
        if (np.abs(np.round(numbers, digits) - numbers) < SEEN * step).all():
            return digits
    return MOST_DIGITS


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
    return words if factor == "1" else f"{factor}\u00d7{words}"
