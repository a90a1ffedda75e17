"""An energy given as a function alone; its gradient in y is automatic differentiation's.

Other people's models are probed through it: the function may hold any network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.errors import NotApplicable

EnergyFunction = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class AutogradEnergy:
    """E(x, y, t) as a function of problems (batch, …), candidates (batch, dim) and levels (batch,).

    Attributes:
        function: Returns E of each candidate, of shape (batch,), differentiable in the candidates.
        levels: Number of noise levels.
    """

    function: EnergyFunction
    levels: int

    def landscape(self, x: Tensor, t: Tensor) -> AutogradLandscape:
        """Return E(x, ·, t)."""
        return AutogradLandscape(self.function, x, t)


@dataclass(frozen=True)
class AutogradLandscape:
    """E(x, ·, t) of a function."""

    function: EnergyFunction
    x: Tensor
    t: Tensor

    def energy(self, y: Tensor) -> Tensor:
        """Return E of each candidate, of shape (batch,).

        Raises:
            NotApplicable: The function returns another shape.
        """
        with torch.no_grad():
            return self._checked(y)

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return E of shape (batch,) and ∇_yE of shape (batch, dim).

        Raises:
            NotApplicable: The function returns another shape, or does not depend on the candidates.
        """
        with torch.enable_grad():
            leaf = y.detach().requires_grad_()
            energy = self._checked(leaf)
            if not energy.requires_grad:
                raise NotApplicable(
                    "the energy function does not depend on the candidates y differentiably: "
                    "return a tensor that is computed from y, without detach() or no_grad()"
                )
            (gradient,) = torch.autograd.grad(energy.sum(), leaf)
        return energy.detach(), gradient

    def _checked(self, y: Tensor) -> Tensor:
        energy = self.function(self.x, y, self.t)
        if not isinstance(energy, Tensor) or energy.shape != (len(y),):
            result = tuple(energy.shape) if isinstance(energy, Tensor) else type(energy).__name__
            raise NotApplicable(
                f"the energy function must return one energy for each candidate, a tensor of shape "
                f"({len(y)},); found {result}"
            )
        return energy
