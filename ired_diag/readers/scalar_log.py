"""What a foreign log of scalars holds: every point of every metric, and all that could not be read.

Points stand in the order of the log. A training that was started again from a checkpoint logs steps a
second time: a start at step s ends everything that the starts before it logged at s and later, of all
metrics together. Readers say where such a start is (``Points.starts``, ``ScalarLog.restarts``).

Where a reader says nothing of starts, a metric whose step goes back is counted as started again, but no other
metric is touched, because two metrics of one log may count in different units (batches, epochs). Of a step
that is logged several times, the last value counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import DiagError
from ired_diag.finding import Finding
from ired_diag.runs.history import History, Row, Series

Unit = Literal["byte", "line", "entry"]

MOST_LISTED = 5  # damaged places, or steps of restarts
NEVER = np.iinfo(np.int64).max  # a step that no log reaches


@dataclass(frozen=True)
class Damage:
    """A record, line or cell that was skipped.

    Attributes:
        where: Byte, line or entry of the file, in the log's ``unit``.
        reason: What was expected there and what was found.
        file: Name of the file, where a log has several.
    """

    where: int
    reason: str
    file: str = ""


@dataclass(frozen=True)
class Points:
    """The points of a metric: ``steps`` and ``values`` of shape (n,), in the order of the log.

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
        goes_back = np.diff(self.steps) < 0
        restarts_before = np.zeros(len(self), dtype=np.int64)
        restarts_before[1:] = np.cumsum(goes_back)
        return 1 + restarts_before

    @property
    def series(self) -> Series:
        """The metric over increasing steps; of a step that is logged several times, the last value."""
        if (self.steps[1:] > self.steps[:-1]).all():
            return Series(self.steps, self.values)
        order = np.argsort(self.steps, kind="stable")
        steps = self.steps[order]
        values = self.values[order]
        is_last = np.append(steps[1:] != steps[:-1], True)[: len(steps)]
        return Series(steps[is_last], values[is_last])

    def lasting(self, restarts: Sequence[int]) -> Points:
        """Return the points that no later start has ended.

        Args:
            restarts: The first step of the second and each further start.
        """
        if self.starts is None or not restarts:
            return self
        latest_first = np.array(restarts[::-1], dtype=np.int64)
        lowest_later = np.minimum.accumulate(latest_first)[::-1]
        ends = np.append(lowest_later, NEVER)
        kept = self.steps < ends[self.starts - 1]
        return Points(self.steps[kept], self.values[kept], self.starts[kept])


