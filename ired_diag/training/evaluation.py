"""Evaluation while training: sample answers to validation matrices, and their mean squared error.

The matrices are fresh at each evaluation, as published, or frozen: then every evaluation of every run on the
same data draws the same ones, and the same noise to start from, on the CPU whatever the device. Frozen
matrices take the luck of the draw out of the difference between two evaluations, and leave a common luck in
both.

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

FROZEN_SEED = 20_240_711  # of the frozen validation matrices; any number, but always the same


@dataclass(frozen=True)
class Evaluation:
    """A validation MSE: its value, its standard error over matrices, and their number."""

    mse: float
    standard_error: float
    samples: int


def evaluate(
    network: EnergyNetwork, schedule: Schedule, config: Config, *, generator: torch.Generator
) -> Evaluation:
    """Return the validation MSE over ``validation_batches`` batches of matrices.

    Args:
        network: The model.
        schedule: Its noise schedule.
        config: Which matrices, how many, fresh or frozen.
        generator: Where fresh ones come from; frozen ones leave it untouched.
    """
    if config.validation_matrices == "frozen":
        generator = torch.Generator("cpu").manual_seed(FROZEN_SEED)
    batches, size = config.validation_batches, config.validation_batch_size
    if network.device.type == "cuda" and config.gradient_normalization != "batch":
        batches, size = 1, batches * size  # no sample depends on its batch, and a GPU likes them large
    errors = []
    for _ in range(batches):
        problem, answer = draw_matrices(data_of(config), size, generator=generator)
        errors.append(sample_errors(network, schedule, problem, answer, generator=generator))
    error = torch.cat(errors).double()
    spread = float(error.std()) if len(error) > 1 else math.nan
    return Evaluation(float(error.mean()), spread / math.sqrt(len(error)), len(error))


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
        problem: Matrices, of shape (batch, dim); they are moved to the network's device.
        answer: Their inverses.
        generator: Where the noise that sampling starts from comes from.
    """
    noise = torch.randn(answer.shape, generator=generator, device=generator.device, dtype=answer.dtype)
    problem, answer, start = (tensor.to(network.device) for tensor in (problem, answer, noise))
    return (sample(network, problem, start, schedule).answer - answer).square().mean(-1)
