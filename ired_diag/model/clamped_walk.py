"""A walk of mining with the clamp's move told apart from the gradient's.

Mining clamps each proposal to ±2√ᾱ_t, and a negative is clamped in any case, mined or not. With y_0 … y_K
the points held, of which at the noisier levels the first lies far beyond the clamp,

    b_k = clamp(y_k),
    move 0      from y_0 to b_0, the clamp's,
    move k ≥ 1  m_k = b_k - b_{k-1}, the gradient's.

b_0 / √ᾱ_t is the negative without mining, b_K / √ᾱ_t that with it. Until a step is kept, y_k is y_0 and
b_k is b_0; a miner whose gradient is 0 is moved by the clamp alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ired_diag.model.mining import CLAMP, Walk
from ired_diag.model.walk_geometry import cosine, lengths, turns


def moves_of(
    walk: Walk, clamped: Tensor, energy: Tensor, gradient: Tensor, answer: Tensor, signal: float
) -> dict[str, Tensor]:
    """Return the quantities of each move of a walk at one level, of shape (steps + 1, samples), in float64.

    All lengths are in the space of the level. NaN stands where a quantity does not exist: the clamp's move
    has no gradient, a point that has not moved has no direction.

    Args:
        walk: The walk, its points of shape (steps + 1, samples, dim).
        clamped: b_0, of shape (samples, dim).
        energy: E(b_0), of shape (samples,).
        gradient: ∇E(b_0), of shape (samples, dim).
        answer: y*, of shape (samples, dim).
        signal: √ᾱ_t.
    """
    bound = CLAMP * signal
    held = walk.points[1:].clamp(-bound, bound)
    points = torch.cat([clamped[None], held]).double()
    b0 = points[0]
    goal = signal * answer.double()
    energies = _energies_of(walk, energy)
    before = torch.cat([walk.energies[:1].double(), energies[:-1]])
    clamp_move = b0 - walk.points[0].double()
    clamp_length = torch.linalg.vector_norm(clamp_move, dim=-1)
    b0_at_clamp = (b0.abs() >= bound).double().mean(-1)
    nan = torch.full_like(clamp_length, math.nan)
    moved = points - b0
    return {
        "gradient_norm": _preceded(nan, walk.gradient_norms),
        "proposed": _preceded(nan, walk.proposed),
        "accepted": _preceded(nan, walk.accepted),
        "at_clamp": _preceded(b0_at_clamp, walk.at_clamp),
        "length": _preceded(clamp_length, lengths(points)),
        "energy": energies,
        "energy_change": energies - before,
        "turn": _preceded(nan, turns(points)),
        "net": torch.linalg.vector_norm(moved, dim=-1),
        "down": cosine(moved, -gradient.double()),
        "toward": cosine(moved, goal - b0),
        "distance": torch.linalg.vector_norm(points - goal, dim=-1),
    }


def _energies_of(walk: Walk, energy: Tensor) -> Tensor:
    """Return E(b_k): that of b_0 until a step is kept, then the walk's."""
    has_left = walk.accepted.cumsum(0) > 0
    later = torch.where(has_left, walk.energies[1:], energy)
    return torch.cat([energy[None], later]).double()


def _preceded(first: Tensor, steps: Tensor) -> Tensor:
    """Return the number of the clamp's move, then those of the gradient's, in float64."""
    return torch.cat([first[None], steps.double()])
