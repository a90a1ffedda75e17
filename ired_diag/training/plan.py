"""What a command line names to be trained: configurations, and the folder of each."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ired_diag import experiments, tasks
from ired_diag.config import TrainingConfig
from ired_diag.errors import CannotWrite, DiagError, NotFound
from ired_diag.experiments.sweep import Variant, names_of, pick, set_knobs, split_name, varied
from ired_diag.json_object import read_json_object
from ired_diag.runs.files import exists, is_file
from ired_diag.runs.find import CONFIG, SEED_FOLDER
from ired_diag.runs.labels import experiment_number
from ired_diag.runs.store import folder_name, imported_sources
from ired_diag.seed_sources import KEYS, Source, label_of_sources
from ired_diag.task import Task
from ired_diag.training.fork import Fork
from ired_diag.training.seed_design import Design, has_own_seeds, own_seeds, seeds_of_runs, with_seeds
from ired_diag.training.stored_configuration import check_run

MOST_SEEDS = 10_000  # a typing error such as 0-99999 would plan runs for hours
MOST_FOLDERS = 8  # in an error
SEED_KEYS = ("seed", *KEYS.values())
WHAT_IS_TRAINED = ("experiment_name", "mining_strategy", "use_scalar_energy")


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One run to train.

    Attributes:
        task: The task that is trained.
        config: The configuration, with every knob.
        folder: Where the run is, or will be.
        resume: Whether it goes on from where it stopped.
        variant: Which variant of a sweep or fork it is, ``mining_opt_steps=3``; None where it is neither.
        experiment: Name of the experiment; None for the number in the configuration's name.
        fork: The fork that it is; None for a run from scratch.
        task_file: The Python file that makes the task; None for one that is built in.
        task_function: The function in it; empty where it is unknown.
    """

    task: Task
    config: TrainingConfig
    folder: Path
    resume: bool = False
    variant: str | None = None
    experiment: str | None = None
    fork: Fork | None = None
    task_file: Path | None = None
    task_function: str = ""


def plan(
    experiment: str | None,
    seeds: str | None = None,
    settings: Sequence[str] = (),
    *,
    task: str | Task | None = None,
    name: str | None = None,
    runs: Path = Path("runs"),
    resume: bool = False,
    source_seeds: Mapping[Source, str] | None = None,
    design: Design = "crossed",
    may_all_be_new: bool = False,
) -> list[PlannedRun]:
    """Return what to train, nothing of it done yet.

    Args:
        experiment: A named experiment, or the path of a JSON file; of a sweep, with ``@`` and a variant's
            label (``q301@mining_opt_steps=3``), that variant alone. None: the task with its defaults.
        seeds: ``0-9``, or ``0,2,5``. Default: the configuration's own seed.
        settings: ``key=value`` each, for every variant.
        task: What to train, as ``tasks.load`` takes it. Default: what the experiment names.
        name: Another name for the experiment.
        runs: The runs folder.
        resume: Runs that are there go on with their own configuration; those that are not, start.
        source_seeds: Instead of ``seeds``: seeds for each source of randomness that is varied, as text.
        design: Which of these seeds go together in a run.
        may_all_be_new: Whether it is no error to resume where no run is there.

    Returns:
        A run for each variant and seed, all seeds of a variant together.

    Raises:
        DiagError: The experiment, a seed or a setting cannot be used; a run exists already; or, resuming,
            no run exists, or one was trained with other settings.
    """
    values = parse_settings(settings)
    for key in SEED_KEYS:
        if key in values:
            option = "--seeds" if key == "seed" else f"--{key.replace('_', '-')}"
            raise DiagError(f"--set {key}: choose seeds with {option}, such as {option} 0-9.")
    designed = _designed(seeds, source_seeds or {}, design)
    variants = []
    for variant in _variants(experiment, values, task):
        variants.append(_renamed(set_knobs(variant, values), name))
    config = variants[0].config
    experiment_name = name or experiment_number(config.experiment_name) or config.experiment_name
    seed_numbers = [config.seed]
    if seeds is not None:
        seed_numbers = parse_seeds(seeds)
    planned = []
    for variant, seed, of_sources in itertools.product(variants, seed_numbers, designed):
        run = _plan_seed(variant, seed, of_sources, runs, experiment_name, resume=resume)
        planned.append(replace(run, task_file=tasks.file_of(task), task_function=tasks.function_of(task)))
    is_any_there = any(run.resume for run in planned)
    if resume and (is_any_there or not may_all_be_new):
        _check_resumed(planned, {*values, *varied(variants)})
    else:
        check_free(planned)
        _check_siblings(planned)
    return planned


def plan_several(
    experiments: Sequence[str],
    seeds: str | None = None,
    settings: Sequence[str] = (),
    *,
    task: str | Task | None = None,
    runs: Path = Path("runs"),
    resume: bool = False,
    source_seeds: Mapping[Source, str] | None = None,
    design: Design = "crossed",
) -> list[PlannedRun]:
    """Return what to train of several experiments, in their order; arguments and errors as of ``plan``."""
    planned: list[PlannedRun] = []
    for experiment in experiments:
        planned += plan(
            experiment,
            seeds,
            settings,
            task=task,
            runs=runs,
            resume=resume,
            source_seeds=source_seeds,
            design=design,
            may_all_be_new=True,
        )
    check_apart(planned)
    if resume and not any(run.resume for run in planned):
        raise NotFound(f"{planned[0].folder}: there is no run to resume. Leave out --resume to start one.")
    return planned


