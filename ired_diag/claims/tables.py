"""Claims in tables: a column's head says what its numbers are, a row's label whose they are.

Five layouts are read: a row a group (or a pair of groups), with columns such as mean, sd, CI, n, t and p, or
a column a metric; a row a seed, with a column a group or a metric, and rows for their mean and sd below; a
row a measure, with a column a group; a row a metric, with columns of groups and of p; rows and columns that
name groups of runs together. A column whose head is not understood is no claim. Rows of one table with the
same label are told apart by nothing, so that nothing is claimed of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ired_diag.claims.cells import Cell, claims_of_cell
from ired_diag.claims.claim import Claim
from ired_diag.claims.columns import heads_of, seed_column
from ired_diag.claims.crossed_tables import cells_of_crossed, rows_cross_columns
from ired_diag.claims.heads import Head
from ired_diag.claims.logged_heads import with_benchmarks
from ired_diag.claims.rows_of_groups import cells_of_groups
from ired_diag.claims.rows_of_measures import cells_of_measures, rows_are_measures
from ired_diag.claims.rows_of_metrics import cells_of_metrics, rows_are_metrics
from ired_diag.claims.rows_of_seeds import cells_of_seeds
from ired_diag.claims.table import Table
from ired_diag.claims.table_statistic import with_statistic


def claims_of(
    table: Table,
    *,
    comma: bool,
    groups: Sequence[str] = (),
    benchmarks: Sequence[frozenset[str]] = (),
) -> Iterator[Claim]:
    """Yield the claims of a table.

    Args:
        table: Which.
        comma: Whether the text writes decimal commas.
        groups: The names of the groups of runs.
        benchmarks: The words of each logged metric that is no known measure.
    """
    heads = with_benchmarks(heads_of(table), benchmarks)
    for cell in _cells(table, heads, groups):
        yield from claims_of_cell(cell, comma)


def _cells(table: Table, heads: Sequence[Head], groups: Sequence[str]) -> Iterator[Cell]:
    seed = seed_column(table, heads)
    if rows_cross_columns(table, groups):
        yield from with_statistic(list(cells_of_crossed(table, heads, groups)), table)
    elif seed is not None:
        yield from cells_of_seeds(table, heads, seed)
    elif rows_are_measures(table, heads):
        yield from cells_of_measures(table, heads)
    elif rows_are_metrics(table, heads):
        yield from with_statistic(list(cells_of_metrics(table, heads)), table)
    else:
        yield from with_statistic(list(cells_of_groups(table, heads, groups)), table)
