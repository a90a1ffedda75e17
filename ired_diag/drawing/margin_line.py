"""The margin below which a difference is too small to matter, as short dashes above and below 0.

On a side of 0 that no difference reaches there is none: it would stand in an empty half of the picture. Nor
is there any where the margin is so small next to the differences that it would lie on 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ired_diag.comparison import Comparison
from ired_diag.drawing.data import Line

NAME = "margin ±"
VISIBLE = 0.012  # of what the axis shows: a smaller margin would lie on 0
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
    if not known or max(known) < VISIBLE * _extent(reached):
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
    return f"Not drawn, because it is unknown or lies too close to 0 on this axis: {margin}."


def _extent(values: Sequence[float]) -> float:
    """Return how much of an axis values take together with 0."""
    finite = [value for value in values if math.isfinite(value)]
    return max([0.0, *finite]) - min([0.0, *finite])


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
