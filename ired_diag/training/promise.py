"""What an optimiser was promised by its gradient, and what it got.

A step moves the weights from w by Δ. With L the loss of its batch, g = ∇L(w) and H its Hessian at w, the
gradient promises the change g·Δ, and with the curvature g·Δ + ½ ΔᵀHΔ; delivered is L(w + Δ) - L(w). A change
of one group of weights alone has promises and a delivery of its own.

Promise and delivery part in four ways.

- With the curvature the promise is kept: the step is too long for the curvature.
- Neither keeps it, although difference quotients at h → 0 agree with the gradient: what the loss measures
  changes between w and w + Δ in a way that no derivative at w sees, such as a cutoff, a clamp, a rounding.
  Difference quotients at the size of the step itself then disagree with the gradient.
- The trained loss delivers, and the reported one rises: they are different losses.
- The batch delivers, and another batch does not: noise.

All of it is computed in float64 from the weights as they were trained; the steps themselves are taken by the
training's own optimiser, in its own precision.

Reference: Nocedal & Wright (2006), Numerical Optimization, section 4.1 (the ratio of actual to predicted
reduction by which a trust region judges its model).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.task import Losses
from ired_diag.tensors import Tensors
from ired_diag.training.compiled import loss_function
from ired_diag.training.ensemble import Ensemble
from ired_diag.training.state import TrainingState

ALL = "all"
SMALL = 1e-7  # step of the difference quotients that approach the derivative, in float64
MOST_ENTRIES = 256  # of a group, whose difference quotients are taken; more are drawn at random

Weights = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One loss over one step of one group of weights.

    Attributes:
        group: Name of the group; ``all`` for the whole step.
        term: Which loss: ``trained``, ``reported``, or a term's name.
        promised: g·Δ.
        promised_curved: g·Δ + ½ ΔᵀHΔ; NaN where it was not asked for.
        delivered: L(w + Δ) - L(w), on the batch of the step.
        delivered_elsewhere: The same on the batch of the step after; NaN where it was not asked for.
    """

    group: str
    term: str
    promised: float
    promised_curved: float
    delivered: float
    delivered_elsewhere: float


@dataclass(frozen=True, kw_only=True)
class WatchedStep:
    """One step, and what became of its promises.

    Attributes:
        step: Steps taken before it.
        deliveries: For the whole step each loss, for each group the trained one.
        reported_cosine: Cosine of the gradients of the trained and of the reported loss; NaN where one is 0.
        batch_cosine: Cosine of the trained gradients of this batch and of the next; NaN where one is 0.
        sizes: Largest entry of |Δ| of each group, by its name.
    """

    step: int
    deliveries: tuple[Delivery, ...]
    reported_cosine: float
    batch_cosine: float
    sizes: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Quotient:
    """How well the gradient of a group agrees with difference quotients of its entries.

    Attributes:
        group: Name of the group.
        h: Step of the quotients.
        cosine: Cosine of the gradient and the quotients; NaN where one is 0.
        error: ‖gradient - quotients‖ / ‖gradient‖.
        entries: How many entries were compared.
    """

    group: str
    h: float
    cosine: float
    error: float
    entries: int


