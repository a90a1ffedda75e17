"""Tables with a row a seed: a column a group or a metric, and rows for their mean and sd below."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ired_diag.claims.cells import Cell
from ired_diag.claims.claim import Kind
from ired_diag.claims.columns import LETTER, is_label, is_numeric, is_of_answers
from ired_diag.claims.heads import NO_LABEL, Head, head_of
from ired_diag.claims.labels import seed_of
from ired_diag.claims.numbers import plain
from ired_diag.claims.statistic_words import kind_of
from ired_diag.claims.table import Table

MEASURE_ROW = re.compile(
    r"^(?:(?:\d+|all|overall|over|of|the|seeds?|runs?|sample|best|final)[\s-]+){0,6}"
    r"(mean|average|avg\.?|median|std(?:ev|\.?\s*dev(?:iation)?|\.)?|s\.?d\.?|standard deviation|"
    r"sem|s\.e\.m\.?|"
    r"standard error|min(?:imum)?|max(?:imum)?|mean\s*±\s*(?:std|sd|sem|95% ci)|95% ci|mittelwert|\u03c3|μ)"
    r"(?:\s*\(?(?:ddof\s*=\s*[01]|n\s*=\s*\d+|\d+ seeds?|over \d+ seeds?|sample|population|\u03c3|"
    r"μ)\)?)?\s*[:.]?$",
    re.IGNORECASE,
)  # fmt: skip
OF_A_COLUMN = (None, "mean", "best", "worst")  # kinds of heads whose numbers are values of seeds


def cells_of_seeds(table: Table, heads: Sequence[Head], seed: int) -> Iterator[Cell]:
    """Yield the cells of a table with a row a seed."""
    values = [k for k in range(len(heads)) if k != seed and is_numeric(table, k)]
    labels = [k for k, head in enumerate(heads) if k not in (seed, *values) and _is_label(table, k, head)]
    are_metrics = bool(labels) or any(heads[k].is_metric for k in values)
    last: dict[int, str] = {}
    for line, cells in table.rows:
        for k in labels:
            if k < len(cells) and cells[k].strip():
                last[k] = plain(cells[k])
        words = _words_of_row(cells, seed)
        number = seed_of(plain(cells[seed])) if seed < len(cells) else ""
        measure = MEASURE_ROW.match(words.strip())
        if not number and not measure:
            continue
        kind: Kind | None = "value" if number else kind_of(measure[1] if measure else "")
        # The smallest and the largest value below a column are not values of another seed.
        if kind in ("best", "worst"):
            continue
        name = " ".join(last[k] for k in labels if last.get(k)) or f"table of line {table.line}"
        for k in values:
            if k >= len(cells) or heads[k].kind not in OF_A_COLUMN:
                continue
            group = name
            head = heads[k]
            if not are_metrics:
                group = head.text
                head = replace(head, metric="")
            if measure:  # the words of the row say what the number is
                head = replace(head, text=f"{words} {head.text}", after=head_of(words).after)
            yield Cell(
                text=cells[k],
                kind=kind,
                named=(group,),
                line=line,
                head=head,
                table=table,
                seed=number,
                column=k,
            )


def _is_label(table: Table, column: int, head: Head) -> bool:
    """Say whether a column names the group of each seed."""
    if NO_LABEL.search(head.text) or not is_label(table, column):
        return False
    return not is_of_answers(table, column)


def _words_of_row(cells: Sequence[str], seed: int) -> str:
    """Return the cell of the seed; where that is empty, the first one with words."""
    if seed < len(cells):
        label = plain(cells[seed])
        if label:
            return label
    for cell in cells:
        if LETTER.search(cell):
            return plain(cell)
    return ""
