"""What leaving some samples out does to the gradient of a mean loss, and of the contrastive loss of training.

With ℓ_i the loss of sample i and θ the network's tensors,

    g = ∇_θ mean_i ℓ_i,    g' = ∇_θ mean_{i kept} ℓ_i,    cos(g, g') and ‖g'‖ / ‖g‖.

Leaving out samples of gradient 0 turns nothing and makes g longer by n / n_kept. Leaving out any samples
turns g, because a mean over fewer is noisier: the same is to be done with as many samples chosen at random.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.losses import nce_loss
from ired_diag.model.mined_batch import Kind, MinedBatch
from ired_diag.model.walk_geometry import cosine


@dataclass(frozen=True)
class GradientChange:
    """How a gradient changes.

    Attributes:
        cosine: Between the gradient of the kept and that of all; NaN where one is 0.
        norm_ratio: Length of the one over that of the other; NaN where the other is 0.
    """

    cosine: float
    norm_ratio: float


CHANGES = ("cosine", "norm_ratio", "cosine_chance", "norm_ratio_chance")
UNKNOWN_CHANGE = GradientChange(math.nan, math.nan)


def gradient_changes(
    losses: Tensor, parameters: Sequence[Tensor], kept: Sequence[Tensor]
) -> list[GradientChange]:
    """Return how the gradient of the mean loss changes when only some samples are kept.

    Args:
        losses: Of each sample, of shape (batch,), with their graph.
        parameters: θ; those that no loss depends on count as of gradient 0.
        kept: Which samples are kept, each choice of shape (batch,); one that keeps none has no gradient.
    """
    whole = _gradient(losses, parameters, torch.ones_like(losses))
    changes = []
    for choice in kept:
        if not choice.any():
            changes.append(UNKNOWN_CHANGE)
            continue
        part = _gradient(losses, parameters, choice.to(losses))
        ratio = torch.linalg.vector_norm(part) / torch.linalg.vector_norm(whole)
        change = GradientChange(cosine=float(cosine(whole, part)), norm_ratio=float(ratio))
        changes.append(change)
    return changes


def nce_changes(
    network: EnergyNetwork,
    batch: MinedBatch,
    kind: Kind,
    dropped: Tensor,
    *,
    size: int,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Return how the gradient of the mean NCE loss changes when pairs are dropped, level by level.

    Of each batch of ``size`` pairs, ``cosine`` and ``norm_ratio`` without the dropped pairs, and
    ``cosine_chance`` and ``norm_ratio_chance`` without as many at random, told for each of its pairs: of
    shape (levels, samples). NaN where none are dropped, or none kept.

    Args:
        network: Whose gradient.
        batch: Positives and negatives.
        kind: Which negatives.
        dropped: 1 where a pair is dropped, 0 where it is kept; NaN is dropped.
        size: Pairs behind one gradient.
        generator: Of what is dropped at random, on the CPU.
    """
    leaves = {name: tensor.detach().requires_grad_() for name, tensor in network.parameters.items()}
    learner = replace(network, parameters=leaves)
    numbers = {name: torch.full(dropped.shape, math.nan, dtype=torch.float64) for name in CHANGES}
    for level in range(batch.levels):
        for first in range(0, batch.samples, size):
            rows = slice(first, first + size)
            kept = dropped[level, rows] == 0
            order = torch.randperm(len(kept), generator=generator).to(kept.device)
            if not kept.any() or kept.all():
                continue
            t = torch.full((len(kept),), level, device=kept.device)
            with torch.enable_grad():
                landscape = learner.landscape(batch.problem[rows], t)
                positive = landscape.energy(batch.noisy["positive"][level, rows])
                negative = landscape.energy(batch.noisy[kind][level, rows])
                losses = nce_loss(positive, negative)
            choices = [kept, kept[order]]
            change, chance = gradient_changes(losses, list(leaves.values()), choices)
            numbers["cosine"][level, rows] = change.cosine
            numbers["norm_ratio"][level, rows] = change.norm_ratio
            numbers["cosine_chance"][level, rows] = chance.cosine
            numbers["norm_ratio_chance"][level, rows] = chance.norm_ratio
    return numbers


def _gradient(losses: Tensor, parameters: Sequence[Tensor], weight: Tensor) -> Tensor:
    """Return ∇_θ Σ wᵢ ℓᵢ / Σ wᵢ as one vector in float64."""
    gradients = torch.autograd.grad(
        losses,
        parameters,
        weight / weight.sum(),
        retain_graph=True,
        allow_unused=True,
    )
    parts = [gradient.double().flatten() for gradient in gradients if gradient is not None]
    return torch.cat(parts)
