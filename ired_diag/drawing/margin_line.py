"""The margin below which a difference is too small to matter, as short dashes above and below 0.

On a side of 0 that no difference reaches there is none: it would stand in an empty half of the picture. Nor
is there any where the margin is so small next to the differences that it would lie on 0. Where it is many
times as large as all that is drawn, there is none at all, since it would shrink intervals to nothing, and the
axis says that it lies outside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ired_diag.comparison import Comparison
from ired_diag.drawing.data import Line

NAME = "margin ±"
VISIBLE = 0.012  # of what the axis shows: a smaller margin would lie on 0
FAR = 5.0  # times what is drawn: beyond, the margin lies outside
REACHED = 0.1  # of the largest difference: a side of 0 that values reach less far counts as empty


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
    for sign in _sides(reached):
        for place, margin in zip(places, margins, strict=True):
            x += [place - half_width, place + half_width, place + half_width]
            y += [sign * margin, sign * margin, math.nan]
    size = comparison.margin.text.removesuffix("abs")
    return [Line(f"{NAME}{size}", np.array(x), np.array(y), drawn="line")]


def margin_line_in_words(lines: Sequence[Line], margin: str) -> str:
    """Return what a caption says of a margin: that it is dotted, or that no line shows it."""
    if any(line.name.startswith(NAME) for line in lines):
        return f"Dotted: {margin}."
    return f"Not drawn, because it is unknown, too close to 0 on this axis, or far outside it: {margin}."


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


def _sides(values: Sequence[float]) -> list[int]:
    """Return the signs of the sides of 0 that values reach; both where there are none."""
    finite = [value for value in values if math.isfinite(value)]
    most_below = max([0.0, *(-value for value in finite)])
    most_above = max([0.0, *finite])
    least = REACHED * max(most_below, most_above)
    sides = []
    if most_below > least:
        sides.append(-1)
    if most_above > least:
        sides.append(1)
    return sides or [-1, 1]
