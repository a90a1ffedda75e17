"""N at each step, in a low panel beneath a mean over seeds, and in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ired_diag.drawing.data import Line, Panel
from ired_diag.drawing.named_places import numbered_places
from ired_diag.drawing.over_seeds import OverSeeds
from ired_diag.drawing.ranges import range_in_words


def seeds_panel(groups: Mapping[str, OverSeeds]) -> tuple[Panel, ...]:
    """Return a low panel of N at each step; none where every group keeps its N."""
    if n_is_constant(groups):
        return ()
    lines = []
    most = 0
    for name, curve in groups.items():
        lines.append(Line(name, curve.steps, curve.n, drawn="steps"))
        most = max(most, int(curve.n.max(initial=0)))
    places = sorted({0, most // 2, most})
    panel = Panel(
        y_label="seeds",
        lines=tuple(lines),
        height=0.45,
        y_range=(0.0, 1.15 * max(most, 1)),
        y_ticks=numbered_places(places),
    )
    return (panel,)


def n_is_constant(groups: Mapping[str, OverSeeds]) -> bool:
    """Say whether every group has the same N at all steps."""
    return all(len(np.unique(curve.n)) <= 1 for curve in groups.values())


def seeds_in_words(groups: Mapping[str, OverSeeds]) -> str:
    """Return each group's N: ``q101 n = 10; q201 n = 2 to 6``."""
    words = []
    for name, curve in groups.items():
        words.append(f"{name} n = {range_in_words(curve.n.tolist())}")
    return "; ".join(words)


def n_in_brief(groups: Mapping[str, OverSeeds]) -> str:
    """Return N over all groups and steps: ``n = 10``, ``n = 2 to 6``."""
    counts = [curve.n for curve in groups.values()]
    pooled = np.concatenate(counts)
    return f"n = {range_in_words(pooled.tolist())}"


def n_in_words(groups: Mapping[str, OverSeeds]) -> str:
    """Return N of all groups: once where it is the same for all of them."""
    counts = {range_in_words(curve.n.tolist()) for curve in groups.values()}
    if len(counts) == 1:
        each = " each" if len(groups) > 1 else ""
        count = counts.pop()
        return f"n = {count} {'seed' if count == '1' else 'seeds'}{each}"
    return f"Seeds: {seeds_in_words(groups)}"
