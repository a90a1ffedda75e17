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

SEVERAL = 2  # columns, or groups that a column names: one name alone may be chance


def naming_columns(table: Table, columns: Sequence[int], groups: Sequence[str]) -> list[int]:
    """Return the columns of words that name the groups of a table.

    Args:
        table: The table.
        columns: Its columns of words.
        groups: The names of the groups of runs.
    """
    if len(columns) < SEVERAL:
        return list(columns)
    together = _count_named(list(labels_of_rows(table, columns)), groups)
    for column in columns:
        cells = list(labels_of_rows(table, [column]))
        is_distinct = len(set(cells)) == len(cells)
        alone = _count_named(cells, groups)
        if is_distinct and alone >= SEVERAL and alone > together:
            return [column]
    return list(columns)


def _count_named(labels: Sequence[str], groups: Sequence[str]) -> int:
    """Return how many groups of runs some labels name."""
    named = set()
    for label in labels:
        for group in groups:
            if _is_name_of(label, group):
                named.add(group)
    return len(named)


def _is_name_of(label: str, group: str) -> bool:
    if glued(group) == glued(label):
        return True
    return same_name(label, [group]) is not None
