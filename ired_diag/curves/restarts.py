"""Warm restarts: a curve that jumps up and comes down again, time after time, as its learning rate does.

A jump is a rise between two neighbouring evaluations by more than six usual differences and by 5%. It is a
restart where the three evaluations after it are not back yet (that would be a spike), and where at least four
follow, the last of which are back: below the level before the jump but for a tenth of it. A last cycle may be
cut short. Two restarts make a schedule. What counts then are the ends of the cycles.

Reference: Loshchilov & Hutter (2017), SGDR: Stochastic Gradient Descent with Warm Restarts.
"""

from __future__ import annotations

import numpy as np

from ired_diag.curves.order_statistics import median, usual_size
from ired_diag.stats.arrays import Array

FEWEST = 2  # restarts that make a schedule
SHORTEST = 4
JUMP = 6.0
SEEN = 0.05
STILL_UP = 0.25  # of the jump, after three evaluations
BACK = 0.9
END = 3  # evaluations at the end of a cycle


def restarts_in(y: Array) -> tuple[int, ...]:
    """Return the first evaluation of each cycle after the first; empty where there is no such schedule.

    Args:
        y: A curve in nats, of shape (n,); one with values that are not finite has no cycles.
    """
    if len(y) < 3 * SHORTEST or not np.isfinite(y).all():
        return ()
    starts = _cycle_starts(y)
    if not starts:
        return ()
    ends = [*starts[1:], len(y)]
    restarts = []
    for start, end in zip(starts[:-1], ends[:-1], strict=True):
        if _comes_back(y, start, end):
            restarts.append(start)
    last = starts[-1]
    is_cut_short = False
    if restarts:
        last_length = len(y) - last
        length_before = last - restarts[-1]
        is_cut_short = last_length < length_before
    if is_cut_short or _comes_back(y, last, len(y)):
        restarts.append(last)
    most_restart = len(restarts) >= len(starts) - 1
    if most_restart and len(restarts) >= FEWEST:
        return tuple(restarts)
    return ()


def _cycle_starts(y: Array) -> list[int]:
    """Return where the curve jumps far above its level, at least a cycle apart."""
    differences = np.diff(y)
    usual = usual_size(differences)
    least = max(JUMP * usual, SEEN)
    jumps = np.flatnonzero(differences > least) + 1
    starts: list[int] = []
    previous = 0
    for jump in jumps.tolist():
        height = y[jump] - _level_before(y, jump)
        if height > least and jump - previous >= SHORTEST:
            starts.append(jump)
            previous = jump
    return starts


def _level_before(y: Array, place: int) -> float:
    """Return the median of the last evaluations before a place."""
    first = max(0, place - END)
    return median(y[first:place])


def cycle_ends(y: Array, restarts: tuple[int, ...]) -> Array:
    """Return the level at the end of each cycle; a last one that was cut short is left out.

    Args:
        y: A curve in nats, of shape (n,).
        restarts: The first evaluation of each cycle after the first.
    """
    levels = []
    for end in _ends(y, restarts):
        levels.append(_level_before(y, end))
    return np.array(levels)


def noise_at_ends(y: Array, restarts: tuple[int, ...]) -> float:
    """Return the standard deviation of one evaluation at the end of a cycle, by neighbours there.

    Args:
        y: A curve in nats, of shape (n,).
        restarts: The first evaluation of each cycle after the first.
    """
    differences = []
    for end in _ends(y, restarts):
        first = max(0, end - END - 1)
        differences.append(np.diff(y[first:end]))
    usual = usual_size(np.concatenate(differences))
    return usual / float(np.sqrt(2))


def _ends(y: Array, restarts: tuple[int, ...]) -> list[int]:
    """Return where each cycle ends; a last one that was cut short is left out."""
    bounds = [0, *restarts, len(y)]
    ends = bounds[1:]
    lengths = np.diff(bounds)
    is_cut_short = lengths[-1] < 0.9 * lengths[-2]
    if is_cut_short:
        return ends[:-1]
    return ends


def _comes_back(y: Array, start: int, end: int) -> bool:
    """Say whether the curve stays up after a jump, and is back at the end of the cycle."""
    if end - start < SHORTEST:
        return False
    level = _level_before(y, start)
    jump = float(y[start] - level)
    first_at_end = max(start, end - END)
    after = y[start : start + END]
    at_end = y[first_at_end:end]
    lowest_after = np.min(after)
    lowest_at_end = np.min(at_end)
    still_up = level + STILL_UP * jump
    nearly_back = level + (1 - BACK) * jump
    stays_up = lowest_after > still_up
    is_back = lowest_at_end < nearly_back
    return bool(stays_up and is_back)
