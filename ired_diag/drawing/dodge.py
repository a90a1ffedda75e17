"""Points of several lines at one place of the x axis, next to each other, so that their spreads are seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

DODGE = 0.13  # of a noise level: five lines take half of the way to the next one
MOST = 0.6  # of the way to the next level, that many lines take


def dodge(levels: ArrayLike, position: int, lines: int) -> NDArray[np.float64]:
    """Return where a line has its points, around the levels that all lines share.

    Args:
        levels: Places of the points on the x axis, of shape (n,).
        position: Place of the line among the lines, from 0.
        lines: Number of lines.

    >>> dodge([0, 1], 2, 3).tolist()
    [0.13, 1.13]
    """
    middle = (lines - 1) / 2
    apart = min(DODGE, MOST / max(1, lines - 1))
    places: NDArray[np.float64] = np.asarray(levels) + apart * (position - middle)
    return places
