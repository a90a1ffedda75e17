"""Evaluation while training: sample answers to fresh matrices, and their mean squared error.

The standard error is over matrices, s/√N with s the sd of the matrices' own MSE: what of the difference
between two evaluations is mere luck of the draw.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.config import Config
from ired_diag.model.matrices import draw_matrices
from ired_diag.model.network import EnergyNetwork
from ired_diag.model.sampler import sample
from ired_diag.model.schedule import Schedule
from ired_diag.training.configured import data_of


@dataclass(frozen=True)
class Evaluation:
    """A validation MSE: its value, its standard error over matrices, and their number."""

    mse: float
    standard_error: float
    samples: int


def sample_errors(
    network: EnergyNetwork,
    schedule: Schedule,
    problem: Tensor,
    answer: Tensor,
    *,
    generator: torch.Generator,
) -> Tensor:
    """Return the MSE of the model's answer to each problem, of shape (batch,).

    Args:
        network: The model.
        schedule: Its noise schedule.
        problem: Matrices, of shape (batch, dim).
        answer: Their inverses.
        generator: Where the noise that sampling starts from comes from.
    """
    start = torch.randn(answer.shape, generator=generator, device=answer.device, dtype=answer.dtype)
    return (sample(network, problem, start, schedule).answer - answer).square().mean(-1)


def evaluate(
    network: EnergyNetwork, schedule: Schedule, config: Config, *, generator: torch.Generator
) -> Evaluation:
    """Return the validation MSE over ``validation_batches`` batches of fresh matrices."""
    errors = []
    for _ in range(config.validation_batches):
        problem, answer = draw_matrices(data_of(config), config.validation_batch_size, generator=generator)
        errors.append(sample_errors(network, schedule, problem, answer, generator=generator))
    error = torch.cat(errors).double()
    spread = float(error.std()) if len(error) > 1 else math.nan
    return Evaluation(float(error.mean()), spread / math.sqrt(len(error)), len(error))
