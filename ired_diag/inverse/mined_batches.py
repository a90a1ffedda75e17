"""Batches as a training step sees them, drawn and mined side by side, and their halves.

Each batch is mined as a whole, because the public code's clamp lets its samples share the bound of the first.
A half takes every second sample: it has its part of those that were mined and of those that were drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.draws import Batch, Draws, draw, stack_batches
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.objective import mine
from ired_diag.model.problems import Problems
from ired_diag.model.schedule import Schedule
from ired_diag.streams import Streams


@torch.no_grad()
def draw_mined_batches(
    network: EnergyNetwork,
    schedule: Schedule,
    config: InverseConfig,
    problems: Problems,
    streams: Sequence[Streams],
    *,
    size: int,
) -> tuple[Batch, Tensor]:
    """Return batches and their negatives in x₀-space, each tensor of shape (batches, size, …).

    Args:
        network: The energy that mines; its device and type are those of what is returned.
        schedule: Its noise schedule.
        config: How it mines.
        problems: Where problems and answers come from.
        streams: On the CPU; one batch is drawn from each.
        size: Samples in a batch.
    """
    drawn = []
    for batch_streams in streams:
        problem, answer = problems.draw(size, generator=batch_streams.data)
        draws = draw(config, answer, batch_streams, contrast=True)
        drawn.append(Batch(problem, answer, draws))
    batch = _each(stack_batches(drawn), lambda x: x.to(network.device, _type(x, network)))
    landscape = network.landscape(batch.problem, batch.draws.t)
    return batch, mine(landscape, schedule, config, batch.answer, batch.draws).negative


def in_halves(batch: Batch, negative: Tensor) -> tuple[Batch, Tensor]:
    """Return the halves of batches of even size, those of the same batch one after the other.

    Args:
        batch: Of tensors of shape (batches, size, …).
        negative: Likewise; what is returned has shape (2·batches, size/2, …).
    """
    return _each(batch, _halved), _halved(negative)


def _halved(x: Tensor) -> Tensor:
    batches, size = x.shape[:2]
    return x.reshape(batches, size // 2, 2, *x.shape[2:]).transpose(1, 2).flatten(0, 1)


def _type(x: Tensor, network: EnergyNetwork) -> torch.dtype:
    return network.dtype if x.is_floating_point() else x.dtype


def _each(batch: Batch, change: Callable[[Tensor], Tensor]) -> Batch:
    """Return the batch with each of its tensors changed."""
    draws = batch.draws
    contrast, negative = (None if x is None else change(x) for x in (draws.contrast_noise, draws.negative))
    # A probe's configuration is that of its step (``curriculum.config_after``): no curriculum is left.
    changed = Draws(change(draws.t), change(draws.noise), contrast, negative)
    return Batch(change(batch.problem), change(batch.answer), changed)
