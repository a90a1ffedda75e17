"""Which attempts are runs, which are retries, which are variants.

Two attempts are tries at one run only where something says so:

- the same job and array task;
- the same configuration, git commit and seed, and a later start in the same folder: of two SLURM jobs by
their
  dates or ids, of numbered folders (``version_0``, ``version_1``) where the later one goes on or repeats the
  earlier one;
- an attempt that never logged an evaluation is a try at the run of its seed that was started next.

The complete attempt is the run. All others are runs of their own: without a seed, two logs are two runs.
Trained attempts of one experiment that differ in configuration or commit are variants of it, named by their
job, or by what differs. Keys that only identify a run make no variant (``identity_keys``). An experiment
whose number stands for several full names is several experiments.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ired_diag.runs.history import Series
from ired_diag.runs.identity_keys import Labelled, identity_keys
from ired_diag.runs.place import parse_place
from ired_diag.runs.run import Run
from ired_diag.runs.run_names import Names, distinct_labels, path_names

LONGEST_NUMBER = 8  # characters: a longer one is rounded
MOST_DIFFERENCES = 4  # keys in the name of a variant
LONGEST_VALUE = 24  # letters of a value there

Version = tuple[str, str | None]  # configuration, commit


def arrange(records: Iterable[Run], *, ignored_keys: Iterable[str] = ()) -> list[Run]:
    """Return the runs among the records of logs, sorted by experiment, variant and seed.

    Args:
        records: One for each log, of all that are read together.
        ignored_keys: Keys of the configurations that make no variant, besides those that only identify a run.
    """
    ignored_keys = frozenset(ignored_keys)
    families: dict[str, list[Run]] = defaultdict(list)
    for record in records:
        families[record.experiment].append(record)
    runs: list[Run] = []
    for number, members in families.items():
        for experiment, named in _by_full_name(number, members).items():
            runs.extend(_arrange_experiment(experiment, named, ignored_keys))
    return sorted(_with_distinct_names(runs), key=_reading_order)


def _reading_order(run: Run) -> tuple[str, str, int, str, str]:
    seed = -1 if run.seed is None else run.seed
    return run.experiment, run.variant or "", seed, run.seed_label, str(run.path)


def _with_distinct_names(runs: Sequence[Run]) -> list[Run]:
    """Name the runs of one variant that have the same seed by what else distinguishes them."""
    groups: dict[tuple[str, str | None], list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.experiment, run.variant].append(run)
    named: list[Run] = []
    for members in groups.values():
        labels = [run.seed_label for run in members]
        alternatives: list[list[Names]] = [
            [_file_label(run) for run in members],
            [_job_and_task(run) for run in members],
            [_job_and_label(run) for run in members],
            [path_names(run.path) for run in members],
        ]
        for run, label, name in zip(members, labels, distinct_labels(labels, alternatives), strict=True):
            is_named_by_file = run.seed is None and run.file_label
            if name != label or is_named_by_file:
                run = replace(run, run_name=name)
            named.append(run)
    return named


def _file_label(run: Run) -> Names:
    return (run.file_label,) if run.file_label else ()


def _job_and_task(run: Run) -> Names:
    task = run.provenance.get("task")
    if run.seed is not None or run.job is None or task is None:
        return ()
    return (f"unseeded-{run.job}_{task}",)


def _job_and_label(run: Run) -> Names:
    return (f"{run.job}-{run.seed_label}",) if run.job else ()


def _by_full_name(number: str, members: Sequence[Run]) -> dict[str, list[Run]]:
    """Split a number's attempts by full name where it has several.

    A nameless one goes with its neighbour among the logs of the same file name; without such a log, it stays
    with the number.
    """
    named = [a for a in members if a.name]
    names = {a.name for a in named}
    if len(names) <= 1:
        return {number: list(members)}
    split: dict[str, list[Run]] = defaultdict(list)
    for attempt in members:
        alike = [other for other in named if _file_name(other) == _file_name(attempt)]
        if attempt.name:
            split[attempt.name].append(attempt)
        else:
            split[str(_neighbour(attempt, alike).name) if alike else number].append(attempt)
    return split


def _file_name(attempt: Run) -> str:
    """Return the name of a log without the numbers of its job."""
    return parse_place(attempt.path.stem).name


def _neighbour(attempt: Run, others: Sequence[Run]) -> Run:
    """Return the one of ``others`` that was started next after ``attempt``, else the last before it."""
    ordered = sorted(others, key=lambda a: a.start_order)
    return next((a for a in ordered if a.start_order >= attempt.start_order), ordered[-1])


def _arrange_experiment(experiment: str, members: Sequence[Run], ignored_keys: frozenset[str]) -> list[Run]:
    trained = [a for a in members if a.evaluations or a.job is None]
    untrained = [a for a in members if not (a.evaluations or a.job is None)]
    identifying = ignored_keys | identity_keys(
        Labelled(a.configuration, a.seed, a.file_label) for a in members if a.configuration
    )
    versions: dict[Version, list[Run]] = defaultdict(list)
    for attempt in trained:
        versions[_version(attempt, identifying)].append(attempt)
    labels = _variant_labels(versions)
    runs: list[Run] = []
    for version, same in versions.items():
        for chosen, retries in _split_retries(same):
            variant = labels[version]
            runs.append(replace(chosen, experiment=experiment, variant=variant, attempts=tuple(retries)))
    return _attach_untrained(experiment, runs, untrained)


def _version(attempt: Run, identifying: frozenset[str]) -> Version:
    knobs = {k: v for k, v in (attempt.configuration or {}).items() if k not in identifying}
    return json.dumps(knobs, sort_keys=True), attempt.commit


def _variant_labels(versions: dict[Version, list[Run]]) -> dict[Version, str | None]:
    """Name each version by its last job, or by what differs; where one job ran several, by both."""
    if len(versions) <= 1:
        return dict.fromkeys(versions)
    jobs = {version: max(same, key=lambda a: a.start_order).job for version, same in versions.items()}
    labels: dict[Version, str | None] = {}
    for version, job in jobs.items():
        twins = [other for other, its_job in jobs.items() if its_job == job]
        difference = _difference(version, twins) if len(twins) > 1 else ""
        labels[version] = ",".join(part for part in (job, difference) if part) or "without-configuration"
    return _unique(labels)


def _unique(labels: dict[Version, str | None]) -> dict[Version, str | None]:
    """Number the labels that several versions share, since a long difference is cut."""
    shared: dict[str | None, list[Version]] = defaultdict(list)
    for version in sorted(labels, key=str):
        shared[labels[version]].append(version)
    return {
        version: label if len(same) == 1 else f"{label},{number}"
        for label, same in shared.items()
        for number, version in enumerate(same, start=1)
    }


def _difference(version: Version, twins: Sequence[Version]) -> str:
    """Return ``key=value,…`` for the keys in which a version differs from others."""
    own = json.loads(version[0])
    others = [json.loads(twin[0]) for twin in twins]
    keys = sorted({k for knobs in [own, *others] for k in knobs})
    different = [k for k in keys if any(knobs.get(k) != own.get(k) for knobs in others)]
    values = {k: [knobs.get(k) for knobs in others] for k in different}
    parts = [f"{k}={_brief(_rounded(own.get(k), values[k]))}" for k in different[:MOST_DIFFERENCES]]
    if len(different) > MOST_DIFFERENCES:
        parts.append(f"+{len(different) - MOST_DIFFERENCES}")
    if sum(twin[0] == version[0] for twin in twins) > 1:
        parts.append(f"commit={version[1]}")
    return ",".join(parts)


def _rounded(value: object, others: Sequence[object]) -> object:
    """Return a long number with as few digits, three at least, as tell it from others.

    >>> _rounded(3.367544874824748e-05, [0.0002564580321961815]), _rounded(0.1234567, [0.1234568])
    (3.37e-05, 0.1234567)
    """
    if not isinstance(value, float) or len(repr(value)) <= LONGEST_NUMBER:
        return value
    apart = {float(other) for other in others if isinstance(other, int | float)} - {value}
    for digits in range(3, 17):
        short = float(f"{value:.{digits}g}")
        if all(float(f"{other:.{digits}g}") != short for other in apart):
            return short
    return value


def _brief(value: object) -> str:
    text = re.sub(r'"', "", json.dumps(value)).replace("/", "_")
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _split_retries(same: Sequence[Run]) -> list[tuple[Run, list[Run]]]:
    """Return the run or runs among trained attempts of one version, each with its retries."""
    tries: dict[object, list[Run]] = defaultdict(list)
    for attempt in same:
        tries[_tries_key(attempt)].append(attempt)
    runs: list[tuple[Run, list[Run]]] = []
    for members in tries.values():
        if members[0].job is None:
            runs.extend(_split_numbered(members))
        else:
            *retries, chosen = sorted(members, key=_usefulness)
            runs.append((chosen, retries))
    return runs


def _usefulness(record: Run) -> tuple[bool, int, tuple[str, int]]:
    """Return a sort key: the record that counts as the run comes last."""
    return record.ending.complete, record.evaluations, record.start_order


def _tries_key(attempt: Run) -> object:
    """Return what tries at one run share: job and task, or seed and place; else the log itself."""
    if attempt.seed is None and attempt.job is not None and "task" in attempt.provenance:
        return "task", attempt.job, attempt.provenance["task"]
    if attempt.seed is None:
        return "log", attempt.sources
    return "seed", attempt.seed, attempt.job is None, _place(attempt)


def _place(attempt: Run) -> Path:
    """Return the folder in which another try at the same run would be."""
    folder = attempt.path.parent
    return folder if _number_of(attempt) is None else folder.parent


def _number_of(attempt: Run) -> int | None:
    """Return the number of the folder that was made for this try, where its program numbers them."""
    number = re.fullmatch(r"version_(\d+)", attempt.path.parent.name)
    return int(number[1]) if number else None


def _split_numbered(members: Sequence[Run]) -> list[tuple[Run, list[Run]]]:
    """Return runs and their retries among logs of one seed: a try that got less far before a later one."""
    if any(_number_of(attempt) is None for attempt in members):
        return [(attempt, []) for attempt in members]
    runs: list[tuple[Run, list[Run]]] = []
    for attempt in sorted(members, key=lambda a: _number_of(a) or 0):
        earlier = runs[-1] if runs else None
        if earlier is not None and _is_repeated_by(earlier[0], attempt):
            runs[-1] = (attempt, [*earlier[1], earlier[0]])
        else:
            runs.append((attempt, []))
    return runs


def _is_repeated_by(earlier: Run, later: Run) -> bool:
    """Say whether a later log goes on after an earlier one, or repeats its values and goes further."""
    if earlier.ending.complete or _reach(earlier) >= _reach(later):
        return False
    before, after = earlier.history.series, later.history.series
    shared = [name for name in before if name in after and len(before[name]) and len(after[name])]
    if not shared:
        return False
    if all(after[name].steps[0] > before[name].steps[0] for name in shared):
        return True
    return all(_begins_alike(before[name], after[name]) for name in shared)


def _begins_alike(earlier: Series, later: Series) -> bool:
    """Say whether two series agree at all common steps, and have some."""
    _, i, j = np.intersect1d(earlier.steps, later.steps, return_indices=True)
    return len(i) > 0 and np.array_equal(earlier.values[i], later.values[j], equal_nan=True)


def _reach(attempt: Run) -> int:
    return attempt.history.last_step or 0


def _attach_untrained(experiment: str, runs: Sequence[Run], untrained: Sequence[Run]) -> list[Run]:
    """Give each record that never logged an evaluation to the run that it was an attempt at."""
    retries: list[list[Run]] = [list(run.attempts) for run in runs]
    orphans: dict[object, list[Run]] = defaultdict(list)
    for record in untrained:
        same_seed = [place for place, run in enumerate(runs) if _may_be_a_try_at(run, record)]
        if same_seed:
            heir = _neighbour(record, [runs[place] for place in same_seed])
            place = next(place for place in same_seed if runs[place] is heir)
            retries[place].append(record)
        else:
            orphans[_orphans_key(record)].append(record)
    arranged = []
    for run, earlier in zip(runs, retries, strict=True):
        arranged.append(replace(run, attempts=_close(earlier, run)))
    for tries in orphans.values():
        *earlier, last = sorted(tries, key=lambda record: record.start_order)
        arranged.append(
            replace(last, experiment=experiment, variant=None, attempts=_close(earlier, last)),
        )
    return arranged


def _may_be_a_try_at(run: Run, attempt: Run) -> bool:
    """Say whether an attempt without an evaluation may be a try at a run: same folder, and seed or task."""
    if run.path.parent != attempt.path.parent:
        return False
    if attempt.seed is not None:
        return attempt.seed == run.seed
    task = attempt.provenance.get("task")
    return task is None or task == run.provenance.get("task")


def _orphans_key(attempt: Run) -> object:
    """Return what tries at a run that never logged an evaluation share: the seed, or the array task."""
    if attempt.seed is not None:
        return "seed", attempt.seed
    return "task", attempt.provenance.get("task")


def _close(earlier: Sequence[Run], run: Run) -> tuple[Run, ...]:
    """Return retries in order; those that just stop before the run began are known to have ended."""
    return tuple(_closed(a, run) for a in sorted(earlier, key=lambda a: a.start_order))


def _closed(attempt: Run, run: Run) -> Run:
    if attempt.start_order >= run.start_order:
        return attempt
    ending = attempt.ending.superseded_by(run.job or "?", seeded=attempt.seed is not None)
    return replace(attempt, ending=ending)
