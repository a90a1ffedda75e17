"""Tables with a row a model and a column a data set, whose pairs are the groups of runs.

    | model    | ETTh1 | weather |
    | dlinear  | 0.450 | 0.250   |      groups ETTh1/dlinear, weather/dlinear, …
    | patchtst | 0.433 | 0.234   |

A cell is of the group whose name has the words of its row and of its column, and no others. Where most cells
have no such group, the table is not read in this way. The metric is that of the caption.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ired_diag.claims.cells import Cell
from ired_diag.claims.columns import is_numeric
from ired_diag.claims.heads import Head
from ired_diag.claims.labels import words_of
from ired_diag.claims.numbers import plain
from ired_diag.claims.table import Table

IN_BRACKETS_AT_END = re.compile(r"\s*\([^()]*\)\s*$")
FEWEST_COLUMNS = 2
VERSION = re.compile(r"-v\d+\b")  # of a task, which the names of runs leave out: "Ant-v4"


def rows_cross_columns(table: Table, groups: Sequence[str]) -> bool:
    """Say whether the rows and columns of a table together name groups of runs."""
    if not groups:
        return False
    pairs = list(_pairs(table))
    named = [column for column, label in pairs if _is_group(label, groups)]
    return len(set(named)) >= FEWEST_COLUMNS and 2 * len(named) > len(pairs)


def _pairs(table: Table) -> Iterator[tuple[int, str]]:
    """Yield the column and the label of each cell below a head of words."""
    for column in _columns(table):
        for _, cells in table.rows:
            if column < len(cells) and cells[column].strip():
                yield column, _label(table, column, cells)


def _columns(table: Table) -> list[int]:
    """Return the columns of numbers after the first one."""
    return [column for column in range(1, len(table.head)) if is_numeric(table, column)]


def _label(table: Table, column: int, cells: Sequence[str]) -> str:
    head = IN_BRACKETS_AT_END.sub("", plain(table.head[column]))
    return VERSION.sub("", f"{plain(cells[0]).strip()} {head.strip()}")


def _is_group(label: str, groups: Sequence[str]) -> bool:
    named = [group for group in groups if words_of(group) == words_of(label)]
    return len(named) == 1


def cells_of_crossed(table: Table, heads: Sequence[Head], groups: Sequence[str]) -> Iterator[Cell]:
    """Yield the cells of a table whose rows and columns together name groups of runs.

    Args:
        table: The table.
        heads: Of its columns.
        groups: The names of the groups of runs.
    """
    for line, cells in table.rows:
        for column in _columns(table):
            if column >= len(cells) or not cells[column].strip():
                continue
            label = _label(table, column, cells)
            if _is_group(label, groups):
                yield Cell(
                    text=cells[column],
                    kind="mean",
                    named=(label,),
                    line=line,
                    head=replace(heads[column], kind=None, metric=""),
                    table=table,
                    column=column,
                )
