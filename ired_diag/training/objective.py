"""The training loss of one batch.

    loss = mean over samples of  ‖∇_yE(x, y_t, t) - ε‖²/dim  +  w · log(1 + exp(E_pos - E_neg))

The contrastive term draws its own noise ε': the positive is q_sample(y*, t, ε') and the negative, found in
x₀-space by the mining strategy, is noised with the same ε'. Without mining w = 0. The gradient flows
through both energies, not through the mining.

Reference: Du et al. (2024), equations 4 and 6; the public code's ``GaussianDiffusion1D.p_losses``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.config import Config
from ired_diag.model.energy import Landscape
from ired_diag.model.losses import denoising_loss, nce_loss
from ired_diag.model.mining import adversarial_negative, gaussian_negative, noised_start_negative
from ired_diag.model.network import EnergyNetwork
from ired_diag.model.schedule import Schedule
from ired_diag.training.streams import Streams


@dataclass(frozen=True)
class Draws:
    """All that is random in the loss of a batch, besides the batch.

    Attributes:
        t: Noise level of each sample, of shape (batch,).
        noise: ε of the denoising term, of shape (batch, dim).
        contrast_noise: ε' of the contrastive term; None without mining.
        negative: Gaussian negatives in x₀-space, where the strategy draws them.
    """

    t: Tensor
    noise: Tensor
    contrast_noise: Tensor | None = None
    negative: Tensor | None = None


@dataclass(frozen=True)
class Loss:
    """The loss of a batch and its parts.

    Attributes:
        total: What is minimised; carries the graph.
        denoise: Mean denoising term.
        nce: Mean contrastive term before its weight; None without mining.
        energy_positive: Mean E_pos; None without mining.
        energy_negative: Mean E_neg.
    """

    total: Tensor
    denoise: Tensor
    nce: Tensor | None = None
    energy_positive: Tensor | None = None
    energy_negative: Tensor | None = None


def draw(config: Config, like: Tensor, streams: Streams) -> Draws:
    """Return the random numbers of one step.

    Args:
        config: Tells what the mining strategy needs.
        like: The batch's answers, of shape (batch, dim).
        streams: The run's random streams, on the same device.
    """

    def normal(generator: torch.Generator) -> Tensor:
        return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)

    levels = config.diffusion_steps
    t = torch.randint(0, levels, (len(like),), generator=streams.noise, device=like.device)
    noise = normal(streams.noise)
    if config.mining_strategy == "none":
        return Draws(t, noise)
    contrast = normal(streams.mining)
    if config.mining_strategy == "random" and config.random_negative == "gaussian":
        return Draws(t, noise, contrast, gaussian_negative(like, generator=streams.mining))
    return Draws(t, noise, contrast)


def training_loss(
    network: EnergyNetwork,
    schedule: Schedule,
    config: Config,
    problem: Tensor,
    answer: Tensor,
    draws: Draws,
) -> Loss:
    """Return the loss of a batch.

    Args:
        network: The energy, its parameters leaves of the graph.
        schedule: The noise schedule.
        config: Mining strategy, its settings, and the weight of the contrastive term.
        problem: Matrices, of shape (batch, dim).
        answer: Their inverses, of the same shape.
        draws: The step's random numbers.
    """
    t = draws.t
    landscape = network.landscape(problem, t)
    noisy = schedule.q_sample(answer, t, draws.noise)
    denoise = denoising_loss(landscape, noisy, draws.noise).mean()
    if draws.contrast_noise is None:
        return Loss(denoise, denoise)
    negative = mine(landscape, schedule, config, answer, draws)
    positive_energy = landscape.energy(schedule.q_sample(answer, t, draws.contrast_noise))
    negative_energy = landscape.energy(schedule.q_sample(negative, t, draws.contrast_noise))
    nce = nce_loss(positive_energy, negative_energy).mean()
    total = denoise + config.energy_loss_weight * nce
    return Loss(total, denoise, nce, positive_energy.mean(), negative_energy.mean())


def mine(landscape: Landscape, schedule: Schedule, config: Config, answer: Tensor, draws: Draws) -> Tensor:
    """Return the negatives of a batch in x₀-space, of shape (batch, dim), without a graph.

    Raises:
        ValueError: The draws were made for another strategy.
    """
    if draws.negative is not None:
        return draws.negative
    if draws.contrast_noise is None:
        raise ValueError("these draws were made for a strategy without mining")
    scale = config.mining_noise_scale
    if config.mining_strategy == "random":
        return noised_start_negative(answer, draws.t, draws.contrast_noise, schedule, noise_scale=scale)
    return adversarial_negative(
        landscape,
        answer,
        draws.t,
        draws.contrast_noise,
        schedule,
        steps=config.mining_opt_steps,
        noise_scale=scale,
    )
