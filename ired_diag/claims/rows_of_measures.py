"""Tables with a row a measure (mean, sd, …): the columns are groups, or metrics of one group."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ired_diag.claims.cells import Cell
from ired_diag.claims.columns import LETTER
from ired_diag.claims.heads import Head, head_of
from ired_diag.claims.numbers import plain
from ired_diag.claims.statistic_words import kind_of
from ired_diag.claims.table import Table

QUANTITY_ROW = re.compile(
    r"\b(?:time|wall|hours?|minutes?|seconds?|"
    r"lr|learning rate|params?|parameters|memory|flops|batch|epochs?|steps?|seeds?|"
    r"gpus?|cost|tokens|optimi[sz]er|momentum|decay|width|depth|layers|speed|throughput|loss|mse|acc\w*|error)\b",
    re.IGNORECASE,
)
RANGE_ROW = re.compile(
    r"\brange\b|\bmin\w*\s*[-\u2013/,]\s*max|\biqr\b|interquartile|\bquartiles?\b|\bpercentiles?\b",
    re.IGNORECASE,
)  # two numbers a cell: not read, and no reason not to read the rows next to it


def rows_are_measures(table: Table, heads: Sequence[Head]) -> bool:
    """Say whether the rows are mean, sd, …, and the columns groups."""
    columns = heads[1:]
    if not columns or not table.rows:
        return False
    if not all(head.kind is None and LETTER.search(head.text) for head in columns):
        return False
    names = [plain(cells[0]) for _, cells in table.rows]
    names = [name for name in names if kind_of(name) or not RANGE_ROW.search(name)]
    others = [name for name in names if not kind_of(name)]
    measures = len(names) - len(others)
    if not others:
        return True
    return measures > max(1, len(others)) and all(map(QUANTITY_ROW.search, others))


def cells_of_measures(table: Table, heads: Sequence[Head]) -> Iterator[Cell]:
    """Yield the cells of a table with a row a measure; its columns are groups, or metrics of one group."""
    are_metrics = all(head.is_metric for head in heads[1:])
    for line, cells in table.rows:
        row = head_of(cells[0])
        for k, cell in enumerate(cells[1 : len(heads)], start=1):
            name = heads[k].text
            head = row
            if are_metrics:
                name = f"table of line {table.line}"
                head = replace(row, metric=heads[k].metric)
            yield Cell(
                text=cell,
                kind=row.kind,
                named=(name,),
                line=line,
                head=head,
                table=table,
                column=k,
            )
