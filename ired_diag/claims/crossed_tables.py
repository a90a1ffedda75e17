"""Tables with a row a model and a column a data set, whose pairs are the groups of runs.

    | model    | ETTh1 | weather |
    | dlinear  | 0.450 | 0.250   |      groups ETTh1/dlinear, weather/dlinear, …
    | patchtst | 0.433 | 0.234   |

A cell is of the group whose name has the words of its row and of its column, and no others. Where most cells
have no such group, the table is not read in this way. The metric is that of the caption, or it stands next to
one of the two:

    | data  | metric  | BPR-MF | EASE |        |     | DLinear |     | PatchTST |     |
    | ML-1M | Recall  | 0.241  | 0.26 |        |     | MSE     | MAE | MSE      | MAE |
    |       | NDCG    | 0.213  | 0.23 |        | 96  | 0.302   | 0.3 | 0.290    | 0.3 |

A row with a bare number (a horizon of 96) is of the groups that have it behind letters: ``dlinear/h96``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ired_diag.claims.cells import Cell
from ired_diag.claims.columns import is_numeric
from ired_diag.claims.heads import Head, head_of
from ired_diag.claims.labels import words_of
from ired_diag.claims.metric_names import metric_of
from ired_diag.claims.numbers import plain
from ired_diag.claims.spellings import glued
from ired_diag.claims.table import Table
from ired_diag.runs.metric_words import measures_in
from ired_diag.runs.metric_words import words_of as words_of_metric

IN_BRACKETS_AT_END = re.compile(r"\s*\([^()]*\)\s*$")
FEWEST_COLUMNS = 2
VERSION = re.compile(r"-v\d+\b")  # of a task, which the names of runs leave out: "Ant-v4"
LETTERS_BEFORE = re.compile(r"\b[a-z]{1,3}(?=\d+$)")


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A cell: its line, column and text, the words of its row and column, and those of its metric."""

    line: int
    column: int
    text: str
    row: str
    head: str
    metric: str


def rows_cross_columns(table: Table, groups: Sequence[str]) -> bool:
    """Say whether the rows and columns of a table together name groups of runs."""
    if not groups:
        return False
    places = list(_places(table))
    named = [place.column for place in places if _label(place, groups)]
    return len(set(named)) >= FEWEST_COLUMNS and 2 * len(named) > len(places)


def _places(table: Table) -> Iterator[_Place]:
    """Yield each cell with a number below a head of words."""
    columns = _columns(table)
    first = min(columns, default=1)
    heads = {}
    for column in columns:
        words_of_head = _words_of_head(table.head[column])
        heads[column] = _parted(words_of_head)
    above = ""
    for line, cells in table.rows:
        words = [plain(cell).strip() for cell in cells[:first]]
        # An empty first cell goes on with the one above it.
        above = "".join(words[:1]) or above
        row, metric_of_row = _parted([above, *words[1:]])
        for column in columns:
            if column >= len(cells) or not cells[column].strip():
                continue
            head, metric_of_column = heads[column]
            yield _Place(
                line=line,
                column=column,
                text=cells[column],
                row=row,
                head=head,
                metric=metric_of_row or metric_of_column,
            )


def _words_of_head(head: str) -> list[str]:
    shown = IN_BRACKETS_AT_END.sub("", plain(head))
    return shown.split()


def _parted(words: Sequence[str]) -> tuple[str, str]:
    """Return the words that name a group, and those that are a metric."""
    names: list[str] = []
    metrics: list[str] = []
    for word in words:
        measures = measures_in(words_of_metric(word))
        has_direction = head_of(word).lower_is_better is not None
        part = metrics if measures or has_direction else names
        part.append(word)
    # A table without any name but that of its metric: the words are what they are.
    if not names:
        return " ".join(words), ""
    return " ".join(names), " ".join(metrics)


def _columns(table: Table) -> list[int]:
    """Return the columns of numbers after the first one."""
    every = range(1, len(table.head))
    return [column for column in every if is_numeric(table, column)]


def _label(place: _Place, groups: Sequence[str]) -> str:
    """Return the words of a row and a column that together name one group; empty where they name none."""
    row = VERSION.sub("", place.row).strip()
    head = VERSION.sub("", place.head).strip()
    spellings = (f"{row} {head}", f"{head} {row}")
    for label in spellings:
        if _is_group(label, groups):
            return label
    if not row.isdigit():
        return ""
    named = [group for group in groups if _is_numbered(group, head, row)]
    if len(named) != 1:
        return ""
    return named[0]


def _is_group(label: str, groups: Sequence[str]) -> bool:
    words = words_of(label)
    letters = glued(label)
    named = [group for group in groups if words_of(group) == words]
    if named:
        return len(named) == 1
    alike = [group for group in groups if glued(group) == letters]
    return len(alike) == 1


def _is_numbered(group: str, head: str, number: str) -> bool:
    """Say whether a group is a name and a number behind letters: ``dlinear/h96``."""
    name = words_of(head)
    own = words_of(group)
    if not name or not name <= own:
        return False
    bare = {LETTERS_BEFORE.sub("", word) for word in own - name}
    return bare == {number}


def cells_of_crossed(table: Table, heads: Sequence[Head], groups: Sequence[str]) -> Iterator[Cell]:
    """Yield the cells of a table whose rows and columns together name groups of runs.

    Args:
        table: The table.
        heads: Of its columns.
        groups: The names of the groups of runs.
    """
    for place in _places(table):
        label = _label(place, groups)
        if not label:
            continue
        head = replace(heads[place.column], kind=None, metric=metric_of(place.metric))
        if place.metric:
            head = replace(head, text=f"{head.text} {place.metric}")
        yield Cell(
            text=place.text,
            kind="mean",
            named=(label,),
            line=place.line,
            head=head,
            table=table,
            column=place.column,
        )
