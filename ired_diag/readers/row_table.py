"""Rows that a log wrote one after another, in columns: what tables and JSON lines have in common.

Each row has a step and values for some of the metrics. Two rows contradict each other where they stand at
one step and differ in at least half of the informative metrics that both hold: two runs, or two starts of
one, wrote them. A metric is informative where it differs between any two rows of one step; clocks and the
use of memory never are. A training row and an evaluation row at one step share no such metric, and do not
contradict each other.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ired_diag.readers.scalar_log import Points

CLOCK = re.compile(
    r"(?i)(?:^|[^a-z])(?:time|timestamps?|runtime|walltime|elapsed|date|duration|seconds?|secs?|hours?|minutes?|eta"
    r"|per_s(?:ec)?(?:ond)?|fps|throughput|speed|s_it|it_s|mem|memory|ram|gpu|cpu|gb|mb|util(?:i[sz]ation)?|usage"
    r"|allocated|reserved)(?:$|[^a-z])"
)


Values = Mapping[str, float]  # of a row, by metric


@dataclass(frozen=True)
class Column:
    """The numbers of one name: the ``rows`` that hold them, increasing, and the ``values``, of shape (n,)."""

    rows: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class RowTable:
    """Rows in the order of a log.

    Attributes:
        counter: The name of the column that counts the steps.
        steps: Step of each row, of shape (rows,).
        columns: The numbers, by name.
        texts: The texts of each row, by name; empty where a row has none.
    """

    counter: str
    steps: NDArray[np.int64]
    columns: Mapping[str, Column]
    texts: Mapping[str, Sequence[str]]

    def __len__(self) -> int:
        return len(self.steps)

    def only(self, rows: NDArray[np.bool_]) -> RowTable:
        """Return the rows for which ``rows``, of shape (rows,), is true."""
        place = np.cumsum(rows) - 1
        columns = {}
        for name, column in self.columns.items():
            kept = rows[column.rows]
            if kept.any():
                kept_rows = column.rows[kept]
                columns[name] = Column(place[kept_rows], column.values[kept])
        numbers = np.flatnonzero(rows).tolist()
        texts = {}
        for name, values in self.texts.items():
            texts[name] = [values[i] for i in numbers]
        return replace(self, steps=self.steps[rows], columns=columns, texts=texts)

    def points(self, starts: NDArray[np.int64]) -> dict[str, Points]:
        """Return the points of each metric.

        Args:
            starts: The number, from 1, of the start of training that logged each row, of shape (rows,).
        """
        has_several_starts = bool(len(starts)) and int(starts.max()) > 1
        points = {}
        for name, column in self.columns.items():
            points[name] = Points(self.steps[column.rows], column.values)
            if has_several_starts:
                points[name] = replace(points[name], starts=starts[column.rows])
        return points


def contradictions(table: RowTable, position: NDArray[np.int64]) -> int:
    """Return at how many positions two rows contradict each other.

    Args:
        table: The rows.
        position: A number for each row, of shape (rows,): the step, or whatever stands for it and for the
            run.
    """
    groups = _rows_of_repeated_positions(table, position)
    informative: set[str] = set()
    for rows in groups:
        for row, following in pairwise(rows):
            informative |= _differing(row, following)
    return sum(_has_contradiction(rows, informative) for rows in groups)


def _rows_of_repeated_positions(table: RowTable, position: NDArray[np.int64]) -> list[list[Values]]:
    """Return the values of the rows at each position that has several rows; clocks are left out."""
    ranked = np.sort(position)
    repeated = np.unique(ranked[1:][ranked[1:] == ranked[:-1]])
    if not len(repeated):
        return []
    is_repeated = np.isin(position, repeated)
    values: dict[int, dict[str, float]] = {row: {} for row in np.flatnonzero(is_repeated).tolist()}
    for name, column in table.columns.items():
        if CLOCK.search(name):
            continue
        inside = is_repeated[column.rows]
        rows = column.rows[inside].tolist()
        for row, value in zip(rows, column.values[inside].tolist(), strict=True):
            values[row][name] = value
    groups: dict[int, list[Values]] = defaultdict(list)
    for row, row_values in values.items():
        groups[int(position[row])].append(row_values)
    return list(groups.values())


def _has_contradiction(rows: Sequence[Values], informative: set[str]) -> bool:
    return any(_contradict(row, following, informative) for row, following in pairwise(rows))


def _differing(first: Values, second: Values) -> set[str]:
    """Return the names of metrics that two rows state differently; NaN does not differ from NaN."""
    names = set()
    for name in first.keys() & second.keys():
        both_nan = math.isnan(first[name]) and math.isnan(second[name])
        if first[name] != second[name] and not both_nan:
            names.add(name)
    return names


def _contradict(first: Values, second: Values, informative: set[str]) -> bool:
    """Say whether two rows differ in at least half of the informative metrics that both state."""
    shared = first.keys() & second.keys() & informative
    differing = _differing(first, second)
    return bool(shared) and 2 * len(differing) >= len(shared)
