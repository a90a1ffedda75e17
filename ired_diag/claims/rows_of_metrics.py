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
from ired_diag.claims.labels import mention_spans, same_name
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
OTHERS = r"(?:each|every|all|the other|the rest|the remaining|other)\b"
AGAINST = r"(?:vs\.?|versus|against|over|compared (?:to|with)|with|and)"
AGAINST_EACH = re.compile(rf"\s+{AGAINST}\s+{OTHERS}", re.IGNORECASE)
EACH_AGAINST = re.compile(rf"\b{OTHERS}(?:\s+[^\W\d][\w-]*){{1,3}}\s+{AGAINST}\s+(?:the\s+)?$", re.IGNORECASE)
IN_BRACKETS_AT_END = re.compile(r"\s*\([^()]*\)\s*$")


def rows_are_metrics(table: Table, heads: Sequence[Head]) -> bool:
    """Say whether the rows are metrics, and the columns groups and comparisons."""
    rows = [head_of(cells[0]) for _, cells in table.rows if cells]
    if not rows or not all(row.kind in (None, "mean") and LETTER.search(row.text) for row in rows):
        return False
    is_said = bool(heads) and HEAD_OF_METRICS.match(heads[0].text.strip()) is not None
    if not is_said and not all(row.is_metric for row in rows):
        return False
    columns = heads[1:]
    if any(_is_of_a_metric(head) for head in columns):
        return False
    if any(head.kind in COMPARING for head in columns):
        return True
    return len(group_columns(table, heads)) > 1


def _is_of_a_metric(head: Head) -> bool:
    if head.kind is None:
        return head.is_metric
    return head.kind == "mean"


def group_columns(table: Table, heads: Sequence[Head]) -> dict[int, str]:
    """Return the columns of a table with a row a metric that are groups, with their names."""
    columns = {}
    for k, head in enumerate(heads[1:], start=1):
        name = IN_BRACKETS_AT_END.sub("", head.text).strip()
        if head.kind is not None or not metric_of(name) or _is_statistic(name):
            continue
        if is_numeric(table, k):
            columns[k] = name
    return columns


def _is_statistic(name: str) -> bool:
    """Say whether the words of a head are those of a test ("Holm p"), so that it names no group."""
    return any(re.fullmatch(OF_A_STATISTIC, word) for word in name.lower().split())


def cells_of_metrics(table: Table, heads: Sequence[Head]) -> Iterator[Cell]:
    """Yield the cells of a table with a row a metric; those that compare name two groups, or none yet."""
    groups = group_columns(table, heads)
    pair = tuple(groups.values()) if len(groups) == 2 else ()
    for line, cells in table.rows:
        row = head_of(cells[0])
        for k, text in enumerate(cells[1 : len(heads)], start=1):
            kind: Kind | None = "mean"
            if k in groups:
                named: tuple[str, ...] = (groups[k],)
                head = _of_group(row, heads[k])
            else:
                named = pair
                head = replace(heads[k], text=f"{row.text} {heads[k].text}", metric=row.metric)
                kind = head.kind if head.kind in COMPARING else None
            yield Cell(
                text=text,
                kind=kind,
                named=named,
                line=line,
                head=head,
                table=table,
                column=k,
            )


def _of_group(row: Head, column: Head) -> Head:
    """Return the head of a row, with what the head of its column says of units and spreads."""
    after = column.after
    if after == "spread":
        after = row.after
    return replace(row, after=after, factor=row.factor or column.factor)


def with_pairs(claims: Sequence[Claim], names: Sequence[str]) -> list[Claim]:
    """Return the claims, those that compare groups which only a head or a caption names with these groups.

    Args:
        claims: Of tables.
        names: The groups that the report and the runs know.
    """
    paired = []
    for claim in claims:
        is_open = claim.table and claim.metric and not claim.groups
        if is_open and claim.kind in COMPARING:
            claim = replace(claim, groups=_pair_above(claim, names))
        elif claim.table and len(claim.groups) == 1 and claim.kind in COMPARING:
            claim = replace(claim, groups=_with_base_above(claim, names))
        paired.append(claim)
    return paired


def _with_base_above(claim: Claim, names: Sequence[str]) -> tuple[str, ...]:
    """Return the group of a row, before it the one that the caption compares each row with, if it names one.

    "Paired t tests of GAT against each model" is of GAT and the row's model. A group with a row of its own
    is compared with by the columns (``changes``), not here.
    """
    text = plain(f"{claim.caption}\n{claim.heading}")
    bases = []
    for start, end, name in mention_spans(text, names):
        is_before = AGAINST_EACH.match(text, end) is not None
        is_behind = EACH_AGAINST.search(text[:start]) is not None
        if is_before or is_behind:
            bases.append(name)
    if len(set(bases)) != 1 or same_name(claim.only_group, bases):
        return claim.groups
    return bases[0], claim.only_group


def _pair_above(claim: Claim, names: Sequence[str]) -> tuple[str, ...]:
    """Return the two groups that the head compares, else the caption, else the heading; none if not two."""
    for words in (claim.wording, claim.caption, claim.heading):
        text = plain(words)
        spans = mention_spans(text, names)
        named = tuple(dict.fromkeys(name for _, _, name in spans))
        if len(named) == 2 and _are_compared(text, spans):
            return named
        # The nearest words hold: where they name other groups, the words further up do not count.
        if named:
            return ()
    return ()


def _are_compared(text: str, spans: Sequence[tuple[int, int, str]]) -> bool:
    """Say whether two groups that stand next to each other in a text are linked by a word that compares."""
    for (_, end, first), (start, _, second) in pairwise(spans):
        if first != second and LINK.fullmatch(text, end, start):
            return True
    return False
