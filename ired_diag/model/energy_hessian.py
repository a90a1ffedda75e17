"""The Hessian of an energy in the candidate y: the Jacobian of ∇_yE, as the sampler uses it.

A landscape may know its own Jacobian of ∇_yE. Otherwise row k is the gradient in y of the k-th entry of ∇_yE,
by automatic differentiation. Where the gradient is not differentiable again (it came from automatic
differentiation itself, and its graph is gone), or its derivative contradicts what the gradient does along a
random direction, column k is the central difference

    (∇_yE(y + h e_k) - ∇_yE(y - h e_k)) / 2h,        h = ε^(1/3) max(1, root mean square of y),

with an error of order h², ε the rounding of the type that the energy really computes in.

A true Hessian is symmetric: the defect ‖H - Hᵀ‖_F / ‖H‖_F tells how far the numbers can be trusted, and
whether the gradient is that of any energy.

Reference: Nocedal & Wright (2006), Numerical Optimization, section 8.1 (the step h).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from ired_diag.model.energy import Landscape

Method = Literal["differentiation", "central differences"]
# Of differentiation against a central difference: beyond, differentiation missed a part.
TOLERANCE = 0.05


@runtime_checkable
class TwiceDifferentiable(Protocol):
    """A landscape that may know the Jacobian of its gradient."""

    def gradient_jacobian(self, y: Tensor) -> Tensor | None:
        """Return ∂(∇_yE)/∂y, of shape (batch, dim, dim); None where it is not known."""


@dataclass(frozen=True)
class EnergyHessian:
    """The Jacobian of ∇_yE at each candidate.

    Attributes:
        matrices: Of shape (batch, dim, dim), symmetrised, float64.
        defect: ‖H - Hᵀ‖_F / ‖H‖_F before that, of shape (batch,); 0 where H is 0.
        gradient: ∇_yE, of shape (batch, dim).
        method: How it was found.
    """

    matrices: Tensor
    defect: Tensor
    gradient: Tensor
    method: Method


def energy_hessian(landscape: Landscape, y: Tensor, *, generator: torch.Generator) -> EnergyHessian:
    """Return the Hessian of E(x, ·, t) at each candidate.

    Args:
        landscape: E(x, ·, t).
        y: Candidates, of shape (batch, dim).
        generator: Of the directions along which differentiation is checked, on the CPU.
    """
    direction = torch.randn(y.shape, generator=generator).to(y)
    gradient, jacobian = _by_differentiation(landscape, y.detach())
    method: Method = "differentiation"
    if jacobian is None or not _confirmed(landscape, y, jacobian, direction):
        jacobian = _differenced(landscape, y, direction)
        method = "central differences"
    jacobian = jacobian.double()
    transposed = jacobian.mT
    size = torch.linalg.matrix_norm(jacobian)
    asymmetry = torch.linalg.matrix_norm(jacobian - transposed)
    defect = asymmetry / torch.where(size == 0, 1.0, size)
    return EnergyHessian(
        matrices=(jacobian + transposed) / 2,
        defect=defect,
        gradient=gradient.detach(),
        method=method,
    )


def _by_differentiation(landscape: Landscape, y: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return ∇_yE, and its Jacobian where it can be differentiated."""
    if isinstance(landscape, TwiceDifferentiable):
        jacobian = landscape.gradient_jacobian(y)
        if jacobian is not None:
            with torch.no_grad():
                return landscape.energy_and_gradient(y)[1], jacobian
    leaf = y.clone().requires_grad_()
    with torch.enable_grad():
        _, gradient = landscape.energy_and_gradient(leaf)
    if not gradient.requires_grad:
        return gradient, None
    return gradient, _differentiated(gradient, leaf)


def _differentiated(gradient: Tensor, leaf: Tensor) -> Tensor:
    """Return the Jacobian, row by row: candidates do not see each other, so a sum over them is no mixture."""
    rows = []
    for column in gradient.unbind(-1):
        (row,) = torch.autograd.grad(
            column.sum(),
            leaf,
            retain_graph=True,
            materialize_grads=True,
        )
        rows.append(row)
    return torch.stack(rows, dim=-2)


@torch.no_grad()
def _differenced(landscape: Landscape, y: Tensor, direction: Tensor) -> Tensor:
    """Return the Jacobian by central differences, column by column."""
    y, step = _widened(landscape, y, direction)
    columns = [_difference(landscape, y, unit, step) for unit in torch.eye(y.shape[-1]).to(y)]
    return torch.stack(columns, dim=-1)


@torch.no_grad()
def _confirmed(landscape: Landscape, y: Tensor, jacobian: Tensor, direction: Tensor) -> bool:
    """Say whether J u is what the gradient does along u, over all candidates."""
    product = jacobian @ direction[..., None]
    predicted = product[..., 0].double()
    if not bool(torch.isfinite(predicted).all()):
        return True  # differences would not be finite either
    wide, step = _widened(landscape, y, direction)
    measured = _difference(landscape, wide, direction.to(wide), step).double()
    error = float((predicted - measured).norm())
    return error <= TOLERANCE * float(measured.norm())


def _difference(landscape: Landscape, y: Tensor, direction: Tensor, step: Tensor) -> Tensor:
    ahead = landscape.energy_and_gradient(y + step * direction)[1]
    behind = landscape.energy_and_gradient(y - step * direction)[1]
    return (ahead - behind) / (2 * step)


def _widened(landscape: Landscape, y: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """Return y, in float64 if the energy computes in it, and the step h, of shape (batch, 1)."""
    wide = y
    eps = torch.finfo(torch.float32).eps
    if _computes_in_float64(landscape, y.double() + direction.double()):
        wide = y.double()
        eps = torch.finfo(torch.float64).eps
    mean_square = wide.square().mean(-1, keepdim=True)
    size = mean_square.sqrt().clamp(min=1.0)
    return wide, eps ** (1 / 3) * size


def _computes_in_float64(landscape: Landscape, y: Tensor) -> bool:
    """Say whether ∇_yE has digits that float32 lacks: a conversion at its end would leave them zero."""
    try:
        gradient = landscape.energy_and_gradient(y)[1]
    except RuntimeError:  # what PyTorch raises where types do not match
        return False
    if gradient.dtype != torch.float64:
        return False
    rounded = gradient.float()
    return bool((gradient != rounded).any())
