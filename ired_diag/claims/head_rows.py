r"""Heads of several rows as one: "Validation" above "Dice" and "IoU" is "Validation Dice", "Validation IoU".

    |       | Validation |     |        \multicolumn{2}{c}{Validation} \\ \cmidrule{2-3}
    | Model | Dice       | IoU |        Model & Dice & IoU \\ \midrule

A row below the head belongs to it where it is of words alone, and the head leaves cells empty, as a cell over
several columns does. Such a cell is the head of the empty ones to its right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from ired_diag.claims.numbers import plain
from ired_diag.claims.table import Table

NUMBER = re.compile(r"^[-+<>≈~(\[]?\s*\d*\.?\d+(?!\w)|±")
OF_ANY_KIND = re.compile(
    r"^\W*(?:data ?sets?|tasks?|benchmarks?|metrics?|models?|methods?|algorithms?|"
    r"environments?|languages?)\W*$",
    re.IGNORECASE,
)  # what the cells below are, and no part of their names
LETTER = re.compile(r"[^\W\d_]")
FEWEST_WORDS = 2  # cells: a row with one names a section


def with_one_head(table: Table) -> Table:
    """Return a table with the rows of its head joined to one."""
    while _continues_head(table):
        table = replace(
            table,
            head=tuple(_joined(table)),
            rows=table.rows[1:],
        )
    return table


def _joined(table: Table) -> Iterator[str]:
    """Yield the cells of a head, each with the one below it."""
    _, below = table.rows[0]
    for column, above in enumerate(_spread(table.head)):
        cell = below[column] if column < len(below) else ""
        if cell.strip() and OF_ANY_KIND.match(above):
            yield cell
        else:
            yield f"{above} {cell}".strip()


def _continues_head(table: Table) -> bool:
    """Say whether the first row of a table belongs to its head."""
    if len(table.rows) < FEWEST_WORDS or not _has_gaps(table.head):
        return False
    _, cells = table.rows[0]
    filled = _filled(cells)
    if len(filled) < FEWEST_WORDS or any(map(NUMBER.search, filled)):
        return False
    if not all(map(LETTER.search, filled)):
        return False
    return any(_has_number(row) for _, row in table.rows[1:])


def _filled(cells: Sequence[str]) -> list[str]:
    """Return the cells that are not empty, as they are read."""
    shown = [plain(cell).strip() for cell in cells]
    return list(filter(None, shown))


def _has_number(cells: Sequence[str]) -> bool:
    return any(map(NUMBER.search, _filled(cells)))


def _has_gaps(head: Sequence[str]) -> bool:
    """Say whether a cell of a head is empty to the right of one that is not."""
    for cell, after in pairwise(head[1:]):
        if cell.strip() and not after.strip():
            return True
    return False


def _spread(head: Sequence[str]) -> list[str]:
    """Return the cells of a head, each empty one as the one to its left; the first column stands alone."""
    spread = list(head[:FEWEST_WORDS])
    for cell in head[FEWEST_WORDS:]:
        if not cell.strip():
            cell = spread[-1]
        spread.append(cell)
    return spread
