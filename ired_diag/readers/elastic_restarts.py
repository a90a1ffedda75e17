"""One training over the logs of its restarts: torchrun begins ``attempt_1/`` where ``attempt_0/`` failed.

Each start has folders of its own, and is one training all the same: what a later start logs from its first
step on takes the place of what was logged there before, as in a log that goes on after a restart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ired_diag.readers.replacements import with_replacements
from ired_diag.runs.evaluation_metric import evaluation_metric
from ired_diag.runs.history import History, Row
from ired_diag.runs.process_place import process_place
from ired_diag.runs.run import Run


def join_restarts(attempts: Iterable[Run]) -> list[Run]:
    """Return attempts; the logs of a training that torchrun started several times are one."""
    attempts = list(attempts)
    starts: dict[Path, list[tuple[int, Run]]] = defaultdict(list)
    for attempt in attempts:
        place = process_place(attempt.path.absolute())
        if place is not None and place.restart is not None:
            starts[place.training].append((place.restart, attempt))
    joined: dict[int, Run | None] = {}
    for members in starts.values():
        restarts = [restart for restart, _ in members]
        if 1 < len(members) == len(set(restarts)):
            ordered = [log for _, log in sorted(members, key=lambda member: member[0])]
            joined |= {id(log): None for log in ordered}
            joined[id(ordered[-1])] = joined_starts(ordered)
    return with_replacements(attempts, joined)


def joined_starts(starts: Sequence[Run]) -> Run:
    """Return the last start with what the earlier ones logged before it; each begins later than the last."""
    rows: list[Row] = []
    before = 0
    for start in starts:
        rows += [replace(row, attempt=before + row.attempt) for row in start.history.rows()]
        before += start.history.attempts
    history = History.of(rows, torn_tail=starts[-1].history.torn_tail)
    metric = evaluation_metric(history.series)
    return replace(
        starts[-1],
        history=history,
        evaluations=len(history.series[metric]) if metric else 0,
        sources=tuple(source for start in starts for source in start.sources),
    )
