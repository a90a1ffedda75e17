"""What a foreign log of scalars tells: every point of every metric, and all that could not be read.

Points stand in the order of the log. A metric whose step goes back was started again: its next attempt
begins there. Each metric is asked by itself, because two metrics of one log may count in different units
(batches, epochs). A step told again without going back is the same attempt; in the history the last wins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.runs.history import History, Row, Series

Unit = Literal["byte", "line", "entry"]

MOST_TOLD = 5


@dataclass(frozen=True)
class Damage:
    """One record, line or cell that was skipped.

    Attributes:
        where: Byte, line or entry of the file, in the log's ``unit``.
        reason: What was expected there and what was found.
        file: Its name, where a log has several.
    """

    where: int
    reason: str
    file: str = ""


@dataclass(frozen=True)
class Points:
    """One metric as told: ``steps`` and ``values`` of shape (n,), in the order of the log."""

    steps: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def attempts(self) -> NDArray[np.int64]:
        """The number, from 1, of the attempt that told each point, of shape (n,)."""
        return 1 + np.concatenate([[0], np.cumsum(np.diff(self.steps) < 0)])[: len(self)].astype(np.int64)

    @property
    def series(self) -> Series:
        """The metric over increasing steps; of a step told several times, the last value."""
        order = np.argsort(self.steps, kind="stable")
        steps = self.steps[order]
        last = np.append(steps[1:] != steps[:-1], True)[: len(steps)]
        return Series(steps[last], self.values[order][last])


@dataclass(frozen=True)
class ScalarLog:
    """What a log of scalars tells.

    Attributes:
        points: By name of the metric.
        damaged: What was skipped, in the order of the log.
        torn_tail: Whether the log's end is only half written.
        left_out: What is intact and no scalar (histograms, texts), by name: how often it is told.
        told: What else the log says of its run, by name.
        unit: What ``Damage.where`` counts.
    """

    points: Mapping[str, Points]
    damaged: tuple[Damage, ...] = ()
    torn_tail: bool = False
    left_out: Mapping[str, int] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    unit: Unit = "line"

    @property
    def attempts(self) -> int:
        """How many attempts told it: those of the metric that was restarted most often."""
        return max((int(p.attempts[-1]) for p in self.points.values() if len(p)), default=1)

    @property
    def history(self) -> History:
        """Every metric as a series; the last attempt wins."""
        series = {name: points.series for name, points in self.points.items()}
        where = tuple(damage.where for damage in self.damaged)
        return History(series, self.attempts, where, self.torn_tail)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The points as one row an attempt and step, as an ``Attempt`` holds them."""
        told: dict[tuple[int, int], dict[str, float]] = {}
        for name, points in self.points.items():
            listed = (points.attempts.tolist(), points.steps.tolist(), points.values.tolist())
            for attempt, step, value in zip(*listed, strict=True):
                told.setdefault((attempt, step), {})[name] = value
        return tuple(Row(step, told[attempt, step], attempt) for attempt, step in sorted(told))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is odd about the file, for the run's findings."""
        found = []
        if self.damaged:
            n, first = len(self.damaged), self.damaged[0]
            where = ", ".join(f"{d.file} {self.unit} {d.where}".strip() for d in self.damaged[:MOST_TOLD])
            statement = f"{n} damaged place{'s' if n != 1 else ''} of the log skipped: {first.reason}."
            found.append(Finding("damaged_records", "warning", statement, {"skipped": n, "first": where}))
        if self.torn_tail:
            statement = "The log's end is only half written; nothing was read from it."
            found.append(Finding("torn_tail", "note", statement))
        return tuple(found)


def points_of(told: Mapping[str, tuple[Sequence[int], Sequence[float]]]) -> dict[str, Points]:
    """Return the points of each metric from lists of its steps and values.

    >>> points_of({"loss": ([1, 2, 1], [0.5, 0.4, 0.6])})["loss"].attempts.tolist()
    [1, 1, 2]
    """
    return {
        name: Points(np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64))
        for name, (steps, values) in told.items()
    }
