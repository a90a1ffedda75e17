r"""Heads of several rows as one: "Validation" above "Dice" and "IoU" is "Validation Dice", "Validation IoU".

    |       | Validation |     |        \multicolumn{2}{c}{Validation} \\ \cmidrule{2-3}
    | Model | Dice       | IoU |        Model & Dice & IoU \\ \midrule

A row below the head belongs to it where it is of words alone, and the head leaves cells empty, as a cell over
several columns does. Such a cell is the head of the empty ones to its right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
        _, below = table.rows[0]
        head = []
        for above, cell in zip(_spread(table.head), _as_long(below, len(table.head)), strict=True):
            head.append(cell if cell.strip() and OF_ANY_KIND.match(above) else f"{above} {cell}".strip())
        table = replace(table, head=tuple(head), rows=table.rows[1:])
    return table


def _continues_head(table: Table) -> bool:
    """Say whether the first row of a table belongs to its head."""
    if len(table.rows) < FEWEST_WORDS or not _has_gaps(table.head):
        return False
    _, cells = table.rows[0]
    filled = [cell for cell in map(plain, cells) if cell.strip()]
    if len(filled) < FEWEST_WORDS or any(NUMBER.search(cell.strip()) for cell in filled):
        return False
    if not all(map(LETTER.search, filled)):
        return False
    return any(NUMBER.search(plain(cell).strip()) for _, row in table.rows[1:] for cell in row)


def _has_gaps(head: Sequence[str]) -> bool:
    """Say whether a cell of a head is empty to the right of one that is not."""
    return any(cell.strip() and not after.strip() for cell, after in pairwise(head[1:]))


def _spread(head: Sequence[str]) -> list[str]:
    """Return the cells of a head, each empty one as the one to its left; the first column stands alone."""
    spread = list(head)
    for at in range(2, len(spread)):
        spread[at] = spread[at] if spread[at].strip() else spread[at - 1]
    return spread


def _as_long(cells: Sequence[str], count: int) -> list[str]:
    padding = [""] * (count - len(cells))
    return [*cells, *padding][:count]
