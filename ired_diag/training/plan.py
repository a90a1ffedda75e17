"""What a command line asks to be trained: configurations, and the folder of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ired_diag import experiments
from ired_diag.config import Config, parse_config, read_config, read_json_object, with_settings
from ired_diag.errors import CannotWrite, DiagError, NotFound
from ired_diag.runs.attempt import experiment_number
from ired_diag.runs.files import exists, is_file
from ired_diag.runs.store import CONFIG, folder_name
from ired_diag.training.run_files import last_checkpoint

MOST_SEEDS = 10_000
WHAT_IS_TRAINED = ("mining_strategy", "use_scalar_energy")


@dataclass(frozen=True)
class PlannedRun:
    """One run to train: its configuration, its folder, and whether it goes on from where it stopped."""

    config: Config
    folder: Path
    resume: bool


def plan(
    experiment: str,
    seeds: str | None = None,
    settings: Sequence[str] = (),
    *,
    name: str | None = None,
    runs: Path = Path("runs"),
    resume: bool = False,
) -> list[PlannedRun]:
    """Return what to train, nothing of it done yet.

    Args:
        experiment: A named experiment, or the path of a JSON file.
        seeds: ``0-9``, or ``0,2,5``; without it, the configuration's own.
        settings: ``key=value`` each.
        name: What to call it instead.
        runs: The runs folder.
        resume: Runs that are there go on with their own configuration; those that are not, start.

    Raises:
        DiagError: The experiment, a seed or a setting cannot be used; a run exists already; or, resuming,
            none does, or one was trained with other settings.
    """
    asked = dict(map(_setting, settings))
    if "seed" in asked:
        raise DiagError("--set seed: choose seeds with --seeds, such as --seeds 0-9.")
    path = Path(experiment)
    config = read_config(path) if is_file(path) else experiments.load(experiment)
    config = with_settings(config, asked)
    if name is not None:
        config = parse_config({**config.model_dump(mode="json"), "experiment_name": name}, where="--name")
    called = experiment_number(config.experiment_name) or config.experiment_name
    folder = runs / folder_name(name or called)
    chosen = parse_seeds(seeds) if seeds is not None else [config.seed]
    planned = [_plan_seed(config, seed, folder / f"seed{seed}", resume=resume) for seed in chosen]
    if resume:
        _check_resumed(planned, asked)
    else:
        _check_free(planned)
    return planned


def _plan_seed(config: Config, seed: int, folder: Path, *, resume: bool) -> PlannedRun:
    return PlannedRun(config.model_copy(update={"seed": seed}), folder, resume and exists(folder / CONFIG))


def _check_free(planned: Sequence[PlannedRun]) -> None:
    taken = [str(one.folder) for one in planned if exists(one.folder / CONFIG)]
    if taken:
        stopped = all(is_file(last_checkpoint(Path(folder))) for folder in taken)
        resume = "Go on with --resume, or train" if stopped else "Train"
        raise CannotWrite(
            f"{', '.join(taken)}: {'hold runs' if len(taken) > 1 else 'holds a run'} already. {resume} under "
            "another name with --name NAME."
        )


def _check_resumed(planned: Sequence[PlannedRun], asked: Mapping[str, str]) -> None:
    """Refuse to resume nothing, or to resume with settings that the run was not trained with."""
    there = [one for one in planned if one.resume]
    if not there:
        raise NotFound(f"{planned[0].folder}: there is no run to resume. Leave out --resume to start one.")
    for one in there:
        stored = read_json_object(one.folder / CONFIG).get("config") or {}
        wanted = one.config.model_dump(mode="json")
        for key in (*asked, *WHAT_IS_TRAINED):
            if stored.get(key) != wanted.get(key):
                raise DiagError(
                    f"{one.folder}: was trained with {key} = {stored.get(key)!r}, not {wanted.get(key)!r}, "
                    "and goes on so. Resume it as it is, or train under another name with --name NAME."
                )


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


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise DiagError(f"--set {text!r}: expected KEY=VALUE, such as train_steps=2000.")
    return key.strip(), value.strip()