def check_apart(planned: Sequence[PlannedRun]) -> None:
    """Refuse two runs in one folder.

    Raises:
        DiagError: There are two; the message names the folder.
    """
    folders = Counter(run.folder for run in planned)
    for folder, count in folders.most_common(1):
        if count > 1:
            raise DiagError(f"{folder}: two of the experiments would be trained there. Name each one once.")


def _variants(
    experiment: str | None, values: Mapping[str, str], task: str | Task | None
) -> tuple[Variant, ...]:
    """Return the variants that a name or path means; ``values`` may set none of the knobs that they vary."""
    chosen = None
    if task is not None:
        chosen = tasks.load(task)
    if experiment is None:
        if chosen is None:
            raise DiagError("Name an experiment, or a task with --task.")
        return experiments.of_task(chosen)
    # A file may have an @ in its name.
    name, label = experiment, None
    if not is_file(Path(experiment)):
        name, label = split_name(experiment)
    variants = _named_variants(name, chosen)
    set_twice = values.keys() & varied(variants)
    if set_twice:
        keys = ", ".join(sorted(set_twice))
        listed = ", ".join(names_of(variants, experiment=name))
        raise DiagError(
            f"--set {keys}: the sweep {variants[0].config.experiment_name} varies it. "
            f"Train one of its variants: {listed}."
        )
    if label is None:
        return variants
    return (pick(variants, label, experiment=name),)


def _named_variants(name: str, task: Task | None) -> tuple[Variant, ...]:
    path = Path(name)
    if is_file(path):
        return experiments.read_variants(path, task=task)
    if name.endswith(".json"):
        raise NotFound(f"{name}: there is no such file.")
    return experiments.variants(name, task=task)


def _renamed(variant: Variant, name: str | None) -> Variant:
    if name is None:
        return variant
    keys = {**variant.config.model_dump(mode="json"), "experiment_name": name}
    return replace(variant, config=tasks.settings_of(variant.task, keys, where="--name"))


def _designed(
    seeds: str | None, source_seeds: Mapping[Source, str], design: Design
) -> list[dict[Source, int]]:
    """Return the seeds of the sources of each run; one run without any where no source is named."""
    if not source_seeds:
        if design != "crossed":
            raise DiagError(
                f"--design {design}: name the seeds with --seed-init, --seed-data or --seed-eval."
            )
        return [{}]
    if seeds is not None:
        raise DiagError(
            "--seeds is the seed of all sources of randomness together. Pass either --seeds or --seed-init, "
            "--seed-data and --seed-eval; a source that is not named keeps the seed of the configuration."
        )
    lists = {}
    for source, text in source_seeds.items():
        lists[source] = parse_seeds(text, option=f"--{KEYS[source].replace('_', '-')}")
    return seeds_of_runs(lists, design)


def _plan_seed(
    variant: Variant,
    seed: int,
    of_sources: Mapping[Source, int],
    runs: Path,
    experiment: str,
    *,
    resume: bool,
) -> PlannedRun:
    config = variant.config.model_copy(update={"seed": seed})
    if of_sources or has_own_seeds(config):
        config = with_seeds(config, of_sources, variant.task)
    folder = folder_of_seeds(runs, experiment, variant.label, config)
    return PlannedRun(
        task=variant.task,
        config=config,
        folder=folder,
        resume=resume and exists(folder / CONFIG),
        variant=variant.label,
        experiment=experiment,
    )


def seed_folder(runs: Path, experiment: str, variant: str | None, seed: int) -> Path:
    """Return where a seed of an experiment belongs: ``runs/<experiment>/[<variant>/]seed<k>``."""
    folder = runs / folder_name(experiment)
    if variant:
        folder /= folder_name(variant)
    return folder / f"seed{seed}"


def folder_of_seeds(runs: Path, experiment: str, variant: str | None, config: TrainingConfig) -> Path:
    """Return where a run belongs by its seeds: ``seed<k>``, or ``init<i>-data<j>``."""
    folder = seed_folder(runs, experiment, variant, config.seed)
    seeds = own_seeds(config)
    if not seeds:
        return folder
    return folder.with_name(label_of_sources(seeds))


def check_free(planned: Sequence[PlannedRun]) -> None:
    """Refuse to train where there are runs already.

    Raises:
        CannotWrite: There are; the message names them.
    """
    taken = [run.folder for run in planned if exists(run.folder / CONFIG)]
    if not taken:
        return
    listed = ", ".join(map(str, taken[:MOST_FOLDERS]))
    if len(taken) > MOST_FOLDERS:
        listed += f" and {len(taken) - MOST_FOLDERS} more"
    hold = "hold runs" if len(taken) > 1 else "holds a run"
    advice = "Go on with --resume, or train"
    # A log that was imported has no state; a run that failed at its first step starts again.
    if any(imported_sources(folder) is not None for folder in taken):
        advice = "Train"
    raise CannotWrite(f"{listed}: {hold} already. {advice} under another name with --name NAME.")


