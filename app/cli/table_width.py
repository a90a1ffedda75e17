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
NARROWEST = 20  # characters: a narrower terminal is not one that is read
FEWEST_COLUMNS = 2  # a table of names alone says nothing
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
        return max(NARROWEST, shutil.get_terminal_size().columns)
    return None


def width_of(columns: Sequence[str], rows: Rows) -> int:
    """Return how wide a table is as it is printed."""
    widths = [max(cell_len(cell) for cell in cells) for cells in zip(columns, *rows, strict=True)]
    return sum(widths) + BESIDE * len(widths)


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
        width: Of the terminal; None: no limit.
        text: Places of the columns of text, whose cells may be cut.
        first_out: Names of columns, the one to drop first first. After them columns are dropped from the last
            one on; the first column stays always.
        keep: Names of columns that go only where cutting texts does not help.
    """
    places = list(range(len(columns)))
    if width is None:
        return Fitted(tuple(places), [tuple(row) for row in rows], ())
    order = _order(columns, first_out, keep)
    kept = _fitting(columns, rows, width, [place for place in order if columns[place] not in keep])
    while True:
        names = [columns[place] for place in kept]
        cells = [tuple(row[place] for place in kept) for row in rows]
        cells = _shortened(names, cells, [kept.index(place) for place in text if place in kept], width)
        if width_of(names, cells) <= width or len(kept) <= FEWEST_COLUMNS:
            break
        kept.remove(next(place for place in order[::-1] if place in kept and columns[place] in keep))
    dropped = tuple(columns[place] or "remark" for place in places if place not in kept)
    return Fitted(tuple(kept), cells, dropped)


def _order(columns: Sequence[str], first_out: Sequence[str], keep: Sequence[str]) -> list[int]:
    """Return the places of all columns but the first, the least important first."""
    named = [columns.index(name) for name in first_out if name in columns]
    others = [place for place in range(len(columns) - 1, 0, -1) if place not in named]
    kept = [columns.index(name) for name in reversed(keep) if name in columns]
    return [place for place in (*named, *others) if place not in kept] + kept


def _fitting(columns: Sequence[str], rows: Rows, width: int, order: Sequence[int]) -> list[int]:
    """Return the columns that are left: dropped in order, taken back where a narrow one fits after all."""
    kept = list(range(len(columns)))

    def fits(places: Sequence[int]) -> bool:
        return width_of([columns[p] for p in places], [[row[p] for p in places] for row in rows]) <= width

    for place in order:
        if fits(kept) or len(kept) <= FEWEST_COLUMNS:
            break
        kept.remove(place)
    for place in reversed(order):
        if place not in kept and fits(with_place := sorted([*kept, place])):
            kept = with_place
    return kept


def _shortened(
    columns: Sequence[str], rows: list[tuple[str, ...]], text: Sequence[int], width: int
) -> list[tuple[str, ...]]:
    """Return rows whose columns of text are narrower, the widest first, as far as names can be."""
    for place in sorted(text, key=lambda place: -max((cell_len(row[place]) for row in rows), default=0)):
        longest = max((cell_len(row[place]) for row in rows), default=0)
        excess = width_of(columns, rows) - width
        if excess > 0:
            room = max(FEWEST_CHARACTERS, cell_len(columns[place]), longest - excess)
            rows = [(*row[:place], in_the_middle(row[place], room), *row[place + 1 :]) for row in rows]
    return rows


def in_the_middle(text: str, room: int) -> str:
    """Return a text of at most ``room`` characters, cut in its middle.

    >>> in_the_middle("a_very_long_name_of_a_run", 11)
    'a_ver…a_run'
    """
    if cell_len(text) <= room:
        return text
    end = (room - 1) // 2
    return f"{text[: room - 1 - end]}…{text[len(text) - end :]}"
