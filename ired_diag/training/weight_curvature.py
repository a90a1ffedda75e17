"""The curvature of a training's loss in its weights: the ends of its Hessian's spectrum.

With H the Hessian of the trained loss on one batch and P > 0 the diagonal that an adaptive optimiser divides
by, P⁻¹H has the eigenvalues of the symmetric P^(-1/2) H P^(-1/2). A step of size η along the gradient stays
near a minimum of a quadratic as long as the largest of them is below

    2/η                      plain gradient descent, and RMSProp with its P
    2 (1 + β)/η              heavy ball, v ← β v + g
    2 (1 + β)/(η (1 + 2 β))  Nesterov's momentum
    2 (1 + β₁)/(η (1 - β₁))  Adam with its P, whose mean is (1 - β₁) times a heavy ball's

Up to ``MOST_DENSE`` weights the Hessian is written out; beyond, its ends come from Lanczos' method.

Reference: Polyak (1964), Some methods of speeding up the convergence of iteration methods; Cohen and others
(2021), Gradient descent on neural networks typically occurs at the edge of stability, ICLR; Cohen and others
(2022), Adaptive gradient methods at the edge of stability, arXiv 2207.14484.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor

from ired_diag.config import TrainingConfig
from ired_diag.tensors import Tensors
from ired_diag.training.learning_rate import learning_rate_after
from ired_diag.training.promise import Twin, as_float64
from ired_diag.training.state import TrainingState

Vector = NDArray[np.float64]

MOST_DENSE = 400  # weights whose Hessian is written out
TOLERANCE = 1e-4  # of Lanczos' eigenvalues, relative
SQUARES = {"rmsprop": "square_avg", "amsgrad": "max_exp_avg_sq"}  # names that differ from Adam's


@dataclass(frozen=True)
class Ends:
    """The ends of a spectrum.

    Attributes:
        largest: The largest eigenvalue; NaN where it did not converge.
        smallest: The smallest one.
        direction: Its eigenvector, of shape (weights,).
    """

    largest: float
    smallest: float
    direction: Vector


class LossAt:
    """The trained loss, in the mean over batches, around the weights of a training; flat, in float64."""

    def __init__(self, state: TrainingState, *batches: Tensors) -> None:
        """Take the weights as they are now; later steps of the training do not move them."""
        self._twin, self._batches = Twin(state), batches
        self._shapes = {name: weight.shape for name, weight in state.weights.items()}
        self.start = flat(as_float64(state.weights)).detach().clone()

    @property
    def size(self) -> int:
        """How many weights there are."""
        return self.start.numel()

    def loss(self, point: Tensor) -> Tensor:
        """Return the loss at a point of shape (weights,)."""
        named = self.named(point)
        losses = [self._twin.values(named, batch)["trained"] for batch in self._batches]
        return torch.stack(losses).mean()

    def gradient(self, point: Tensor) -> Tensor:
        """Return the gradient at a point, of shape (weights,)."""
        leaf = point.detach().requires_grad_()
        loss = self.loss(leaf)
        (gradient,) = torch.autograd.grad(loss, leaf)
        return gradient

    def times_hessian(self, point: Tensor, vector: Tensor) -> Tensor:
        """Return the product of the Hessian at a point and a vector, of shape (weights,)."""
        leaf = point.detach().requires_grad_()
        loss = self.loss(leaf)
        (gradient,) = torch.autograd.grad(loss, leaf, create_graph=True)
        if not gradient.requires_grad:
            return torch.zeros_like(vector)
        slope = gradient @ vector
        (product,) = torch.autograd.grad(slope, leaf, materialize_grads=True)
        return product

    def hessian(self, point: Tensor) -> Tensor:
        """Return the Hessian at a point, of shape (weights, weights)."""
        columns = []
        units = torch.eye(self.size, dtype=torch.float64)
        for unit in units:
            columns.append(self.times_hessian(point, unit))
        matrix = torch.stack(columns)
        return (matrix + matrix.T) / 2

    def named(self, point: Tensor) -> dict[str, Tensor]:
        """Return the weights at a point of shape (weights,), by name."""
        parts = torch.split(point, [shape.numel() for shape in self._shapes.values()])
        named = {}
        for (name, shape), part in zip(self._shapes.items(), parts, strict=True):
            named[name] = part.reshape(shape)
        return named


def flat(tensors: Tensors) -> Tensor:
    """Return tensors as one vector, in their order."""
    return torch.cat([tensor.flatten() for tensor in tensors.values()])


def ends_at(
    loss: LossAt,
    point: Tensor,
    *,
    divisor: Tensor | None = None,
    seed: int = 0,
) -> Ends:
    """Return the ends of the spectrum of the Hessian, or of P^(-1/2) H P^(-1/2).

    Args:
        loss: The loss.
        point: Where, of shape (weights,).
        divisor: P, of shape (weights,); None: the Hessian as it is.
        seed: Of the vector that Lanczos' method starts with.
    """
    scale = torch.ones_like(point)
    if divisor is not None:
        scale = divisor.rsqrt()
    if loss.size <= MOST_DENSE:
        matrix = scale[:, None] * loss.hessian(point) * scale
        values, vectors = np.linalg.eigh(matrix.numpy())
        return Ends(
            largest=float(values[-1]),
            smallest=float(values[0]),
            direction=vectors[:, 0],
        )
    operator = _scaled_hessian(loss, point, scale)
    rng = np.random.default_rng(seed)
    start = rng.normal(size=loss.size)
    largest, _ = _end(operator, "LA", start)
    smallest, direction = _end(operator, "SA", start)
    return Ends(
        largest=largest,
        smallest=smallest,
        direction=direction,
    )


def _scaled_hessian(loss: LossAt, point: Tensor, scale: Tensor) -> LinearOperator:
    """Return S H S, with S the scale on the diagonal, as an operator on vectors."""

    def times(vector: Vector) -> Vector:
        column = np.asarray(vector).reshape(-1)
        scaled = scale * torch.from_numpy(column)
        product = loss.times_hessian(point, scaled)
        result: Vector = (scale * product).numpy()
        return result

    shape = (loss.size, loss.size)
    return LinearOperator(shape, matvec=times, dtype=np.float64)


def _end(
    operator: LinearOperator,
    which: Literal["LA", "SA"],
    start: Vector,
) -> tuple[float, Vector]:
    try:
        values, vectors = eigsh(
            operator,
            k=1,
            which=which,
            v0=start,
            tol=TOLERANCE,
        )
    except ArpackNoConvergence:
        nowhere = np.full(len(start), np.nan)
        return float("nan"), nowhere
    return float(values[0]), vectors[:, 0]


def divisor_of(state: TrainingState) -> Tensor | None:
    """Return what an adaptive optimiser divides by, of shape (weights,); None where it divides by nothing.

    It is that of the step before: √v̂ + ε with the memory as the checkpoint holds it.
    """
    config = state.config
    optimizer = config.optimizer
    if optimizer == "sgd":
        return None
    name = SQUARES.get(optimizer, "exp_avg_sq")
    memories = {key: memory[name] for key, memory in state.moments.items()}
    squares = flat(memories).double()
    is_corrected_already = optimizer == "amsgrad" and config.amsgrad_maximum == "corrected"
    if optimizer != "rmsprop" and not is_corrected_already:
        steps = max(state.optimizer_steps, 1)
        beta = config.adam_betas[1]
        squares = squares / (1 - beta**steps)
    return squares.sqrt() + config.epsilon


def limit_of(config: TrainingConfig, step: int) -> float:
    """Return the largest eigenvalue that the step after ``step`` steps is stable for.

    >>> config = TrainingConfig(experiment_name="x", optimizer="sgd", learning_rate=0.01, momentum=0.9)
    >>> round(limit_of(config, 0), 6)
    380.0
    """
    rate = learning_rate_after(step, config)
    if rate == 0:
        return float("inf")
    if config.optimizer == "rmsprop":
        return 2 / rate
    if config.optimizer == "sgd":
        momentum = config.momentum
        limit = 2 * (1 + momentum) / rate
        if config.nesterov:
            limit = limit / (1 + 2 * momentum)
        return limit
    beta = config.adam_betas[0]
    return 2 * (1 + beta) / (rate * (1 - beta))