@dataclass(frozen=True, kw_only=True)
class ScalarLog:
    """The content of a log of scalars.

    Attributes:
        points: Points by name of the metric.
        damaged: What was skipped, in the order of the log.
        torn_tail: Whether the log's end is only half written.
        left_out: How often a name stands with an intact value that is not a scalar (a histogram, a text).
        stated: What else the log says of its run, by name: ``run``, ``experiment``, ``seed``, ``config``,
            ``ended``; of a store of runs also ``group``, its experiment, ``id``, and ``ending``,
            an ``Ending``.
        unit: What ``Damage.where`` counts.
        restarts: The first step of the second and each further start of training.
        notes: Findings of the reader: how it read what could be read in several ways.
    """

    points: Mapping[str, Points]
    damaged: tuple[Damage, ...] = ()
    torn_tail: bool = False
    left_out: Mapping[str, int] = field(default_factory=dict)
    stated: Mapping[str, Any] = field(default_factory=dict)
    unit: Unit = "line"
    restarts: tuple[int, ...] = ()
    notes: tuple[Finding, ...] = ()

    @property
    def attempts(self) -> int:
        """How many attempts logged it: those of the metric that was started again most often."""
        most = 1
        for points in self.points.values():
            if len(points):
                most = max(most, int(points.attempts.max()))
        return most

    @property
    def history(self) -> History:
        """Every metric as a series; a later start of training ends what the earlier ones logged after it."""
        series: dict[str, Series] = {}
        for name, points in self.points.items():
            lasting = points.lasting(self.restarts)
            if len(lasting):
                series[name] = lasting.series
        return History(
            series=series,
            attempts=self.attempts,
            bad_lines=tuple(damage.where for damage in self.damaged),
            torn_tail=self.torn_tail,
        )

    @property
    def rows(self) -> tuple[Row, ...]:
        """The points as a row for each attempt and step, as an ``Attempt`` holds them."""
        values_at: dict[tuple[int, int], dict[str, float]] = defaultdict(dict)
        for name, points in self.points.items():
            attempts = points.attempts.tolist()
            steps = points.steps.tolist()
            for attempt, step, value in zip(attempts, steps, points.values.tolist(), strict=True):
                values_at[attempt, step][name] = value
        rows = []
        for attempt, step in sorted(values_at):
            rows.append(Row(step, values_at[attempt, step], attempt))
        return tuple(rows)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is odd about the file, for the run's findings."""
        findings = []
        if self.damaged:
            findings.append(self._damage_finding())
        if self.torn_tail:
            statement = "The log's end is only half written; nothing was read from it."
            findings.append(Finding("torn_tail", "note", statement))
        return (*findings, *self._restart_findings(), *self.notes)

    def _damage_finding(self) -> Finding:
        n = len(self.damaged)
        places = []
        for damage in self.damaged[:MOST_LISTED]:
            places.append(f"{damage.file} {self.unit} {damage.where}".strip())
        plural = "s" if n != 1 else ""
        reason = self.damaged[0].reason
        statement = f"{n} damaged place{plural} of the log skipped: {reason}."
        evidence: dict[str, Any] = {"skipped": n, "first": ", ".join(places)}
        return Finding("damaged_records", "warning", statement, evidence=evidence)

    def _restart_findings(self) -> list[Finding]:
        """Return a finding that a later start ended what an earlier start had logged, if so."""
        lost = 0
        for points in self.points.values():
            lost += len(points) - len(points.lasting(self.restarts))
        if not lost:
            return []
        times = "once" if len(self.restarts) == 1 else f"{len(self.restarts)} times"
        statement = (
            f"Training was started again {times}, last from step {self.restarts[-1]}: {lost} values that an "
            f"earlier start had logged from there on are left out.{self._reach_of_last_start()}"
        )
        steps = ", ".join(map(str, self.restarts[:MOST_LISTED]))
        evidence: dict[str, Any] = {"values": lost, "from_steps": steps}
        return [Finding("log_restarted", "note", statement, evidence=evidence)]

    def _reach_of_last_start(self) -> str:
        """Return a sentence that an earlier start came far beyond the last one; empty where none did."""
        last = before = -1
        for points in self.points.values():
            is_last = points.attempts > len(self.restarts)
            last = max(last, int(points.steps[is_last].max(initial=-1)))
            before = max(before, int(points.steps[~is_last].max(initial=-1)))
        if before <= 2 * max(1, last):
            return ""
        return f" The last start ends at step {last}; an earlier one came to step {before}."

    def with_notes(self, *notes: Finding) -> ScalarLog:
        """Return the log with further findings of its reader."""
        return replace(self, notes=(*self.notes, *notes))


def points_of(columns: Mapping[str, tuple[Sequence[int], Sequence[float]]]) -> dict[str, Points]:
    """Return the points of each metric from lists of its steps and values.

    >>> points_of({"loss": ([1, 2, 1], [0.5, 0.4, 0.6])})["loss"].attempts.tolist()
    [1, 1, 2]
    """
    points = {}
    for name, (steps, values) in columns.items():
        points[name] = Points(np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64))
    return points


def only_run(path: Path, runs: Mapping[str, ScalarLog]) -> ScalarLog:
    """Return the run of a file that holds one.

    Args:
        path: The file.
        runs: Its runs, by what the file says of each.

    Raises:
        DiagError: The file holds several runs.
    """
    if len(runs) > 1:
        names = ", ".join(runs)
        raise DiagError(f"{path}: expected one run, found {len(runs)}: {names}. Export them one by one.")
    return next(iter(runs.values()))
