"""A curve with fewer points that looks the same: the smallest and the largest of each stretch are kept.

The x range is cut into equal stretches; of each, the point with the smallest and the point with the largest
y are drawn, in their order, and the first and the last of all. A spike of one step is therefore seen at
every zoom. Where y is NaN in a stretch, one NaN of it is kept, so that the line has a gap there. Zooming
in thins again, from all points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT_IN_A_STRETCH = 3  # smallest, largest, a gap
FEWEST = 8


@dataclass(frozen=True)
class Thinned:
    """What is drawn of a curve.

    Attributes:
        indices: Indices of the points that are drawn, increasing, of shape (shown,).
        inside: How many points of the curve lie in the x range.
    """

    indices: NDArray[np.int64]
    inside: int

    @property
    def words(self) -> str:
        """What a picture says of it; nothing where every point is drawn."""
        drawn = len(self.indices)
        if drawn >= self.inside:
            return ""
        return f"{drawn:,} of {self.inside:,} points drawn: smallest and largest of each stretch"


def thin(
    x: NDArray[Any],
    y: NDArray[Any],
    most: int,
    x_range: tuple[float, float] | None = None,
) -> Thinned:
    """Return which points of a curve to draw.

    Args:
        x: Places of the points on the x axis, of shape (n,), increasing.
        y: Values of the points, of shape (n,); NaN is a gap.
        most: Largest number of points to draw, at least 8.
        x_range: Ends of the x axis. Default: all points. One point beyond each end is kept, so that the
            line goes on to the edge of the picture.
    """
    low, high = x_range or (-np.inf, np.inf)
    first_inside = int(np.searchsorted(x, low, "left"))
    first_beyond = int(np.searchsorted(x, high, "right"))
    start = max(first_inside - 1, 0)
    stop = min(first_beyond + 1, len(x))
    count = stop - start
    most = max(most, FEWEST)
    if count <= most:
        every_point = np.arange(start, stop)
        return Thinned(every_point, count)
    inner_points = most - 2
    stretches = inner_points // KEPT_IN_A_STRETCH
    in_range = slice(start, stop)
    kept = _kept(x[in_range], y[in_range], stretches)
    return Thinned(start + kept, count)


def _kept(x: NDArray[Any], y: NDArray[Any], stretches: int) -> NDArray[np.int64]:
    """Return the first and last point, and the smallest, the largest and a gap of each stretch."""
    n = len(x)
    edges = np.linspace(float(x[0]), float(x[-1]), stretches + 1)
    starts = np.unique(np.searchsorted(x, edges[:-1], "left"))
    lengths = np.diff([*starts, n])
    count = len(starts)
    stretch = np.repeat(np.arange(count), lengths)
    is_gap = np.isnan(y)
    by_value = np.lexsort((y, stretch))  # NaN last within each stretch
    weighted = np.bincount(stretch, weights=~is_gap, minlength=count)
    numbers = weighted.astype(int)
    has_number = numbers > 0
    first = starts[has_number]
    last = first + numbers[has_number] - 1
    smallest = by_value[first]
    largest = by_value[last]
    _, first_gap = np.unique(stretch[is_gap], return_index=True)
    every_gap = np.flatnonzero(is_gap)
    gaps = every_gap[first_gap]
    ends = np.array([0, n - 1])
    drawn = np.concatenate([ends, smallest, largest, gaps])
    return np.unique(drawn)
