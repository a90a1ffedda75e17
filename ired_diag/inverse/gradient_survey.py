"""The gradients of each term of the loss in many batches, kept as inner products, layer by layer.

Of K batches, mined as in training and cut into halves, ``survey_terms`` keeps what ``stats.noise_scale``
needs of each pair of terms; ``survey_levels`` the same of the denoising term at each noise level by itself.
Gradients of all batches are held at once, 4 bytes an entry, however many problems a batch has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.inverse.batch_gradients import batch_gradients, inner_products, layer_of, with_whole
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.draws import Batch, Draws
from ired_diag.inverse.loss_terms import loss_terms
from ired_diag.inverse.mined_batches import draw_mined_batches, in_halves
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.settled_update import squared_updates
from ired_diag.model.problems import Problems
from ired_diag.model.schedule import Schedule
from ired_diag.streams import Streams

STACKED = 2**24  # entries of the repeated weights at a time
ACTIVE = 2**21  # hidden units, samples times width, at a time
WHOLE = "all"  # the layer that is all layers


@dataclass(frozen=True)
class Terms:
    """What the loss is made of.

    Attributes:
        config: The training's.
        mining: The same with a contrastive term; where the training has one, the training's.
    """

    config: InverseConfig
    mining: InverseConfig

    @property
    def mined(self) -> bool:
        """Whether the training has a contrastive term."""
        return self.config.mining_strategy != "none"

    @property
    def trained(self) -> tuple[str, ...]:
        """The terms of the training's loss."""
        regulariser = ("regulariser",) if self.config.energy_reg_weight else ()
        return ("denoise", *(("nce",) if self.mined else ()), *regulariser)

    @property
    def names(self) -> tuple[str, ...]:
        """All terms that are looked at."""
        return self.trained if self.mined else (*self.trained, "nce_if_mined")

    def losses(
        self, network: EnergyNetwork, schedule: Schedule, batch: Batch, negative: Tensor
    ) -> dict[str, Tensor]:
        """Return each term, in the order of ``names``."""
        if self.mined:
            return loss_terms(network, schedule, self.config, batch, negative)
        found = loss_terms(network, schedule, self.config, batch, None)
        return {**found, "nce_if_mined": loss_terms(network, schedule, self.mining, batch, negative)["nce"]}


@dataclass(frozen=True)
class Survey:
    """Inner products of gradients, on the CPU, in float64, by layer: ``all`` is one of them.

    Attributes:
        own: a_r·b_r, of shape (terms, terms, batches); the total is the last term.
        whole: ½ (a_r·b̄ + ā·b_r).
        scatter: ¼ (a_r' - a_r'')·(b_r' - b_r''), of the halves of each batch.
        squared_updates: |u|² of all batches, then without each in turn, of shape (batches + 1,).
    """

    own: Mapping[str, Tensor]
    whole: Mapping[str, Tensor]
    scatter: Mapping[str, Tensor]
    squared_updates: Mapping[str, Tensor]


def survey_terms(
    network: EnergyNetwork,
    schedule: Schedule,
    terms: Terms,
    problems: Problems,
    streams: Sequence[Streams],
    *,
    size: int,
) -> Survey:
    """Return the inner products of the terms' gradients.

    Args:
        network: The energy.
        schedule: Its noise schedule.
        terms: What the loss is made of.
        problems: Where problems come from.
        streams: One for each batch.
        size: Problems in a batch, even.
    """
    gradients: dict[str, list[Tensor]] = {name: [] for name in network.parameters}
    scatter: dict[str, list[Tensor]] = {name: [] for name in network.parameters}
    for some in _portions(network, streams, size):
        batch, negative = draw_mined_batches(network, schedule, terms.mining, problems, some, size=size)
        half, other = in_halves(batch, negative)

        def losses(stacked: EnergyNetwork, half: Batch = half, other: Tensor = other) -> dict[str, Tensor]:
            return terms.losses(stacked, schedule, half, other)

        for name, found in batch_gradients(network, 2 * len(some), losses).items():
            pairs = found.reshape(len(found), -1, 2, found.shape[2])
            difference = (pairs[:, :, 0] - pairs[:, :, 1]) / 2
            scatter[name].append(inner_products(difference, difference))
            gradients[name].append(pairs.mean(2))
    return _summed(network, terms, {name: torch.cat(parts, 1) for name, parts in gradients.items()}, scatter)


