"""What ``--from RUN@STEP`` asks to be trained: a fork of a run, or of every seed of an experiment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ired_diag import tasks
from ired_diag.config import TrainingConfig, with_settings
from ired_diag.errors import DiagError, NotFound, NotReadable, UnreadableFile, WrongConfiguration
from ired_diag.json_object import read_json_object
from ired_diag.runs.checkpoint import read_checkpoint
from ired_diag.runs.checkpoint_layout import EPOCHS
from ired_diag.runs.files import exists, is_file
from ired_diag.runs.find import CONFIG, Unreadable
from ired_diag.runs.labels import experiment_number
from ired_diag.runs.run import Run
from ired_diag.runs.store import find_runs, read_run
from ired_diag.runs.study import Study
from ired_diag.runs.unreadable_run import unreadable_run
from ired_diag.task import Task
from ired_diag.training.fork import Fork, find_checkpoint
from ired_diag.training.plan import (
    SEED_KEYS,
    PlannedRun,
    check_free,
    folder_of_seeds,
    parse_seeds,
    parse_settings,
)
from ired_diag.training.stored_configuration import stored_configuration

FRESH_OPTIMIZER = "fresh_optimizer"  # the change that resets the optimiser's memory and nothing else


def plan_fork(
    source: str,
    seeds: str | None = None,
    settings: Sequence[str] = (),
    *,
    task: str | None = None,
    name: str | None = None,
    runs: Path = Path("runs"),
    fresh_optimizer: bool = False,
    resume: bool = False,
) -> list[PlannedRun]:
    """Return what to train, nothing of it done yet.

    Args:
        source: ``RUN@STEP``: a run folder, a run's label (``q103/seed0``) or an experiment's name, and a
            step, ``last`` or ``best``; or the path of a checkpoint.
        seeds: Which seeds of an experiment to fork. Default: all of them.
        settings: Changes to the parent's configuration, ``key=value`` each.
        task: What the parent trained, as ``tasks.load`` takes it. Default: what its configuration names.
        name: Name of the new experiment. Default: the name of the parent's experiment.
        runs: The runs folder.
        fresh_optimizer: Forget the optimiser's memory.
        resume: Forks that are there go on; those that are not, start.

    Raises:
        DiagError: The parent, its checkpoint, or a setting cannot be used; a run exists already.
    """
    changes = parse_settings(settings)
    for key in SEED_KEYS:
        if key in changes:
            raise DiagError(f"--set {key}: a fork goes on with its parent's seed and random streams.")
    chosen_seeds = None
    if seeds is not None:
        chosen_seeds = set(parse_seeds(seeds))
    chosen_task = None
    if task is not None:
        chosen_task = tasks.load(task)
    forks = _forks(
        source,
        runs,
        chosen_seeds,
        task=chosen_task,
        fresh_optimizer=fresh_optimizer,
        resume=resume,
    )
    planned = []
    for parent, fork in forks:
        run = _planned_fork(parent, fork, changes, name=name, runs=runs, resume=resume)
        planned.append(replace(run, task_file=tasks.file_of(task), task_function=tasks.function_of(task)))
    if not resume:
        check_free(planned)
    return planned


def plan_each(
    source: str,
    changes: Sequence[str],
    seeds: str | None = None,
    settings: Sequence[str] = (),
    *,
    task: str | None = None,
    name: str | None = None,
    runs: Path = Path("runs"),
    resume: bool = False,
) -> list[PlannedRun]:
    """Return a fork for each change, nothing of it done yet.

    Args:
        source: As ``plan_fork`` takes it.
        changes: ``key=value``, or ``fresh_optimizer``.
        seeds: Which seeds of an experiment to fork. Default: all of them.
        settings: Changes to all forks, ``key=value`` each.
        task: What the parent trained. Default: what its configuration names.
        name: Name of the new experiment. Default: the name of the parent's experiment.
        runs: The runs folder.
        resume: Forks that are there go on; those that are not, start.

    Raises:
        DiagError: A change is given twice, or a fork cannot be made.
    """
    if len(set(changes)) < len(changes):
        raise DiagError("--each: the same change is given twice.")
    planned: list[PlannedRun] = []
    for change in changes:
        is_reset = change == FRESH_OPTIMIZER
        planned += plan_fork(
            source,
            seeds,
            list(settings) if is_reset else [*settings, change],
            task=task,
            name=name,
            runs=runs,
            fresh_optimizer=is_reset,
            resume=resume,
        )
    return planned


def _planned_fork(
    parent: Run | None,
    fork: Fork,
    changes: Mapping[str, str],
    *,
    name: str | None,
    runs: Path,
    resume: bool,
) -> PlannedRun:
    config = with_settings(fork.config, changes)
    _check(fork, config)
    variant = _label(fork, config, changes)
    if parent is not None and parent.variant:
        variant = f"{parent.variant},{variant}"
    experiment = experiment_number(config.experiment_name) or config.experiment_name
    if parent is not None:
        experiment = parent.experiment
    if name is not None:
        experiment = name or experiment
        config = config.model_copy(update={"experiment_name": name})
    folder = folder_of_seeds(runs, experiment, variant, config)
    goes_on = resume and exists(folder / CONFIG)
    if not goes_on and not is_file(fork.checkpoint):
        raise NotFound(f"{fork.parent}: has no checkpoint of step {fork.step}, and {folder} is not there.")
    return PlannedRun(
        task=fork.task,
        config=config,
        folder=folder,
        resume=goes_on,
        variant=variant,
        experiment=experiment,
        fork=fork,
    )


def _forks(
    source: str,
    runs: Path,
    seeds: set[int] | None,
    *,
    task: Task | None,
    fresh_optimizer: bool,
    resume: bool,
) -> list[tuple[Run | None, Fork]]:
    """Return each parent, where it is a run, and its fork."""
    if is_file(Path(source)):
        if seeds is not None:
            raise DiagError(f"--from {source}: is one checkpoint, of one seed. Leave out --seeds.")
        fork = _fork_of_file(Path(source), task)
        return [(None, replace(fork, fresh_optimizer=fresh_optimizer))]
    base, at, which = source.rpartition("@")
    if not at or not which:
        raise DiagError(
            f"--from {source!r}: expected RUN@STEP, such as runs/q103/seed0@7000 or q103/seed0@best, or a "
            "checkpoint file."
        )
    forks: list[tuple[Run | None, Fork]] = []
    for run in _parents(base, runs):
        if seeds is None or run.seed in seeds:
            fork = _fork_of_run(run, which, task, resume=resume)
            forks.append((run, replace(fork, fresh_optimizer=fresh_optimizer)))
    if not forks:
        raise NotFound(f"--from {source!r}: has none of the seeds that --seeds names.")
    return forks


def _parents(base: str, runs: Path) -> list[Run]:
    if exists(Path(base) / CONFIG):
        return [read_run(Path(base))]
    return Study.of(_runs_in(runs)).select(base)


def _runs_in(runs: Path) -> list[Run]:
    """Return the runs of a folder; a damaged one is no parent, and must not stand in the way of the others.

    A run that may not be read is among them: a fork of every seed must not leave it out without a word.
    """
    readable, unreadable = [], []
    for folder in find_runs(runs):
        try:
            readable.append(read_run(folder))
        except NotReadable as error:
            unreadable.append(Unreadable.of(folder, error))
        except UnreadableFile:
            continue
    return readable + [unreadable_run(place, readable) for place in unreadable]


def _fork_of_run(run: Run, which: str, chosen: Task | None, *, resume: bool) -> Fork:
    try:
        path, step = find_checkpoint(run, which)
    except NotFound:
        if not resume or not which.isdecimal():
            raise
        path, step = run.path, int(which)  # the parent went on; a fork that is there has a state of its own
    keys = run.configuration
    if is_file(path):
        # config.json may have been edited since; the checkpoint says what was trained.
        stored = stored_configuration(path)
        keys = keys if stored is None else stored
    task = chosen or tasks.of_run(run)
    return Fork(
        checkpoint=path,
        parent=str(run.path),
        step=step,
        config=_config(task, keys, str(run.path)),
        task=task,
    )


def _fork_of_file(path: Path, chosen: Task | None) -> Fork:
    checkpoint = read_checkpoint(path)
    if checkpoint.step is None or checkpoint.step_source in EPOCHS:
        raise WrongConfiguration(f"{path}: does not record its training step, so it cannot be forked.")
    keys: Mapping[str, Any] | None = checkpoint.configuration
    next_to_file = path.parent / "experiment_config.json"
    if keys is None and next_to_file.is_file():
        keys = read_json_object(next_to_file)
    task = chosen or tasks.task_of(keys or {})
    return Fork(
        checkpoint=path,
        parent=str(path),
        step=checkpoint.step,
        config=_config(task, keys, str(path)),
        task=task,
    )


def _config(task: Task, keys: Mapping[str, Any] | None, where: str) -> TrainingConfig:
    if keys is None:
        raise WrongConfiguration(
            f"{where}: has no configuration, so it is unknown what it trained. Fork a run folder, or put its "
            "experiment_config.json next to the checkpoint."
        )
    return tasks.settings_of(task, keys, where=where)


def _check(fork: Fork, config: TrainingConfig) -> None:
    """Refuse a fork that changes nothing, or that has no steps to take."""
    if not fork.changes(config) and not fork.fresh_optimizer:
        raise DiagError(
            f"{fork.parent}: a fork changes something; say what with --set KEY=VALUE or --fresh-optimizer. "
            "To go on unchanged, use --resume."
        )
    if config.train_steps <= fork.step:
        raise DiagError(
            f"{fork.parent}: step {fork.step} is the last of its {config.train_steps}. Say how far to train: "
            f"--set train_steps=N, with N above {fork.step}."
        )


def _label(fork: Fork, config: TrainingConfig, changed: Iterable[str]) -> str:
    """Return the name of the fork's variant: ``from=7000,learning_rate=1e-05``."""
    values = config.model_dump(mode="json")
    parts = [f"from={fork.step}"]
    for key in changed:
        value = values[key]
        text = value if isinstance(value, str) else json.dumps(value)
        parts.append(f"{key}={text}")
    if fork.fresh_optimizer:
        parts.append(FRESH_OPTIMIZER)
    return ",".join(parts)
