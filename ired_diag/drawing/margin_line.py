"""The margin below which a difference is too small to matter, as short dashes above and below 0."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ired_diag.comparison import Comparison
from ired_diag.drawing.data import Line


def margin_lines(
    comparison: Comparison,
    *,
    places: Sequence[float],
    margins: Sequence[float],
    half_width: float,
) -> list[Line]:
    """Return the margins of all differences as one line with gaps; none where no margin is known.

    In percent of the baseline each difference may have a margin of its own.

    Args:
        comparison: The comparison, which states the margin.
        places: Where each difference stands on the x axis.
        margins: The margin of each difference, on the axis' own scale.
        half_width: How far a dash reaches to each side of its place.
    """
    if all(math.isnan(margin) for margin in margins):
        return []
    x: list[float] = []
    y: list[float] = []
    for sign in (-1, 1):
        for place, margin in zip(places, margins, strict=True):
            x += [place - half_width, place + half_width, place + half_width]
            y += [sign * margin, sign * margin, math.nan]
    size = comparison.margin.text.removesuffix("abs")
    return [Line(f"margin ±{size}", np.array(x), np.array(y), drawn="line")]
