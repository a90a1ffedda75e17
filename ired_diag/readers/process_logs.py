"""The logs of the processes that train one model together: one run, and no seeds of their own.

``rank0.log`` to ``rank7.log``, or torchrun's ``attempt_0/7/stdout.log``, are one training. Taken for eight
seeds they would make every interval far too short, so they are one run: that of the lowest process which
logs an evaluation. The processes are those of one training where

- their places differ in the rank alone (``runs.process_place``), begin at 0 and leave no rank out: the
  ranks of matrices in a sweep do not;
- no seed says otherwise (seeds that differ as the ranks do are those of one training's processes);
- no setting that is more than an address differs;
- what two of them log of the metric, they log at the same steps, as far as both go.

Where the run was stopped from outside, the death of another process explains it: torchrun ends all processes
when one of them fails.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from ired_diag.readers.process_metrics import differing_evaluations, evaluations_of
from ired_diag.readers.replacements import with_replacements
from ired_diag.runs.ending import Ending
from ired_diag.runs.identity_keys import identifies_by_name
from ired_diag.runs.process_place import ProcessPlace, process_place
from ired_diag.runs.process_ranks import ALWAYS, RANKS, stated_process
from ired_diag.runs.run import Run
from ired_diag.runs.study import Skipped

Ranks = tuple[int, ...]
Training = Hashable  # the place without its process and torchrun's count of starts, or what is stated
OF_THE_WRITER = frozenset("main master verbose print log logging writer primary".split())
EFFECTS = ("", "nccl")  # causes of a process that another one explains


@dataclass
class Processes:
    """What is known of the processes of one training.

    Attributes:
        logs: The attempts that they logged.
        seen: The ranks of all their files, with those that hold no metric.
        deaths: How those died that logged no metric.
        count: How many there are, where configurations state it.
    """

    logs: list[tuple[Ranks, Run]] = field(default_factory=list)
    seen: set[Ranks] = field(default_factory=set)
    deaths: list[tuple[Path, Ending]] = field(default_factory=list)
    count: int | None = None


def join_processes(
    attempts: Iterable[Run],
    *,
    without_metrics: Iterable[Path] = (),
    deaths: Mapping[Path, Ending] | None = None,
) -> tuple[list[Run], list[Skipped]]:
    """Return attempts, of the processes of one training the one that is read, and a line on the others.

    Args:
        attempts: All that are read together.
        without_metrics: The other files of their folders, which may be the logs of silent processes.
        deaths: How jobs died, by text logs in which no metric is read.
    """
    attempts = list(attempts)
    trainings = _trainings(attempts, without_metrics, deaths or {})
    replaced: dict[int, Run | None] = {}
    listed: list[Skipped] = []
    for processes in trainings.values():
        if not are_of_one_training(processes):
            continue
        run, others = _run_of(processes)
        replaced |= {id(log): None for _, log in processes.logs}
        replaced[id(run)] = _with_processes(run, processes)
        if others:
            listed.append(_line_on(others, run))
    return with_replacements(attempts, replaced), listed


def _trainings(
    attempts: Sequence[Run], without_metrics: Iterable[Path], deaths: Mapping[Path, Ending]
) -> dict[Training, Processes]:
    """Return the processes by the training that they may have in common."""
    trainings: dict[Training, Processes] = defaultdict(Processes)
    places = {id(attempt): process_place(attempt.path.absolute()) for attempt in attempts}
    for attempt in attempts:
        if place := places[id(attempt)]:
            _note(trainings, place).logs.append((place.ranks, attempt))
        elif stated := _stated_training(attempt):
            training, ranks, count = stated
            trainings[training].seen.add(ranks)
            trainings[training].logs.append((ranks, attempt))
            trainings[training].count = count
    if not trainings:
        return trainings
    for path in (*without_metrics, *deaths):
        if place := process_place(path.absolute()):
            processes = _note(trainings, place)
            if path in deaths:
                processes.deaths.append((path, deaths[path]))
    for attempt in attempts:  # detectron2: the first process's log bears no number
        first = trainings.get((attempt.path.absolute(), None))
        if places[id(attempt)] is None and first is not None and (0,) not in first.seen:
            first.seen.add((0,))
            first.logs.append(((0,), attempt))
    return trainings


def _stated_training(attempt: Run) -> tuple[Training, Ranks, int] | None:
    """Return what a configuration states: its training, by settings and seed; the rank; how many."""
    stated = stated_process(attempt.configuration or {})
    if stated is None or attempt.seed is None:
        return None
    rank, processes = stated
    settings = json.dumps(_settings(attempt), sort_keys=True, default=str)
    return (processes, attempt.seed, settings), (rank,), processes


def _note(trainings: dict[Training, Processes], place: ProcessPlace) -> Processes:
    processes = trainings[place.training, place.restart]
    processes.seen.add(place.ranks)
    return processes


def are_of_one_training(processes: Processes) -> bool:
    """Say whether the logs of some ranks are those of one training's processes; of one log, rank 0's."""
    ranks = sorted(processes.seen)
    first = (0,) * len(ranks[0])
    if not processes.logs or ranks[0] != first or len(processes.logs) > len(ranks):
        return False
    if processes.count is not None and len(ranks) != processes.count:
        return False
    if len(first) == 1 and ranks != [(rank,) for rank in range(len(ranks))]:
        return False
    runs = [log for _, log in processes.logs]
    return _have_one_seed(processes.logs) and _have_one_configuration(runs) and _log_at_the_same_steps(runs)


def _have_one_seed(logs: Sequence[tuple[Ranks, Run]]) -> bool:
    seeds = {log.seed for _, log in logs}
    offsets = {log.seed - ranks[0] for ranks, log in logs if log.seed is not None}
    return len(seeds) == 1 or (None not in seeds and len(offsets) == 1)


def _have_one_configuration(logs: Sequence[Run]) -> bool:
    settings = [_settings(log) for log in logs if log.configuration]
    return all(first == second for first, second in pairwise(settings))


def _settings(log: Run) -> dict[str, object]:
    """Return what a configuration says of the training, without what says which process it was."""
    settings = {}
    for key, value in (log.configuration or {}).items():
        word = key.rpartition(".")[2].lower()
        says_who_writes = isinstance(value, bool) and not OF_THE_WRITER.isdisjoint(word.split("_"))
        if word in ALWAYS | RANKS or "seed" in word or says_who_writes or identifies_by_name(key):
            continue
        settings[key] = value
    return settings


def _log_at_the_same_steps(logs: Sequence[Run]) -> bool:
    evaluated = list(filter(None, map(evaluations_of, logs)))
    for (_, first), (_, second) in pairwise(evaluated):
        last = min(first.steps[-1], second.steps[-1])
        if not np.array_equal(first.steps[first.steps <= last], second.steps[second.steps <= last]):
            return False
    return True


def _run_of(processes: Processes) -> tuple[Run, list[Run]]:
    """Return the log of the lowest rank that evaluates, else the lowest that logs, and all others."""
    ordered = [log for _, log in sorted(processes.logs, key=lambda process: process[0])]
    run = next(filter(evaluations_of, ordered), ordered[0])
    return run, [log for log in ordered if log is not run]


def _with_processes(run: Run, processes: Processes) -> Run:
    """Return the run of a training, named without its process, with what the others add."""
    place = process_place(run.path.absolute())
    names = place.names if place else run.names
    run = replace(run, names=names, ending=_ending_of(run, processes))
    if len(processes.seen) == 1:
        return run
    seeds = [log.seed for _, log in processes.logs if log.seed is not None]
    return replace(
        run,
        seed=min(seeds, default=run.seed),
        provenance={**run.provenance, "processes": len(processes.seen)},
        findings=(*run.findings, *differing_evaluations(run, [log for _, log in processes.logs])),
    )


def _ending_of(run: Run, processes: Processes) -> Ending:
    """Return how a training ended: as its run says, else by the process whose death explains it."""
    ending = run.ending
    if ending.complete or (ending.failed and ending.cause not in EFFECTS):
        return ending
    ends = [(log.path, log.ending) for _, log in processes.logs if log is not run] + processes.deaths
    for path, other in ends:
        if other.failed and other.cause not in EFFECTS:
            said = other.detail.removesuffix(f" ({path.with_name('stderr.log').name})")
            return replace(other, detail=f"{said} ({_nearest_names(path)})")
    return ending


def _line_on(others: Sequence[Run], run: Run) -> Skipped:
    """Return the one line that says what the logs of a training's other processes are."""
    first, last = others[0], others[-1]
    through = f", as are all to {_nearest_names(last.path)}" if len(others) > 2 else ""
    if len(others) == 2:
        through = f", as is {_nearest_names(last.path)}"
    reason = f"is of another process of the training in {_nearest_names(run.path)}, and no run of its own"
    return Skipped(first.path, f"{reason}{through}")


def _nearest_names(path: Path) -> str:
    """Return a log by as many names as tell its process."""
    parts = path.parts
    return "/".join(parts[-3:]) if parts[-1] in ("stdout.log", "stderr.log") else "/".join(parts[-2:])
