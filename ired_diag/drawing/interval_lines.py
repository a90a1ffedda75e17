"""Lines whose points have intervals: from the rows of a comparison, from summaries, from quartiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.drawing.data import Drawn, Line
from ired_diag.drawing.dodge import dodge
from ired_diag.stats.share import Share
from ired_diag.stats.summary import Summary
from ired_diag.table import Table, select


def line_of_rows(name: str, x: NDArray[Any], rows: Table, column: str, drawn: Drawn = "both") -> Line:
    """Return a line through a column of a comparison, with its interval.

    Args:
        name: Name in the legend.
        x: Place of each row on the x axis.
        rows: Rows of the comparison.
        column: Name of the column; those of the ends have the same name with ``_low`` and ``_high``.
        drawn: How the line is drawn.
    """
    low = rows[f"{column}_low"]
    high = rows[f"{column}_high"]
    return Line(name, x, rows[column], low=low, high=high, drawn=drawn)


def line_of_summaries(name: str, x: NDArray[Any], summaries: Sequence[Summary | Share]) -> Line:
    """Return a line through means or shares, with their intervals."""
    mean = np.array([summary.mean for summary in summaries])
    low = np.array([summary.low for summary in summaries])
    high = np.array([summary.high for summary in summaries])
    return Line(name, x, mean, low=low, high=high)


def quartile_lines(
    table: Table,
    column: str,
    kinds: Sequence[str],
    quartiles: Callable[[NDArray[np.float64]], ArrayLike],
) -> tuple[Line, ...]:
    """Return median and quartiles of each kind against the noise level.

    Args:
        table: Rows with a ``kind`` and a ``level``.
        column: Name of the column whose values are drawn.
        kinds: The kinds, in the order of the legend.
        quartiles: Lower quartile, median and upper quartile of values.
    """
    levels = np.unique(table["level"])
    lines = []
    for position, kind in enumerate(kinds):
        of_kind = select(table, kind=kind)
        at_levels = [quartiles(select(of_kind, level=level)[column]) for level in levels]
        low, middle, high = np.array(at_levels).T
        places = dodge(levels, position, len(kinds))
        lines.append(Line(kind, places, middle, low=low, high=high))
    return tuple(lines)
