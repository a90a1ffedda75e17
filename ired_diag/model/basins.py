"""Which minima are the same: those between which no energy barrier stands.

Two ends a and b of a descent belong to one basin where the energy on the straight line between them nowhere
rises above its two ends by more than the descent's tolerance explains:

    max over λ of E((1 - λ) a + λ b) ≤ max(E(a), E(b)) + τ ‖a - b‖ + ε max(|E(a)|, |E(b)|),

τ the gradient norm at which descents end, ε the rounding of the energy. Ends far apart along a flat valley
count as one, as distance alone would not have it. The line is looked at in a few places; a barrier narrower
than their spacing is missed. Basins are joined through third ends, so that a curved valley is one, too.

Reference: Draxler et al. (2018), Essentially No Barriers in Neural Network Energy Landscapes, section 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ired_diag.model.energy import Energy, Landscape

PLACES = (0.25, 0.5, 0.75)  # λ
ROUNDINGS = 16.0  # ε, in units of the type's: an energy is a sum of many terms


@torch.no_grad()
def basins(energy: Energy, problem: Tensor, t: Tensor, ends: Tensor, *, tolerance: float) -> Tensor:
    """Return the basin of each end, of shape (batch, ends): the number of its first end.

    Args:
        energy: The energy.
        problem: Problems, of shape (batch, problem_dim).
        t: Noise level of each, of shape (batch,), integers.
        ends: Ends of descents, several of each problem, of shape (batch, ends, dim).
        tolerance: τ.
    """
    count = ends.shape[1]
    landscape = energy.landscape(problem, t)
    heights = torch.stack([landscape.energy(end) for end in ends.unbind(1)], dim=1)
    joined = torch.eye(count, device=ends.device)
    joined = joined.expand(len(ends), -1, -1).clone()
    pairs = torch.combinations(torch.arange(count))
    for i, j in pairs.tolist():
        open_way = _no_barrier(
            landscape,
            ends[:, i],
            ends[:, j],
            heights=heights[:, [i, j]],
            tolerance=tolerance,
        )
        joined[:, i, j] = open_way.float()
        joined[:, j, i] = open_way.float()
    # Each round doubles the number of ends that two others can be joined through.
    for _ in range(count.bit_length()):
        paths = joined @ joined
        joined = (paths > 0).float()
    return joined.argmax(-1)


def _no_barrier(landscape: Landscape, a: Tensor, b: Tensor, *, heights: Tensor, tolerance: float) -> Tensor:
    """Say whether the line from a to b rises above its ends, whose ``heights`` are of shape (batch, 2)."""
    along = torch.stack([landscape.energy(torch.lerp(a, b, place)) for place in PLACES])
    size = heights.abs().amax(1)
    length = torch.linalg.vector_norm(a - b, dim=-1)
    rounding = ROUNDINGS * torch.finfo(size.dtype).eps * size
    slack = tolerance * length + rounding
    low: Tensor = along.amax(0) <= heights.amax(1) + slack
    return low
