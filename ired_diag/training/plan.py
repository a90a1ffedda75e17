"""What a command line asks to be trained: configurations, and the folder of each."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ired_diag import experiments, tasks
from ired_diag.config import TrainingConfig
from ired_diag.errors import CannotWrite, DiagError, NotFound
from ired_diag.experiments.sweep import Variant, names_of, pick, set_knobs, split_name, varied
from ired_diag.json_object import read_json_object
from ired_diag.runs.files import exists, is_file
from ired_diag.runs.find import CONFIG
from ired_diag.runs.labels import experiment_number
from ired_diag.runs.store import folder_name
from ired_diag.task import Task
from ired_diag.training.fork import Fork
from ired_diag.training.run_files import last_checkpoint
from ired_diag.training.stored_configuration import check_run

MOST_SEEDS = 10_000
MOST_FOLDERS = 8
WHAT_IS_TRAINED = ("experiment_name", "mining_strategy", "use_scalar_energy")


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One run to train.

    Attributes:
        task: What is trained.
        config: Every knob.
        folder: Where it is, or will be.
        resume: Whether it goes on from where it stopped.
        variant: Which variant of a sweep or fork it is, ``mining_opt_steps=3``; None where it is neither.
        experiment: What the experiment is called; None for the number in the configuration's name.
        fork: Where it starts; None for a run from scratch.
        task_file: The Python file that makes the task; None for one that is built in.
    """

    task: Task
    config: TrainingConfig
    folder: Path
    resume: bool = False
    variant: str | None = None
    experiment: str | None = None
    fork: Fork | None = None
    task_file: Path | None = None


def plan(
    experiment: str | None,
    seeds: str | None = None,
    settings: Sequence[str] = (),
    *,
    task: str | None = None,
    name: str | None = None,
    runs: Path = Path("runs"),
    resume: bool = False,
) -> list[PlannedRun]:
    """Return what to train, nothing of it done yet.

    Args:
        experiment: A named experiment, or the path of a JSON file; of a sweep, with ``@`` and a variant's
            label (``q301@mining_opt_steps=3``), that variant alone. None: the task with its defaults.
        seeds: ``0-9``, or ``0,2,5``; without it, the configuration's own.
        settings: ``key=value`` each, for every variant.
        task: What to train, as ``tasks.load`` takes it. Default: what the experiment names.
        name: What to call it instead.
        runs: The runs folder.
        resume: Runs that are there go on with their own configuration; those that are not, start.

    Returns:
        A run for each variant and seed, all seeds of a variant together.

    Raises:
        DiagError: The experiment, a seed or a setting cannot be used; a run exists already; or, resuming,
            none does, or one was trained with other settings.
    """
    asked = parse_settings(settings)
    if "seed" in asked:
        raise DiagError("--set seed: choose seeds with --seeds, such as --seeds 0-9.")
    variants = [_renamed(set_knobs(variant, asked), name) for variant in _variants(experiment, asked, task)]
    config = variants[0].config
    called = name or experiment_number(config.experiment_name) or config.experiment_name
    chosen = parse_seeds(seeds) if seeds is not None else [config.seed]
    planned = [
        replace(_plan_seed(variant, seed, runs, called, resume=resume), task_file=tasks.file_of(task))
        for variant in variants
        for seed in chosen
    ]
    if resume:
        _check_resumed(planned, {*asked, *varied(variants)})
    else:
        check_free(planned)
        _check_siblings(planned)
    return planned


def _variants(experiment: str | None, asked: Mapping[str, str], task: str | None) -> tuple[Variant, ...]:
    """Return the variants that a name or path means, none of whose own knobs is asked to be another."""
    chosen = None if task is None else tasks.load(task)
    if experiment is None:
        if chosen is None:
            raise DiagError("Name an experiment, or a task with --task.")
        return experiments.of_task(chosen)
    called, label = (experiment, None) if is_file(Path(experiment)) else split_name(experiment)
    path = Path(called)
    if not is_file(path) and called.endswith(".json"):
        raise NotFound(f"{called}: there is no such file.")
    variants = (
        experiments.read_variants(path, task=chosen)
        if is_file(path)
        else experiments.variants(called, task=chosen)
    )
    if both := asked.keys() & varied(variants):
        listed = ", ".join(names_of(variants, experiment=called))
        raise DiagError(
            f"--set {', '.join(sorted(both))}: the sweep {variants[0].config.experiment_name} varies it. "
            f"Train one of its variants: {listed}."
        )
    return variants if label is None else (pick(variants, label, experiment=called),)


def _renamed(variant: Variant, name: str | None) -> Variant:
    if name is None:
        return variant
    keys = {**variant.config.model_dump(mode="json"), "experiment_name": name}
    return replace(variant, config=tasks.settings_of(variant.task, keys, where="--name"))


def _plan_seed(variant: Variant, seed: int, runs: Path, called: str, *, resume: bool) -> PlannedRun:
    folder = seed_folder(runs, called, variant.label, seed)
    config = variant.config.model_copy(update={"seed": seed})
    return PlannedRun(
        task=variant.task,
        config=config,
        folder=folder,
        resume=resume and exists(folder / CONFIG),
        variant=variant.label,
        experiment=called,
    )


