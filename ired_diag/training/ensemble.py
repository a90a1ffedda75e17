"""An ensemble: the seeds of one configuration, trained together on stacked parameters.

Every tensor of the network gets a leading axis of seeds, and a step of all seeds is one forward pass, one
backward pass and one step of the optimiser. Each seed draws from its own random streams, has its gradients
clipped by its own norm, and meets no number of another's: what it becomes does not depend on its companions,
but for the last digits, where a stacked product is rounded otherwise than a lone one. A lone run is an
ensemble of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.own_task import check_named_tensors, check_seeds
from ired_diag.tensors import Tensors
from ired_diag.training.compiled import LossFunction, StepLoss
from ired_diag.training.ema import update_average
from ired_diag.training.learning_rate import learning_rate_after
from ired_diag.training.optimizer import Moments, clip_gradients, make_optimizer
from ired_diag.training.seed_axis import seed_slice, stacked
from ired_diag.training.state import TrainingState


@dataclass(frozen=True)
class Step:
    """What one step of an ensemble was.

    Attributes:
        loss: The total loss and what is logged of it, each of shape (seeds,).
        gradient_norm: Norm of the gradients before clipping, of shape (seeds,).
        clipped_norm: Norm of the gradients after clipping, of shape (seeds,).
        learning_rate: The learning rate of the step.
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
        if not all(_differ_in_seed_alone(first, member) for member in members):
            raise ValueError("an ensemble's members differ in nothing but the seed")
        self.members = tuple(members)
        self.task, self.config = first.task, first.config
        self._groups = self.task.parameter_groups(self.config)
        self.weights = stacked([_detached(member.weights) for member in members])
        self.average = stacked([_detached(member.average) for member in members])
        self.moments: Moments = {}
        for name in first.moments:
            self.moments[name] = stacked([_detached(member.moments[name]) for member in members])
        # Leaves share their memory with the weights, and carry the gradients.
        self._leaves = {name: weight.detach().requires_grad_() for name, weight in self.weights.items()}
        for index, member in enumerate(members):
            self._make_slice(member, index)
        self._optimizer = make_optimizer(
            self.config,
            self._leaves,
            self.moments,
            steps=first.optimizer_steps,
            groups=self._groups,
        )
        self._loss_function = loss_function

    def _make_slice(self, member: TrainingState, index: int) -> None:
        """Make a member's tensors slices of the stacked ones."""
        member.weights = seed_slice(self.weights, index)
        member.average = seed_slice(self.average, index)
        for name, moments in self.moments.items():
            member.moments[name] = seed_slice(moments, index)

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.members[0].step

    def advance(self) -> Step:
        """Take one step of every seed."""
        config = self.config
        batches = tuple(self.task.draw_batch(config, member.streams, self.step) for member in self.members)
        for batch in batches:
            check_named_tensors(self.task, "draw_batch", batch)
        self._optimizer.zero_grad(set_to_none=True)  # a CUDA graph writes new ones in their place
        loss = self._loss_function(self._leaves, stack_batches(batches))
        check_seeds(self.task, loss.total, len(self.members))
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
        return Step(
            loss=loss,
            gradient_norm=before,
            clipped_norm=after,
            learning_rate=rate,
            batches=batches,
        )

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
        # A view: stacking one batch would copy it.
        return {name: tensor[None] for name, tensor in batches[0].items()}
    return stacked(batches)


def _detached(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach() for name, tensor in tensors.items()}


def _differ_in_seed_alone(first: TrainingState, other: TrainingState) -> bool:
    same_config = other.config.model_copy(update={"seed": first.config.seed}) == first.config
    same_place = (other.step, other.optimizer_steps) == (first.step, first.optimizer_steps)
    return same_config and same_place
