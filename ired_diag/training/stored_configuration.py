"""A run's ``config.json`` and the configuration inside its checkpoint are the same, or one of them is false.

The checkpoint holds what the run was trained with. Training never changes ``config.json``, so a difference
was made by hand; a run that went on with it would be recorded as if it had always been trained that way. What
is to change starts as a fork, which records the change.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ired_diag import tasks
from ired_diag.config import TrainingConfig
from ired_diag.errors import UnreadableFile, WrongCheckpoint, WrongConfiguration
from ired_diag.runs.torch_file import read_torch_file
from ired_diag.runs.weights_file import read_weights
from ired_diag.task import Task

NOT_OF_A_FORK = ("seed", "experiment_name")  # a fork keeps the first, and takes the second from --name


def stored_configuration(checkpoint: Path) -> Mapping[str, Any] | None:
    """Return the configuration inside a checkpoint of ours, None where it holds none."""
    if checkpoint.suffix == ".safetensors":
        own: object = read_weights(checkpoint)
    else:
        own = read_torch_file(checkpoint).get("ired_diag")
    if not isinstance(own, Mapping):
        return None
    configuration = own.get("configuration")
    return configuration if isinstance(configuration, Mapping) else None


def check_configuration(
    config: TrainingConfig, stored: object, *, checkpoint: Path, done: bool = False
) -> None:
    """Refuse to go on with another configuration than a checkpoint was trained with.

    A key that the checkpoint does not name had its default: it was written before the key was known.

    Args:
        config: What ``config.json`` says.
        stored: What the checkpoint says; nothing is compared where it says nothing.
        checkpoint: The checkpoint, ``<run folder>/checkpoints/<file>``.
        done: Whether the checkpoint is at the last step, from which a fork has no step to take.

    Raises:
        WrongCheckpoint: They differ; the message names the keys, and the fork that would train them.
    """
    if not isinstance(stored, Mapping):
        return
    now = config.model_dump(mode="json")
    defaults = type(config)(experiment_name=config.experiment_name).model_dump(mode="json")
    old_values, new_values = {}, {}
    for key, value in now.items():
        old = stored.get(key, defaults[key])
        if value != old:
            old_values[key], new_values[key] = old, value
    if not new_values:
        return
    folder = checkpoint.parents[1]
    # From its last step a run has nothing left to train, unless the new value is a later one.
    step = "last"
    if done and "train_steps" not in new_values:
        step = "STEP"
    plural = "s" if len(new_values) > 1 else ""
    raise WrongCheckpoint(
        f"{folder / 'config.json'}: says {_listed(new_values)}, but {checkpoint.name} was trained with "
        f"{_listed(old_values)}. Put the old value{plural} back to go on{_as_fork(folder, step, new_values)}."
    )


def check_run(folder: Path, task: Task, keys: Mapping[str, Any]) -> None:
    """Refuse to go on with a run whose ``config.json`` says something else than its ``last.pt``.

    A ``last.pt`` that is missing or damaged says nothing here, and neither does a configuration of another
    version: opening the run for training says what is wrong with them.

    Raises:
        WrongCheckpoint: They differ.
    """
    checkpoint = folder / "checkpoints" / "last.pt"
    try:
        config, content = tasks.settings_of(task, keys), read_torch_file(checkpoint)
    except (UnreadableFile, WrongConfiguration):
        return
    own = content.get("ired_diag")
    if isinstance(own, Mapping):
        done = content.get("step") == config.train_steps
        check_configuration(config, own.get("configuration"), checkpoint=checkpoint, done=done)


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key}={json.dumps(value, default=str)}" for key, value in values.items())


def _as_fork(folder: Path, step: str, changed: Mapping[str, object]) -> str:
    """Return how to train the new values as a fork; nothing where a fork cannot have them."""
    options = []
    for key, value in changed.items():
        if key not in NOT_OF_A_FORK:
            setting = shlex.quote(f"{key}={json.dumps(value)}")
            options.append(f"--set {setting}")
    if not options or "seed" in changed:
        return ""
    if "experiment_name" in changed:
        name = shlex.quote(str(changed["experiment_name"]))
        options.append(f"--name {name}")
    source = shlex.quote(f"{folder}@{step}")
    return f", or train with the new as a fork: ired-diag train --from {source} {' '.join(options)}"
