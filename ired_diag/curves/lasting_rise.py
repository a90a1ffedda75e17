"""The valley of a curve with the rise that lasts: a dip below the level that the curve keeps is no floor.

Correlated noise leaves its level for many evaluations and comes back. The fit follows it there, so the noise
that the fit leaves is too small to say so, and near 0 a small difference is a large ratio. Where a curve has
been at the level of its end before, for ten evaluations at least that did not descend, the noise about that
level is known, in the unit of the metric:

    s = standard deviation of the evaluations before the dip.

Where the two halves of those evaluations, and they and the end, are less than 1.5 s apart, a dip of less than
4 s is noise, and the way out of it is no rise.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ired_diag.curves.nats import Curve
from ired_diag.curves.remembered import remembered
from ired_diag.curves.shift import with_hidden_rise
from ired_diag.curves.valley import Valley, find_valley
from ired_diag.stats.arrays import Array

FEWEST = 10  # evaluations before the dip: the sd of fewer is not known to 25%
DEEP = 4.0
FLAT = 1.5
LONGEST_KEPT = 512  # evaluations


def valley_of(curve: Curve) -> Valley:
    """Return the valley of a curve of which at least one value is finite.

    Args:
        curve: Curve in nats.
    """
    if len(curve) <= LONGEST_KEPT:  # a longer one is held by few, and asked for once
        return _valley(curve.y, curve.values, grain=curve.grain)
    return _new_valley(curve.y, curve.values, grain=curve.grain)


def _new_valley(y: Array, values: Array, *, grain: float) -> Valley:
    valley = with_hidden_rise(find_valley(y, grain=grain))
    if not valley.rises or not _is_out_of_a_dip(values, valley):
        return valley
    return replace(valley, rises=False, left=len(y))


# The shape of a curve, alone and among its seeds, and its best evaluation rest on the same valley.
_valley = remembered(_new_valley)


def _is_out_of_a_dip(values: Array, valley: Valley) -> bool:
    """Say whether the rise leads back to a level that the curve has kept before, out of what is noise."""
    y = valley.y
    level = _median(y[valley.left :])
    reached = int(np.argmax(y <= level))
    before = _finite(values[reached : valley.arrival])
    during = _finite(values[valley.arrival : valley.left])
    after = _finite(values[valley.left :])
    if len(before) < FEWEST or not len(after):
        return False
    noise = float(before.std())
    first_half, second_half = np.array_split(before, 2)
    end = _median(after)
    change_before = _median(first_half) - _median(second_half)
    change_after = end - _median(before)
    dip = end - _median(during)
    if abs(change_before) >= FLAT * noise:
        return False
    if abs(change_after) >= FLAT * noise:
        return False
    return abs(dip) < DEEP * noise


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)]


def _median(values: Array) -> float:
    return float(np.median(values))
