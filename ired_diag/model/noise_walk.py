"""A noise walk: mining with its gradient replaced by noise of the same length.

Whether mining follows the energy shows only next to a miner that cannot: one whose k-th step is

    y' = clamp(y - η_t s ‖g_k‖ u_k, ±2√ᾱ_t),   u_k a random direction,   kept by the same rule,

with ‖g_k‖ the length of the gradient that the true walk followed at its own k-th step. Start, step lengths,
clamp and acceptance are those of the true walk, by the same code, so whatever differs is the doing of the
gradient's direction. That matters because clamp and acceptance alone lower the energy: a random step of
which only the lucky ones are kept is a random search.

Were the gradient noise itself, of a length that does not depend on the point, the two walks would have the
same distribution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.model.energy import Landscape
from ired_diag.model.mined_batch import MiningSettings, mine
from ired_diag.model.mining import Walk
from ired_diag.model.schedule import Schedule


@dataclass(frozen=True)
class NoiseGradient:
    """A landscape with the energy of another, and gradients of one's own.

    Attributes:
        landscape: E(x, ·, t).
        gradients: What is handed out as the gradient, each of shape (batch, dim), in the order of asking.
    """

    landscape: Landscape
    gradients: Iterator[Tensor]

    def energy(self, y: Tensor) -> Tensor:
        """Return E of each candidate, of shape (batch,)."""
        return self.landscape.energy(y)

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return E of each candidate, and the next of the gradients, wherever ``y`` is."""
        return self.landscape.energy(y), next(self.gradients)


@torch.no_grad()
def noise_walk(
    landscape: Landscape,
    start: Tensor,
    t: Tensor,
    schedule: Schedule,
    settings: MiningSettings,
    *,
    gradient_norms: Tensor,
    directions: Tensor,
) -> Walk:
    """Return the walk of a miner that steps in given directions, with given lengths of its gradient.

    Args:
        landscape: E(x, ·, t).
        start: Of shape (batch, dim), in the space of level t.
        t: Noise level of each, of shape (batch,).
        schedule: Step lengths and clamp bounds.
        settings: How to mine.
        gradient_norms: ‖g_k‖ of the true walk, of shape (steps, batch).
        directions: Gaussian numbers of shape (steps, batch, dim); only their direction counts.
    """
    unit = directions / torch.linalg.vector_norm(directions, dim=-1, keepdim=True)
    noise = [*(gradient_norms[..., None] * unit), torch.zeros_like(start)]  # the last: of no steps at all
    noisy_landscape = NoiseGradient(landscape, iter(noise))
    return mine(noisy_landscape, start, t, schedule, settings).recorded_walk
