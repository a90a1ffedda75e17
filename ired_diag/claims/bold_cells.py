"""Numbers in bold: a column of which exactly one is bold claims that it is the best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ired_diag.claims.bold import WHOLE_ROW
from ired_diag.claims.claim import Claim
from ired_diag.claims.columns import heads_of, label_columns, labels_of_rows, seed_column
from ired_diag.claims.heads import Head, head_of
from ired_diag.claims.numbers import Printed, number_of, plain
from ired_diag.claims.rows_of_metrics import group_columns, rows_are_metrics
from ired_diag.claims.table import Table


def bold_claims(table: Table, *, comma: bool) -> Iterator[Claim]:
    """Yield a claim for each column of which exactly one number is in bold: that it is the best.

    Where the label of its row is bold too, the claim is marked ``WHOLE_ROW``: such a row is often set out for
    another reason. A column with several bold numbers claims nothing. Labels that are all bold are ignored.
    """
    heads = heads_of(table)
    if rows_are_metrics(table, heads):
        yield from _of_metrics(table, heads, comma=comma)
        return
    columns = label_columns(table, heads)
    if not columns or seed_column(table, heads) is not None or len(table.rows) < 2:
        return
    labels = list(labels_of_rows(table, columns))
    lines_of_bold_labels = _bold_labels(table, columns)
    for k, head in enumerate(heads):
        if k in columns or head.lower_is_better is None or head.kind not in (None, "mean", "median"):
            continue
        rows = _rows_of_column(table, labels, k)
        bold = [row for row in rows if (row.line, k) in table.bold]
        rivals = _numbers(rows, comma=comma)
        if len(bold) != 1 or bold[0].label not in rivals or len(rivals) < len(rows):
            continue
        is_whole_row = bold[0].line in lines_of_bold_labels
        yield _claim(bold[0], head, table, rivals, seed=WHOLE_ROW if is_whole_row else "")


@dataclass(frozen=True)
class _NamedCell:
    line: int
    text: str
    label: str


def _rows_of_column(table: Table, labels: Sequence[str], column: int) -> list[_NamedCell]:
    rows = []
    for (line, cells), label in zip(table.rows, labels, strict=True):
        if column < len(cells):
            rows.append(_NamedCell(line, cells[column], label))
    return rows


def _numbers(cells: Sequence[_NamedCell], *, comma: bool) -> dict[str, Printed]:
    """Return the number of each cell that has a label and a number, by its label."""
    numbers = {}
    for cell in cells:
        number = number_of(plain(cell.text), comma=comma)
        if cell.label and number:
            numbers[cell.label] = number
    return numbers


def _claim(
    cell: _NamedCell, head: Head, table: Table, rivals: dict[str, Printed], *, seed: str = ""
) -> Claim:
    """Return the claim that a cell in bold is the best of its column, or row of groups.

    Args:
        cell: The one in bold.
        head: Of its column or row: its metric and direction.
        table: That it is of.
        rivals: All numbers of the column by their labels.
        seed: ``WHOLE_ROW`` where the label of the row is bold as well.
    """
    return Claim(
        "bold",
        cell.line,
        cell.text,
        groups=(cell.label,),
        numbers=(rivals[cell.label],),
        context=f"{head.text}\n{table.above}",
        block=cell.line,
        metric=head.metric,
        table=table.line,
        rivals=rivals,
        test="lower" if head.lower_is_better else "higher",
        seed=seed,
    )


def _bold_labels(table: Table, columns: Sequence[int]) -> list[int]:
    """Return the lines of the rows whose label alone is set out in bold; none where all labels are."""
    lines = []
    for line, _ in table.rows:
        if any((line, k) in table.bold for k in columns):
            lines.append(line)
    if len(lines) == len(table.rows):
        return []
    return lines


def _of_metrics(table: Table, heads: Sequence[Head], *, comma: bool) -> Iterator[Claim]:
    """Yield a claim for each row that is a metric and of which exactly one group is bold."""
    groups = group_columns(table, heads)
    for line, cells in table.rows:
        row = head_of(cells[0])
        if row.lower_is_better is None:
            continue
        shown = {k: _NamedCell(line, cells[k], name) for k, name in groups.items() if k < len(cells)}
        rivals = _numbers(list(shown.values()), comma=comma)
        bold = [cell for k, cell in shown.items() if (line, k) in table.bold]
        if len(bold) == 1 and bold[0].label in rivals and len(rivals) >= max(2, len(groups)):
            yield _claim(bold[0], row, table, rivals)
