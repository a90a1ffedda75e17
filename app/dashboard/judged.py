"""The study as a reader judges it: by the metric and the direction in the address.

A snapshot is judged once for each choice, and a run that has not changed keeps its entry, with its verdict.
A metric that no run logs judges nothing: the pages say that it is not there.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from app.dashboard.snapshot import Entry, Snapshot
from ired_diag.runs.judged import judge_runs
from ired_diag.runs.run import Run

MOST = 4  # choices that are kept

Choice = tuple[str | None, bool | None]


def judged_run(run: Run, choice: Choice) -> Run:
    """Return a run that is judged by a metric and a direction, each None for its own."""
    metric, higher = choice
    if metric is not None and metric not in run.history.series:
        return replace(run, metric=metric, higher_is_better=higher)
    return judge_runs([run], metric=metric, higher_is_better=higher)[0]


@dataclass
class JudgedSnapshots:
    """The newest few snapshots, judged; safe to ask from several threads."""

    _kept: OrderedDict[Choice, tuple[Snapshot, Snapshot]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, snapshot: Snapshot, metric: str, higher: bool | None) -> Snapshot:
        """Return a snapshot as it is judged.

        Args:
            snapshot: The study.
            metric: The metric's name; empty for each run's own.
            higher: Whether it is better where it is higher; None by configuration and name.
        """
        is_logged = any(metric in entry.run.history.series for entry in snapshot.entries.values())
        choice = (metric if is_logged else None, higher)
        if choice == (None, None):
            return snapshot
        with self._lock:
            before, result = self._kept.pop(choice, (None, None))
            if before is None or result is None or before.entries is not snapshot.entries:
                result = _judged(snapshot, choice, before, result)
            self._kept[choice] = snapshot, result
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
            return result


def _judged(snapshot: Snapshot, choice: Choice, before: Snapshot | None, result: Snapshot | None) -> Snapshot:
    entries: dict[str, Entry] = {}
    for id, entry in snapshot.entries.items():
        same = before is not None and before.entries.get(id) is entry
        known = result.entries.get(id) if same and result is not None else None
        entries[id] = known or Entry(id, judged_run(entry.run, choice), entry.completion)
    study = replace(snapshot.study, runs=tuple(entry.run for entry in entries.values()))
    return replace(snapshot, study=study, entries=entries)
