"""What the rest of the project asks of an energy: its value and its gradient in y, at a noise level.

An ``Energy`` is E(x, y, t). Most questions hold the problem x and the level t fixed and move only y, so
an energy hands out its ``Landscape`` at (x, t): what depends on x and t alone is computed once there, and
every step of mining and sampling shares it.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor


class Landscape(Protocol):
    """E(x, ·, t) for a batch of problems x and levels t that are held fixed."""

    def energy(self, y: Tensor) -> Tensor:
        """Return E of each candidate, of shape (batch,).

        Args:
            y: Candidates, of shape (batch, dim).
        """
        ...

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return E of shape (batch,) and the denoiser's output ∇_y E of shape (batch, dim)."""
        ...


@runtime_checkable
class Energy(Protocol):
    """An energy E(x, y, t) over a number of noise levels."""

    @property
    def levels(self) -> int:
        """Number of noise levels."""
        ...

    def landscape(self, x: Tensor, t: Tensor) -> Landscape:
        """Return E(x, ·, t).

        Args:
            x: Problems, of shape (batch, dim).
            t: Noise level of each, of shape (batch,), integers.
        """
        ...