def seed_folder(runs: Path, experiment: str, variant: str | None, seed: int) -> Path:
    """Return where a seed of an experiment belongs: ``runs/<experiment>/[<variant>/]seed<k>``."""
    folder = runs / folder_name(experiment)
    return (folder / folder_name(variant) if variant else folder) / f"seed{seed}"


def check_free(planned: Sequence[PlannedRun]) -> None:
    """Refuse to train where there are runs already.

    Raises:
        CannotWrite: There are; the message names them.
    """
    taken = [str(one.folder) for one in planned if exists(one.folder / CONFIG)]
    if taken:
        stopped = all(is_file(last_checkpoint(Path(folder))) for folder in taken)
        resume = "Go on with --resume, or train" if stopped else "Train"
        more = f" and {len(taken) - MOST_FOLDERS} more" if len(taken) > MOST_FOLDERS else ""
        listed = ", ".join(taken[:MOST_FOLDERS]) + more
        raise CannotWrite(
            f"{listed}: {'hold runs' if len(taken) > 1 else 'holds a run'} already. {resume} under another "
            "name with --name NAME."
        )


def _check_resumed(planned: Sequence[PlannedRun], asked: Iterable[str]) -> None:
    """Refuse to resume nothing, or to resume with settings that the run was not trained with."""
    there = [one for one in planned if one.resume]
    if not there:
        raise NotFound(f"{planned[0].folder}: there is no run to resume. Leave out --resume to start one.")
    for one in there:
        stored = read_json_object(one.folder / CONFIG).get("config") or {}
        check_run(one.folder, one.task, stored)
        wanted = one.config.model_dump(mode="json")
        for key in (*sorted(asked), *WHAT_IS_TRAINED):
            if stored.get(key) != wanted.get(key):
                raise DiagError(
                    f"{one.folder}: was trained with {key} = {stored.get(key)!r}, not {wanted.get(key)!r}, "
                    "and goes on so. Resume it as it is, or train under another name with --name NAME."
                )
        if new := [other.folder for other in planned if not other.resume]:
            _check_alike(one.folder, stored, wanted, new[0])


def _check_siblings(planned: Sequence[PlannedRun]) -> None:
    """Refuse to start seeds beside others of the same folder that were trained with other settings."""
    for one in planned:
        found = sorted(one.folder.parent.glob(f"seed*/{CONFIG}"))
        beside = [path for path in found if os.access(path, os.R_OK)]
        if not beside:
            continue
        stored, wanted = read_json_object(beside[0]).get("config") or {}, one.config.model_dump(mode="json")
        other = [k for k, v in stored.items() if k in wanted and k != "seed" and v != wanted[k]]
        if other:
            told = ", ".join(f"{k} = {json.dumps(stored[k])}, not {json.dumps(wanted[k])}" for k in other)
            raise DiagError(
                f"{beside[0].parent}: was trained with {told}. Seeds of one experiment differ in "
                "nothing else: train under another name with --name NAME, or with its settings."
            )


def _check_alike(folder: Path, stored: Mapping[str, object], wanted: Mapping[str, object], new: Path) -> None:
    """Refuse to start a run beside one that was trained with settings which this command does not repeat."""
    other = [
        knob for knob, value in stored.items() if knob in wanted and knob != "seed" and value != wanted[knob]
    ]
    if other:
        told = " ".join(f"--set '{knob}={json.dumps(stored[knob])}'" for knob in other)
        raise DiagError(
            f"{folder}: goes on with the settings that it was trained with, but {new} would start without "
            f"them. Repeat them: {told}."
        )


def in_batches(planned: Sequence[PlannedRun], most: int) -> list[list[PlannedRun]]:
    """Return the runs in their order, cut into batches of one variant and ``most`` runs at most."""
    batches: list[list[PlannedRun]] = []
    for run in planned:
        if batches and batches[-1][0].variant == run.variant and len(batches[-1]) < most:
            batches[-1].append(run)
        else:
            batches.append([run])
    return batches


def parse_seeds(text: str) -> list[int]:
    """Return the seeds that a text names.

    Raises:
        DiagError: It names none.

    >>> parse_seeds("0-3"), parse_seeds("7,2")
    ([0, 1, 2, 3], [7, 2])
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part)
        if not found or int(found[2] or found[1]) < int(found[1]):
            raise DiagError(f"--seeds {text!r}: expected seeds such as 0-9 or 0,2,5.")
        first, last = int(found[1]), int(found[2] or found[1])
        if last - first >= MOST_SEEDS:
            raise DiagError(f"--seeds {text!r}: names more than {MOST_SEEDS} seeds.")
        seeds.extend(range(first, last + 1))
    return list(dict.fromkeys(seeds))


def parse_settings(texts: Sequence[str]) -> dict[str, str]:
    """Return the values that ``key=value`` texts give, by key.

    Raises:
        DiagError: One of them gives none.
    """
    return dict(map(_setting, texts))


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise DiagError(f"--set {text!r}: expected KEY=VALUE, such as train_steps=2000.")
    return key.strip(), value.strip()
