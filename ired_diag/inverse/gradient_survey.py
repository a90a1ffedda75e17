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
        terms = ["denoise"]
        if self.mined:
            terms.append("nce")
        if self.config.energy_reg_weight:
            terms.append("regulariser")
        return tuple(terms)

    @property
    def names(self) -> tuple[str, ...]:
        """All terms that are looked at."""
        if self.mined:
            return self.trained
        return (*self.trained, "nce_if_mined")

    def losses(
        self, network: EnergyNetwork, schedule: Schedule, batch: Batch, negative: Tensor
    ) -> dict[str, Tensor]:
        """Return each term, in the order of ``names``."""
        if self.mined:
            return loss_terms(
                network=network,
                schedule=schedule,
                config=self.config,
                batch=batch,
                negative=negative,
            )
        terms = loss_terms(
            network=network,
            schedule=schedule,
            config=self.config,
            batch=batch,
            negative=None,
        )
        mined_terms = loss_terms(
            network=network,
            schedule=schedule,
            config=self.mining,
            batch=batch,
            negative=negative,
        )
        return terms | {"nce_if_mined": mined_terms["nce"]}


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
    for portion in _portions(network, streams, size):
        batch, negative = draw_mined_batches(
            network=network,
            schedule=schedule,
            config=terms.mining,
            problems=problems,
            streams=portion,
            size=size,
        )
        half, other = in_halves(batch, negative)

        def losses(stacked: EnergyNetwork, half: Batch = half, other: Tensor = other) -> dict[str, Tensor]:
            return terms.losses(stacked, schedule, half, other)

        by_tensor = batch_gradients(network, 2 * len(portion), losses)
        for name, halves in by_tensor.items():
            pairs = halves.reshape(len(halves), -1, 2, halves.shape[2])
            difference = (pairs[:, :, 0] - pairs[:, :, 1]) / 2
            scatter[name].append(inner_products(difference, difference))
            gradients[name].append(pairs.mean(2))
    of_batches = {name: torch.cat(parts, 1) for name, parts in gradients.items()}
    return _summed(
        network=network,
        terms=terms,
        gradients=of_batches,
        scatter=scatter,
    )


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
        problem, answer = problems.draw(size, generator=generator)
        problem = problem.to(network.device, network.dtype)
        answer = answer.to(network.device, network.dtype)
        noise = torch.randn(levels, *answer.shape, generator=generator).to(answer)
        batch = Batch(
            problem=problem.expand(levels, -1, -1),
            answer=answer.expand(levels, -1, -1),
            draws=Draws(t, noise),
        )

        def losses(stacked: EnergyNetwork, batch: Batch = batch) -> dict[str, Tensor]:
            return loss_terms(
                network=stacked,
                schedule=schedule,
                config=alone,
                batch=batch,
                negative=None,
            )

        for name, by_loss in batch_gradients(network, levels, losses).items():
            gradients[name].append(by_loss[0])
    own: Tensor | float = 0.0
    whole: Tensor | float = 0.0
    for parts in gradients.values():
        g = torch.stack(parts, 1)
        own = own + inner_products(g, g)
        whole = whole + with_whole(g)
    return torch.as_tensor(own).cpu(), torch.as_tensor(whole).cpu()


def _portions(network: EnergyNetwork, streams: Sequence[Streams], size: int) -> list[Sequence[Streams]]:
    """Return the batches' streams in portions that fit the memory."""
    entries = sum(tensor.numel() for tensor in network.parameters.values())
    by_weights = STACKED // (2 * entries)
    by_activations = ACTIVE // (size * network.architecture.width)
    count = max(1, min(by_weights, by_activations))
    return [streams[first : first + count] for first in range(0, len(streams), count)]


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
        own_product = inner_products(g, g)
        whole_product = with_whole(g)
        scatter_product = torch.cat(scatter.pop(name), 2)
        update = squared_updates(terms.config, g[:trained].sum(0), weight.flatten())
        for layer in (layer_of(name), WHOLE):
            _add(own, layer, _with_total(own_product.cpu(), trained))
            _add(whole, layer, _with_total(whole_product.cpu(), trained))
            _add(apart, layer, _with_total(scatter_product.cpu(), trained))
            _add(updates, layer, update.cpu())
    return Survey(own=own, whole=whole, scatter=apart, squared_updates=updates)


def _add(sums: dict[str, Tensor], layer: str, value: Tensor) -> None:
    sums[layer] = sums.get(layer, 0) + value


def _with_total(product: Tensor, trained: int) -> Tensor:
    """Return products of terms with those of the total, the sum of the trained ones, as the last term."""
    count = len(product)
    unit = torch.eye(count, dtype=product.dtype)
    total = unit[:trained].sum(0, keepdim=True)
    each = torch.cat([unit, total])
    return torch.einsum("ia,jb,abr->ijr", each, each, product)
