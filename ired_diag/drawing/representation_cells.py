"""How alike the features of many groups are: a cell for each pair, where points would stand too close.

On the diagonal and below it stand pairs of runs of different seeds, above it those of equal seeds. Intervals
have no room in a cell; they are in the picture of few groups.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ired_diag.drawing.data import Cells, Panel
from ired_diag.drawing.label_lines import broken_name
from ired_diag.drawing.named_places import named_places
from ired_diag.stats.arrays import Array

MOST_TEXTS = 9  # columns: of more, cells are too narrow for a number
ROW = 0.13  # of a panel's height
FEWEST_ROWS = 4
NOTHING = "-"  # of a cell without a pair of runs
ROW_LETTERS, ROW_LINES = 14, 2  # of a group's name next to its row
WORDS = (
    "Above the diagonal: pairs of equal seeds, which fix the same initial weights and data unless these have "
    "seeds of their own. Below and on it: pairs of different seeds."
)


def cells_panel(layer: int, groups: Sequence[str], equal: Array, other: Array) -> Panel:
    """Return a layer's panel.

    Args:
        layer: Number of the layer.
        groups: Names of the groups.
        equal: CKA between runs of equal seeds, of shape (groups, groups); NaN where there is no pair.
        other: The same between runs of different seeds.
    """
    count = len(groups)
    above = np.triu(np.ones((count, count), dtype=bool), k=1)
    values = np.where(above, equal, other)
    names = named_places(groups)
    return Panel(
        y_label=f"layer {layer}",
        lines=(),
        x_ticks=names,
        y_ticks=named_places(map(_row_name, groups)),
        cells=Cells(values, _texts(values), "CKA"),
        height=max(count, FEWEST_ROWS) * ROW,
    )


def _row_name(name: str) -> str:
    """Return a name in at most two lines; one that is longer ends in dots, the x axis has it whole."""
    return broken_name(name, ROW_LETTERS, ROW_LINES) or f"{name[: ROW_LETTERS - 1]}…"


def _texts(values: Array) -> tuple[tuple[str, ...], ...]:
    """Return the numbers that are written into the cells; empty where there is no room."""
    rows: list[tuple[str, ...]] = []
    for row in values.tolist():
        texts = [NOTHING if np.isnan(value) else f"{value:.2f}" for value in row]
        rows.append(tuple(texts) if len(row) <= MOST_TEXTS else ("",) * len(row))
    return tuple(rows)
