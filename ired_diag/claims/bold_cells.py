"""Numbers in bold: a column of which exactly one is bold claims that it is the best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ired_diag.claims.bold import WHOLE_ROW
from ired_diag.claims.claim import Claim
from ired_diag.claims.columns import heads_of, label_columns, labels_of_rows, seed_column
from ired_diag.claims.heads import Head, head_of
from ired_diag.claims.numbers import number_of, plain
from ired_diag.claims.rows_of_metrics import group_columns, rows_are_metrics
from ired_diag.claims.table import Table


def bold_claims(table: Table, *, comma: bool) -> Iterator[Claim]:
    """Yield a claim for each column of which exactly one number is in bold: that it is the best.

    Of a row whose label is bold, too, the claim says so: such a row is often set out for another reason. So
    is a column in which several numbers are. Where all labels are bold, they say nothing.
    """
    heads = heads_of(table)
    if rows_are_metrics(table, heads):
        yield from _of_metrics(table, heads, comma=comma)
        return
    columns = label_columns(table, heads)
    if not columns or seed_column(table, heads) is not None or len(table.rows) < 2:
        return
    labels = list(labels_of_rows(table, columns))
    whole = {line: WHOLE_ROW for line in _bold_labels(table, columns)}
    for k, head in enumerate(heads):
        if k in columns or head.lower_is_better is None or head.kind not in (None, "mean", "median"):
            continue
        rows = [
            (line, cells[k], label)
            for (line, cells), label in zip(table.rows, labels, strict=True)
            if k < len(cells)
        ]
        bold = [(line, text, label) for line, text, label in rows if (line, k) in table.bold]
        rivals = {
            label: number
            for _, text, label in rows
            if label and (number := number_of(plain(text), comma=comma))
        }
        if len(bold) != 1 or bold[0][2] not in rivals or len(rivals) < len(rows):
            continue
        line, text, label = bold[0]
        yield Claim(
            "bold", line, text, groups=(label,), numbers=(rivals[label],),
            context=f"{head.text}\n{table.above}", block=line, metric=head.metric, table=table.line,
            rivals=rivals, test="lower" if head.lower_is_better else "higher", seed=whole.get(line, ""),
        )  # fmt: skip


def _bold_labels(table: Table, columns: Sequence[int]) -> list[int]:
    """Return the lines of the rows whose label alone is set out in bold; none where all labels are."""
    lines = [line for line, _ in table.rows if any((line, k) in table.bold for k in columns)]
    return lines if len(lines) < len(table.rows) else []


def _of_metrics(table: Table, heads: Sequence[Head], *, comma: bool) -> Iterator[Claim]:
    """Yield a claim for each row that is a metric and of which exactly one group is bold."""
    groups = group_columns(table, heads)
    for line, cells in table.rows:
        row = head_of(cells[0])
        shown = {k: number_of(plain(cells[k]), comma=comma) for k in groups if k < len(cells)}
        rivals = {groups[k]: number for k, number in shown.items() if number}
        bold = [k for k in shown if (line, k) in table.bold]
        if len(bold) != 1 or len(rivals) < max(2, len(groups)) or row.lower_is_better is None:
            continue
        label = groups[bold[0]]
        yield Claim(
            "bold", line, cells[bold[0]], groups=(label,), numbers=(rivals[label],),
            context=f"{row.text}\n{table.above}", block=line, metric=row.metric, table=table.line,
            rivals=rivals, test="lower" if row.lower_is_better else "higher",
        )  # fmt: skip
