"""What ``--from RUN@STEP`` asks to be trained: a fork of a run, or of every seed of an experiment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ired_diag import tasks
from ired_diag.config import TrainingConfig, with_settings
from ired_diag.errors import DiagError, NotFound, NotReadable, UnreadableFile, WrongConfiguration
from ired_diag.json_object import read_json_object
from ired_diag.runs.checkpoint import read_checkpoint
from ired_diag.runs.files import exists, is_file
from ired_diag.runs.find import CONFIG, Unreadable
from ired_diag.runs.labels import experiment_number
from ired_diag.runs.run import Run
from ired_diag.runs.store import find_runs, read_run
from ired_diag.runs.study import Study
from ired_diag.runs.unreadable_run import unreadable_run
from ired_diag.task import Task
from ired_diag.training.fork import Fork, find_checkpoint
from ired_diag.training.plan import PlannedRun, check_free, parse_seeds, parse_settings, seed_folder
from ired_diag.training.stored_configuration import stored_configuration


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
        seeds: Of an experiment, which; all without it.
        settings: ``key=value`` each: what is to be other than in the parent.
        task: What the parent trained, as ``tasks.load`` takes it. Default: what its configuration names.
        name: What to call the experiment instead of what the parent's is called.
        runs: The runs folder.
        fresh_optimizer: Forget the optimiser's memory.
        resume: Forks that are there go on; those that are not, start.

    Raises:
        DiagError: The parent, its checkpoint, or a setting cannot be used; a run exists already.
    """
    asked = parse_settings(settings)
    if "seed" in asked:
        raise DiagError("--set seed: a fork goes on with its parent's seed and random streams.")
    chosen = set(parse_seeds(seeds)) if seeds is not None else None
    planned = []
    given = None if task is None else tasks.load(task)
    for parent, fork in _forks(
        source, runs, chosen, given=given, fresh_optimizer=fresh_optimizer, resume=resume
    ):
        config = with_settings(fork.config, asked)
        _check(fork, config)
        label = _label(fork, {key: config.model_dump(mode="json")[key] for key in asked})
        own = experiment_number(config.experiment_name) or config.experiment_name
        called = name or (parent.experiment if parent else own)
        if name is not None:
            config = config.model_copy(update={"experiment_name": name})
        variant = f"{parent.variant},{label}" if parent and parent.variant else label
        folder = seed_folder(runs, called, variant, config.seed)
        there = resume and exists(folder / CONFIG)
        if not there and not is_file(fork.checkpoint):
            raise NotFound(
                f"{fork.parent}: has no checkpoint of step {fork.step}, and {folder} is not there."
            )
        planned.append(
            PlannedRun(
                task=fork.task,
                config=config,
                folder=folder,
                resume=there,
                variant=variant,
                experiment=called,
                fork=fork,
                task_file=tasks.file_of(task),
            )
        )
    if not resume:
        check_free(planned)
    return planned


def _forks(
    source: str,
    runs: Path,
    seeds: set[int] | None,
    *,
    given: Task | None,
    fresh_optimizer: bool,
    resume: bool,
) -> list[tuple[Run | None, Fork]]:
    """Return each parent, where it is a run, and its fork."""
    if is_file(Path(source)):
        if seeds is not None:
            raise DiagError(f"--from {source}: is one checkpoint, of one seed. Leave out --seeds.")
        return [(None, replace(_fork_of_file(Path(source), given), fresh_optimizer=fresh_optimizer))]
    base, at, which = source.rpartition("@")
    if not at or not which:
        raise DiagError(
            f"--from {source!r}: expected RUN@STEP, such as runs/q103/seed0@7000 or q103/seed0@best, or a "
            "checkpoint file."
        )
    parents = [run for run in _parents(base, runs) if seeds is None or run.seed in seeds]
    if not parents:
        raise NotFound(f"--from {source!r}: has none of the seeds asked for.")
    forks = [
        _fork_of_run(run, which, given, fresh_optimizer=fresh_optimizer, resume=resume) for run in parents
    ]
    return list(zip(parents, forks, strict=True))


def _parents(base: str, runs: Path) -> list[Run]:
    if exists(Path(base) / CONFIG):
        return [read_run(Path(base))]
    study = Study.of(_runs_in(runs))
    labelled = [run for run in study.runs if run.label == base]
    return labelled or study.select(base)


def _runs_in(runs: Path) -> list[Run]:
    """Return the runs of a folder; a damaged one is no parent, and must not stand in the way of the others.

    One that may not be read is among them: a fork of every seed must not leave it out unsaid.
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


def _fork_of_run(run: Run, which: str, given: Task | None, *, fresh_optimizer: bool, resume: bool) -> Fork:
    try:
        path, step = find_checkpoint(run, which)
    except NotFound:
        if not resume or not which.isdecimal():
            raise
        path, step = run.path, int(which)  # the parent went on; a fork that is there has a state of its own
    trained = stored_configuration(path) if is_file(path) else None  # config.json may have been edited since
    task = given or tasks.of_run(run)
    config = _config(task, run.configuration if trained is None else trained, str(run.path))
    return Fork(path, str(run.path), step, config, task, fresh_optimizer)


def _fork_of_file(path: Path, given: Task | None) -> Fork:
    checkpoint = read_checkpoint(path)
    if checkpoint.step is None:
        raise WrongConfiguration(f"{path}: does not record its training step, so it cannot be forked.")
    beside = path.parent / "experiment_config.json"
    keys: Mapping[str, Any] | None = checkpoint.configuration
    if keys is None and beside.is_file():
        keys = read_json_object(beside)
    task = given or tasks.task_of(keys or {})
    return Fork(path, str(path), checkpoint.step, _config(task, keys, str(path)), task)


def _config(task: Task, keys: Mapping[str, Any] | None, where: str) -> TrainingConfig:
    if keys is None:
        raise WrongConfiguration(
            f"{where}: has no configuration, so that it is not known what it trained. Fork a run folder, or "
            "put its experiment_config.json beside the checkpoint."
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


def _label(fork: Fork, asked: Mapping[str, Any]) -> str:
    """Return what the fork's variant is called: ``from=7000,learning_rate=1e-05``."""
    parts = [f"from={fork.step}", *(f"{key}={_short(value)}" for key, value in asked.items())]
    return ",".join([*parts, "fresh_optimizer"] if fork.fresh_optimizer else parts)


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
