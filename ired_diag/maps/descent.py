"""Descents from many starts at once, by the step that the trainer takes for seeds.

All starts are one tensor with a leading axis, of a task whose loss takes such an axis (``Task.stacked``).
Every start sees the same batches: those of the configuration's seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ired_diag.config import TrainingConfig
from ired_diag.errors import DiagError
from ired_diag.precision import DTYPES
from ired_diag.streams import make_streams
from ired_diag.task import Task
from ired_diag.tensors import Tensors
from ired_diag.training.compiled import loss_function
from ired_diag.training.optimizer import new_moments
from ired_diag.training.stacked_step import ChangeGradient, StackedDescent

Shapes = dict[str, torch.Size]
Progress = Callable[[int, int], None]  # steps taken, and at most to be taken
LOOK_EVERY = 10  # steps


def without_progress(steps: int, most: int) -> None:
    """Show nothing."""


def weight_shapes(task: Task, config: TrainingConfig) -> Shapes:
    """Return the shape of each weight of a task whose descents can be stacked.

    Raises:
        DiagError: Its loss takes one set of weights at a time.
    """
    if not task.stacked:
        raise DiagError(
            f"The task {task.name} computes its loss for one set of weights at a time. A map needs a task "
            "that says stacked=True: functions, or one of your own (docs/own-tasks.md)."
        )
    initial = task.initial_weights(config, make_streams(config.seeds, "cpu").weights)
    return {name: weight.shape for name, weight in initial.items()}


def descend(
    task: Task,
    config: TrainingConfig,
    starts: Tensors,
    steps: int,
    *,
    change_gradient: ChangeGradient | None = None,
) -> Iterator[Tensors]:
    """Yield the weights after each step, which the next step moves in place.

    Args:
        task: A task that is stacked.
        config: Its settings: the optimiser, its rate, and the seed of the batches.
        starts: Weights by name, each with a leading axis of starts; they are not changed.
        steps: How many steps to take.
        change_gradient: Changes the gradient of each weight, in place.
    """
    dtype = DTYPES[config.precision]
    weights = {name: start.to(dtype, copy=True) for name, start in starts.items()}
    streams = make_streams(config.seeds, "cpu")
    descent = StackedDescent(
        task,
        config,
        weights,
        new_moments(config, weights),
        loss=loss_function(task, config, task.constants(config), compiled=False),
    )
    for number in range(steps):
        batch = task.draw_batch(config, streams, number)
        descent.take_step(_for_all(batch, descent.count), number, change_gradient=change_gradient)
        yield weights


def reported_at(task: Task, config: TrainingConfig, weights: Tensors) -> Tensor:
    """Return the reported loss of each start on the first batch, of shape (starts,), with its graph."""
    count = len(next(iter(weights.values())))
    batch = task.draw_batch(config, make_streams(config.seeds, "cpu"), 0)
    tensors = {**task.constants(config), **weights}
    terms = task.loss(config, tensors, _for_all(batch, count)).terms
    reported = [terms[name] for name in task.reported_terms if name in terms]
    return torch.stack(reported).sum(0)


def _for_all(batch: Tensors, count: int) -> dict[str, Tensor]:
    """Return one batch for all starts: views, as nothing of it differs."""
    return {name: tensor.expand(count, *tensor.shape) for name, tensor in batch.items()}
