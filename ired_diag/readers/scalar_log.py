"""What a foreign log of scalars holds: every point of every metric, and all that could not be read.

Points stand in the order of the log. A training that was started again from a checkpoint logs steps a
second time: a start at step s ends everything that the starts before it logged at s and later, of all
metrics together. Readers say where such a start is (``Points.starts``, ``ScalarLog.restarts``).

Where a reader says nothing of starts, a metric whose step goes back is counted as started again, but no other
metric is touched, because two metrics of one log may count in different units (batches, epochs). Of a step
that is logged several times, the last value counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.runs.history import History, Row, Series

Unit = Literal["byte", "line", "entry"]

MOST_TOLD = 5
NEVER = np.iinfo(np.int64).max  # a step that no log reaches


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
    """One metric: ``steps`` and ``values`` of shape (n,), in the order of the log.

    ``starts`` holds the number, from 1, of the start of training that logged each point, where the log
    shows it.
    """

    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    starts: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def attempts(self) -> NDArray[np.int64]:
        """The number, from 1, of the attempt that logged each point, of shape (n,)."""
        if self.starts is not None:
            return self.starts
        return 1 + np.concatenate([[0], np.cumsum(np.diff(self.steps) < 0)])[: len(self)].astype(np.int64)

    @property
    def series(self) -> Series:
        """The metric over increasing steps; of a step that is logged several times, the last value."""
        order = np.argsort(self.steps, kind="stable")
        steps = self.steps[order]
        last = np.append(steps[1:] != steps[:-1], True)[: len(steps)]
        return Series(steps[last], self.values[order][last])

    def lasting(self, restarts: Sequence[int]) -> Points:
        """Return the points that no later start has ended.

        Args:
            restarts: The first step of the second and each further start.
        """
        if self.starts is None or not restarts:
            return self
        ends = np.append(np.minimum.accumulate(np.array(restarts[::-1], dtype=np.int64))[::-1], NEVER)
        kept = self.steps < ends[self.starts - 1]
        return Points(self.steps[kept], self.values[kept], self.starts[kept])


@dataclass(frozen=True)
class ScalarLog:
    """What a log of scalars holds.

    Attributes:
        points: By name of the metric.
        damaged: What was skipped, in the order of the log.
        torn_tail: Whether the log's end is only half written.
        left_out: What is intact and no scalar (histograms, texts), by name: how often it stands there.
        told: What else the log says of its run, by name: ``run``, ``experiment``, ``seed``, ``config``,
            ``ended``.
        unit: What ``Damage.where`` counts.
        restarts: The first step of the second and each further start of training.
        notes: Findings of the reader: how it read what could be read in several ways.
    """

    points: Mapping[str, Points]
    damaged: tuple[Damage, ...] = ()
    torn_tail: bool = False
    left_out: Mapping[str, int] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    unit: Unit = "line"
    restarts: tuple[int, ...] = ()
    notes: tuple[Finding, ...] = ()

    @property
    def attempts(self) -> int:
        """How many attempts logged it: those of the metric that was started again most often."""
        return max((int(p.attempts.max()) for p in self.points.values() if len(p)), default=1)

    @property
    def history(self) -> History:
        """Every metric as a series; a later start of training ends what the earlier ones logged after it."""
        lasting = {name: points.lasting(self.restarts) for name, points in self.points.items()}
        series = {name: points.series for name, points in lasting.items() if len(points)}
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
        return (*found, *self._restart_findings(), *self.notes)

    def _restart_findings(self) -> list[Finding]:
        """Return that a later start ended what an earlier one had logged, if one did."""
        ended = {
            name: len(points) - len(points.lasting(self.restarts)) for name, points in self.points.items()
        }
        lost = sum(ended.values())
        if not lost:
            return []
        times = "once" if len(self.restarts) == 1 else f"{len(self.restarts)} times"
        statement = (
            f"Training was started again {times}, last from step {self.restarts[-1]}: {lost} values that an "
            "earlier start had logged from there on are left out."
        )
        steps = ", ".join(map(str, self.restarts[:MOST_TOLD]))
        return [Finding("log_restarted", "note", statement, {"values": lost, "from_steps": steps})]

    def with_notes(self, *notes: Finding) -> ScalarLog:
        """Return the log with further findings of its reader."""
        return replace(self, notes=(*self.notes, *notes))


def points_of(told: Mapping[str, tuple[Sequence[int], Sequence[float]]]) -> dict[str, Points]:
    """Return the points of each metric from lists of its steps and values.

    >>> points_of({"loss": ([1, 2, 1], [0.5, 0.4, 0.6])})["loss"].attempts.tolist()
    [1, 1, 2]
    """
    return {
        name: Points(np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64))
        for name, (steps, values) in told.items()
    }
