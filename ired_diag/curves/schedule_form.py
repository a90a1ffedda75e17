"""Whether a logged column has the form of a schedule: a smooth function of the step, in pieces.

An exploration rate, a temperature or a count of frames follows from the step alone. It varies in all its
digits and is equal in runs that have nothing else in common, so its equality proves nothing. Schedules are
linear, geometric, a cosine, a power of the step, or constant in pieces. What is measured on data has noise.

A cubic through the two neighbours on each side of a point, at their steps, predicts a smooth function to

    |v_i - cubic(s_i)| <= 0.3% of the range of these five values, + one unit of the last printed place,

and noise hardly ever: a value among five equal ones in distribution is off by about half their range. A kink
breaks the windows around it only, so a column is a schedule where half of its windows or more are smooth; or
where half of its values or more repeat the one before. A measured curve may be as smooth, where it falls
much faster than it scatters: the form decides only where the name says nothing. Fewer than five values
cannot tell a schedule from a measured curve unless they go up and down.

Reference: Lagrange's interpolation; Hamming (1973), Numerical Methods for Scientists and Engineers, ch. 14.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ired_diag.curves.agreement import last_place
from ired_diag.stats.arrays import Array

TOLERANCE = 0.003  # of the range of a window: noise is some 150 times as large
WINDOW = 5
MIDDLE = 2
LEAST_SHARE = 0.5  # of the windows, and of the values


def is_schedule(steps: NDArray[np.int64] | NDArray[np.float64], values: Array) -> bool:
    """Say whether values have the form of a schedule.

    Args:
        steps: Of shape (n,), increasing.
        values: Of shape (n,).

    >>> steps = np.arange(20)
    >>> is_schedule(steps, 0.97**steps), is_schedule(steps, np.sin(steps**2 % 7.0))
    (True, False)
    """
    finite = np.isfinite(values)
    s = np.asarray(steps[finite], dtype=np.float64)
    v = np.asarray(values[finite], dtype=np.float64)
    changes = np.diff(v)
    if len(v) < WINDOW:
        return bool((changes >= 0).all() or (changes <= 0).all())
    if np.mean(changes == 0) >= LEAST_SHARE:
        return True
    places = sliding_window_view(s, WINDOW)
    windows = sliding_window_view(v, WINDOW)
    error = np.abs(windows[:, MIDDLE] - _cubic_at_middle(places, windows))
    allowed = TOLERANCE * np.ptp(windows, axis=1) + last_place(v)
    return bool(np.mean(error <= allowed) >= LEAST_SHARE)


def _cubic_at_middle(places: Array, windows: Array) -> Array:
    """Return the cubic through the outer four points of each window, at the middle one; of shape (n,)."""
    neighbours = [i for i in range(WINDOW) if i != MIDDLE]
    at = places[:, MIDDLE]
    total = np.zeros(len(windows))
    for i in neighbours:
        weight = np.ones(len(windows))
        for j in neighbours:
            if j != i:
                weight *= (at - places[:, j]) / (places[:, i] - places[:, j])
        total += weight * windows[:, i]
    return total
