"""One training over several logs: it was stopped, and goes on in another file of its folder.

    seed0/train.log  steps 0 to 240       seed0/train_resumed.log  steps 250 to 490
    exp/log_1.txt    steps 0 to 240       exp/log_2.txt            steps 200 to 490
    run3/train.log   steps 0 to 240       run3_resume/train.log    steps 250 to 490

A log that goes on another is no run of its own: taken for a second seed it would make intervals too short,
with numbers of half-trained models. But logs of other methods may begin late as well, and to join these would
lose runs. So names must say it, and nothing may speak against it:

- the later name is the earlier one with ``resume``, ``continued``, ``part2`` or the like at its end, or both
  name nothing and are numbered (``log_1``, ``log_2``), or are the dates or job ids of the only two logs of a
  folder;
- the later log begins more than two evaluations after the other one, at most two after its end, in its second
  half, and ends later; its first value is near the other's curve; both log the same metrics;
- neither seed nor setting differs, the earlier one does not say that it is complete, no other log goes on it
  too, and neither file holds several runs.

Where only the steps fit, nothing is joined, and a note says so. What the later log holds from its first step
on takes the place of what was there before.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ired_diag.finding import Finding
from ired_diag.readers.elastic_restarts import joined_starts
from ired_diag.readers.process_metrics import evaluations_of
from ired_diag.readers.replacements import with_replacements
from ired_diag.runs.history import Series
from ired_diag.runs.identity_keys import identifies_by_name
from ired_diag.runs.name_list import counted
from ired_diag.runs.place import parse_place
from ired_diag.runs.run import Run

LATER, LATEST = 2.0, 2.5  # evaluations: after the first of the other log, and after its last
MOST_LOST = 0.5  # of the other log's steps: between it and a log whose name says that it goes on
NEAR = 0.5  # of the range of the other log's values: how far its first value may be off
ALIKE = 0.5  # of all metrics: how many both must log
OF_A_CONTINUATION = re.compile(
    r"(?i)[_.-](?:resum(?:e|ed|ing)\d*|continue[ds]?|continuation|restarted|part[_-]?\d+)$"
)
VERSION = re.compile(r"version_(\d+)")
PART = re.compile(r"\d+$")
NUMBERED = re.compile(
    r"(?i)(?P<name>log|part|train|training|output|slurm|job|stdout|out|)[_.-]?(?P<number>\d+)"
)
OF_A_COUNT = ("log", "part", "train", "training")  # before a number that counts the logs of one training
# Settings that change where a training begins and ends, and not what it trains.
OF_RESUMING = frozenset(
    """
    resume resume_from resume_from_checkpoint resume_path checkpoint checkpoint_path ckpt ckpt_path load_from
    init_from max_steps max_epochs max_iters epochs num_epochs num_train_epochs total_steps num_steps
    train_steps n_epochs steps iters total_timesteps
    """.split()
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
    in_file = Counter(attempt.path for attempt in attempts)
    folders: dict[tuple[Path, str], list[Run]] = defaultdict(list)
    for attempt in attempts:
        # The logs of jobs are put together by job, task and seed.
        if attempt.job is None and in_file[attempt.path] == 1:
            folders[_folder(attempt), attempt.format].append(attempt)
    replaced: dict[int, Run | None] = {}
    for members in folders.values():
        if len(members) > 1:
            replaced |= _joined(_evaluated(members))
    return with_replacements(attempts, replaced)


def _evaluated(runs: Sequence[Run]) -> list[_Log]:
    """Return the logs with an evaluation; none where all begin at about the same step."""
    logs = [_Log(run, *evaluated) for run in runs if (evaluated := evaluations_of(run)) is not None]
    first = min((log.first for log in logs), default=0.0)
    begins_late = any(log.first - first > LATER * log.interval for log in logs if len(log.series) > 1)
    return logs if begins_late else []


def _folder(run: Run) -> Path:
    """Return the folder of a log; of a folder that only continues another, that folder."""
    path = run.path.absolute()
    folder = path if path.is_dir() else path.parent
    name = VERSION.sub("version", OF_A_CONTINUATION.sub("", folder.name))
    return folder.parent / name if name else folder


def _joined(logs: Sequence[_Log]) -> dict[int, Run | None]:
    """Return by the id of an attempt what takes its place."""
    earlier_of: dict[int, _Log] = {}
    replaced: dict[int, Run | None] = {}
    for log in logs:
        fitting = [other for other in logs if other is not log and _fits(log, other)]
        chosen = _named_before(log, fitting, alone=len(logs) == 2)
        if chosen is not None:
            earlier_of[id(log.run)] = chosen
        elif unlike := [other for other in fitting if not _are_numbered_alike(log, other)]:
            replaced[id(log.run)] = replace(log.run, findings=(*log.run.findings, _note(log, unlike)))
    for parts in _chains(logs, earlier_of):
        replaced |= {id(part.run): None for part in parts}
        replaced[id(parts[-1].run)] = _one_run(parts)
    return replaced


def _named_before(log: _Log, fitting: Sequence[_Log], *, alone: bool) -> _Log | None:
    """Return the log that another one goes on by its name: the one that ends last, if it is the only one."""
    named = [other for other in fitting if _names_say_so(log, other, alone=alone)]
    last = max((other.last for other in named), default=0.0)
    latest = [other for other in named if other.last == last]
    return latest[0] if len(latest) == 1 else None


def _chains(logs: Sequence[_Log], earlier_of: Mapping[int, _Log]) -> list[list[_Log]]:
    """Return the logs of each training that has several; one that two logs go on stays alone."""
    followers = Counter(id(earlier.run) for earlier in earlier_of.values())
    chains: dict[int, list[_Log]] = {id(log.run): [log] for log in logs}
    for log in sorted(logs, key=lambda log: log.first):
        earlier = earlier_of.get(id(log.run))
        if earlier is not None and followers[id(earlier.run)] == 1:
            chains[id(log.run)] = [*chains.pop(id(earlier.run)), log]
    return [parts for parts in chains.values() if len(parts) > 1]


def _fits(later: _Log, earlier: _Log) -> bool:
    """Say whether a log begins where another one ends, with its values, and nothing speaks against it."""
    interval = max(earlier.interval, later.interval)
    if not interval or later.metric != earlier.metric or earlier.run.ending.complete:
        return False
    begins_late = later.first - earlier.first > LATER * interval
    is_in_second_half = 2 * later.first >= earlier.first + earlier.last
    gap = LATEST * interval
    if _is_continuation(later.run.path):  # what was trained between two logs may have been lost
        gap = max(gap, MOST_LOST * (earlier.last - earlier.first))
    follows = later.first <= earlier.last + gap and later.last > earlier.last
    if not (begins_late and is_in_second_half and follows):
        return False
    return _begins_near(later, earlier) and _log_alike(later, earlier) and _may_be_one(later.run, earlier.run)


def _begins_near(later: _Log, earlier: _Log) -> bool:
    values = earlier.series.values[np.isfinite(earlier.series.values)]
    first = float(later.series.values[0])
    if not len(values) or not np.isfinite(first):
        return False
    before = earlier.series.values[earlier.series.steps <= later.first]
    return abs(first - float(before[-1])) <= NEAR * float(np.ptp(values)) if len(before) else False


def _log_alike(later: _Log, earlier: _Log) -> bool:
    first, second = set(later.run.history.series), set(earlier.run.history.series)
    return len(first & second) >= ALIKE * len(first | second)


def _may_be_one(first: Run, second: Run) -> bool:
    if None not in (first.seed, second.seed) and first.seed != second.seed:
        return False
    a, b = first.configuration or {}, second.configuration or {}
    differing = {key for key in a.keys() & b.keys() if a[key] != b[key]}
    return all(identifies_by_name(key) or key.rpartition(".")[2].lower() in OF_RESUMING for key in differing)


def _names_say_so(later: _Log, earlier: _Log, *, alone: bool) -> bool:
    """Say whether one name continues the other, or both only count the logs of a folder."""
    path, other = later.run.path.absolute(), earlier.run.path.absolute()
    if path.parent != other.parent:
        versions = VERSION.fullmatch(path.parent.name), VERSION.fullmatch(other.parent.name)
        if versions[0] and versions[1]:  # Lightning begins a folder when a training goes on
            return path.name == other.name and int(versions[0][1]) == int(versions[1][1]) + 1
        return path.name == other.name and OF_A_CONTINUATION.sub("", path.parent.name) == other.parent.name
    if _is_continuation(path):
        bare = OF_A_CONTINUATION.sub("", path.stem)
        return other.stem in (bare, PART.sub(_part_before, path.stem))
    number, before = NUMBERED.fullmatch(path.stem), NUMBERED.fullmatch(other.stem)
    if number and before:
        counts = number["name"].lower() in OF_A_COUNT
        is_next = int(number["number"]) > int(before["number"]) and number["name"] == before["name"]
        return is_next and (alone or counts)
    are_dates = alone and all(_is_date(each.stem) for each in (path, other))
    return are_dates and path.stem > other.stem


def _is_continuation(path: Path) -> bool:
    return any(OF_A_CONTINUATION.search(name) for name in (path.stem, path.absolute().parent.name))


def _part_before(match: re.Match[str]) -> str:
    """Return the number of the part before: ``exp_part2`` goes on with ``exp_part1``."""
    return str(int(match[0]) - 1)


def _are_numbered_alike(log: _Log, other: _Log) -> bool:
    """Say whether names differ in numbers alone, as those of folds, tasks and runs do."""
    first, second = (re.sub(r"\d+", "#", str(each.run.path)) for each in (log, other))
    return first == second


def _is_date(name: str) -> bool:
    place = parse_place(name)
    return not place.name and len(place.runs) == 1 and re.match(r"\d{4}", place.runs[0]) is not None


def _one_run(parts: Sequence[_Log]) -> Run:
    """Return a training of several logs, named by the first and ended by the last."""
    first, last = parts[0].run, parts[-1].run
    listed = ", ".join(f"{part.run.path.name} from step {part.first:g}" for part in parts[1:])
    further = counted(len(parts) - 1, "further log")
    statement = f"The training goes on in {further}, read as one run with this one: {listed}."
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


def _note(log: _Log, fitting: Sequence[_Log]) -> Finding:
    statement = (
        f"This log begins at step {log.first:g}, where {fitting[0].run.path.name} ends. If it goes on with "
        "that training, both are one run; their names do not say so, and it counts as a run of its own."
    )
    advice = (
        "Name a log that goes on another like it, with _resume at the end, or keep one log for a training."
    )
    evidence = {"first_step": log.first, "candidates": len(fitting)}
    return Finding("continued_log", "note", statement, evidence=evidence, advice=advice)
