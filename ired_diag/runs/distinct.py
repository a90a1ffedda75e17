"""Runs told apart: a name of its own for each run of a group, and which keys only identify a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ired_diag.runs.identity_keys import Labelled, identity_keys
from ired_diag.runs.run import Run
from ired_diag.runs.run_names import Names, distinct_labels, path_names


def with_identity_keys(runs: Sequence[Run]) -> list[Run]:
    """Return runs that know which keys of their configurations only identify a run.

    A key counts as one where it only tells the runs of one experiment apart (``x-0``, ``x-1``), or all runs.
    """
    families: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        families[run.experiment].append(run)
    of_all = _identity_keys(runs)
    of_family = {name: of_all | _identity_keys(members) for name, members in families.items()}
    return [_knowing(run, of_family[run.experiment]) for run in runs]


def _identity_keys(runs: Iterable[Run]) -> frozenset[str]:
    configured = [run for run in runs if run.configuration]
    return identity_keys(Labelled(run.configuration or {}, run.seed, run.run_name) for run in configured)


def _knowing(run: Run, keys: frozenset[str]) -> Run:
    return run if keys <= run.identity_keys else replace(run, identity_keys=run.identity_keys | keys)


def with_distinct_names(runs: Iterable[Run]) -> list[Run]:
    """Return runs, those of a group that have the same seed named by job or place.

    The same run in two places, by its job or because nothing in its history differs, keeps the shared name:
    whoever compares must say which one is meant (``study.check_seeds``).
    """
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.group].append(run)
    return [run for members in groups.values() for run in _distinct(members)]


def _distinct(members: Sequence[Run]) -> list[Run]:
    labels = [run.seed_label for run in members]
    if len(set(labels)) == len(labels):
        return list(members)
    jobs = [run.provenance.get("job") for run in members]
    alternatives: list[list[Names]] = [
        [(f"{job}-{label}",) if job else () for label, job in zip(labels, jobs, strict=True)],
        [() if job else path_names(run.path) for run, job in zip(members, jobs, strict=True)],
    ]
    names = distinct_labels(labels, alternatives)
    copies = _copies(members)
    return [
        run if name == label or id(run) in copies else replace(run, run_name=name)
        for run, label, name in zip(members, labels, names, strict=True)
    ]


def _copies(members: Sequence[Run]) -> set[int]:
    """Return the ids of the runs of one name whose histories are those of another run of that name."""
    copies: set[int] = set()
    for number, run in enumerate(members):
        for other in members[:number]:
            if run.seed_label == other.seed_label and run.history.series == other.history.series:
                copies |= {id(run), id(other)}
    return copies
