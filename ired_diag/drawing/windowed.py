"""Curves of thousands of steps as means over windows of steps: on paper, noise step by step hides every mean.

The range of steps of all curves is cut into equal windows. A curve's point in a window is the mean of its
finite values there, NaN where it has values and none is finite, and stands at the window's middle; a window
without any value has no point. What is drawn over seeds, mean and band, is over these.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.logged_energies import Curves
from ired_diag.runs.history import Series

MANY = 2  # times as many points as windows, up to which a curve is drawn as it is
WINDOWS = 100  # points that a reader can tell apart in a column of a page


def width_of_windows(curves: Curves, windows: int = WINDOWS) -> float | None:
    """Return how many steps a window is wide; None where every curve has few points."""
    every = [series for members in curves.values() for series in members.values()]
    if max((len(series) for series in every), default=0) <= MANY * windows:
        return None
    first, last = _ends(every)
    return (last - first) / windows


def _ends(every: Iterable[Series]) -> tuple[int, int]:
    steps = [(int(series.steps[0]), int(series.steps[-1])) for series in every if len(series)]
    return min(first for first, _ in steps), max(last for _, last in steps)


def in_windows(curves: Curves, width: float) -> Curves:
    """Return the curves as means over windows of so many steps, the same for all of them."""
    first, last = _ends(series for members in curves.values() for series in members.values())
    windows = max(1, round((last - first) / width))
    means: Curves = {}
    for name, members in curves.items():
        means[name] = {}
        for seed, series in members.items():
            # The last step of all ends a window, and begins none.
            place = np.minimum((series.steps - first) / width, windows - 1).astype(np.int64)
            means[name][seed] = _means(series, place, first, width)
    return means


def _means(series: Series, place: NDArray[np.int64], first: int, width: float) -> Series:
    """Return a curve's means, each at the middle of its window."""
    windows, which = np.unique(place, return_inverse=True)
    values = series.values.astype(np.float64)
    is_finite = np.isfinite(values)
    counts = np.bincount(which, weights=is_finite)
    # Divided before they are summed: large values would overflow.
    parts = np.where(is_finite, values, 0.0) / np.maximum(counts, 1)[which]
    means = np.where(counts > 0, np.bincount(which, weights=parts), np.nan)
    middles = np.rint(first + (windows + 0.5) * width).astype(np.int64)
    return Series(middles, means)
