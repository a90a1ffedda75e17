"""How long a model takes to answer the frozen set, and how good its estimate is after each sampler step.

A chunk of problems is answered with each number of inner steps in turn, so that a machine that slows down
slows all of them. The clock is read after each noise level, once the device has done its work. What comes
first warms up, and is not kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.inverse.frozen_set import FrozenChunk, frozen_set
from ired_diag.inverse.matrices import MatrixData
from ired_diag.model.energy import Energy
from ired_diag.model.sampler import sample
from ired_diag.model.schedule import Schedule


@dataclass(frozen=True)
class TimedAnswers:
    """One chunk, answered with one number of inner steps.

    Attributes:
        chunk: Number of the chunk.
        count: Problems in it.
        inner_steps: Steps of inner optimisation at each level.
        seconds: From the start to the end of each level, of shape (levels,).
        mse: Mean squared error of the estimate then held, over problems and entries, of shape (levels,).
    """

    chunk: int
    count: int
    inner_steps: int
    seconds: NDArray[np.float64]
    mse: NDArray[np.float64]


def timed_answers(
    energy: Energy,
    schedule: Schedule,
    data: MatrixData,
    samples: int,
    *,
    inner_steps: Sequence[int],
    size: int,
    device: torch.device,
) -> Iterator[TimedAnswers]:
    """Yield each chunk with each number of inner steps.

    Args:
        energy: The model.
        schedule: Its noise schedule; its type is that of the computation.
        data: Which data set and rank.
        samples: Problems of the frozen set.
        inner_steps: Numbers of inner steps.
        size: Problems answered at a time.
        device: Where the model is.
    """
    for number, chunk in enumerate(frozen_set(data, samples, chunk=size)):
        problem = chunk.problem.to(device, schedule.betas.dtype)
        start = chunk.start.to(device, schedule.betas.dtype)
        for steps in inner_steps:
            if number == 0:
                _timed(energy, schedule, problem, start, steps)
            seconds, trajectory = _timed(energy, schedule, problem, start, steps)
            yield TimedAnswers(number, len(problem), steps, seconds, _errors(chunk, trajectory))


def _timed(
    energy: Energy, schedule: Schedule, problem: Tensor, start: Tensor, inner_steps: int
) -> tuple[NDArray[np.float64], Tensor]:
    """Return the seconds until the end of each level, and the estimates."""
    ends: list[float] = []

    def read_clock(level: int) -> None:
        if problem.device.type == "cuda":
            torch.cuda.synchronize(problem.device)
        ends.append(time.perf_counter())

    read_clock(schedule.levels)
    answers = sample(energy, problem, start, schedule, inner_steps=inner_steps, after_level=read_clock)
    clock = np.array(ends)
    return clock[1:] - clock[0], answers.trajectory


def _errors(chunk: FrozenChunk, trajectory: Tensor) -> NDArray[np.float64]:
    squares = (trajectory.cpu().double() - chunk.inverse).square()
    errors: NDArray[np.float64] = squares.mean((-2, -1)).numpy()
    return errors
