"""Tables with a row a metric: columns of groups, and columns that compare two of them.

    | metric   | baseline | muon  | p     |
    | val loss | 0.433    | 0.416 | 0.004 |

The two groups are those of the columns, where there are exactly two; else those that the head of the column
names, or the caption or heading ("muon vs. baseline") once all names are known (``with_pairs``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from ired_diag.claims.cells import Cell
from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.columns import LETTER, is_numeric
from ired_diag.claims.heads import OF_A_STATISTIC, Head, head_of
from ired_diag.claims.labels import mention_spans
from ired_diag.claims.metric_names import metric_of
from ired_diag.claims.numbers import plain
from ired_diag.claims.table import Table

COMPARING: tuple[Kind, ...] = ("p", "t", "df", "effect", "difference", "percent", "significant")
HEAD_OF_METRICS = re.compile(
    r"^(?:metrics?|measures?|quantity|quantities|outcomes?|endpoints?|(?:dependent )?variables?)$",
    re.IGNORECASE,
)

LINK = re.compile(
    r"[\s)\]]*(?:vs\.?|versus|against|and|with|to|over|minus|compared (?:to|with)|[-\u2013/])"
    r"[\s(\[]*(?:the\s+)?",
    re.IGNORECASE,
)


def rows_are_metrics(table: Table, heads: Sequence[Head]) -> bool:
    """Say whether the rows are metrics, and the columns groups and comparisons."""
    rows = [head_of(cells[0]) for _, cells in table.rows if cells]
    said = bool(heads) and HEAD_OF_METRICS.match(heads[0].text.strip())
    if not rows or not all(row.kind in (None, "mean") and LETTER.search(row.text) for row in rows):
        return False
    if not said and not all(row.is_metric for row in rows):
        return False
    if any(head.kind == "mean" or (head.kind is None and head.is_metric) for head in heads[1:]):
        return False
    return any(head.kind in COMPARING for head in heads[1:]) or len(group_columns(table, heads)) > 1


def group_columns(table: Table, heads: Sequence[Head]) -> dict[int, str]:
    """Return the columns of a table with a row a metric that are groups, with their names."""
    names = {k: re.sub(r"\s*\([^()]*\)\s*$", "", head.text).strip() for k, head in enumerate(heads) if k > 0}
    return {
        k: name
        for k, name in names.items()
        if heads[k].kind is None and metric_of(name) and is_numeric(table, k) and not _is_statistic(name)
    }


def _is_statistic(name: str) -> bool:
    """Say whether the words of a head are those of a test ("Holm p"), so that it names no group."""
    return any(re.fullmatch(OF_A_STATISTIC, word) for word in name.lower().split())


def cells_of_metrics(table: Table, heads: Sequence[Head]) -> Iterator[Cell]:
    """Yield the cells of a table with a row a metric; those that compare name two groups, or none yet."""
    groups = group_columns(table, heads)
    pair = tuple(groups.values()) if len(groups) == 2 else ()
    for line, cells in table.rows:
        row = head_of(cells[0])
        for k, cell in enumerate(cells[1 : len(heads)], start=1):
            head = heads[k]
            if k in groups:
                after = head.after if head.after != "spread" else row.after
                shown = replace(row, after=after, factor=row.factor or head.factor)
                named: tuple[str, ...] = (groups[k],)
                kind: Kind | None = "mean"
            else:
                shown = replace(head, text=f"{row.text} {head.text}", metric=row.metric)
                named, kind = pair, head.kind if head.kind in COMPARING else None
            yield Cell(text=cell, kind=kind, named=named, line=line, head=shown, table=table, column=k)


def with_pairs(claims: Sequence[Claim], names: Sequence[str]) -> list[Claim]:
    """Return the claims, those that compare groups which only a head or a caption names with these groups.

    Args:
        claims: Of tables.
        names: The groups that the report and the runs know.
    """
    return [
        replace(claim, groups=_pair_above(claim, names))
        if claim.table and not claim.groups and claim.metric and claim.kind in COMPARING
        else claim
        for claim in claims
    ]


def _pair_above(claim: Claim, names: Sequence[str]) -> tuple[str, ...]:
    """Return the two groups that the head compares, else the caption, else the heading; none if not two."""
    head, heading, caption = [*claim.context.split("\n"), "", ""][:3]
    for text in (plain(head), plain(caption), plain(heading)):
        spans = mention_spans(text, names)
        named = tuple(dict.fromkeys(name for _, _, name in spans))
        if len(named) == 2 and _are_compared(text, spans):
            return named
        if named:
            return ()
    return ()


def _are_compared(text: str, spans: Sequence[tuple[int, int, str]]) -> bool:
    """Say whether two groups that stand next to each other in a text are linked by a word that compares."""
    return any(a[2] != b[2] and LINK.fullmatch(text, a[1], b[0]) for a, b in pairwise(spans))
