"""Random directions in the space of weights that mean the same for weights of any scale.

A Gaussian direction d, each of its filters (the rows of a matrix, a unit's incoming weights) brought to the
length of the network's own,

    d_i ← d_i ‖θ_i‖ / ‖d_i‖,        0 for biases,

so that a step of 0.1 changes each unit's weights by 10 % of their length, in a random direction.

Reference: Li et al. (2018), Visualizing the Loss Landscape of Neural Nets, section 4 (their code leaves out
biases by default, as here).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def filter_direction(parameters: Mapping[str, Tensor], *, generator: torch.Generator) -> Tensor:
    """Return a filter-normalised random direction, flat, of shape (n,).

    Args:
        parameters: The network's tensors; those of one axis are biases.
        generator: Source of randomness, on the CPU.
    """
    parts = []
    for weight in parameters.values():
        direction = _direction_of(weight.detach(), generator)
        parts.append(direction.reshape(-1))
    return torch.cat(parts)


def _direction_of(weight: Tensor, generator: torch.Generator) -> Tensor:
    if weight.dim() < 2:
        return torch.zeros_like(weight)
    drawn = torch.randn(weight.shape, generator=generator).to(weight)
    own_length = torch.linalg.vector_norm(weight.flatten(1), dim=1)
    drawn_length = torch.linalg.vector_norm(drawn.flatten(1), dim=1)
    scale = own_length / drawn_length
    trailing = [1] * (weight.dim() - 1)
    scaled: Tensor = drawn * scale.view(-1, *trailing)
    return scaled
