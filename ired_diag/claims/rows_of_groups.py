"""Tables with a row a group, or a pair of groups, and a column a statistic or a metric."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ired_diag.claims.cells import Cell
from ired_diag.claims.changes import (
    CHANGE,
    RELATIVE,
    base_of,
    doubt_of_changes,
    kind_of_change,
    metric_left_of,
    only_metric_left_of,
    rival_in,
)
from ired_diag.claims.claim import Kind
from ired_diag.claims.columns import label_columns, labels_of_rows
from ired_diag.claims.decorations import bare_cell
from ired_diag.claims.heads import Head
from ired_diag.claims.labels import pair_of, seed_of
from ired_diag.claims.numbers import plain
from ired_diag.claims.table import Table

COMPARISONS = ("p", "t", "df", "effect", "difference", "percent", "significant", "interval")
OF_TWO = ("p", "t", "df", "effect")  # of a row and the row that the head names
PLAIN_NUMBER = re.compile(
    r"^[-+]?[\d.,]+(?:\s*[x\u00d7·]\s*10\^[-+]?\d+|"
    r"e[-+]?\d+)?\s*%?\s*(?:[A-Za-z/]{1,5})?$"
)
SIGNED = r"[-+]?\d*[.,]?\d+(?:\s*[x\u00d7]\s*10\^[-+]?\d+|e[-+]?\d+)?\s*%?"
WITH_BRACKETS = re.compile(
    rf"^{SIGNED}\s*(?:\(\s*\d*[.,]?\d+\s*\)|[\[(]\s*{SIGNED}\s*(?:,|;|to|\u2013|-)\s*{SIGNED}\s*[\])])$"
)


def cells_of_groups(table: Table, heads: Sequence[Head]) -> Iterator[Cell]:
    """Yield the cells of a table with a row a group, or a pair of groups."""
    columns = label_columns(table, heads)
    if not columns:
        return
    labels = list(labels_of_rows(table, columns))
    compares = any(head.kind in COMPARISONS for head in heads)
    twice = {label for label, count in Counter(labels).items() if count > 1}
    bases = {k: base_of(table, k, labels) for k, head in enumerate(heads) if head.kind in RELATIVE}
    doubts = {k: doubt_of_changes(table, k, labels, base) for k, base in bases.items() if base}
    rivals = {k: rival_in(table, k, labels) for k, head in enumerate(heads) if head.kind in OF_TWO}
    for (line, cells), label in zip(table.rows, labels, strict=True):
        if not label:
            continue
        pair = pair_of(label) if compares else None
        named = () if label in twice else (pair or (label,))
        for k, cell in enumerate(cells[: len(heads)]):
            if k in columns:
                continue
            head = heads[k]
            seed = seed_of(head.text) if re.match(r"\s*seed", head.text, re.IGNORECASE) else ""
            kind: Kind | None = "value" if seed else head.kind
            if kind is None and head.is_metric and not pair and PLAIN_NUMBER.match(bare_cell(plain(cell))):
                kind = "mean"
            elif kind is None and head.is_metric and not pair and "±" in plain(cell):
                kind = "mean"
            elif kind in (None, "interval") and head.is_metric and not pair and _is_mean(cell, head, table):
                kind = "mean"
            elif kind == "mean" and pair:
                kind = "difference" if "diff" in head.text.lower() else None
            group, doubt = named, ""
            if not pair and len(named) == 1 and (base := bases.get(k, "")):
                group = (*named, base)
                kind = None if base == label else kind_of_change(kind, heads, k, cell)
                head, seed = replace(head, metric=metric_left_of(heads, k)), CHANGE
                doubt = doubts[k]
            elif not pair and len(named) == 1 and (rival := rivals.get(k, "")):
                group, kind = (*named, rival), None if rival == label else kind
                head = replace(head, metric=only_metric_left_of(heads, k))
            elif seed:
                head = replace(head, metric="")
            yield Cell(
                text=cell, kind=kind, named=group, line=line, head=head, table=table, seed=seed, column=k,
                doubt=doubt,
            )  # fmt: skip


def _is_mean(cell: str, head: Head, table: Table) -> bool:
    """Say whether a cell is a number with its spread or interval in brackets, and not a median."""
    of_median = re.search(r"\bmedian|\biqr\b|quartile", f"{head.text} {plain(table.above)}", re.IGNORECASE)
    return bool(WITH_BRACKETS.match(bare_cell(plain(cell)))) and not of_median
