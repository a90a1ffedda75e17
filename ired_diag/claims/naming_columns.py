"""Which of several columns of words names the groups of a table: "Prune 50 | 50% | 98.12".

All of them together do ("env", "method"). Where the cells of one column, each in one row, name more groups of
runs than all together, this column names the groups, and the others describe them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ired_diag.claims.columns import labels_of_rows
from ired_diag.claims.labels import same_name
from ired_diag.claims.spellings import glued
from ired_diag.claims.table import Table

FEWEST_NAMED = 2


def naming_columns(table: Table, columns: Sequence[int], groups: Sequence[str]) -> list[int]:
    """Return the columns of words that name the groups of a table.

    Args:
        table: The table.
        columns: Its columns of words.
        groups: The names of the groups of runs.
    """
    if len(columns) < FEWEST_NAMED:
        return list(columns)
    together = len(_named(table, columns, groups))
    for column in columns:
        cells = list(labels_of_rows(table, [column]))
        is_distinct = len(set(cells)) == len(cells)
        alone = len(_named(table, [column], groups))
        if is_distinct and alone >= FEWEST_NAMED and alone > together:
            return [column]
    return list(columns)


def _named(table: Table, columns: Sequence[int], groups: Sequence[str]) -> set[str]:
    """Return the groups of runs that the labels of some columns name."""
    named = set()
    for label in labels_of_rows(table, columns):
        named |= {group for group in groups if glued(group) == glued(label) or same_name(label, [group])}
    return named
