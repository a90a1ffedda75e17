"""A fork: a new run that starts at a checkpoint of another, with something changed.

The weights, their average, the step, the optimiser's memory and the random streams are the parent's, so that
what differs afterwards is the doing of what was changed and of nothing else. The memory starts anew where
that is asked for, and where the optimiser is of another kind. A checkpoint of the public code holds no random
streams: they start anew, and the new run's configuration says so.
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
from ired_diag.training.state import TrainingState, expected_shapes, state_of

STREAMS = "streams."


@dataclass(frozen=True)
class Fork:
    """Where a run starts.

    Attributes:
        checkpoint: The parent's file.
        parent: The parent's name or path.
        step: The step of the checkpoint.
        config: The parent's configuration.
        task: What it trained.
        fresh_optimizer: Forget the optimiser's memory.
    """

    checkpoint: Path
    parent: str
    step: int
    config: TrainingConfig
    task: Task
    fresh_optimizer: bool = False

    def changes(self, config: TrainingConfig) -> dict[str, list[Any]]:
        """Return what was and what is of each knob that a configuration sets otherwise; the name is none."""
        before, now = self.config.model_dump(mode="json"), config.model_dump(mode="json")
        return {k: [before[k], v] for k, v in now.items() if before[k] != v and k != "experiment_name"}

    def forgets(self, config: TrainingConfig) -> bool:
        """Say whether the optimiser's memory starts anew."""
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
        NotFound: It has none such; the message lists the steps that it has.
        UnreadableFile: The file tells no step.
    """
    path = _full_state(run, which) or choose_checkpoints(run, which)[0]
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
        state.moments, state.optimizer_steps = new_moments(config, state.weights), 0
    return state


def _full_state(run: Run, which: str) -> Path | None:
    """Return ``last.pt`` or ``best.pt`` where it is what is meant."""
    for name in ("last", "best"):
        path = run.path / CHECKPOINTS / f"{name}.pt"
        if is_file(path) and (which == name or (which.isdecimal() and step_of(path) == int(which))):
            return path
    return None


def _has_streams(path: Path) -> bool:
    if path.suffix == ".safetensors":
        rest = read_weights(path, with_training=True).get("training", {})
        return any(name.startswith(STREAMS) for name in rest)
    return isinstance(read_torch_file(path).get("ired_diag"), Mapping)


def _read(path: Path, task: Task, config: TrainingConfig, device: torch.device | str) -> TrainingState:
    if path.suffix != ".safetensors":
        content = read_torch_file(path, device=device)
        state = state_of(content, task, config, device, where=str(path))
        if isinstance(own := content.get("ired_diag"), Mapping):
            state.streams.restore(own["streams"])
            state.optimizer_steps = own.get("optimizer_steps", state.optimizer_steps)
        return state
    content = read_weights(path, device=device, with_training=True)
    if "training" not in content:
        raise WrongCheckpoint(
            f"{path}: holds weights alone, and no run can start from them as if it went on; a last.pt, or a "
            "step-*.safetensors of a newer run, holds the optimiser too."
        )
    return _of_weights_file(content, task, config, device, path)


def _of_weights_file(
    content: Mapping[str, Any], task: Task, config: TrainingConfig, device: torch.device | str, path: Path
) -> TrainingState:
    rest = content["training"]
    names = expected_shapes(task, config)
    kinds = MOMENT_NAMES[config.optimizer]
    stored = {
        index: {k: rest[key] for k in kinds if (key := f"optimizer.{k}.{name}") in rest}
        for index, name in enumerate(names)
    }
    for of_tensor in stored.values():
        of_tensor["step"] = rest["optimizer_steps"]
    layout = {
        "model": content["raw"],
        "ema": {f"ema_model.{name}": p for name, p in content["ema"].items()},
        "opt": {"state": stored},
        "step": content["step"],
    }
    state = state_of(layout, task, config, device, where=str(path))
    state.streams.restore({k.removeprefix(STREAMS): s for k, s in rest.items() if k.startswith(STREAMS)})
    return state
