"""Rows of a picture over tasks: names on the y axis, the first at the top, horizontal intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.comparison.across import Across
from ired_diag.comparison.across_words import seeds_in_words
from ired_diag.drawing.data import Line, Panel, Segment
from ired_diag.runs.name_list import counted

ROW = 0.15  # inches
FRAME = 0.45  # inches of the axis and its name
PANEL_HEIGHT = 1.55  # inches of a panel of height 1
BLACK = "positive"  # the name whose fixed style is black: a point is seen on its interval
SHORTEST = 0.35  # of a panel's usual height


@dataclass(frozen=True, kw_only=True)
class Row:
    """A number with one or two intervals.

    Attributes:
        name: Name of the row.
        of: The group whose colour it has.
        value: The number.
        low: Lower end of its interval; NaN without one.
        high: Upper end of the interval.
        wide: Ends of a wider interval; NaN without one.
    """

    name: str
    of: str
    value: float
    low: float
    high: float
    wide: tuple[float, float] = (math.nan, math.nan)


def panel_of(
    rows: Sequence[Row],
    *,
    x_label: str,
    line_at: float | None = None,
    x_range: tuple[float, float] | None = None,
) -> Panel:
    """Return a panel of rows.

    Args:
        rows: From the top.
        x_label: What the numbers are.
        line_at: A number that is known beforehand, at which a thin line stands.
        x_range: Ends of the x axis. Default: those of the data.
    """
    count = len(rows)
    segments = []
    lines = []
    if line_at is not None:
        segments.append(Segment((line_at, line_at), (-0.5, count - 0.5)))
    for i, row in enumerate(rows):
        place = float(count - 1 - i)
        segments += _segments(row, place)
        line = Line(
            name=row.name,
            of=BLACK,
            x=np.array([row.value]),
            y=np.array([place]),
            drawn="points",
        )
        lines.append(line)
    ticks = [(float(count - 1 - i), row.name) for i, row in enumerate(rows)]
    height = max(SHORTEST, (ROW * count + FRAME) / PANEL_HEIGHT)
    return Panel(
        y_label="",
        lines=tuple(lines),
        x_label=x_label,
        y_ticks=tuple(ticks),
        segments=tuple(segments),
        x_range=x_range,
        y_range=(-0.6, count - 0.4),
        height=height,
    )


def _segments(row: Row, place: float) -> list[Segment]:
    segments = []
    wide_low, wide_high = row.wide
    if math.isfinite(wide_low) and math.isfinite(wide_high):
        segments.append(Segment((wide_low, wide_high), (place, place), of=row.of, name=row.name))
    if math.isfinite(row.low) and math.isfinite(row.high):
        interval = Segment((row.low, row.high), (place, place), of=row.of, bold=True, name=row.name)
        segments.append(interval)
    return segments


def counts_of(across: Across) -> str:
    """Return how many tasks and seeds a picture is of: ``N = 8 tasks; 5 seeds of a, 5 seeds of b``."""
    counts = {across.seeds(group) for group in across.groups}
    if len(across.groups) > 2 and len(counts) == 1:
        least, most = counts.pop()
        of_each = counted(least, "seed") if least == most else f"{least} to {most} seeds"
        return f"N = {len(across.tasks)} tasks; {of_each} of each of {len(across.groups)} groups"
    seeds = ", ".join(seeds_in_words(across, group) for group in across.groups)
    return f"N = {len(across.tasks)} tasks; {seeds}"
