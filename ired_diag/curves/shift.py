"""A lasting rise that is smaller than the noise of two or three evaluations, but not of many.

``valley`` sees a rise that no median of three comes back from. Where single evaluations still do, means can
show it: for every split k of the evaluations since the arrival on the floor, no earlier than the best one,

    t(k) = (mean after - mean before) / (σ √((1 + φ) / (1 - φ)) √(1/n₁ + 1/n₂)),

and the largest t counts from 5 on, with the σ and φ of ``valley``, with those of what the two means leave,
and with those of neighbours (``wander``). The largest of many t is larger than one: of 100 white values it
passes 4 in one of 1250 simulations; the rest is for correlated noise. The level must still be up in the last
third of what follows.

Reference: James, James & Siegmund (1987), Tests for a change-point.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ired_diag.curves.valley import Valley, noise_of, widening
from ired_diag.curves.wander import wander_of
from ired_diag.stats.arrays import Array

CLEAR = 5.0
FEWEST = 5  # evaluations on each side


def with_hidden_rise(valley: Valley) -> Valley:
    """Return a valley with the rise that its means show, where single evaluations do not show one."""
    first = valley.arrival
    y = valley.y[first:]
    n = len(y)
    earliest = max(FEWEST, valley.best + 1 - first)
    before = np.arange(earliest, n - FEWEST + 1)
    if valley.rises or valley.sigma == 0 or not len(before):
        return valley
    after = n - before
    sums = np.cumsum(y)
    sums_before = sums[before - 1]
    low = sums_before / before
    high = (sums[-1] - sums_before) / after
    shifts = high - low
    noise = valley.sigma * valley.inflation
    scales = np.sqrt(1 / before + 1 / after)
    errors = noise * scales
    split = int(np.argmax(shifts / errors))
    shift = float(shifts[split])
    if not shift > CLEAR * float(errors[split]):
        return valley
    size = int(before[split])
    is_before = np.arange(n) < size
    step = np.where(is_before, low[split], high[split])
    error_of_fit = _error(y - step, size)
    error_of_neighbours = _wandering(y, step, size)
    error = max(error_of_fit, error_of_neighbours)
    rising = replace(
        valley,
        left=first + size,
        floor=float(low[split]),
        rises=True,
    )
    if shift > CLEAR * error and rising.rise > shift / 2:
        return rising
    return valley


def _error(residuals: Array, before: int) -> float:
    """Return the standard error of the shift by what its two means leave."""
    n = len(residuals)
    sigma, correlation = noise_of(residuals, levels=2)
    after = n - before
    scale = np.sqrt(1 / before + 1 / after)
    noise = sigma * widening(correlation)
    return float(noise * scale)


def _wandering(y: Array, step: Array, before: int) -> float:
    """Return the standard error of the shift by how neighbours on each side differ."""
    noise = wander_of(y, step)
    error_before = noise.error_of_mean(before)
    error_after = noise.error_of_mean(len(y) - before)
    return float(np.hypot(error_before, error_after))
