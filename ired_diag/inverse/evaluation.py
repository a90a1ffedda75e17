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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.configured import data_of
from ired_diag.inverse.matrices import draw_matrices
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.training import network_in, schedule_in
from ired_diag.model.sampler import sample
from ired_diag.model.schedule import Schedule

FROZEN_SEED = 20_240_711  # of the frozen validation matrices; any number, but always the same


@dataclass(frozen=True)
class Evaluation:
    """A validation MSE: its value, its standard error over matrices, and their number."""

    mse: float
    standard_error: float
    samples: int


def evaluate_tensors(
    config: InverseConfig,
    tensors: Mapping[str, Tensor],
    batch: Mapping[str, Tensor],
    generator: torch.Generator,
) -> dict[str, float]:
    """Return the MSE on the last batch and on validation matrices, as the public code evaluates.

    Args:
        config: Which matrices, how many, fresh or frozen.
        tensors: The noise schedule, and the averaged weights.
        batch: The training batch of the step, under ``problem`` and ``answer``.
        generator: Where fresh matrices and the noise that sampling starts from come from.
    """
    schedule = schedule_in(tensors)
    network = network_in(config, tensors)
    on_batch = sample_errors(network, schedule, batch["problem"], batch["answer"], generator=generator)
    result = evaluate(network, schedule, config, generator=generator)
    return {
        "train/mse_error": float(on_batch.mean()),
        "validation/mse": result.mse,
        "validation/mse_standard_error": result.standard_error,
    }


def evaluate(
    network: EnergyNetwork, schedule: Schedule, config: InverseConfig, *, generator: torch.Generator
) -> Evaluation:
    """Return the validation MSE over ``validation_batches`` batches of matrices.

    Args:
        network: The model.
        schedule: Its noise schedule.
        config: Which matrices, how many, fresh or frozen.
        generator: Where fresh ones come from; frozen ones leave it untouched.
    """
    batches, size = config.validation_batches, config.validation_batch_size
    if network.device.type == "cuda" and config.gradient_normalization != "batch":
        batches, size = 1, batches * size  # no sample depends on its batch, and a GPU likes them large
    drawn = _frozen(config, size) if config.validation_matrices == "frozen" else None
    errors = []
    for _ in range(batches):
        if drawn is not None:
            errors.append(_errors(network, schedule, *next(drawn)))
            continue
        problem, answer = draw_matrices(data_of(config), size, generator=generator)
        errors.append(sample_errors(network, schedule, problem, answer, generator=generator))
    error = torch.cat(errors).double()
    spread = float(error.std()) if len(error) > 1 else math.nan
    return Evaluation(float(error.mean()), spread / math.sqrt(len(error)), len(error))


def _frozen(config: InverseConfig, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield matrices, inverses and starts in batches; they are the same however they are cut."""
    count = config.validation_batches * config.validation_batch_size
    of_matrices, of_starts = (torch.Generator().manual_seed(FROZEN_SEED + k) for k in (0, 1))
    problem, answer = draw_matrices(data_of(config), count, generator=of_matrices)
    start = torch.randn(answer.shape, generator=of_starts)
    return zip(*(torch.split(tensor, size) for tensor in (problem, answer, start)), strict=True)


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
    return _errors(network, schedule, problem, answer, start)


def _errors(
    network: EnergyNetwork, schedule: Schedule, problem: Tensor, answer: Tensor, start: Tensor
) -> Tensor:
    problem, answer, start = (tensor.to(network.device) for tensor in (problem, answer, start))
    return (sample(network, problem, start, schedule).answer - answer).square().mean(-1)
