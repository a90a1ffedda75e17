"""The shape of a walk: how far it gets, how straight it goes, and where to.

Of points b_0 … b_K with moves m_k = b_k - b_{k-1} of lengths ℓ_k:

    net       ‖b_k - b_0‖, how far the walk has got;
    turn      cos(m_{k-1}, m_k): 1 straight on, 0 at a right angle, -1 straight back;
    spread    √(Σ ℓ_k²), how far independent moves of these lengths get, in the root mean square;
    aim       cos(b_k - b_0, d) with a direction d.

Independent moves in many dimensions are at right angles to each other, so that net / spread is 1; a straight
line of K equal moves has net / spread = √K; one that returns to its start 0.

Reference: Hughes (1995), Random Walks and Random Environments, volume 1, section 2.1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def lengths(points: Tensor) -> Tensor:
    """Return ℓ_k, of shape (steps, …).

    Args:
        points: b_0 … b_K, of shape (steps + 1, …, dim).
    """
    length: Tensor = torch.linalg.vector_norm(points.diff(dim=0), dim=-1)
    return length


def turns(points: Tensor) -> Tensor:
    """Return cos(m_{k-1}, m_k), of shape (steps, …); NaN at the first, and where a move has no length.

    Args:
        points: b_0 … b_K, of shape (steps + 1, …, dim).
    """
    moves = points.diff(dim=0)
    nan = torch.full_like(moves[:1, ..., 0], math.nan)
    if not len(moves):
        return nan
    angles = cosine(moves[1:], moves[:-1])
    return torch.cat([nan, angles])


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Return the cosine between vectors along the last axis; NaN where a vector has no length."""
    # torch.nn.functional.cosine_similarity takes lengths below 10⁻⁸ for 10⁻⁸; moves can be shorter.
    product = _unit(a) * _unit(b)
    return product.sum(-1)


def _unit(a: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(a, dim=-1, keepdim=True)
    return a / length
