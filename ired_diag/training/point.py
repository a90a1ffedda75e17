"""A point of a training that can be gone on from: what probes of the training itself are put to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ired_diag import tasks
from ired_diag.config import TrainingConfig
from ired_diag.errors import DiagError, NotApplicable
from ired_diag.runs.checkpoint import Weights
from ired_diag.task import Task
from ired_diag.training.fork import Fork, forked_state
from ired_diag.training.state import TrainingState


@dataclass(frozen=True)
class TrainingPoint:
    """A checkpoint and what was trained.

    Attributes:
        file: The checkpoint.
        task: What was trained.
        config: Its settings.
        step: Steps that were taken.
        device: Where to compute.
        weights: Which weights were asked for; a step starts from the raw ones.
    """

    file: Path
    task: Task
    config: TrainingConfig
    step: int
    device: torch.device
    weights: Weights = "raw"

    @property
    def offers(self) -> tuple[str, ...]:
        """What a probe may need of a training besides its state: ``splits`` where its data are known."""
        return () if self.task.splits is None else ("splits",)

    def state(self) -> TrainingState:
        """Return the training as it was there: a state of its own at each call, which may be moved.

        Raises:
            NotApplicable: The file does not hold a whole training state, or other weights than those that a
                step starts from were asked for.
        """
        if self.weights != "raw":
            raise NotApplicable(
                f"goes on from the raw weights, and cannot look at others: leave out --weights {self.weights}"
            )
        fork = Fork(
            checkpoint=self.file,
            parent=str(self.file),
            step=self.step,
            config=self.config,
            task=self.task,
        )
        try:
            return forked_state(fork, self.config, self.device)
        except DiagError as error:
            raise NotApplicable(f"cannot go on training from it ({error})") from error


def training_point(
    file: Path,
    task: Task,
    keys: Mapping[str, Any] | None,
    step: int | None,
    device: torch.device | str,
    *,
    weights: Weights = "raw",
) -> TrainingPoint | None:
    """Return where a checkpoint's training can go on from; None where its settings or step are unknown."""
    if keys is None or step is None:
        return None
    try:
        config = tasks.settings_of(task, keys)
    except DiagError:  # settings of a program that does more than this project: it cannot be trained on here
        return None
    return TrainingPoint(
        file=file,
        task=task,
        config=config,
        step=step,
        device=torch.device(device),
        weights=weights,
    )
