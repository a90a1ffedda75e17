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
    """Return what is told of each move of a walk at one level, of shape (steps + 1, samples), in float64.

    All lengths are in the space of the level. NaN stands where there is nothing to tell: of the clamp's move
    no gradient, of a point that has not moved no direction.

    Args:
        walk: The walk, its points of shape (steps + 1, samples, dim).
        clamped: b_0, of shape (samples, dim).
        energy: E(b_0), of shape (samples,).
        gradient: ∇E(b_0), of shape (samples, dim).
        answer: y*, of shape (samples, dim).
        signal: √ᾱ_t.
    """
    bound = CLAMP * signal
    points = torch.cat([clamped[None], walk.points[1:].clamp(-bound, bound)]).double()
    b0, goal = points[0], signal * answer.double()
    left = walk.accepted.cumsum(0) > 0
    energies = torch.cat([energy[None], torch.where(left, walk.energies[1:], energy)]).double()
    before = torch.cat([walk.energies[:1].double(), energies[:-1]])
    clamp_length = torch.linalg.vector_norm(b0 - walk.points[0].double(), dim=-1)
    none = torch.full_like(clamp_length, math.nan)[None]
    return {
        "gradient_norm": torch.cat([none, walk.gradient_norms.double()]),
        "proposed": torch.cat([none, walk.proposed.double()]),
        "accepted": torch.cat([none, walk.accepted.double()]),
        "at_clamp": torch.cat([(b0.abs() >= bound).double().mean(-1)[None], walk.at_clamp.double()]),
        "length": torch.cat([clamp_length[None], lengths(points)]),
        "energy": energies,
        "energy_change": energies - before,
        "turn": torch.cat([none, turns(points)]),
        "net": torch.linalg.vector_norm(points - b0, dim=-1),
        "down": cosine(points - b0, -gradient.double()),
        "toward": cosine(points - b0, goal - b0),
        "distance": torch.linalg.vector_norm(points - goal, dim=-1),
    }
