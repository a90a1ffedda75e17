"""N at each step, in a low panel beneath a mean over seeds, and in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ired_diag.figures.data import Line, Panel
from ired_diag.figures.over_seeds import OverSeeds


def seeds_panel(groups: Mapping[str, OverSeeds]) -> tuple[Panel, ...]:
    """Return a low panel of N at each step; none where every group keeps its N."""
    if all(len(np.unique(curve.n)) <= 1 for curve in groups.values()):
        return ()
    lines = tuple(Line(name, curve.steps, curve.n, drawn="steps") for name, curve in groups.items())
    most = max(int(curve.n.max(initial=0)) for curve in groups.values())
    ticks = tuple((float(k), str(k)) for k in sorted({0, most // 2, most}))
    return (Panel("seeds", lines, height=0.45, y_range=(0.0, 1.15 * max(most, 1)), y_ticks=ticks),)


def seeds_in_words(groups: Mapping[str, OverSeeds]) -> str:
    """Return each group's N: ``q101 n = 10; q201 n = 2 to 6``."""
    return "; ".join(f"{name} n = {_range(curve.n)}" for name, curve in groups.items())


def n_in_brief(groups: Mapping[str, OverSeeds]) -> str:
    """Return N over all groups and steps: ``n = 10``, ``n = 2 to 6``."""
    return f"n = {_range(np.concatenate([curve.n for curve in groups.values()]))}"


def _range(n: NDArray[np.int64]) -> str:
    if not len(n):
        return "0"
    low, high = int(n.min()), int(n.max())
    return str(low) if low == high else f"{low} to {high}"
