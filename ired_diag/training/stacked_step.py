"""One step of an optimiser on weights with a leading axis: of seeds, or of the starts of a map.

Gradients are clipped, the learning rate is set, the optimiser steps, and the weights are moved back to where
they may be. Each slice has a gradient of its own and meets no number of another's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.config import TrainingConfig
from ired_diag.own_task import check_seeds
from ired_diag.task import Task
from ired_diag.tensors import Tensors
from ired_diag.training.compiled import LossFunction, StepLoss
from ired_diag.training.learning_rate import learning_rate_after
from ired_diag.training.optimizer import Moments, clip_gradients, make_optimizer
from ired_diag.training.seed_axis import seed_slice

ChangeGradient = Callable[[Tensor], None]


@dataclass(frozen=True)
class StackedStep:
    """What one step was, each tensor of shape (slices,).

    Attributes:
        loss: The total loss and what is logged of it.
        gradient_norm: Norm of the gradients before clipping.
        clipped_norm: Norm of the gradients after clipping.
        learning_rate: The learning rate of the step.
    """

    loss: StepLoss
    gradient_norm: Tensor
    clipped_norm: Tensor
    learning_rate: float


class StackedDescent:
    """An optimiser over stacked weights, which it moves in place."""

    def __init__(
        self,
        task: Task,
        config: TrainingConfig,
        weights: Tensors,
        moments: Moments,
        *,
        loss: LossFunction,
        optimizer_steps: int = 0,
    ) -> None:
        """Take the weights and the optimiser's memory as they are.

        Args:
            task: What is trained.
            config: Its settings.
            weights: Tensors with a leading axis.
            moments: The optimiser's memory of each, which changes in place too.
            loss: The loss of the configuration.
            optimizer_steps: Steps that the optimiser has taken.
        """
        self.task, self.config, self.weights = task, config, weights
        # Leaves share their memory with the weights, and carry the gradients.
        self._leaves = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
        self._groups = task.parameter_groups(config)
        self._optimizer = make_optimizer(
            config,
            self._leaves,
            moments,
            steps=optimizer_steps,
            groups=self._groups,
        )
        self._loss = loss

    @property
    def count(self) -> int:
        """How many slices there are."""
        return len(next(iter(self.weights.values())))

    def take_step(
        self, batch: Tensors, number: int, *, change_gradient: ChangeGradient | None = None
    ) -> StackedStep:
        """Take one step.

        Args:
            batch: The batch of each slice, with the same leading axis.
            number: Steps taken before this one, for the learning rate.
            change_gradient: Changes the gradient of each weight in place before it is clipped.
        """
        self._optimizer.zero_grad(set_to_none=True)  # a CUDA graph writes new ones in their place
        loss = self._loss(self._leaves, batch)
        check_seeds(self.task, loss.total, self.count)
        loss.total.sum().backward()  # type: ignore[no-untyped-call]
        for leaf in self._leaves.values():
            if leaf.grad is None:  # a tensor that the loss of this step does not touch counts the step too
                leaf.grad = torch.zeros_like(leaf)
            if change_gradient is not None:
                change_gradient(leaf.grad)
        before, after = clip_gradients(self._leaves, self.config, number, groups=self._groups)
        rate = learning_rate_after(number, self.config)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        self._optimizer.step()
        self._project()
        return StackedStep(loss, before, after, rate)

    @torch.no_grad()
    def _project(self) -> None:
        """Move the weights back to where they may be."""
        project = self.task.project
        if project is None:
            return
        if self.task.stacked:
            project(self.config, self.weights)
            return
        for index in range(self.count):
            project(self.config, seed_slice(self.weights, index))
