"""Which experiment each log belongs to, decided with all logs that are read together.

A log whose configuration, or whose file in the study's manner, names the experiment belongs to it. All others
are named by their places (``run_names``), SLURM's by file and folders without the job's numbers. A job that
died before it printed its configuration belongs to the experiment of the logs of the same name in its folder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ired_diag.readers.foreign_configuration import seed_of
from ired_diag.readers.slurm_job import stem_without_job
from ired_diag.runs.labels import experiment_number
from ired_diag.runs.run import Run
from ired_diag.runs.run_names import name_runs, path_names

SLURM = "slurm"

Place = tuple[Path, str]  # folder, and the file's name without the job's numbers


def identify(attempts: Iterable[Run], *, seed_key: str | None = None) -> list[Run]:
    """Return attempts with their experiment, label and seed.

    Args:
        attempts: All that are read together.
        seed_key: The key of the configurations that is the seed. Default: detected by its name.
    """
    attempts = [_seeded(attempt, seed_key) for attempt in attempts]
    unnamed = [number for number, attempt in enumerate(attempts) if not _names_itself(attempt)]
    names = name_runs([_names(attempts[number]) for number in unnamed])
    for number, name in zip(unnamed, names, strict=True):
        attempt = attempts[number]
        label = name.run if attempt.job is None else ""
        attempt = replace(attempt, experiment=name.experiment, file_label=label)
        if attempt.seed is None and attempt.job is None:
            attempt = replace(attempt, seed=name.index_seed)
        attempts[number] = attempt
    named = _experiments_at_places(attempts)
    identified = []
    for attempt in attempts:
        if _died_nameless(attempt):
            attempt = _with_siblings(attempt, named)
        identified.append(attempt)
    return identified


def _seeded(attempt: Run, key: str | None) -> Run:
    if key is None:
        return attempt
    seed = seed_of(attempt.configuration, key)
    return attempt if seed is None else replace(attempt, seed=seed)


def _names_itself(attempt: Run) -> bool:
    """Say whether a log's configuration, or its file in the study's manner, names its experiment."""
    if attempt.name is not None:
        return True
    return _is_slurm(attempt) and experiment_number(attempt.path.name) is not None


def _names(attempt: Run) -> tuple[str, ...]:
    if not _is_slurm(attempt):
        return attempt.names
    path = attempt.path
    if attempt.names:  # without those of its process
        return stem_without_job(Path(attempt.names[0])), *attempt.names[1:]
    return stem_without_job(path), *path_names(path)[1:]


def _is_slurm(attempt: Run) -> bool:
    return attempt.format.split("+")[0] == SLURM


def _died_nameless(attempt: Run) -> bool:
    return _is_slurm(attempt) and attempt.name is None and not attempt.evaluations


def _experiments_at_places(attempts: Iterable[Run]) -> dict[Place, set[str]]:
    """Return the experiments of the named logs, by folder and file name."""
    experiments: dict[Place, set[str]] = defaultdict(set)
    for attempt in attempts:
        if attempt.name is not None:
            experiments[_place_of(attempt)].add(attempt.experiment)
    return experiments


def _with_siblings(attempt: Run, named: Mapping[Place, set[str]]) -> Run:
    """Return a nameless attempt in the experiment of the named logs of the same file name in its folder."""
    experiments = named.get(_place_of(attempt), set())
    if len(experiments) != 1:
        return attempt
    (experiment,) = experiments
    return replace(attempt, experiment=experiment)


def _place_of(attempt: Run) -> Place:
    path = attempt.path
    return path.parent, stem_without_job(path)
