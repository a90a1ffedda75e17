"""A probe: a question put to a checkpoint.

It measures a table of declared columns from a batch of mined negatives, compares what it measured, says
the answer in one sentence with numbers, and draws one figure. ``measure`` is pure; the others read its
table only, never the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ired_diag.figures.data import FigureData
from ired_diag.finding import Finding
from ired_diag.model.mined_batch import MinedBatch
from ired_diag.table import Column, Table, check_table


@dataclass(frozen=True)
class Probe:
    """One probe.

    Attributes:
        name: Its name, and that of its file.
        question: What it asks; ends in a question mark.
        columns: The columns of its table.
        measure: Mined negatives in, table out.
        comparison_columns: The columns of its comparison.
        compare: Table in, comparison out: effect sizes with intervals, a row each.
        conclude: Table and comparison in, the answer in one sentence out.
        figure: Table in, picture out.
    """

    name: str
    question: str
    columns: Sequence[Column]
    measure: Callable[[MinedBatch], Table]
    comparison_columns: Sequence[Column]
    compare: Callable[[Table], Table]
    conclude: Callable[[Table, Table], Finding]
    figure: Callable[[Table], FigureData]

    def __call__(self, batch: MinedBatch) -> Table:
        """Return the measured table, checked against the declared columns."""
        table = self.measure(batch)
        check_table(table, self.columns, self.name)
        return table

    def comparison(self, table: Table) -> Table:
        """Return the comparison, checked against its declared columns."""
        comparison = self.compare(table)
        check_table(comparison, self.comparison_columns, f"{self.name}, comparison")
        return comparison
