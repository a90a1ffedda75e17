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

BESIDE = 3  # characters around each cell: its padding, and the line between two columns or before the first
NARROWEST = 20  # characters: nobody reads a narrower terminal
FEWEST_COLUMNS = 2  # a table of names alone says nothing
FEWEST_CHARACTERS = 12  # of a text that is cut: a shorter one says nothing

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Fitted:
    """A table that fits.

    Attributes:
        kept: Places of the columns that are left, in their order.
        rows: Cells of these columns, shortened where nothing else was left to do.
        dropped: Names of the columns that were dropped.
    """

    kept: tuple[int, ...]
    rows: list[tuple[str, ...]]
    dropped: tuple[str, ...]


def terminal_width() -> int | None:
    """Return how many characters a line may have; None where nobody sees a terminal and COLUMNS is unset."""
    is_stated = os.environ.get("COLUMNS", "").isdigit()
    if is_stated or sys.stdout.isatty():
        size = shutil.get_terminal_size()
        return max(NARROWEST, size.columns)
    return None


def width_of(columns: Sequence[str], rows: Rows) -> int:
    """Return how wide a table is as it is printed."""
    total = 0
    for cells in zip(columns, *rows, strict=True):
        widest = max(map(cell_len, cells))
        total += widest + BESIDE
    return total


def fit(
    columns: Sequence[str],
    rows: Rows,
    width: int | None,
    *,
    text: Sequence[int],
    first_out: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> Fitted:
    """Return a table no wider than a terminal.

    Args:
        columns: Names of the columns.
        rows: Their cells.
        width: Width of the terminal in characters. None: no limit.
        text: Places of the columns of text, whose cells may be cut.
        first_out: Names of the columns that are dropped first, in this order. After them, columns are dropped
            from the last one on. The first column always stays.
        keep: Names of columns that are dropped only where shorter texts do not help.
    """
    places = range(len(columns))
    if width is None:
        return Fitted(
            kept=tuple(places),
            rows=list(map(tuple, rows)),
            dropped=(),
        )
    order, dropped_last = _order(columns, first_out, keep)
    kept = _fitting(
        columns=columns,
        rows=rows,
        width=width,
        order=order,
    )
    while True:
        names = _cells_at(columns, kept)
        cells = [_cells_at(row, kept) for row in rows]
        text_places = [kept.index(place) for place in text if place in kept]
        cells = _shortened(
            columns=names,
            rows=cells,
            text=text_places,
            width=width,
        )
        if width_of(names, cells) <= width or len(kept) <= FEWEST_COLUMNS:
            break
        next_out = next(place for place in dropped_last if place in kept)
        kept.remove(next_out)
    dropped = []
    for place in places:
        if place not in kept:
            dropped.append(columns[place] or "remark")
    return Fitted(
        kept=tuple(kept),
        rows=cells,
        dropped=tuple(dropped),
    )


def _order(
    columns: Sequence[str],
    first_out: Sequence[str],
    keep: Sequence[str],
) -> tuple[list[int], list[int]]:
    """Return the places of the columns that are dropped freely, and of those that are dropped last.

    Both lists are in the order in which columns are dropped. The table's first column is dropped only where
    ``keep`` names it.
    """
    order = _places_of(first_out, columns)
    all_but_first = range(1, len(columns))
    for place in reversed(all_but_first):
        if place not in order:
            order.append(place)
    dropped_last = _places_of(keep, columns)
    order = [place for place in order if place not in dropped_last]
    return order, dropped_last


def _places_of(names: Sequence[str], columns: Sequence[str]) -> list[int]:
    """Return the places of those names that are names of columns."""
    return [columns.index(name) for name in names if name in columns]


def _cells_at(row: Sequence[str], places: Sequence[int]) -> tuple[str, ...]:
    """Return the cells of a row at the given places."""
    return tuple(row[place] for place in places)


def _fitting(
    columns: Sequence[str],
    rows: Rows,
    width: int,
    order: Sequence[int],
) -> list[int]:
    """Return the columns that are left: dropped in order, taken back where a narrow one fits after all."""
    kept = list(range(len(columns)))

    def fits(places: Sequence[int]) -> bool:
        names = _cells_at(columns, places)
        cells = [_cells_at(row, places) for row in rows]
        return width_of(names, cells) <= width

    for place in order:
        if fits(kept) or len(kept) <= FEWEST_COLUMNS:
            break
        kept.remove(place)
    for place in reversed(order):
        if place in kept:
            continue
        with_place = sorted([*kept, place])
        if fits(with_place):
            kept = with_place
    return kept


def _shortened(
    columns: Sequence[str],
    rows: list[tuple[str, ...]],
    text: Sequence[int],
    width: int,
) -> list[tuple[str, ...]]:
    """Return rows whose columns of text are narrower, the widest first, as far as names can be."""
    longest = {place: _longest(rows, place) for place in text}
    widest_first = sorted(text, key=lambda place: -longest[place])
    for place in widest_first:
        excess = width_of(columns, rows) - width
        if excess > 0:
            of_name = cell_len(columns[place])
            wanted = longest[place] - excess
            room = max(FEWEST_CHARACTERS, of_name, wanted)
            rows = [_with_shorter_cell(row, place, room) for row in rows]
    return rows


def _longest(rows: Rows, place: int) -> int:
    """Return the width of the widest cell in a column; 0 in a table without rows."""
    widths = [cell_len(row[place]) for row in rows]
    return max(widths, default=0)


def _with_shorter_cell(row: tuple[str, ...], place: int, room: int) -> tuple[str, ...]:
    """Return a row whose cell at a place has at most ``room`` characters."""
    cells = list(row)
    cells[place] = in_the_middle(row[place], room)
    return tuple(cells)


def in_the_middle(text: str, room: int) -> str:
    """Return a text of at most ``room`` characters, cut in its middle.

    >>> in_the_middle("a_very_long_name_of_a_run", 11)
    'a_ver…a_run'
    """
    if cell_len(text) <= room:
        return text
    characters = room - 1  # next to the mark of the cut
    of_end = characters // 2
    of_beginning = characters - of_end
    beginning = text[:of_beginning]
    end = text[len(text) - of_end :]
    return f"{beginning}…{end}"
