"""Distinct runs: a name of its own for each run of a group, and which keys only identify a run."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ired_diag.runs.cross_validation import named_by_fold
from ired_diag.runs.grouped import by_experiment, by_group
from ired_diag.runs.identity_keys import Labelled, identity_keys
from ired_diag.runs.run import Run
from ired_diag.runs.run_names import Names, distinct_labels, path_names
from ired_diag.seed_sources import label_of_configuration


def with_identity_keys(runs: Sequence[Run]) -> list[Run]:
    """Return runs that know which keys of their configurations only identify a run.

    A key counts as one where it only distinguishes the runs of one experiment (``x-0``, ``x-1``), or all
    runs.
    """
    keys_of_all = _identity_keys(runs)
    keys_of: dict[str, frozenset[str]] = {}
    for experiment, members in by_experiment(runs).items():
        keys_of[experiment] = keys_of_all | _identity_keys(members)
    return [_with_keys(run, keys_of[run.experiment]) for run in runs]


def _identity_keys(runs: Iterable[Run]) -> frozenset[str]:
    labelled: list[Labelled] = []
    for run in runs:
        if run.configuration:
            labelled.append(Labelled(run.configuration, run.seed, run.run_name))
    return identity_keys(labelled)


def _with_keys(run: Run, keys: frozenset[str]) -> Run:
    if keys <= run.identity_keys:
        return run
    return replace(run, identity_keys=run.identity_keys | keys)


def _knowing(run: Run, keys: frozenset[str]) -> Run:
    return run if keys <= run.identity_keys else replace(run, identity_keys=run.identity_keys | keys)


def with_distinct_names(runs: Iterable[Run]) -> list[Run]:
    """Return runs, those of a group that have the same seed named by job or place.

    The same run in two places, by its job or because nothing in its history differs, keeps the shared name:
    a comparison must say which of the two is meant (``study.check_seeds``).
    """
    distinct: list[Run] = []
    for members in by_group(runs).values():
        distinct.extend(_distinct(named_by_fold(members)))
    return distinct


def _distinct(members: Sequence[Run]) -> list[Run]:
    labels = [run.seed_label for run in members]
    if len(set(labels)) == len(labels):
        return list(members)
    alternatives = [
        list(map(_name_by_sources, members)),
        list(map(_name_by_job, members)),
        list(map(_names_by_place, members)),
    ]
    names = distinct_labels(labels, alternatives)
    copies = _copies(members)
    distinct: list[Run] = []
    for run, name in zip(members, names, strict=True):
        if name != run.seed_label and id(run) not in copies:
            run = replace(run, run_name=name)
        distinct.append(run)
    return distinct


def _name_by_sources(run: Run) -> Names:
    """Return a name by the seeds of single sources that a configuration states next to the overall seed."""
    label = label_of_configuration(run.configuration or {}, run.seed)
    return (label,) if label else ()


def _name_by_job(run: Run) -> Names:
    job = run.provenance.get("job")
    return (f"{job}-{run.seed_label}",) if job else ()


def _names_by_place(run: Run) -> Names:
    """Return the names of a run's folders; none where its job is recorded: then that must distinguish it."""
    return () if run.provenance.get("job") else path_names(run.path)


def _copies(members: Sequence[Run]) -> set[int]:
    """Return the ids of the runs of one name whose histories are those of another run of that name."""
    copies: set[int] = set()
    for run, other in itertools.combinations(members, 2):
        if run.seed_label == other.seed_label and run.history.series == other.history.series:
            copies |= {id(run), id(other)}
    return copies
