"""Swings that say nothing against a training: they die away, or are small on the scale of the metric.

The ratio of a peak to the valley next to it knows neither. A momentum method on a quadratic is underdamped:
its loss goes up and down by many times while each peak is lower than the one before, down to 1e-57. With M_k
the largest value of the k-th third of a curve, swings die away where

    M_1 >= 1.5 M_2 and M_2 >= 1.5 M_3.

A return of 0.4 that goes up and down by 0.3 has not swung where other runs of the same reach 90: it rests at
the bottom of the scale. A success rate that rises from 0 to 1 doubles and halves by noise alone near 0, as
its failures do near 1: it swings where it falls by a quarter of its range, twice.

A loss that came through 1e-40 and rests at 0.001, of 50 at its start, has not diverged either: an optimiser
with a fixed step ends in a cycle around the minimum (RMSProp: |x| = η/2), and passes through it by chance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FALL = 1.5  # times, from one third to the next
LEAST = 9  # values, three in each third
SMALL = 0.02  # of the scale
QUARTER = 0.25  # of a curve's own range
TINY = 1e-9  # of the first value: a best that was passed by chance
LOW = 1e-3  # of the first value: an end that is near the minimum
STEADY = 1.1  # times, from one eighth of the curve to the next

Array = NDArray[np.float64]


def die_away(values: Array) -> bool:
    """Say whether the peaks of a positive curve, of shape (n,), become lower and lower.

    >>> t = np.arange(90.0)
    >>> die_away(np.exp(-t / 9) * (1.1 + np.sin(t))), die_away(1.1 + np.sin(t))
    (True, False)
    """
    if len(values) < LEAST or not _is_finite_and_not_negative(values):
        return False
    first, second, third = np.array_split(values, 3)
    peak = float(first.max())
    second_peak = float(second.max())
    third_peak = float(third.max())
    return peak >= FALL * second_peak and second_peak >= FALL * third_peak


def _is_finite_and_not_negative(values: Array) -> bool:
    if not np.isfinite(values).all():
        return False
    return bool(values.min() >= 0)


def are_small(values: Array, scale: float) -> bool:
    """Say whether a curve, of shape (n,), moves within a fiftieth of what other runs span of the same metric.

    >>> are_small(np.array([0.3, 0.9, 0.1]), 90.0), are_small(np.array([0.3, 0.9, 0.1]), 1.0)
    (True, False)
    """
    if not np.isfinite(values).all():
        return False
    return bool(np.ptp(values) <= SMALL * scale)


def falls_little(values: Array) -> bool:
    """Say whether a curve, of shape (n,), goes down by a quarter of its range and up again less than twice.

    >>> falls_little(np.array([0.02, 0.05, 0.02, 0.5, 0.9, 0.8])), falls_little(np.array([0.1, 0.9] * 4))
    (True, False)
    """
    quarter = float(np.ptp(values)) * QUARTER
    falls = 0
    top = float(values[0])
    for value in values.tolist():
        top = max(top, value)
        if value <= top - quarter:
            falls += 1
            top = value
    return bool(np.isfinite(values).all()) and falls < 2


def cycles_at_the_minimum(values: Array) -> bool:
    """Say whether a loss, of shape (n,), rests near 0 after it passed far closer by chance.

    >>> there, back = np.geomspace(50, 1e-40, 60), np.geomspace(1e-40, 1e-3, 40)
    >>> through_zero = np.concatenate([there, back, np.full(60, 1e-3)])
    >>> cycles_at_the_minimum(through_zero), cycles_at_the_minimum(1e9 * through_zero[60:])
    (True, False)
    """
    if len(values) < 2 * 8 or not _is_finite_and_not_negative(values):
        return False
    start = float(values[0])
    *_, seventh, eighth = np.array_split(values, 8)
    before = float(np.median(seventh))
    last = float(np.median(eighth))
    best = float(values.min())
    is_low = last <= LOW * start and best <= TINY * start
    return is_low and last <= STEADY * before
