"""A fork: a new run that starts at a checkpoint of another, with something changed.

The weights, their average, the step, the optimiser's memory and the random streams are the parent's, so that
what differs afterwards is the effect of what was changed and of nothing else. The memory starts from zero
where the user asks for it, and where the optimiser is of another kind. A checkpoint of the public code holds
no random streams: new ones are made, and the new run's configuration says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ired_diag.config import TrainingConfig
from ired_diag.errors import UnreadableFile, WrongCheckpoint
from ired_diag.runs.checkpoint_choice import choose_checkpoints, step_of
from ired_diag.runs.files import is_file
from ired_diag.runs.run import Run
from ired_diag.runs.torch_file import read_torch_file
from ired_diag.runs.weights_file import read_weights
from ired_diag.task import Task
from ired_diag.training.optimizer import MOMENT_NAMES, new_moments
from ired_diag.training.run_files import CHECKPOINTS
from ired_diag.training.state import (
    EMA_MODEL,
    STREAMS,
    TrainingState,
    expected_shapes,
    moment_key,
    state_of,
    without_prefix,
)


@dataclass(frozen=True, kw_only=True)
class Fork:
    """Where a run starts.

    Attributes:
        checkpoint: The parent's file.
        parent: The parent's name or path.
        step: The step of the checkpoint.
        config: The parent's configuration.
        task: The task that the parent trained.
        fresh_optimizer: Forget the optimiser's memory.
    """

    checkpoint: Path
    parent: str
    step: int
    config: TrainingConfig
    task: Task
    fresh_optimizer: bool = False

    def changes(self, config: TrainingConfig) -> dict[str, list[Any]]:
        """Return the old and the new value of each knob that is changed; the name is not a knob."""
        before = self.config.model_dump(mode="json")
        changes = {}
        for key, value in config.model_dump(mode="json").items():
            if before[key] != value and key != "experiment_name":
                changes[key] = [before[key], value]
        return changes

    def forgets(self, config: TrainingConfig) -> bool:
        """Say whether the optimiser's memory starts from zero."""
        # Adam and AdamW remember the same moments.
        other_kind = MOMENT_NAMES[config.optimizer] != MOMENT_NAMES[self.config.optimizer]
        return self.fresh_optimizer or other_kind

    def record(self, config: TrainingConfig) -> dict[str, Any]:
        """Return what the new run's ``config.json`` says of its parent."""
        return {
            "run": self.parent,
            "step": self.step,
            "checkpoint": str(self.checkpoint.resolve()),
            "changed": self.changes(config),
            "fresh_optimizer": self.forgets(config),
            "fresh_streams": not _has_streams(self.checkpoint),
        }


def find_checkpoint(run: Run, which: str) -> tuple[Path, int]:
    """Return the checkpoint of a run that can be forked, and its step.

    Args:
        run: The parent.
        which: A step, ``last`` or ``best``.

    Raises:
        NotFound: It has no such checkpoint; the message lists the steps that it has.
        UnreadableFile: The file does not record its step.
    """
    path = _full_state(run, which)
    if path is None:
        path = choose_checkpoints(run, which)[0]
    step = step_of(path)
    if step is None:
        raise UnreadableFile(f"{path}: does not record its training step, so it cannot be forked.")
    return path, step


def forked_state(fork: Fork, config: TrainingConfig, device: torch.device | str) -> TrainingState:
    """Return the state that a forked run starts with.

    Raises:
        UnreadableFile: The checkpoint is damaged, or holds less than a training state.
        WrongCheckpoint: It is of another architecture than the configuration's.
    """
    try:
        state = _read(fork.checkpoint, fork.task, config, device)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise UnreadableFile(
            f"{fork.checkpoint}: does not hold a whole training state ({error!r}), so that no run can "
            "start from it."
        ) from error
    if fork.forgets(config):
        state.moments = new_moments(config, state.weights)
        state.optimizer_steps = 0
    return state


def _full_state(run: Run, which: str) -> Path | None:
    """Return ``last.pt`` or ``best.pt`` where it is what is meant."""
    for name in ("last", "best"):
        path = run.path / CHECKPOINTS / f"{name}.pt"
        if not is_file(path):
            continue
        if which == name or (which.isdecimal() and step_of(path) == int(which)):
            return path
    return None


def _has_streams(path: Path) -> bool:
    if path.suffix == ".safetensors":
        rest = read_weights(path, with_training=True).get("training", {})
        return bool(without_prefix(STREAMS, rest))
    return isinstance(read_torch_file(path).get("ired_diag"), Mapping)


def _read(path: Path, task: Task, config: TrainingConfig, device: torch.device | str) -> TrainingState:
    if path.suffix != ".safetensors":
        content = read_torch_file(path, device=device)
        state = state_of(content, task, config, device, where=str(path))
        own = content.get("ired_diag")
        if isinstance(own, Mapping):
            state.streams.restore(own["streams"])
            state.optimizer_steps = own.get("optimizer_steps", state.optimizer_steps)
        return state
    content = read_weights(path, device=device, with_training=True)
    if "training" not in content:
        raise WrongCheckpoint(
            f"{path}: holds weights alone, and no run can start from them as if it went on; a last.pt, or a "
            "step-*.safetensors of a newer run, holds the optimiser too."
        )
    rest = content["training"]
    # The same tensors as in a last.pt, in its layout.
    layout = {
        "model": content["raw"],
        "ema": {f"{EMA_MODEL}{name}": tensor for name, tensor in content["ema"].items()},
        "opt": {"state": _optimizer_memory(rest, task, config)},
        "step": content["step"],
    }
    state = state_of(layout, task, config, device, where=str(path))
    state.streams.restore(without_prefix(STREAMS, rest))
    return state


def _optimizer_memory(
    rest: Mapping[str, Any], task: Task, config: TrainingConfig
) -> dict[int, dict[str, Any]]:
    """Return the optimiser's memory as a ``state_dict`` has it: by the place of each weight."""
    memory: dict[int, dict[str, Any]] = {}
    for index, name in enumerate(expected_shapes(task, config)):
        memory[index] = {"step": rest["optimizer_steps"]}
        for kind in MOMENT_NAMES[config.optimizer]:
            # Absent where the parent's optimiser was of another kind.
            key = moment_key(kind, name)
            if key in rest:
                memory[index][kind] = rest[key]
    return memory
