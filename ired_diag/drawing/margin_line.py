"""The margin below which a difference is too small to matter, as short dashes above and below 0.

Both sides are drawn, so that an interval inside the margin is seen to be inside. There is no line where the
margin is so small next to the differences that it would lie on 0. Where it is several times as large as all
that is drawn, there is none either, since it would shrink intervals to nothing, and the axis says that it
lies outside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ired_diag.comparison import Comparison
from ired_diag.drawing.data import Line, Panel

NAME = "margin ±"
VISIBLE = 0.025  # of what the axis shows: a smaller margin would lie on 0
FAR = 4.0  # times what is drawn: beyond, the margin lies outside


def margin_lines(
    comparison: Comparison,
    *,
    places: Sequence[float],
    margins: Sequence[float],
    reached: Sequence[float],
    half_width: float,
) -> list[Line]:
    """Return the margins of all differences as one line with gaps; none where no margin is known.

    In percent of the baseline each difference may have a margin of its own.

    Args:
        comparison: The comparison, which states the margin.
        places: Where each difference stands on the x axis.
        margins: The margin of each difference, on the axis' own scale.
        reached: Differences, ends of their intervals and single values: what the axis shows anyway.
        half_width: How far a dash reaches to each side of its place.
    """
    known = [abs(margin) for margin in margins if not math.isnan(margin)]
    if not known or max(known) < VISIBLE * _extent(reached) or _is_far(margins, reached):
        return []
    x: list[float] = []
    y: list[float] = []
    for sign in (-1, 1):
        for place, margin in zip(places, margins, strict=True):
            x += [place - half_width, place + half_width, place + half_width]
            y += [sign * margin, sign * margin, math.nan]
    size = comparison.margin.text.removesuffix("abs")
    return [Line(f"{NAME}{size}", np.array(x), np.array(y), drawn="line")]


def margin_in_words(comparison: Comparison, panels: Sequence[Panel], margins: Sequence[float]) -> str:
    """Return what a caption says of the margin: that it is dotted, or why no line shows it.

    Args:
        comparison: The comparison, which states the margin.
        panels: All panels of differences.
        margins: The margin of each difference, on the scale of the axes.
    """
    margin = comparison.margin
    size = f"±{margin.size:g} in the unit of the metric"
    if not margin.absolute:
        size = f"±{margin.text} of the mean of both groups"
    words = f"the margin, {size}, inside which a difference is too small to matter"
    drawn = sum(any(line.name.startswith(NAME) for line in panel.lines) for panel in panels)
    if drawn:
        return f"Dotted: {words}{', where it can be told from 0' if drawn < len(panels) else ''}."
    return f"Not drawn, because {_reason(panels, margins)}: {words}."


def _reason(panels: Sequence[Panel], margins: Sequence[float]) -> str:
    """Return why no margin is drawn."""
    known = [margin for margin in margins if not math.isnan(margin)]
    if not known:
        return "it is unknown"
    is_far = {_is_far(known, _reached_in(panel)) for panel in panels}
    if len(is_far) > 1 or len(known) < len(margins):
        return "it is unknown, too close to 0 or far outside these axes"
    return "it lies far outside the axis" if is_far == {True} else "it is too close to 0 on this axis"


def _reached_in(panel: Panel) -> list[float]:
    """Return all values and ends of intervals of a panel."""
    return reached_by(panel.lines)


def reached_by(lines: Sequence[Line]) -> list[float]:
    """Return all values and ends of intervals of lines: what an axis shows."""
    reached: list[float] = []
    for line in lines:
        for values in (line.y, line.low, line.high):
            reached += [] if values is None else values.tolist()
    return reached


def _extent(values: Sequence[float]) -> float:
    """Return how much of an axis values take together with 0."""
    finite = [value for value in values if math.isfinite(value)]
    return max([0.0, *finite]) - min([0.0, *finite])


def outside_in_words(comparison: Comparison, margins: Sequence[float], reached: Sequence[float]) -> str:
    """Return that the margin lies outside, as an axis says it; empty where it does not."""
    if not _is_far(margins, reached):
        return ""
    return f"; margin ±{comparison.margin.text.removesuffix('abs')} lies outside"


def _is_far(margins: Sequence[float], reached: Sequence[float]) -> bool:
    """Say whether every margin is far beyond what is drawn."""
    extent = max((abs(value) for value in reached if math.isfinite(value)), default=0.0)
    known = [margin for margin in margins if not math.isnan(margin)]
    return extent > 0 and bool(known) and min(known) > FAR * extent
