"""Rows that a log wrote one after another, in columns: what tables and JSON lines have in common.

Each row has a step and values for some of the metrics. Two rows contradict each other where they stand at
one step and differ in at least half of the informative metrics that both hold: two runs, or two starts of
one, wrote them. A metric is informative where it differs between any two rows of one step; clocks and the
use of memory never are. A training row and an evaluation row at one step share no such metric, and do not
contradict each other.
"""

from __future__ import annotations

import re
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
        steps: Of each row, of shape (rows,).
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
                columns[name] = Column(place[column.rows[kept]], column.values[kept])
        numbers = np.flatnonzero(rows).tolist()
        texts = {name: [values[i] for i in numbers] for name, values in self.texts.items()}
        return replace(self, steps=self.steps[rows], columns=columns, texts=texts)

    def points(self, starts: NDArray[np.int64]) -> dict[str, Points]:
        """Return the points of each metric.

        Args:
            starts: The number, from 1, of the start of training that logged each row, of shape (rows,).
        """
        several = bool(len(starts)) and int(starts.max()) > 1
        return {
            name: Points(self.steps[c.rows], c.values, starts[c.rows] if several else None)
            for name, c in self.columns.items()
        }


def contradictions(table: RowTable, position: NDArray[np.int64]) -> int:
    """Return at how many positions two rows contradict each other.

    Args:
        table: The rows.
        position: A number for each row, of shape (rows,): the step, or whatever stands for it and for the
            run.
    """
    order = np.argsort(position, kind="stable")
    ranked = position[order]
    again = np.flatnonzero(ranked[1:] == ranked[:-1])
    if not len(again):
        return 0
    repeated = np.unique(ranked[again])
    wanted = np.isin(position, repeated)
    values: dict[int, dict[str, float]] = {row: {} for row in np.flatnonzero(wanted).tolist()}
    for name, column in table.columns.items():
        if CLOCK.search(name):
            continue
        inside = wanted[column.rows]
        for row, value in zip(column.rows[inside].tolist(), column.values[inside].tolist(), strict=True):
            values[row][name] = value
    at: dict[int, list[dict[str, float]]] = {}
    for row, row_values in values.items():
        at.setdefault(int(position[row]), []).append(row_values)
    pairs = [pair for rows in at.values() for pair in pairwise(rows)]
    informative = set[str]().union(*(_differing(*pair) for pair in pairs))
    return sum(any(_contradict(*pair, informative) for pair in pairwise(rows)) for rows in at.values())


def _differing(one: Mapping[str, float], other: Mapping[str, float]) -> set[str]:
    """Return the names of metrics that two rows state differently; NaN is no other value than NaN."""
    shared = one.keys() & other.keys()
    return {n for n in shared if one[n] != other[n] and (one[n] == one[n] or other[n] == other[n])}


def _contradict(one: Mapping[str, float], other: Mapping[str, float], informative: set[str]) -> bool:
    """Say whether two rows differ in at least half of the informative metrics that both state."""
    shared = one.keys() & other.keys() & informative
    return bool(shared) and 2 * len(_differing(one, other)) >= len(shared)
