"""The axis of seeds: tensors of several seeds stacked by name, and one seed's share of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def stacked(tensors: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the tensors of several seeds as one of each name, the seeds on a leading axis.

    >>> stacked([{"w": torch.zeros(3)}, {"w": torch.ones(3)}])["w"].shape
    torch.Size([2, 3])
    """
    together = {}
    for name in tensors[0]:
        together[name] = torch.stack([of_seed[name] for of_seed in tensors])
    return together


def seed_slice(tensors: Mapping[str, Tensor], index: int) -> dict[str, Tensor]:
    """Return one seed's slice of each tensor: a view, which changes with the tensor."""
    return {name: tensor[index] for name, tensor in tensors.items()}
