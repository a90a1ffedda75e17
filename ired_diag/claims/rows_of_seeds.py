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


def cells_of_seeds(table: Table, heads: Sequence[Head], seed: int) -> Iterator[Cell]:
    """Yield the cells of a table with a row a seed."""
    values = [k for k in range(len(heads)) if k != seed and is_numeric(table, k)]
    labels = [
        k for k in range(len(heads)) if k != seed and k not in values and not NO_LABEL.search(heads[k].text)
    ]
    labels = [k for k in labels if is_label(table, k) and not is_of_answers(table, k)]
    metrics = bool(labels) or any(heads[k].is_metric for k in values)
    last: dict[int, str] = {}
    for line, cells in table.rows:
        for k in labels:
            last[k] = plain(cells[k]) if k < len(cells) and cells[k].strip() else last.get(k, "")
        name = (
            " ".join(part for part in (last.get(k, "") for k in labels) if part)
            or f"table of line {table.line}"
        )
        label = plain(cells[seed]) if seed < len(cells) else ""
        shown = label or next((plain(c) for c in cells if LETTER.search(c)), "")
        number, row = seed_of(label), MEASURE_ROW.match(shown.strip())
        if not number and not row:
            continue
        for k in values:
            if k >= len(cells) or heads[k].kind not in (None, "mean", "best", "worst"):
                continue
            group = name if metrics else heads[k].text
            head = heads[k] if metrics else replace(heads[k], metric="")
            if row:  # the words of the row say what the number is
                head = replace(head, text=f"{shown} {head.text}", after=head_of(shown).after)
            kind: Kind | None = "value" if number else kind_of(row[1] if row else "")
            if kind in ("best", "worst"):
                continue
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
