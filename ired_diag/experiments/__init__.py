"""The named experiments: one JSON file each, in the form of the study's own configuration files.

A file may also hold ``variants``, which make a sweep of it (``ired_diag.experiments.sweep``).
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from ired_diag.config import TrainingConfig
from ired_diag.errors import AmbiguousName, NotFound
from ired_diag.experiments.sweep import Variant, names_of, parse_variants, pick, split_name
from ired_diag.json_object import read_json_object
from ired_diag.task import Task
from ired_diag.tasks import settings_of


def names() -> list[str]:
    """Return the full names of all experiments, sorted."""
    full_names = []
    for file in resources.files("ired_diag.experiments").iterdir():
        if file.name.endswith(".json"):
            full_names.append(file.name.removesuffix(".json"))
    return sorted(full_names)


def load(name: str) -> TrainingConfig:
    """Return the configuration of an experiment, or of the named variant of a sweep.

    Args:
        name: As ``variants`` takes it.

    Raises:
        NotFound: No experiment, or no variant of it, has this name.
        AmbiguousName: Several experiments have it; or it is a sweep, and the name states no variant.
    """
    matches = variants(name)
    if len(matches) > 1:
        listed = ", ".join(names_of(matches, experiment=name))
        raise AmbiguousName(f"{name!r} means {len(matches)} variants: {listed}. Name one of them.")
    return matches[0].config


def variants(name: str, *, task: Task | None = None) -> tuple[Variant, ...]:
    """Return all variants of an experiment, or the one that is named; one without a label of a plain one.

    Args:
        name: Its full name (``q301_opt_steps``) or its number (``q301``), and ``@`` with a variant's label
            (``q301@mining_opt_steps=3``) to mean that one.
        task: What is trained. Default: what the experiment's file names.

    Raises:
        NotFound: No experiment, or no variant of it, has this name.
        AmbiguousName: Several experiments have it.
    """
    experiment, label = split_name(name)
    full_name = _full_name(experiment)
    every = parse_variants(_content(full_name), where=f"experiment {full_name}", task=task)
    if label is None:
        return every
    return (pick(every, label, experiment=experiment),)


def of_task(task: Task) -> tuple[Variant, ...]:
    """Return a task with its default settings, as an experiment of its name."""
    config = settings_of(task, {"experiment_name": task.name}, where=f"task {task.name}")
    plain = Variant(
        label=None,
        changes={},
        config=config,
        task=task,
    )
    return (plain,)


def read_variants(path: Path, *, task: Task | None = None) -> tuple[Variant, ...]:
    """Return all variants of the experiment in a JSON file of the user's own.

    Raises:
        UnreadableFile: The file is missing or not a JSON object.
        WrongConfiguration: A key or value that cannot be used.
    """
    return parse_variants(read_json_object(path), where=str(path), task=task)


def question(name: str) -> str:
    """Return what an experiment asks, by its full name."""
    return str(_content(name)["description"])


def _full_name(name: str) -> str:
    full_names = names()
    if name in full_names:
        return name
    # A number stands before the first underscore: q30 is not q301.
    matches = [full_name for full_name in full_names if full_name.split("_")[0] == name]
    if not matches:
        raise NotFound(f"No experiment is named {name!r}. There are: {', '.join(full_names)}.")
    if len(matches) > 1:
        listed = ", ".join(matches)
        raise AmbiguousName(f"{name!r} means {len(matches)} experiments: {listed}. Give the full name.")
    return matches[0]


def _content(name: str) -> dict[str, Any]:
    # Not a path: the package may be read from an archive.
    file = resources.files("ired_diag.experiments").joinpath(f"{name}.json")
    content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return content
