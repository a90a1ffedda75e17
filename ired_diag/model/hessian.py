"""A loss to second order in its parameters: value, gradient, and products with the Hessian.

    H v = ∇(∇L · v),

by a second backward pass through the graph of the gradient, which is built once and shared by all products;
H itself is never written down. Parameters and directions are one flat vector, in the mapping's order.

Reference: Pearlmutter (1994), Fast Exact Multiplication by the Hessian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.model.lanczos import Product

LossOf = Callable[[Mapping[str, Tensor]], Tensor]


@dataclass(frozen=True)
class Expansion:
    """A loss to second order.

    Attributes:
        value: The loss.
        gradient: Its gradient, flat, of shape (n,).
        product: H v of a flat direction v.
    """

    value: float
    gradient: Tensor
    product: Product


def expand(loss: LossOf, parameters: Mapping[str, Tensor]) -> Expansion:
    """Return a loss to second order at ``parameters``.

    Args:
        loss: A number for each set of parameters, twice differentiable. It may ignore some of them.
        parameters: Where; left as they are.
    """
    leaves = {}
    for name, parameter in parameters.items():
        leaves[name] = parameter.detach().clone().requires_grad_()
    inputs = list(leaves.values())
    with torch.enable_grad():
        value = loss(leaves)
        gradients = torch.autograd.grad(
            value,
            inputs,
            create_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
    # As one vector, so that a product's pass begins with one dot product. Of ∇L and v themselves, given as
    # two lists, torch asks things that take a second of imports.
    with torch.enable_grad():
        gradient = torch.cat([part.reshape(-1) for part in gradients])

    def product(v: Tensor) -> Tensor:
        """Return H v, of the shape of v."""
        if not gradient.requires_grad:  # a constant gradient: autograd would refuse its derivative
            return torch.zeros_like(v)
        with torch.enable_grad():
            slope = gradient @ v
        images = torch.autograd.grad(
            slope,
            inputs,
            retain_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
        return _joined(images)

    return Expansion(float(value.detach()), gradient.detach(), product)


def flatten(tensors: Mapping[str, Tensor]) -> Tensor:
    """Return all tensors as one vector, of shape (n,), without a graph."""
    return _joined(tensors.values())


def _joined(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def unflatten(vector: Tensor, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a flat vector as tensors of the names and shapes of ``like``."""
    sizes = [tensor.numel() for tensor in like.values()]
    parts = torch.split(vector, sizes)
    tensors = {}
    for part, (name, tensor) in zip(parts, like.items(), strict=True):
        tensors[name] = part.view(tensor.shape)
    return tensors


def along(loss: LossOf, parameters: Mapping[str, Tensor], direction: Tensor, step: float) -> float:
    """Return the loss at ``parameters`` + step · ``direction``, which is flat, of shape (n,)."""
    parts = unflatten(direction, parameters)
    moved = {}
    with torch.no_grad():
        for name, parameter in parameters.items():
            moved[name] = parameter + step * parts[name]
        return float(loss(moved))
