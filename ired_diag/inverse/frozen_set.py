"""The frozen evaluation set: the same matrices, and the same noise to start from, for every run.

It depends on the data set alone, not on a run, its seed or a probe's. The luck of the draw is then common to
all that are scored on it, and leaves their differences. It is made in blocks, each with a random stream of
its own: the first n problems are the same however many are asked for and however they are cut. In and out
of distribution the same R stand in the same order (A = 2 R Rᵀ + ε I): problem by problem, only ε differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.inverse.matrices import MatrixData, draw_matrices
from ired_diag.model.energy import Energy
from ired_diag.model.sampler import INNER_STEPS, Sample, sample
from ired_diag.model.schedule import Schedule
from ired_diag.streams import generator_of

FROZEN_SEED = 20_261_121  # of the set; any number, but always the same
BLOCK = 1000  # problems made at a time
PIECE = 250  # of a block: problems answered at a time on a CPU, whose activations fit a core's cache

Solver = Callable[[Tensor, Tensor], Sample]
"""Problems and starts in, both of shape (count, dim), answers out: what is scored."""


@dataclass(frozen=True)
class FrozenChunk:
    """Some of the frozen set, on the CPU, each of shape (count, rank²).

    Attributes:
        first: Number of the first problem in the set.
        problem: Matrices A, in float64.
        inverse: Their inverses, in float64.
        start: Gaussian noise that sampling starts from, in float32.
    """

    first: int
    problem: Tensor
    inverse: Tensor
    start: Tensor


def frozen_set(data: MatrixData, samples: int, *, chunk: int = BLOCK) -> Iterator[FrozenChunk]:
    """Yield the first ``samples`` problems of the frozen set of a data set.

    Args:
        data: Which data set, rank and ε.
        samples: How many problems.
        chunk: At most so many at a time.
    """
    for first in range(0, samples, BLOCK):
        block, count = _block(data, first), min(BLOCK, samples - first)
        for offset in range(0, count, chunk):
            cut = slice(offset, min(offset + chunk, count))
            yield FrozenChunk(
                first + offset, *(part[cut] for part in (block.problem, block.inverse, block.start))
            )


def start_generator(first: int) -> torch.Generator:
    """Return the random stream of the starts of the block whose first problem is ``first``."""
    return _generator(first, 1)


def solver_of(
    energy: Energy, schedule: Schedule, device: torch.device, *, inner_steps: int = INNER_STEPS
) -> Solver:
    """Return a model as what answers problems by the public sampler; its answers come back in float64.

    A short batch is filled up to the size of all others with copies of its first problem: the last bit of a
    product can depend on how many rows it has, and an answer must not depend on how many were asked for.

    Args:
        energy: The model.
        schedule: Its noise schedule; its type is that of the computation.
        device: Where they are.
        inner_steps: Steps of inner optimisation at each level.
    """
    dtype = schedule.betas.dtype
    size = piece_on(device)

    def solve(problem: Tensor, start: Tensor) -> Sample:
        count = len(problem)
        x = _filled_up(problem, size).to(device, dtype)
        noise = _filled_up(start, size).to(device, dtype)
        answers = sample(energy, x, noise, schedule, inner_steps=inner_steps)
        answer = answers.answer[:count]
        trajectory = answers.trajectory[:, :count]
        return Sample(answer.cpu().double(), trajectory.cpu().double())

    return solve


def piece_on(device: torch.device) -> int:
    """Return how many problems are answered at a time: a GPU likes them many."""
    if device.type == "cpu":
        return PIECE
    return BLOCK


def _filled_up(rows: Tensor, size: int) -> Tensor:
    """Return rows with copies of the first below them, ``size`` in all; more rows than that as they are."""
    missing = size - len(rows)
    if missing <= 0:
        return rows
    return torch.cat([rows, rows[:1].expand(missing, -1)])


def sampling_of(*inner_steps: int) -> dict[str, object]:
    """Return how answers to the set are sampled, as a probe's table states it."""
    return {
        "set": FROZEN_SEED,
        "batch": PIECE,
        "inner_steps": list(inner_steps),
        "sampler": "public",
    }


def _block(data: MatrixData, first: int) -> FrozenChunk:
    problem, inverse = draw_matrices(data, BLOCK, generator=_generator(first, 0), dtype=torch.float64)
    return FrozenChunk(first, problem, inverse, torch.randn(problem.shape, generator=start_generator(first)))


def _generator(first: int, purpose: int) -> torch.Generator:
    return generator_of([FROZEN_SEED, first // BLOCK, purpose])
