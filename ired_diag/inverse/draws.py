"""All that is random in a training step, drawn from the run's own streams."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.configured import data_of
from ired_diag.inverse.matrices import BLOCK, MatrixBlock, draw_matrices, joined, matrix_jobs
from ired_diag.model.mining import gaussian_negative
from ired_diag.side_by_side import side_by_side
from ired_diag.streams import Streams

GAUSSIAN_STRATEGIES = ("random", "mixed")


@dataclass(frozen=True)
class Draws:
    """All that is random in the loss of a batch, besides the batch.

    Attributes:
        t: Noise level of each sample, of shape (…, batch).
        noise: ε of the denoising term, of shape (…, batch, dim).
        contrast_noise: ε' of the contrastive term; None without it.
        negative: Gaussian negatives in x₀-space, where the strategy draws them.
        curriculum: What a curriculum sets at this step, of shape (…, 1, 1); None: its end.
    """

    t: Tensor
    noise: Tensor
    contrast_noise: Tensor | None = None
    negative: Tensor | None = None
    curriculum: Tensor | None = None


@dataclass(frozen=True)
class Batch:
    """Matrices and their inverses, each flattened to shape (…, batch, dim), and the step's draws."""

    problem: Tensor
    answer: Tensor
    draws: Draws


DrawJob = Callable[[], Draws | MatrixBlock]


def draw_batch(config: InverseConfig, streams: Streams, *, contrast: bool) -> Batch:
    """Return the batch of one step.

    Args:
        config: Data set, batch size, and what the mining strategy needs.
        streams: The run's random streams; their device is the batch's.
        contrast: Whether the step has a contrastive term.
    """
    data, count, generator = data_of(config), config.batch_size, streams.data
    shape = torch.empty(count, data.rank**2, device=generator.device)

    def draw_noise() -> Draws:
        return draw(config, shape, streams, contrast=contrast)

    if count <= BLOCK:
        problem, answer = draw_matrices(data, count, generator=generator)
        return Batch(problem, answer, draw_noise())
    # Each purpose has a stream of its own, so that noise and matrices can be drawn at the same time.
    matrices = matrix_jobs(data, count, generator=generator, dtype=shape.dtype)
    noise: list[DrawJob] = [draw_noise]
    jobs = itertools.chain(noise, matrices)
    draws, *blocks = side_by_side(_done, jobs, at_once=generator.device.type == "cpu")
    problem, answer = joined(cast("list[MatrixBlock]", blocks))
    return Batch(problem, answer, cast(Draws, draws))


def _done(job: DrawJob) -> Draws | MatrixBlock:
    return job()


def draw(config: InverseConfig, like: Tensor, streams: Streams, *, contrast: bool | None = None) -> Draws:
    """Return the random numbers of one step's loss.

    Args:
        config: Its mining strategy decides what is drawn.
        like: The batch's answers, of shape (batch, dim).
        streams: The run's random streams, on the same device.
        contrast: Whether the step has a contrastive term; without it, as the strategy says.
    """

    def normal(generator: torch.Generator) -> Tensor:
        return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)

    if contrast is None:
        contrast = config.mining_strategy != "none"
    levels = config.diffusion_steps
    t = torch.randint(0, levels, (len(like),), generator=streams.noise, device=like.device)
    noise = normal(streams.noise)
    if not contrast:
        return Draws(t, noise)
    contrast_noise = normal(streams.mining)
    if config.mining_strategy in GAUSSIAN_STRATEGIES and config.random_negative == "gaussian":
        return Draws(t, noise, contrast_noise, gaussian_negative(like, generator=streams.mining))
    return Draws(t, noise, contrast_noise)


def stack_batches(batches: Sequence[Batch]) -> Batch:
    """Return the batches of several seeds as one, the seeds on a leading axis."""
    draws = [batch.draws for batch in batches]
    return Batch(
        problem=_stacked([batch.problem for batch in batches]),
        answer=_stacked([batch.answer for batch in batches]),
        draws=Draws(
            t=_stacked([draw.t for draw in draws]),
            noise=_stacked([draw.noise for draw in draws]),
            contrast_noise=_stacked_where_all([draw.contrast_noise for draw in draws]),
            negative=_stacked_where_all([draw.negative for draw in draws]),
            curriculum=_stacked_where_all([draw.curriculum for draw in draws]),
        ),
    )


def _stacked(tensors: list[Tensor]) -> Tensor:
    if len(tensors) == 1:
        return tensors[0][None]  # a view, no copy
    return torch.stack(tensors)


def _stacked_where_all(tensors: Sequence[Tensor | None]) -> Tensor | None:
    """Return the tensors as one; None where a seed has none."""
    present = [tensor for tensor in tensors if tensor is not None]
    if len(present) < len(tensors):
        return None
    return _stacked(present)
