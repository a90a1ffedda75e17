"""One training over several logs: it was stopped, and goes on in another file of its folder.

    seed0/train.log  steps 0 to 240       seed0/train_resumed.log  steps 250 to 490
    exp/log_1.txt    steps 0 to 240       exp/log_2.txt            steps 200 to 490
    run3/            steps 0 to 240       run3_resume/             steps 250 to 490

A log that begins far from the first step, where another one ends, is no run of its own: taken for a second
seed it would make intervals too short, with numbers of half-trained models. It goes on the other log where

- both have one format, lie in one folder (or in folders whose names differ by ``resume``, ``part2`` and the
  like), and neither seed nor configuration speaks against it;
- it begins later than the other by more than two evaluations, at most two evaluations after its end, and ends
  later.

Of several such logs the one of the nearest name is taken. Where names do not decide, nothing is joined, and a
warning says so. What the later log holds from its first step on takes the place of what was there before.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

import numpy as np

from ired_diag.finding import Finding
from ired_diag.readers.elastic_restarts import joined_starts
from ired_diag.readers.process_metrics import evaluations_of
from ired_diag.runs.history import Series
from ired_diag.runs.identity_keys import identifies_by_name
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.name_list import counted
from ired_diag.runs.run import Run

LATER, LATEST = 2.0, 2.5  # evaluations: after the first of the other log, and after its last
OF_A_CONTINUATION = re.compile(r"(?i)[_.-](?:resum\w*|cont(?:inue[ds]?|inuation)?|restart\w*|part[_-]?\d+)$")
# Settings that change where a training goes on: how long it is, and from where.
OF_RESUMING = frozenset(
    "resume checkpoint ckpt load init from max num total epochs epoch steps step iters".split()
)


@dataclass(frozen=True)
class _Log:
    """A log that may go on another, or be gone on with: its metric, and the steps of its evaluations."""

    run: Run
    metric: str
    series: Series

    @property
    def first(self) -> float:
        return float(self.series.steps[0])

    @property
    def last(self) -> float:
        return float(self.series.steps[-1])

    @property
    def interval(self) -> float:
        """How many steps lie between two evaluations."""
        gaps = np.diff(self.series.steps)
        return float(np.median(gaps)) if len(gaps) else 0.0


def join_continuations(attempts: Iterable[Run]) -> list[Run]:
    """Return attempts; logs that go on other logs are one run with these."""
    attempts = list(attempts)
    folders: dict[tuple[Path, str], list[Run]] = defaultdict(list)
    for attempt in attempts:
        if attempt.job is None:  # the logs of jobs are put together by job, task and seed
            folders[_folder(attempt), attempt.format].append(attempt)
    replaced: dict[int, Run | None] = {}
    for members in folders.values():
        if len(members) > 1:
            replaced |= _joined(_evaluated(members))
    kept = [replaced.get(id(attempt), attempt) for attempt in attempts]
    return [attempt for attempt in kept if attempt is not None]


def _evaluated(runs: Sequence[Run]) -> list[_Log]:
    """Return the logs with an evaluation; none where all begin at about the same step."""
    logs = [_Log(run, *evaluated) for run in runs if (evaluated := evaluations_of(run)) is not None]
    first = min((log.first for log in logs), default=0.0)
    begins_late = any(log.first - first > LATER * log.interval for log in logs if len(log.series) > 1)
    return logs if begins_late else []


def _folder(run: Run) -> Path:
    """Return the folder of a log; of a folder that only continues another, that folder."""
    folder = run.path if run.path.is_dir() else run.path.parent
    if not folder.name:  # the working folder, or the root
        return folder
    return folder.with_name(OF_A_CONTINUATION.sub("", folder.name) or folder.name)


def _joined(logs: Sequence[_Log]) -> dict[int, Run | None]:
    """Return by the id of an attempt what takes its place."""
    min_first = min((log.first for log in logs), default=0.0)
    begun = {id(log.run): [log] for log in logs}  # the logs of one training, by its last one
    replaced: dict[int, Run | None] = {}
    for log in sorted(logs, key=lambda log: log.first):
        if log.first - min_first <= LATER * log.interval:
            continue
        earlier = [other[-1] for other in begun.values() if other[-1] is not log and _goes_on(log, other[-1])]
        chosen = _nearest(log, earlier)
        if chosen is not None:
            begun[id(log.run)] = [*begun.pop(id(chosen.run)), log]
        elif earlier:
            replaced[id(log.run)] = replace(log.run, findings=(*log.run.findings, _undecided(log, earlier)))
    for parts in begun.values():
        if len(parts) > 1:
            replaced |= {id(part.run): None for part in parts}
            replaced[id(parts[-1].run)] = _one_run(parts)
    return replaced


def _goes_on(later: _Log, earlier: _Log) -> bool:
    """Say whether a log begins where another one ends, and nothing speaks against it."""
    interval = max(earlier.interval, later.interval)
    if not interval or later.metric != earlier.metric:
        return False
    begins_late = later.first - earlier.first > LATER * interval
    follows = later.first <= earlier.last + LATEST * interval and later.last > earlier.last
    return begins_late and follows and _may_be_one(later.run, earlier.run)


def _may_be_one(first: Run, second: Run) -> bool:
    if None not in (first.seed, second.seed) and first.seed != second.seed:
        return False
    a, b = first.configuration or {}, second.configuration or {}
    differing = {key for key in a.keys() & b.keys() if a[key] != b[key]}
    return all(identifies_by_name(key) or not OF_RESUMING.isdisjoint(words_of(key)) for key in differing)


def _nearest(log: _Log, earlier: Sequence[_Log]) -> _Log | None:
    """Return the log that another one goes on: the only one, or the one of the most alike name."""
    if len(earlier) < 2:
        return earlier[0] if earlier else None
    by_likeness = sorted(earlier, key=lambda other: _likeness(log, other), reverse=True)
    first, second = by_likeness[:2]
    return first if _likeness(log, first) > _likeness(log, second) else None


def _likeness(log: _Log, other: _Log) -> tuple[bool, int]:
    """Return how alike two names are: a stated seed in common, and how long they begin alike."""
    has_seed = log.run.seed is not None and log.run.seed == other.run.seed
    names = [str(each.run.path.with_suffix("")) for each in (log, other)]
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*names, strict=False)))
    return has_seed, alike


def _one_run(parts: Sequence[_Log]) -> Run:
    """Return a training of several logs, named by the first and ended by the last."""
    first, last = parts[0].run, parts[-1].run
    listed = ", ".join(f"{part.run.path.name} from step {part.first:g}" for part in parts[1:])
    statement = (
        f"The training goes on in {counted(len(parts) - 1, 'further log')}, read as one run: {listed}."
    )
    finding = Finding("continued_log", "note", statement, evidence={"logs": len(parts)})
    run = joined_starts([part.run for part in parts])
    return replace(
        run,
        path=first.path,
        names=first.names,
        seed=first.seed if first.seed is not None else last.seed,
        file_label=first.file_label,
        provenance={**first.provenance, **last.provenance, "logged_attempts": len(parts)},
        findings=(*(found for part in parts for found in part.run.findings), finding),
    )


def _undecided(log: _Log, earlier: Sequence[_Log]) -> Finding:
    others = counted(len(earlier), "log")
    statement = (
        f"This log begins at step {log.first:g}, where {others} of its folder end. It probably goes on one "
        "of them, and their names do not say which: it counts as a run of its own."
    )
    advice = "Put each training into a folder of its own, with all its logs."
    evidence = {"first_step": log.first, "candidates": len(earlier)}
    return Finding("continued_log", "warning", statement, evidence=evidence, advice=advice)