class Twin:
    """The losses of a training in float64, at weights and batches that are given in any precision."""

    def __init__(self, state: TrainingState) -> None:
        """Take the task, the configuration and the constants of a training."""
        self.task, self.config = state.task, state.config
        self._constants = as_float64(state.constants)
        self.groups = groups_of(state)

    def losses(self, weights: Tensors, batch: Tensors) -> Losses:
        """Return every term of the loss of one seed, each a number."""
        weights, batch = as_float64(weights), as_float64(batch)
        if not self.task.stacked:
            return self.task.loss(self.config, {**self._constants, **weights}, batch)
        # A task that takes several seeds gets one, on an axis of its own.
        stacked = {name: value[None] for name, value in weights.items()}
        on_axis = {name: value[None] for name, value in batch.items()}
        losses = self.task.loss(self.config, {**self._constants, **stacked}, on_axis)
        return Losses(
            {name: term[0] for name, term in losses.terms.items()},
            {name: value[0] for name, value in losses.logged.items()},
        )

    def values(self, weights: Tensors, batch: Tensors) -> dict[str, Tensor]:
        """Return the trained loss, the reported one and each reported term, by name."""
        terms = self.losses(weights, batch).terms
        values = {
            "trained": _total(terms, self.task.trained_terms),
            "reported": _total(terms, self.task.reported_terms),
        }
        for name in self.task.reported_terms:
            if name in terms:
                values[name] = terms[name]
        return values

    def numbers(self, weights: Tensors, batch: Tensors) -> dict[str, float]:
        """Return ``values`` as numbers."""
        # Not under no_grad: the loss of an energy may itself hold a gradient.
        return {name: value.item() for name, value in self.values(weights, batch).items()}

    def numbers_and_logged(self, weights: Tensors, batch: Tensors) -> dict[str, float]:
        """Return the trained loss, the reported one, and the numbers that the task logs of a batch."""
        losses = self.losses(weights, batch)
        numbers = {}
        for name, value in losses.logged.items():
            numbers[name] = value.item()
        numbers["trained"] = _total(losses.terms, self.task.trained_terms).item()
        numbers["reported"] = _total(losses.terms, self.task.reported_terms).item()
        return numbers

    def gradients(self, weights: Tensors, batch: Tensors, terms: Sequence[str]) -> dict[str, Weights]:
        """Return the gradient of each loss, by name of the loss and of the weight."""
        leaves = _leaves(weights)
        values = self.values(leaves, batch)
        return {term: _gradient(values[term], leaves) for term in terms}

    def curvature(self, weights: Tensors, batch: Tensors, move: Tensors) -> float:
        """Return ΔᵀHΔ of the trained loss for a move Δ; NaN where the loss has no second derivative."""
        leaves = _leaves(weights)
        value = self.values(leaves, batch)["trained"]
        gradient = _gradient(value, leaves, keep=True)
        slope = inner(gradient, move)
        if not slope.requires_grad:
            return 0.0  # the gradient does not depend on the weights: the loss is linear
        second = _gradient(slope, leaves)
        return inner(second, move).item()


def watch_steps(state: TrainingState, steps: int, *, progress: Callable[[], None]) -> Iterator[WatchedStep]:
    """Take steps of a training, and yield what became of the promises of each.

    Args:
        state: Where it goes on from; it is moved.
        steps: How many steps to take.
        progress: Called after each step.
    """
    twin = Twin(state)
    loss = loss_function(state.task, state.config, state.constants, device=state.device, compiled=False)
    ensemble = Ensemble([state], loss)
    before = _copied(state.weights)
    batch: Tensors | None = None
    earlier: tuple[int, Weights, Weights, Tensors] | None = None
    for _ in range(steps + 1):
        number = state.step
        batch = dict(ensemble.advance().batches[0])
        if earlier is not None:
            yield _watched(twin, *earlier, next_batch=batch)
            progress()
        after = _copied(state.weights)
        earlier = (number, before, after, batch)
        before = after


def _watched(
    twin: Twin, step: int, before: Weights, after: Weights, batch: Tensors, *, next_batch: Tensors
) -> WatchedStep:
    move = {}
    for name, weight in before.items():
        move[name] = after[name].double() - weight.double()
    present = twin.losses(before, batch).terms
    reported = [name for name in twin.task.reported_terms if name in present]
    losses = ["trained", "reported", *reported]
    gradients = twin.gradients(before, batch, losses)
    elsewhere = twin.gradients(before, next_batch, ["trained"])["trained"]
    start, end = twin.numbers(before, batch), twin.numbers(after, batch)
    start_elsewhere, end_elsewhere = twin.numbers(before, next_batch), twin.numbers(after, next_batch)
    curvature = twin.curvature(before, batch, move)
    deliveries = []
    for term in losses:
        promised = inner(gradients[term], move).item()
        deliveries.append(
            Delivery(
                group=ALL,
                term=term,
                promised=promised,
                promised_curved=promised + curvature / 2 if term == "trained" else float("nan"),
                delivered=end[term] - start[term],
                delivered_elsewhere=end_elsewhere[term] - start_elsewhere[term],
            )
        )
    for group, names in twin.groups.items():
        part = {}
        for name, value in move.items():
            part[name] = value if name in names else torch.zeros_like(value)
        moved = {}
        for name, weight in before.items():
            moved[name] = weight.double() + part[name]
        deliveries.append(
            Delivery(
                group=group,
                term="trained",
                promised=inner(gradients["trained"], part).item(),
                promised_curved=float("nan"),
                delivered=twin.numbers(moved, batch)["trained"] - start["trained"],
                delivered_elsewhere=float("nan"),
            )
        )
    return WatchedStep(
        step=step,
        deliveries=tuple(deliveries),
        reported_cosine=cosine(gradients["trained"], gradients["reported"]),
        batch_cosine=cosine(gradients["trained"], elsewhere),
        sizes={group: _largest(move, names) for group, names in twin.groups.items()},
    )


