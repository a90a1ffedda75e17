"""A long table in parts: which rows are shown, and buttons to the other parts."""

from __future__ import annotations

from dataclasses import dataclass

from dash import html

from app.dashboard.components.attributes import attributes


@dataclass(frozen=True)
class Part:
    """A part of a table.

    Attributes:
        number: Which one it is, from 1.
        count: How many there are.
        first: Place of its first row, from 0.
        end: Place after its last row.
        rows: Number of all rows.
    """

    number: int
    count: int
    first: int
    end: int
    rows: int


def part_of(rows: int, number: int, size: int) -> Part:
    """Return a part of a table; one beyond the end is the last.

    Args:
        rows: Number of rows of the table.
        number: Which part, from 1.
        size: Rows of a part.

    >>> part_of(120, 9, 50)
    Part(number=3, count=3, first=100, end=120, rows=120)
    """
    count = max(1, -(-rows // size))
    number = min(max(number, 1), count)
    first = (number - 1) * size
    return Part(number, count, first, min(first + size, rows), rows)


def paging(part: Part, what: str, place: str) -> html.Nav | None:
    """Return where in a table a reader is, with buttons to the other parts; None where it has one part.

    Args:
        part: The part that is shown.
        what: What the rows are, in the plural.
        place: Where the buttons stand, to tell them apart: above or below the table.
    """
    if part.count == 1:
        return None
    words = f"{what.capitalize()} {part.first + 1} to {part.end} of {part.rows}"
    is_first, is_last = part.number == 1, part.number == part.count
    return html.Nav(
        [
            html.P(words, className="count"),
            _button("First", 1, place, disabled=is_first),
            _button("Previous", part.number - 1, place, disabled=is_first),
            _button("Next", part.number + 1, place, disabled=is_last),
            _button("Last", part.count, place, disabled=is_last),
        ],
        className="paging",
        **attributes(aria_label=f"Parts of the table, {place}"),
    )


def _button(words: str, number: int, place: str, *, disabled: bool) -> html.Button:
    keys = attributes(data_key="part", data_value=str(number), data_move=f"{words} {place}")
    return html.Button(words, type="button", className="button", disabled=disabled, **keys)
