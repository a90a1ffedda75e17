"""The points of a line that are drawn, with their bands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import Line

Indices = NDArray[np.int64]  # of points, ascending


def line_at(line: Line, indices: Indices) -> Line:
    """Return a line of only the points at some places, with the ends of its band there."""
    return replace(
        line,
        x=line.x[indices],
        y=line.y[indices],
        low=_at(line.low, indices),
        high=_at(line.high, indices),
    )


def _at(values: NDArray[Any] | None, indices: Indices) -> NDArray[Any] | None:
    """Return values at some places; None for a line without a band."""
    return None if values is None else values[indices]