def _check_resumed(planned: Sequence[PlannedRun], keys: Iterable[str]) -> None:
    """Refuse to resume nothing, or to resume with settings that the run was not trained with.

    Args:
        planned: All runs of the command.
        keys: Knobs that the command sets, or that its sweep varies.
    """
    stopped = [run for run in planned if run.resume]
    new = [run for run in planned if not run.resume]
    if not stopped:
        raise NotFound(f"{planned[0].folder}: there is no run to resume. Leave out --resume to start one.")
    for run in stopped:
        stored = read_json_object(run.folder / CONFIG).get("config") or {}
        check_run(run.folder, run.task, stored)
        wanted = run.config.model_dump(mode="json")
        for key in (*sorted(keys), *WHAT_IS_TRAINED):
            if stored.get(key) != wanted.get(key):
                raise DiagError(
                    f"{run.folder}: was trained with {key} = {stored.get(key)!r}, not {wanted.get(key)!r}, "
                    "and goes on so. Resume it as it is, or train under another name with --name NAME."
                )
        if new:
            _check_alike(run.folder, stored, wanted, new[0].folder)


def _check_siblings(planned: Sequence[PlannedRun]) -> None:
    """Refuse to start seeds next to others of the same folder that were trained with other settings."""
    for run in planned:
        siblings = sorted(run.folder.parent.glob(f"*/{CONFIG}"))
        readable = []
        for path in siblings:
            if SEED_FOLDER.fullmatch(path.parent.name) and os.access(path, os.R_OK):
                readable.append(path)
        if not readable:
            continue
        # All of them were checked so when they were started: one speaks for the others.
        sibling = readable[0]
        stored = read_json_object(sibling).get("config") or {}
        wanted = run.config.model_dump(mode="json")
        differences = []
        for key in _differing_knobs(stored, wanted):
            differences.append(f"{key} = {json.dumps(stored[key])}, not {json.dumps(wanted[key])}")
        if differences:
            listed = ", ".join(differences)
            raise DiagError(
                f"{sibling.parent}: was trained with {listed}. Seeds of one experiment differ in "
                "nothing else: train under another name with --name NAME, or with its settings."
            )


def _check_alike(folder: Path, stored: Mapping[str, object], wanted: Mapping[str, object], new: Path) -> None:
    """Refuse a new seed of an experiment whose other seeds have settings that this command does not give."""
    options = []
    for key in _differing_knobs(stored, wanted):
        options.append(f"--set '{key}={json.dumps(stored[key])}'")
    if options:
        raise DiagError(
            f"{folder}: goes on with the settings that it was trained with, but {new} would start without "
            f"them. Repeat them: {' '.join(options)}."
        )


def _differing_knobs(stored: Mapping[str, object], wanted: Mapping[str, object]) -> list[str]:
    """Return the knobs of a stored configuration that have another value in a wanted one."""
    differing = []
    for key, value in stored.items():
        # A knob that is gone since has no value to compare with.
        if key in wanted and key not in SEED_KEYS and value != wanted[key]:
            differing.append(key)
    return differing


def in_batches(planned: Sequence[PlannedRun], most: int) -> list[list[PlannedRun]]:
    """Return the runs in their order, cut into batches of one variant and ``most`` runs at most."""
    batches: list[list[PlannedRun]] = []
    for _, runs_of_variant in itertools.groupby(planned, key=lambda run: (run.experiment, run.variant)):
        runs = list(runs_of_variant)
        for start in range(0, len(runs), most):
            batches.append(runs[start : start + most])
    return batches


def parse_seeds(text: str, *, option: str = "--seeds") -> list[int]:
    """Return the seeds that a text names.

    Args:
        text: Numbers and ranges.
        option: The option that it belongs to, for the message.

    Raises:
        DiagError: It does not name seeds.

    >>> parse_seeds("0-3"), parse_seeds("7,2")
    ([0, 1, 2, 3], [7, 2])
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part)
        if not match or int(match[2] or match[1]) < int(match[1]):
            raise DiagError(f"{option} {text!r}: expected seeds such as 0-9 or 0,2,5.")
        first, last = int(match[1]), int(match[2] or match[1])
        if last - first >= MOST_SEEDS:
            raise DiagError(f"{option} {text!r}: names more than {MOST_SEEDS} seeds.")
        seeds.extend(range(first, last + 1))
    return list(dict.fromkeys(seeds))


def parse_settings(texts: Sequence[str]) -> dict[str, str]:
    """Return the values that ``key=value`` texts give, by key.

    Raises:
        DiagError: A text is not of this form.
    """
    return dict(map(_setting, texts))


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise DiagError(f"--set {text!r}: expected KEY=VALUE, such as train_steps=2000.")
    return key.strip(), value.strip()
