"""Tables with a row a group, or a pair of groups, and a column a statistic or a metric."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

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
from ired_diag.claims.naming_columns import naming_columns
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
SHORT_SEED = re.compile(r"^s_?\d{1,3}$", re.IGNORECASE)
BARE_SEED = re.compile(r"^\d{1,3}$")
SEEDS = re.compile(r"\bseeds?\b|\bfolds?\b", re.IGNORECASE)
OF_A_MEDIAN = re.compile(r"\bmedian|\biqr\b|quartile", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class _Columns:
    """What the columns of a table compare its rows with, by column.

    Attributes:
        bases: The row that the changes are from; empty where that is not certain.
        doubts: Why the numbers may be no changes; of the columns with a base.
        rivals: The row that a test is against; empty where the head names none.
    """

    bases: Mapping[int, str]
    doubts: Mapping[int, str]
    rivals: Mapping[int, str]


def cells_of_groups(
    table: Table, heads: Sequence[Head], groups_of_runs: Sequence[str] = ()
) -> Iterator[Cell]:
    """Yield the cells of a table with a row a group, or a pair of groups.

    Args:
        table: The table.
        heads: Of its columns.
        groups_of_runs: The names of the groups of runs.
    """
    label_places = naming_columns(table, label_columns(table, heads), groups_of_runs)
    if not label_places:
        return
    labels = list(labels_of_rows(table, label_places))
    rows_with_label = Counter(labels)
    compared = _columns_of(table, heads, labels)
    compares = any(head.kind in COMPARISONS for head in heads)
    for (line, cells), label in zip(table.rows, labels, strict=True):
        if not label:
            continue
        pair = pair_of(label) if compares else None
        groups: tuple[str, ...] = pair or (label,)
        if rows_with_label[label] > 1:  # nothing distinguishes the rows, so that nothing is claimed of them
            groups = ()
        for k, text in enumerate(cells[: len(heads)]):
            if k in label_places:
                continue
            cell = _cell(
                text,
                heads[k],
                named=groups,
                line=line,
                table=table,
                column=k,
                is_pair=pair is not None,
            )
            if pair is None and groups:
                cell = _compared(cell, label, heads, compared)
            yield cell


def _columns_of(table: Table, heads: Sequence[Head], labels: Sequence[str]) -> _Columns:
    bases = {}
    doubts = {}
    rivals = {}
    for k, head in enumerate(heads):
        if head.kind in RELATIVE:
            bases[k] = base_of(table, k, labels)
            if bases[k]:
                doubts[k] = doubt_of_changes(table, k, labels, bases[k])
        if head.kind in OF_TWO:
            rivals[k] = rival_in(table, k, labels)
    return _Columns(bases=bases, doubts=doubts, rivals=rivals)


def _cell(
    text: str,
    head: Head,
    *,
    named: tuple[str, ...],
    line: int,
    table: Table,
    column: int,
    is_pair: bool,
) -> Cell:
    """Return a cell as its own head and row describe it.

    Args:
        text: Of the cell.
        head: Of its column.
        named: The groups of its row.
        line: Of the report.
        table: That it is of.
        column: Its place in the row.
        is_pair: Whether its row compares two groups.
    """
    seed = ""
    if re.match(r"\s*(?:seed|fold\s*#?\d)", head.text, re.IGNORECASE) or _is_one_of_seeds(head, table):
        seed = seed_of(head.text)
    kind = _kind(text, head, table, is_value=bool(seed), is_pair=is_pair)
    if seed:
        head = replace(head, metric="")
    return Cell(
        text=text,
        kind=kind,
        named=named,
        line=line,
        head=head,
        table=table,
        seed=seed,
        column=column,
    )


def _is_one_of_seeds(head: Head, table: Table) -> bool:
    """Say whether a head is one of several "s0", "s1", …, or of bare numbers below words that say seeds."""
    for pattern in (SHORT_SEED, BARE_SEED):
        if not pattern.match(head.text):
            continue
        alike = [text for text in table.head if pattern.match(plain(text).strip())]
        words = plain(f"{table.head[0]}\n{table.above}")
        says_seeds = pattern is SHORT_SEED or SEEDS.search(words)
        return len(set(alike)) == len(alike) > 1 and bool(says_seeds)
    return False


def _kind(text: str, head: Head, table: Table, *, is_value: bool, is_pair: bool) -> Kind | None:
    """Return what the number of a cell is, by its head and its own form.

    Args:
        text: Of the cell.
        head: Of its column.
        table: That it is of.
        is_value: Whether its column is of a seed.
        is_pair: Whether its row compares two groups.
    """
    if is_value:
        return "value"
    if is_pair and head.kind == "mean":
        return "difference" if "diff" in head.text.lower() else None
    if is_pair or not head.is_metric or head.kind not in (None, "interval"):
        return head.kind
    shown = plain(text)
    if head.kind is None and ("±" in shown or PLAIN_NUMBER.match(bare_cell(shown))):
        return "mean"
    if _is_mean_with_brackets(shown, head, table):
        return "mean"
    return head.kind


def _is_mean_with_brackets(shown: str, head: Head, table: Table) -> bool:
    """Say whether a cell is a number with its spread or interval in brackets, and not a median."""
    if not WITH_BRACKETS.match(bare_cell(shown)):
        return False
    return not OF_A_MEDIAN.search(f"{head.text} {plain(table.above)}")


def _compared(cell: Cell, label: str, heads: Sequence[Head], compared: _Columns) -> Cell:
    """Return a cell of a column that compares its row with another one, with both groups."""
    k = cell.column
    base = compared.bases.get(k)
    if base:
        kind = None if base == label else kind_of_change(cell.kind, heads, k, cell.text)
        return replace(
            cell,
            kind=kind,
            named=(label, base),
            head=replace(heads[k], metric=metric_left_of(heads, k)),
            seed=CHANGE,
            doubt=compared.doubts[k],
        )
    rival = compared.rivals.get(k)
    if rival:
        return replace(
            cell,
            kind=None if rival == label else cell.kind,
            named=(label, rival),
            head=replace(heads[k], metric=only_metric_left_of(heads, k)),
        )
    return cell
