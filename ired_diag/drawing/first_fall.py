"""Where curves lie after their first fall: the ends of a y axis on which they can be told apart.

An untrained model is so far off that its first values take most of a y axis, on which all that follows is
one flat line. With ``r(S)`` the extent of the values S on the axis (of their logarithms on a logarithmic
one), the axis leaves out the first values where

    r(values after the first fifth of each curve's own steps) < r(all values) / 3.

Later values are never left out, nor a curve as a whole: one that ends early is judged by its own steps.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import Panel, Scale, drawable_spread

EARLY = 0.2  # share of a curve's steps
LARGEST_SHARE = 1 / 3  # of the extent of all values
ROOM = 0.05  # of the extent, above and below

Points = tuple[NDArray[np.float64], NDArray[np.float64]]  # steps and values
Ends = tuple[float, float]


def range_of_panel(panel: Panel) -> Ends | None:
    """Return the ends of a panel's y axis without the first fall; None where all values should be seen."""
    curves: list[Points] = []
    for line in panel.lines:
        x = np.asarray(line.x, dtype=np.float64)
        spread = drawable_spread(line, panel) or ()
        for values in (line.y, *spread[:2]):
            curves.append((x, np.asarray(values, dtype=np.float64)))
    return range_after_fall(curves, panel.y_scale, [guide.y for guide in panel.guides])


def range_after_fall(curves: Iterable[Points], scale: Scale, guides: Iterable[float] = ()) -> Ends | None:
    """Return the ends of a y axis without the first fall; None where all values should be seen.

    Args:
        curves: Steps, ascending, and values of each curve; both of shape (n,).
        scale: Scale of the y axis.
        guides: Further values that the axis always shows.

    >>> steps = np.arange(11.0)
    >>> range_after_fall([(steps, np.array([9.0, 2, 1, 1, 1, 1, 1, 1, 1, 1, 0]))], "linear")
    (-0.05, 1.05)
    >>> range_after_fall([(steps, np.arange(11.0))], "linear")
    """
    every, later = [], []
    for steps, values in curves:
        has_place = np.isfinite(values)
        if scale == "log":
            has_place &= values > 0
        if not has_place.any():
            continue
        x, y = steps[has_place], values[has_place]
        every.append(y)
        later.append(y[x >= x[0] + EARLY * (x[-1] - x[0])])
    if not every:
        return None
    fixed = [value for value in guides if scale == "linear" or value > 0]
    whole = _on_axis(np.concatenate([*every, fixed]), scale)
    kept = _on_axis(np.concatenate([*later, fixed]), scale)
    if not 0 < np.ptp(kept) < LARGEST_SHARE * np.ptp(whole):
        return None
    room = ROOM * np.ptp(kept)
    low, high = kept.min() - room, kept.max() + room
    if scale == "log":
        low, high = 10**low, 10**high
    return float(low), float(high)


def _on_axis(values: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    return np.log10(values) if scale == "log" else values
