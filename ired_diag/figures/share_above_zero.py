"""The share of seeds whose curve is above zero, over training, as a low panel.

Of many steps a share of few seeds cannot be read: it is then one of seeds and steps together, in windows of
as many steps as the caption tells, and that at each step lies beneath as dots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ired_diag.figures.data import Line, Panel
from ired_diag.figures.over_seeds import OverSeeds, over_seeds
from ired_diag.runs.history import Series
from ired_diag.stats.finite import quotient

WINDOWS = 50  # of steps, about: as many points of a share can be told apart


def above_zero(curves: Sequence[Series]) -> NDArray[np.float64]:
    """Return the share of seeds above zero, of those that are finite, at the steps of ``over_seeds``."""
    signs = [
        Series(c.steps, np.where(np.isfinite(c.values), np.where(c.values > 0, 1.0, 0.0), np.nan))
        for c in curves
    ]
    return over_seeds(signs).mean


def share_panel(
    seen: Mapping[str, OverSeeds], shares: Mapping[str, NDArray[np.float64]]
) -> tuple[Panel, str]:
    """Return the panel of shares, and in which windows they are."""
    window = max(1, max(len(curve.steps) for curve in seen.values()) // WINDOWS)
    lines: list[Line] = []
    for name, curve in seen.items():
        if window == 1:
            lines.append(Line(name, curve.steps, shares[name], drawn="steps"))
        else:
            raw = Line(f"{name}, each step", curve.steps, shares[name], of=name, faint=True, drawn="points")
            lines += [raw, Line(name, *_in_windows(curve, shares[name], window), drawn="line")]
    ticks = ((0.0, "0"), (0.5, "0.5"), (1.0, "1"))
    panel = Panel("share with gap > 0", tuple(lines), y_ticks=ticks, y_range=(-0.05, 1.05), height=0.75)
    told = (
        "" if window == 1 else f", of seeds and steps in windows of {window} logged steps (dots: each step)"
    )
    return panel, told


def _in_windows(
    curve: OverSeeds, shares: NDArray[np.float64], window: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle of each window of steps, and the share of seeds and steps in it."""
    starts = np.arange(0, len(curve.steps), window)
    counts = np.add.reduceat(curve.n, starts)
    above = np.add.reduceat(np.where(curve.n > 0, shares, 0.0) * curve.n, starts)
    ends = np.append(starts[1:], len(curve.steps)) - 1
    return (curve.steps[starts] + curve.steps[ends]) / 2, quotient(above, counts)
