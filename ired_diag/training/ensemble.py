"""An ensemble: the seeds of one configuration, trained together on stacked parameters.

Every tensor of the network gets a leading axis of seeds, and a step of all seeds is one forward pass, one
backward pass and one step of the optimiser. Each seed draws from its own random streams, has its gradients
clipped by its own norm, and meets no number of another's: what it becomes does not depend on its companions,
but for the last digits, where a stacked product is rounded otherwise than a lone one. A lone run is an
ensemble of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.tensors import Tensors
from ired_diag.training.compiled import LossFunction, StepLoss
from ired_diag.training.ema import update_average
from ired_diag.training.learning_rate import learning_rate_after
from ired_diag.training.optimizer import Moments, clip_gradients, make_optimizer
from ired_diag.training.state import TrainingState


@dataclass(frozen=True)
class Step:
    """What one step of an ensemble was.

    Attributes:
        loss: Its total and what is logged of it, each of shape (seeds,).
        gradient_norm: Before clipping, of shape (seeds,).
        clipped_norm: After clipping, likewise.
        learning_rate: What it was taken with.
        batches: The batch of each seed.
    """

    loss: StepLoss
    gradient_norm: Tensor
    clipped_norm: Tensor
    learning_rate: float
    batches: tuple[Tensors, ...]


class Ensemble:
    """Seeds of one configuration at one step, trained together.

    The tensors of ``members`` become slices of the stacked ones, and move with them.
    """

    def __init__(self, members: Sequence[TrainingState], loss_function: LossFunction) -> None:
        """Stack the members.

        Args:
            members: States of one configuration but for the seed, all at the same step.
            loss_function: The loss of their configuration.

        Raises:
            ValueError: They differ in more than the seed.
        """
        first = members[0]
        for other in members[1:]:
            same = other.config.model_copy(update={"seed": first.config.seed}) == first.config
            if not same or (other.step, other.optimizer_steps) != (first.step, first.optimizer_steps):
                raise ValueError("an ensemble's members differ in nothing but the seed")
        self.members = tuple(members)
        self.task, self.config = first.task, first.config
        self._groups = self.task.parameter_groups(self.config)
        self.weights = _stack([m.weights for m in members])
        self._leaves = {name: p.detach().requires_grad_() for name, p in self.weights.items()}
        self.average = _stack([m.average for m in members])
        self.moments: Moments = {name: _stack([m.moments[name] for m in members]) for name in first.moments}
        for index, member in enumerate(members):
            member.weights = {name: p[index] for name, p in self.weights.items()}
            member.average = {name: p[index] for name, p in self.average.items()}
            member.moments = {n: {k: m[index] for k, m in of.items()} for n, of in self.moments.items()}
        self._optimizer = make_optimizer(
            self.config, self._leaves, self.moments, first.optimizer_steps, groups=self._groups
        )
        self._loss_function = loss_function

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.members[0].step

    def advance(self) -> Step:
        """Take one step of every seed."""
        config = self.config
        batches = tuple(self.task.draw_batch(config, m.streams, self.step) for m in self.members)
        self._optimizer.zero_grad(set_to_none=True)  # a CUDA graph writes new ones in their place
        loss = self._loss_function(self._leaves, stack_batches(batches))
        loss.total.sum().backward()  # type: ignore[no-untyped-call]
        for leaf in self._leaves.values():
            if leaf.grad is None:  # a tensor that the loss of this step does not touch counts the step too
                leaf.grad = torch.zeros_like(leaf)
        before, after = clip_gradients(self._leaves, config, self.step, groups=self._groups)
        rate = learning_rate_after(self.step, config)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        self._optimizer.step()
        if self.task.project is not None:
            self._project()
        for member in self.members:
            member.step += 1
            member.optimizer_steps += 1
        update_average(self.average, self.weights, self.step, config.ema_decay)
        return Step(loss, before, after, rate, batches)

    @torch.no_grad()
    def _project(self) -> None:
        """Move the weights back to where they may be."""
        assert self.task.project is not None
        if self.task.stacked:
            self.task.project(self.config, self.weights)
            return
        for member in self.members:
            self.task.project(self.config, member.weights)


def stack_batches(batches: Sequence[Tensors]) -> dict[str, Tensor]:
    """Return the batches of several seeds as one, the seeds on a leading axis."""
    if len(batches) == 1:
        return {name: x[None] for name, x in batches[0].items()}
    return {name: torch.stack([batch[name] for batch in batches]) for name in batches[0]}


def _stack(tensors: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([of[name].detach() for of in tensors]) for name in tensors[0]}
