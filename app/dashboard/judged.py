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
from ired_diag.runs.study import Study

MOST = 4  # choices that are kept
EMPTY = Snapshot(version=0, updated=0.0, study=Study(()), entries={})
NOTHING = (EMPTY, EMPTY)  # what is kept of a choice that is new

Choice = tuple[str | None, bool | None]


def judged_run(run: Run, choice: Choice) -> Run:
    """Return a run that is judged by a metric and a direction; None means the run's own."""
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
            metric: Name of the metric; empty: each run's own.
            higher: Whether a higher value is better; None: by configuration and name.
        """
        choice: Choice = (None, higher)
        # A metric that no run logs judges nothing, and "" is in no history.
        if any(metric in entry.run.history.series for entry in snapshot.entries.values()):
            choice = (metric, higher)
        if choice == (None, None):
            return snapshot
        with self._lock:
            before, judged = self._kept.pop(choice, NOTHING)
            if before.entries is not snapshot.entries:
                judged = _judged(snapshot, choice, before, judged)
            self._kept[choice] = snapshot, judged
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
            return judged


def _judged(snapshot: Snapshot, choice: Choice, before: Snapshot, judged_before: Snapshot) -> Snapshot:
    """Return a judged snapshot; an entry that was the same before keeps its judged entry."""
    entries: dict[str, Entry] = {}
    for id, entry in snapshot.entries.items():
        if before.entries.get(id) is entry and id in judged_before.entries:
            entries[id] = judged_before.entries[id]
        else:
            entries[id] = Entry(id, judged_run(entry.run, choice), entry.completion)
    study = replace(snapshot.study, runs=tuple(entry.run for entry in entries.values()))
    return replace(snapshot, study=study, entries=entries)
