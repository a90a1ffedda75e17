"""Which experiment each log belongs to, decided with all logs that are read together.

A log whose configuration, or whose file in the study's manner, names the experiment belongs to it. All others
are named by their places (``run_names``), SLURM's by file and folders without the job's numbers. A job that
died before it printed its configuration belongs to the experiment of the logs of the same name in its folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ired_diag.readers.foreign_configuration import seed_of
from ired_diag.readers.slurm_job import stem_without_job
from ired_diag.runs.attempt import Attempt, experiment_number
from ired_diag.runs.run_names import name_runs, path_names

SLURM = "slurm"


def identify(attempts: Iterable[Attempt], *, seed_key: str | None = None) -> list[Attempt]:
    """Return attempts with their experiment, label and seed.

    Args:
        attempts: All that are read together.
        seed_key: The key of the configurations that is the seed; found by its name without it.
    """
    attempts = [_seeded(attempt, seed_key) for attempt in attempts]
    unnamed = [number for number, attempt in enumerate(attempts) if not _names_itself(attempt)]
    names = name_runs([_names(attempts[number]) for number in unnamed])
    for number, called in zip(unnamed, names, strict=True):
        attempt = attempts[number]
        label = called.run if attempt.job is None else ""
        attempts[number] = replace(attempt, experiment=called.experiment, label=label)
    return [_with_siblings(attempt, attempts) if _died_nameless(attempt) else attempt for attempt in attempts]


def _seeded(attempt: Attempt, key: str | None) -> Attempt:
    seed = seed_of(attempt.configuration, key) if key is not None else None
    return attempt if seed is None else replace(attempt, seed=seed)


def _names_itself(attempt: Attempt) -> bool:
    """Say whether a log's configuration, or its file in the study's manner, names its experiment."""
    if attempt.name is not None:
        return True
    return _is_slurm(attempt) and experiment_number(attempt.source[0].name) is not None


def _names(attempt: Attempt) -> tuple[str, ...]:
    if not _is_slurm(attempt):
        return attempt.names
    path = attempt.source[0]
    return stem_without_job(path), *path_names(path)[1:]


def _is_slurm(attempt: Attempt) -> bool:
    return attempt.format.split("+")[0] == SLURM


def _died_nameless(attempt: Attempt) -> bool:
    return _is_slurm(attempt) and attempt.name is None and not attempt.evaluations


def _with_siblings(attempt: Attempt, attempts: Sequence[Attempt]) -> Attempt:
    """Return a nameless attempt in the experiment of the named logs of the same file name in its folder."""
    path = attempt.source[0]
    experiments = {
        other.experiment
        for other in attempts
        if other.name is not None
        and other.source[0].parent == path.parent
        and stem_without_job(other.source[0]) == stem_without_job(path)
    }
    return replace(attempt, experiment=experiments.pop()) if len(experiments) == 1 else attempt
