"""Gradients of several losses in each of many batches, computed together, and their inner products.

The network's tensors are repeated along a leading axis, one copy a batch, as for the seeds of an ensemble;
one backward pass of the summed losses then leaves each batch's gradient in its own copy. Inner products are
summed in float64, in blocks, so that no second copy of all gradients is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ired_diag.inverse.head import HEAD_LAYERS
from ired_diag.inverse.network import EnergyNetwork

BLOCK = 65536  # entries of a gradient that are widened to float64 at a time

LAYERS = ("fc1", "fc2", "fc3", "head", "time_mlp", "t_map_fc2", "t_map_fc3")
Losses = Callable[[EnergyNetwork], Mapping[str, Tensor]]


def batch_gradients(network: EnergyNetwork, batches: int, losses: Losses) -> dict[str, Tensor]:
    """Return the gradients of each loss by tensor, of shape (losses, batches, entries).

    Args:
        network: Its tensors, without a leading axis.
        batches: How many batches there are.
        losses: Network with stacked tensors in, losses by name out, each of shape (batches,).
    """
    leaves = {}
    for name, tensor in network.parameters.items():
        copies = tensor.detach().expand(batches, *tensor.shape)
        leaves[name] = copies.clone().requires_grad_()
    with torch.enable_grad():
        loss_by_name = losses(replace(network, parameters=leaves))
    by_tensor: dict[str, list[Tensor]] = {name: [] for name in leaves}
    for loss in loss_by_name.values():
        # A tensor that a loss does not touch (the head's bias, by the denoiser) has a gradient of 0.
        gradients = torch.autograd.grad(
            loss.sum(),
            list(leaves.values()),
            retain_graph=True,
            materialize_grads=True,
        )
        for name, gradient in zip(leaves, gradients, strict=True):
            by_tensor[name].append(gradient.flatten(1))
    return {name: torch.stack(gradients) for name, gradients in by_tensor.items()}


def inner_products(gradients: Tensor, others: Tensor) -> Tensor:
    """Return a_r·b_r for each pair of losses and each batch, of shape (losses, losses, batches), in float64.

    Args:
        gradients: Of shape (losses, batches, entries).
        others: Of the same shape, or with a single batch that meets all.
    """
    batches, entries = gradients.shape[1:]
    total = torch.zeros(
        len(gradients),
        len(others),
        batches,
        dtype=torch.float64,
        device=gradients.device,
    )
    for first in range(0, entries, BLOCK):
        block = slice(first, first + BLOCK)
        a = gradients[:, :, block].double().movedim(1, 0)
        b = others[:, :, block].double().movedim(1, 0)
        product = a @ b.mT
        total += product.movedim(0, 2)
    return total


def with_whole(gradients: Tensor) -> Tensor:
    """Return ½ (a_r·b̄ + ā·b_r) for each pair of losses and each batch, of shape (losses, losses, batches).

    Args:
        gradients: Of shape (losses, batches, entries).
    """
    mean = gradients.mean(1, keepdim=True, dtype=torch.float64)
    one_sided = inner_products(gradients, mean)
    return (one_sided + one_sided.transpose(0, 1)) / 2


def layer_of(tensor: str) -> str:
    """Return the layer that a tensor belongs to, one of ``LAYERS``."""
    layer = tensor.split(".")[0]
    return "head" if layer in HEAD_LAYERS.values() else layer
