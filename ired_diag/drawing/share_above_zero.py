"""The share of seeds whose curve is above zero, over training, as a low panel.

Of many steps a share of few seeds cannot be read. It is then the share of seeds and steps together, in
windows of as many steps as the caption states, and that at each step lies beneath as dots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import Line, Panel
from ired_diag.drawing.over_seeds import OverSeeds, over_seeds
from ired_diag.runs.history import Series
from ired_diag.stats.finite import quotient

WIDER = 2.0  # of the usual width, by which the first of many lines is wider than the last
WINDOWS = 50  # of steps, about: a reader can distinguish as many points of a share

Array = NDArray[np.float64]


def above_zero(curves: Sequence[Series]) -> Array:
    """Return the share of seeds above zero, of those that are finite, at the steps of ``over_seeds``."""
    signs = []
    for curve in curves:
        is_above = (curve.values > 0).astype(np.float64)
        known_signs = np.where(np.isfinite(curve.values), is_above, np.nan)
        signs.append(Series(curve.steps, known_signs))
    return over_seeds(signs).mean


def share_panel(seen: Mapping[str, OverSeeds], shares: Mapping[str, Array]) -> tuple[Panel, str]:
    """Return the panel of shares, and what it shows in words."""
    longest = max(len(curve.steps) for curve in seen.values())
    window = max(1, longest // WINDOWS)
    lines: list[Line] = []
    for place, (name, curve) in enumerate(seen.items()):
        # Shares of 1 lie on each other: what is drawn first is wider, and seen at both sides of the next.
        behind = len(seen) - 1 - place
        width = 1.0 + WIDER * behind / len(seen)
        lines += [replace(line, width=width) for line in _lines(name, curve, shares[name], window)]
    panel = Panel(
        y_label="share with gap > 0",
        lines=tuple(lines),
        y_ticks=((0.0, "0"), (0.5, "0.5"), (1.0, "1")),
        y_range=(-0.05, 1.05),
        height=0.75,
    )
    if window == 1:
        return panel, "share of seeds with a gap above 0 at each step"
    return panel, (
        f"share of seeds and steps with a gap above 0, in windows of {window} logged steps; dots: share of "
        "seeds at each step"
    )


def _lines(name: str, curve: OverSeeds, share: Array, window: int) -> list[Line]:
    if window == 1:
        return [Line(name, curve.steps, share, drawn="steps")]
    middles, share_in_windows = _in_windows(curve, share, window)
    each_step = Line(
        name=f"{name}, each step",
        x=curve.steps,
        y=share,
        of=name,
        faint=True,
        drawn="points",
    )
    return [each_step, Line(name, middles, share_in_windows, drawn="line")]


def _in_windows(curve: OverSeeds, share: Array, window: int) -> tuple[Array, Array]:
    """Return the middle of each window of steps, and the share of seeds and steps in it."""
    starts = np.arange(0, len(curve.steps), window)
    ends = np.append(starts[1:], len(curve.steps)) - 1
    middles = (curve.steps[starts] + curve.steps[ends]) / 2
    counts = np.add.reduceat(curve.n, starts)
    known_share = np.where(curve.n > 0, share, 0.0)
    above = np.add.reduceat(known_share * curve.n, starts)
    return middles, quotient(above, counts)
