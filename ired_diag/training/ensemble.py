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

from torch import Tensor

from ired_diag.own_task import check_named_tensors
from ired_diag.tensors import Tensors
from ired_diag.training.compiled import LossFunction, StepLoss
from ired_diag.training.ema import update_average
from ired_diag.training.optimizer import Moments
from ired_diag.training.seed_axis import seed_slice, stacked
from ired_diag.training.stacked_step import StackedDescent
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
        self.weights = stacked([_detached(member.weights) for member in members])
        self.average = stacked([_detached(member.average) for member in members])
        self.moments: Moments = {}
        for name in first.moments:
            self.moments[name] = stacked([_detached(member.moments[name]) for member in members])
        for index, member in enumerate(members):
            self._make_slice(member, index)
        self._descent = StackedDescent(
            self.task,
            self.config,
            self.weights,
            self.moments,
            loss=loss_function,
            optimizer_steps=first.optimizer_steps,
        )

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
        taken = self._descent.take_step(stack_batches(batches), self.step)
        for member in self.members:
            member.step += 1
            member.optimizer_steps += 1
        update_average(self.average, self.weights, self.step, config.ema_decay)
        return Step(
            loss=taken.loss,
            gradient_norm=taken.gradient_norm,
            clipped_norm=taken.clipped_norm,
            learning_rate=taken.learning_rate,
            batches=batches,
        )


def stack_batches(batches: Sequence[Tensors]) -> dict[str, Tensor]:
    """Return the batches of several seeds as one, the seeds on a leading axis."""
    if len(batches) == 1:
        # A view: stacking one batch would copy it.
        return {name: tensor[None] for name, tensor in batches[0].items()}
    return stacked(batches)


def _detached(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach() for name, tensor in tensors.items()}


def _differ_in_seed_alone(first: TrainingState, other: TrainingState) -> bool:
    same_config = other.config.without_seeds == first.config.without_seeds
    same_place = (other.step, other.optimizer_steps) == (first.step, first.optimizer_steps)
    return same_config and same_place