def quotients(
    twin: Twin,
    weights: Tensors,
    batch: Tensors,
    sizes: Mapping[str, float],
    *,
    generator: torch.Generator,
) -> list[Quotient]:
    """Return how well the trained gradient agrees with central difference quotients, group by group.

    Each group is asked twice: at ``SMALL``, and at the size of a step.

    Args:
        twin: The losses in float64.
        weights: Where.
        batch: The batch of the loss.
        sizes: The size of a step of each group.
        generator: Chooses the entries of a group that has more than ``MOST_ENTRIES``.
    """
    start = {name: weight.detach().double() for name, weight in weights.items()}
    gradient = twin.gradients(start, batch, ["trained"])["trained"]
    agreed = []
    for group, names in twin.groups.items():
        entries = _entries(start, names, generator)
        slopes = torch.stack([gradient[name].flatten()[place] for name, place in entries])
        for h in (SMALL, sizes[group]):
            if h == 0:
                continue
            differences = torch.tensor([_quotient(twin, start, batch, entry, h) for entry in entries])
            differences = differences.to(slopes)
            agreed.append(
                Quotient(
                    group=group,
                    h=h,
                    cosine=_cosine(slopes, differences),
                    error=(torch.linalg.vector_norm(slopes - differences) / slopes.norm()).item(),
                    entries=len(entries),
                )
            )
    return agreed


def _quotient(twin: Twin, weights: Weights, batch: Tensors, entry: tuple[str, int], h: float) -> float:
    name, place = entry
    values = []
    for sign in (1, -1):
        moved = weights[name].clone()
        moved.view(-1)[place] += sign * h
        values.append(twin.numbers({**weights, name: moved}, batch)["trained"])
    return (values[0] - values[1]) / (2 * h)


def _entries(weights: Weights, names: frozenset[str], generator: torch.Generator) -> list[tuple[str, int]]:
    """Return entries of a group's weights, drawn at random where there are many."""
    entries = [(name, place) for name in sorted(names) for place in range(weights[name].numel())]
    if len(entries) <= MOST_ENTRIES:
        return entries
    order = torch.randperm(len(entries), generator=generator)[:MOST_ENTRIES]
    return [entries[place] for place in order.tolist()]


def groups_of(state: TrainingState) -> dict[str, frozenset[str]]:
    """Return the names of the weights of each group; each weight is in the first group that holds it.

    A task of one group has its tensors as groups instead.
    """
    groups = state.task.parameter_groups(state.config)
    if len(groups) <= 1:
        return {name: frozenset([name]) for name in state.weights}
    members: dict[str, set[str]] = {}
    for name in state.weights:
        holding = [group.name for group in groups if group.holds(name)]
        members.setdefault(holding[0] if holding else "other", set()).add(name)
    return {name: frozenset(of_group) for name, of_group in members.items()}


def as_float64(tensors: Tensors) -> Weights:
    """Return tensors in float64; whole numbers and truths stay what they are."""
    wide = {}
    for name, tensor in tensors.items():
        wide[name] = tensor.double() if tensor.is_floating_point() else tensor
    return wide


def inner(first: Tensors, second: Tensors) -> Tensor:
    """Return the inner product of two sets of tensors of the same names."""
    products = []
    for name, tensor in first.items():
        product = tensor * second[name]
        products.append(product.sum())
    return torch.stack(products).sum()


def cosine(first: Tensors, second: Tensors) -> float:
    """Return the cosine of two sets of tensors of the same names; NaN where one is 0."""
    return _cosine(_flat(first), _flat(second))


def _flat(tensors: Tensors) -> Tensor:
    """Return tensors as one vector, in the order of their names."""
    parts = [tensors[name].flatten() for name in sorted(tensors)]
    return torch.cat(parts)


def _cosine(first: Tensor, second: Tensor) -> float:
    norm = first.norm() * second.norm()
    if norm == 0:
        return float("nan")
    return float((first @ second / norm).item())


def _total(terms: Mapping[str, Tensor], names: Sequence[str]) -> Tensor:
    return torch.stack([terms[name] for name in names if name in terms]).sum()


def _leaves(weights: Tensors) -> Weights:
    return {name: weight.detach().double().requires_grad_() for name, weight in weights.items()}


def _gradient(value: Tensor, leaves: Weights, *, keep: bool = False) -> Weights:
    gradients = torch.autograd.grad(
        value,
        list(leaves.values()),
        create_graph=keep,
        retain_graph=True,
        materialize_grads=True,
    )
    return dict(zip(leaves, gradients, strict=True))


def _copied(weights: Tensors) -> Weights:
    return {name: weight.detach().clone() for name, weight in weights.items()}


def _largest(move: Weights, names: frozenset[str]) -> float:
    return max(move[name].abs().max().item() for name in names)
