"""Columns of changes next to the means of a table: from which of its rows, and are they relative?

    | method   | loss  | Δ vs. baseline |        | method   | loss  | Δ (%) |
    | baseline | 0.433 | –              |        | baseline | 0.433 |   0.0 |
    | muon     | 0.416 | -4.1%          |        | muon     | 0.416 |  -4.1 |

The base is the row that the head names, else the only one whose change is 0, or is left out. Of a metric in
percent a change in percent may be one in points, so that it is taken for a plain difference, which is held
against either.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ired_diag.claims.claim import Kind
from ired_diag.claims.heads import Head
from ired_diag.claims.labels import mentions
from ired_diag.claims.numbers import number_of, plain
from ired_diag.claims.table import Table

CHANGE = "change"  # the ``seed`` of a claim from such a column
STATED = re.compile(
    r"^[Δδ]|\bdelta|\bdiff|\bchange|\bgain|\bgap\b|improvement|reduction|increase|decrease", re.IGNORECASE
)
NO_DIFFERENCE = re.compile(
    r"\bp\s*[=<>]|^\s*\d+\s*/\s*\d+\b|^\s*\d+\s+of\s+\d+\b|[=]|\d\s*(?:[x\u00d7]|fold|st|nd|rd|th)\b",
    re.IGNORECASE,
)
OF_A_TEST = re.compile(
    r"welch|student|t-?test|signifi|\bp\b|\bwins?\b|\brank|wilcoxon|mann|\bd\b|\bt\b|cohen|hedges|effect|faster|slower|"
    r"speed|normali[sz]ed|ratio|\btimes\b",
    re.IGNORECASE,
)
MAY_BE_OTHER = "whether its column is of differences, or of ratios, ranks or a test, is not certain"
FACTOR = re.compile(r"\d\s*(?:[x\u00d7]|fold)\s*$", re.IGNORECASE)
RELATIVE = ("difference", "percent")
NO_CHANGE = re.compile(r"^(?:[-\u2013\u2014]+|ref\w*\.?|base\w*|n/?a)?$", re.IGNORECASE)
SIGN = re.compile(r"[-+±]\s*\.?\d")


def base_of(table: Table, column: int, labels: Sequence[str]) -> str:
    """Return the label of the row that the changes in a column are from; empty where it is not certain.

    Args:
        table: The table.
        column: Of the changes.
        labels: Of its rows.
    """
    if _named_in_head(table, column, labels):
        return rival_in(table, column, labels)
    cells = list(zip(_cells(table, column), labels, strict=True))
    without_change = [label for cell, label in cells if _is_no_change(cell)]
    # A change may be 0, too: the row that has a dash is the base.
    dashed = [label for cell, label in cells if number_of(cell) is None and _is_no_change(cell)]
    for bases in (without_change, dashed):
        if len(bases) == 1:
            return bases[0]
    return ""


def _cells(table: Table, column: int) -> list[str]:
    """Return the cell of each row; empty where the row ends before the column."""
    return [plain(row[column]).strip() if column < len(row) else "" for _, row in table.rows]


def doubt_of_changes(table: Table, column: int, labels: Sequence[str], base: str) -> str:
    """Return why the numbers of a column may be no differences; empty where they are.

    Differences leave the row of their base out, or have 0 there, and are no wins of n, no p, no ratio. A head
    that only says "vs. baseline" needs a sign on one of them, too.

    Args:
        table: The table.
        column: Of the changes.
        labels: Of its rows.
        base: The label of the row that they are from.
    """
    cells = dict(zip(labels, _cells(table, column), strict=True))
    of_base = cells.pop(base, "")
    head = plain(table.head[column])
    without_base = re.sub(re.escape(base), " ", head, flags=re.IGNORECASE)
    if not _is_no_change(of_base) or OF_A_TEST.search(without_base):
        return MAY_BE_OTHER
    shown = [cell for cell in cells.values() if not NO_CHANGE.match(cell)]
    if any(map(NO_DIFFERENCE.search, shown)):
        return MAY_BE_OTHER
    if STATED.search(head) or any(map(SIGN.search, shown)):
        return ""
    return MAY_BE_OTHER


def rival_in(table: Table, column: int, labels: Sequence[str]) -> str:
    """Return the one row that the head of a column names ("p vs. baseline"); empty if not one."""
    return _only_one(_named_in_head(table, column, labels))


def _only_one(names: set[str]) -> str:
    """Return the name in a set of one; empty of any other set."""
    if len(names) != 1:
        return ""
    (name,) = names
    return name


def only_metric_left_of(heads: Sequence[Head], column: int) -> str:
    """Return the metric of the columns of means to the left, where it is one."""
    means = [head for head in heads[:column] if head.kind in ("mean", None)]
    return _only_one({head.metric for head in means if head.is_metric})


def _named_in_head(table: Table, column: int, labels: Sequence[str]) -> set[str]:
    names = list(dict.fromkeys(labels))
    return {name for _, name in mentions(table.head[column], names)}


def _is_no_change(cell: str) -> bool:
    number = number_of(cell)
    if number is None:
        return NO_CHANGE.match(cell) is not None
    return number.value == 0


def kind_of_change(kind: Kind | None, heads: Sequence[Head], column: int, cell: str) -> Kind | None:
    """Return whether a change is a difference or relative: in percent of means that are not."""
    shown = plain(cell)
    number = number_of(shown)
    left = _mean_left_of(heads, column)
    if number is None or left is None or FACTOR.search(shown.strip()):
        return None
    in_percent = number.percent or heads[column].percent or kind == "percent"
    # Of means in percent, a change in percent may be one in points: see above.
    if in_percent and not left.percent:
        return "percent"
    return "difference"


def metric_left_of(heads: Sequence[Head], column: int) -> str:
    """Return the metric of the nearest column of means to the left."""
    left = _mean_left_of(heads, column)
    if left is None:
        return ""
    return left.metric


def _mean_left_of(heads: Sequence[Head], column: int) -> Head | None:
    for head in reversed(heads[:column]):
        if head.kind == "mean" or (head.kind is None and head.metric):
            return head
    return None