def survey_levels(
    network: EnergyNetwork,
    schedule: Schedule,
    config: InverseConfig,
    problems: Problems,
    generators: Sequence[torch.Generator],
    *,
    size: int,
) -> tuple[Tensor, Tensor]:
    """Return a_r·b_r and ½ (a_r·b̄ + ā·b_r) of the levels' denoising gradients.

    Each is of shape (levels, levels, batches), over all layers. A batch has the same problems at each level.

    Args:
        network: The energy.
        schedule: Its noise schedule.
        config: The training's.
        problems: Where problems come from.
        generators: One for each batch, on the CPU.
        size: Problems in a batch.
    """
    alone = config.model_copy(update={"energy_reg_weight": 0.0})
    levels = schedule.levels
    t = torch.arange(levels, device=network.device)[:, None].expand(levels, size)
    gradients: dict[str, list[Tensor]] = {name: [] for name in network.parameters}
    for generator in generators:
        problem, answer = (
            x.to(network.device, network.dtype) for x in problems.draw(size, generator=generator)
        )
        noise = torch.randn(levels, *answer.shape, generator=generator).to(answer)
        batch = Batch(problem.expand(levels, -1, -1), answer.expand(levels, -1, -1), Draws(t, noise))

        def losses(stacked: EnergyNetwork, batch: Batch = batch) -> dict[str, Tensor]:
            return loss_terms(stacked, schedule, alone, batch, None)

        for name, found in batch_gradients(network, levels, losses).items():
            gradients[name].append(found[0])
    stacked = (torch.stack(parts, 1) for parts in gradients.values())
    own, whole = zip(*((inner_products(g, g), with_whole(g)) for g in stacked), strict=True)
    return sum(own[1:], own[0]).cpu(), sum(whole[1:], whole[0]).cpu()


def _portions(network: EnergyNetwork, streams: Sequence[Streams], size: int) -> list[Sequence[Streams]]:
    """Return the batches' streams in portions that fit the memory."""
    entries = sum(p.numel() for p in network.parameters.values())
    many = max(1, min(STACKED // (2 * entries), ACTIVE // (size * network.architecture.width)))
    return [streams[first : first + many] for first in range(0, len(streams), many)]


def _summed(
    network: EnergyNetwork, terms: Terms, gradients: dict[str, Tensor], scatter: dict[str, list[Tensor]]
) -> Survey:
    """Return the inner products of each layer, the sum of those of its tensors."""
    own: dict[str, Tensor] = {}
    whole: dict[str, Tensor] = {}
    apart: dict[str, Tensor] = {}
    updates: dict[str, Tensor] = {}
    trained = len(terms.trained)
    for name, weight in network.parameters.items():
        g = gradients.pop(name)
        found = (inner_products(g, g), with_whole(g), torch.cat(scatter.pop(name), 2))
        update = squared_updates(terms.config, g[:trained].sum(0), weight.flatten()).cpu()
        for layer in (layer_of(name), WHOLE):
            for kept, product in zip((own, whole, apart), found, strict=True):
                kept[layer] = kept.get(layer, 0) + _with_total(product.cpu(), trained)
            updates[layer] = updates.get(layer, 0) + update
    return Survey(own, whole, apart, updates)


def _with_total(product: Tensor, trained: int) -> Tensor:
    """Return products of terms with those of the total, the sum of the trained ones, as the last term."""
    count = len(product)
    unit = torch.eye(count, dtype=product.dtype)
    each = torch.cat([unit, unit[:trained].sum(0, keepdim=True)])
    return torch.einsum("ia,jb,abr->ijr", each, each, product)
