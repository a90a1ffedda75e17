"""Where a logarithmic axis is labelled, so that a reader can always read a value off it.

over more than 3 decades:   1 in each decade, or in each k-th so that few are left
over 0.8 to 3 decades:      1, 2, 5 in each decade
under 0.8 decades:          multiples of a round step, as on a linear axis
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

MOST = 6  # labels, about
NARROW, WIDE = 0.8, 3.0  # decades
ROUNDING = 1e-9  # share of a place by which it may lie beyond an end


def log_ticks(low: float, high: float) -> NDArray[np.float64]:
    """Return the places of the labels within an axis' ends; none where it has no extent.

    >>> log_ticks(0.05, 30).tolist()
    [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    >>> log_ticks(87, 140).tolist()
    [90.0, 100.0, 110.0, 120.0, 130.0, 140.0]
    >>> log_ticks(1e-9, 3).tolist()
    [1e-08, 1e-06, 0.0001, 0.01, 1.0]
    """
    if not (0 < low < high < math.inf):
        return np.array([])
    decades = math.log10(high) - math.log10(low)
    if decades < NARROW:
        return _round_steps(low, high)
    first = math.floor(math.log10(low))
    last = math.ceil(math.log10(high))
    multiples: tuple[int, ...] = (1, 2, 5)
    stride = 1
    if decades > WIDE:
        multiples = (1,)
        stride = math.ceil(decades / MOST)
    places = []
    for power in range(first, last + 1):
        if power % stride == 0:
            # Parsed, not computed: 10.0**power is off by a rounding for some powers.
            places += [float(f"{multiple}e{power}") for multiple in multiples]
    ticks = np.array(places)
    is_within = (ticks >= low * (1 - ROUNDING)) & (ticks <= high * (1 + ROUNDING))
    return ticks[is_within]


def _round_steps(low: float, high: float) -> NDArray[np.float64]:
    """Return multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / MOST
    power = 10.0 ** math.floor(math.log10(rough))
    steps = [power, 2 * power, 5 * power, 10 * power]
    step = next(size for size in steps if size >= rough * (1 - ROUNDING))
    digits = max(0, 1 - math.floor(math.log10(step)))
    first = math.ceil(low / step - ROUNDING)
    last = math.floor(high / step + ROUNDING)
    counts = np.arange(first, last + 1)
    return np.round(counts * step, digits)
