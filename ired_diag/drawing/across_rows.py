"""Rows of a picture over tasks: names on the y axis, the first at the top, horizontal intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.comparison.across import Across
from ired_diag.comparison.across_words import seeds_in_words
from ired_diag.drawing.data import Line, Panel, Segment
from ired_diag.runs.name_list import counted, first_names

ROW = 0.15  # inches
FRAME = 0.45  # inches of the axis and its name
PANEL_HEIGHT = 1.55  # inches of a panel of height 1
REACH = 2.0  # times as long as most intervals: so far beyond all numbers an axis goes
SQUEEZED = 3.0  # times as long as such an axis: from there on it is cut
MARGIN = 0.05  # of an axis, at each end
MOST_NAMED = 6  # rows in a sentence
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
        reason: Why it has no number or no interval; empty where it has both.
    """

    name: str
    of: str
    value: float
    low: float
    high: float
    wide: tuple[float, float] = (math.nan, math.nan)
    reason: str = ""


def panel_of(
    rows: Sequence[Row],
    *,
    x_label: str,
    line_at: float | None = None,
    x_range: tuple[float, float] | None = None,
) -> Panel:
    """Return a panel of rows.

    Args:
        rows: From the top; those without a number are left out (``missing_in_words``).
        x_label: What the numbers are.
        line_at: A number that is known beforehand, at which a thin line stands.
        x_range: Ends of the x axis. Default: those of the data.
    """
    rows = [row for row in rows if math.isfinite(row.value)]
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


def has_intervals(rows: Sequence[Row]) -> bool:
    """Say whether any row has an interval."""
    return any(math.isfinite(row.low) for row in rows)


def range_without_outliers(rows: Sequence[Row], line_at: float) -> tuple[float, float] | None:
    """Return ends of an axis that an interval far longer than most does not squeeze; None where none is.

    Args:
        rows: The rows.
        line_at: A number that the axis shows too.
    """
    numbers = [row.value for row in rows if math.isfinite(row.value)] + [line_at]
    ends = [end for row in rows for end in (row.low, row.high, *row.wide) if math.isfinite(end)]
    if not ends:
        return None
    widths = [
        np.nanmax([row.high - row.low, row.wide[1] - row.wide[0]]) for row in rows if has_intervals([row])
    ]
    room = REACH * float(np.median(widths))
    low = max(min(numbers) - room, min(numbers + ends))
    high = min(max(numbers) + room, max(numbers + ends))
    if max(numbers + ends) - min(numbers + ends) <= SQUEEZED * (high - low):
        return None
    margin = MARGIN * (high - low)
    return low - margin, high + margin


def beyond_in_words(rows: Sequence[Row], ends: tuple[float, float] | None) -> str:
    """Return whose intervals go on beyond the ends of an axis; empty where none does."""
    if ends is None:
        return ""
    names = []
    for row in rows:
        reached = [end for end in (row.low, row.high, *row.wide) if math.isfinite(end)]
        if reached and (min(reached) < ends[0] or max(reached) > ends[1]):
            names.append(row.name)
    return f" Intervals that go on beyond the axis: {first_names(names, MOST_NAMED)}."


def missing_in_words(rows: Sequence[Row]) -> str:
    """Return which rows are left out or have no interval, and why; empty where all are whole."""
    without_number = [row for row in rows if not math.isfinite(row.value)]
    without_interval = [row for row in rows if math.isfinite(row.value) and not math.isfinite(row.low)]
    words = ""
    if without_interval and has_intervals(rows):
        words += f" Without an interval: {_with_reasons(without_interval)}."
    elif without_interval:
        words += f" No row has an interval: {_with_reasons(without_interval)}."
    if without_number:
        words += f" Left out: {_with_reasons(without_number)}."
    return words


def _with_reasons(rows: Sequence[Row]) -> str:
    """Return the names of rows, each with the reason that it shares with others."""
    by_reason: dict[str, dict[str, None]] = {}
    for row in rows:
        by_reason.setdefault(row.reason, {})[row.name] = None
    parts = []
    for reason, names in by_reason.items():
        listed = first_names(list(names), MOST_NAMED)
        parts.append(f"{listed} ({reason})" if reason else listed)
    return "; ".join(parts)


def counts_of(across: Across) -> str:
    """Return how many tasks and seeds a picture is of: ``N = 8 tasks; 5 seeds of a, 5 seeds of b``."""
    counts = {across.seeds(group) for group in across.groups}
    if len(across.groups) > 2 and len(counts) == 1:
        least, most = counts.pop()
        of_each = counted(least, "seed") if least == most else f"{least} to {most} seeds"
        return f"N = {len(across.tasks)} tasks; {of_each} of each of {len(across.groups)} groups"
    seeds = ", ".join(seeds_in_words(across, group) for group in across.groups)
    return f"N = {len(across.tasks)} tasks; {seeds}"
