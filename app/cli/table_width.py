"""Tables that fit the terminal: columns are dropped, least important first, and rows never wrap.

A row that wraps is read wrongly, and a number that is cut is wrong. So a table that is too wide loses whole
columns, and says which. Only where nothing is left to drop are the longest texts cut in their middle, where
names of runs and files differ least; numbers never are.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

PADDING = 2  # characters beside each cell
EDGES = 2  # the blank before the first column, and the one behind it
FEWEST_CHARACTERS = 12  # of a text that is cut: fewer tell nothing

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Fitted:
    """A table that fits.

    Attributes:
        kept: Places of the columns that are left, in their order.
        rows: Their cells, cut where that was the last resort.
        dropped: Names of the columns that are gone.
    """

    kept: tuple[int, ...]
    rows: list[tuple[str, ...]]
    dropped: tuple[str, ...]


def terminal_width() -> int | None:
    """Return how many characters a line may have; None where nobody sees a terminal and COLUMNS is unset."""
    if os.environ.get("COLUMNS", "").isdigit() or sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None


def width_of(columns: Sequence[str], rows: Rows) -> int:
    """Return how wide a table is as it is printed."""
    widths = [max(cell_len(cell) for cell in cells) for cells in zip(columns, *rows, strict=True)]
    return sum(widths) + PADDING * len(widths) + (len(widths) - 1) + EDGES - PADDING


def fit(
    columns: Sequence[str],
    rows: Rows,
    width: int | None,
    *,
    text: Sequence[int],
    first_out: Sequence[str] = (),
) -> Fitted:
    """Return a table no wider than a terminal.

    Args:
        columns: Names of the columns.
        rows: Their cells.
        width: Of the terminal; None: no limit.
        text: Places of the columns of text, whose cells may be cut.
        first_out: Names of columns, the one to drop first first. After them columns are dropped from the last
            one on; the first column stays always.
    """
    kept = list(range(len(columns)))
    if width is None:
        return Fitted(tuple(kept), [tuple(row) for row in rows], ())
    named = [columns.index(name) for name in first_out if name in columns]
    order = named + [place for place in reversed(kept[1:]) if place not in named]
    for place in order:
        if _width(columns, rows, kept) <= width or len(kept) <= 2:
            break
        kept.remove(place)
    dropped = tuple(columns[place] or "remark" for place in range(len(columns)) if place not in kept)
    cells = [tuple(row[place] for place in kept) for row in rows]
    excess = _width(columns, rows, kept) - width
    if excess > 0:
        cut = [number for number, place in enumerate(kept) if place in text]
        cells = _shortened([columns[place] for place in kept], cells, cut, excess)
    return Fitted(tuple(kept), cells, dropped)


def _width(columns: Sequence[str], rows: Rows, kept: Sequence[int]) -> int:
    return width_of([columns[p] for p in kept], [[row[p] for p in kept] for row in rows])


def _shortened(
    columns: Sequence[str], rows: list[tuple[str, ...]], text: Sequence[int], excess: int
) -> list[tuple[str, ...]]:
    """Return rows whose widest column of text is narrower by ``excess``, as far as a name can be."""
    if not text or not rows:
        return rows
    widest = max(text, key=lambda place: max(cell_len(row[place]) for row in rows))
    longest = max(cell_len(row[widest]) for row in rows)
    room = max(FEWEST_CHARACTERS, cell_len(columns[widest]), longest - excess)
    return [
        tuple(in_the_middle(cell, room) if place == widest else cell for place, cell in enumerate(row))
        for row in rows
    ]


def in_the_middle(text: str, room: int) -> str:
    """Return a text of at most ``room`` characters, cut in its middle.

    >>> in_the_middle("a_very_long_name_of_a_run", 11)
    'a_ver…a_run'
    """
    if cell_len(text) <= room:
        return text
    end = (room - 1) // 2
    return f"{text[: room - 1 - end]}…{text[len(text) - end :]}"
