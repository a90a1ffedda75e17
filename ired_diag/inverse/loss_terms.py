"""The terms of the training loss apart, each with its weight: their sum is ``objective.training_loss``.

    denoise = mean ‖∇_yE - ε‖²/dim,  nce = w · mean log(1 + exp(c(E_pos) - c(E_neg))),  regulariser = λ · reg

The negatives are given, so that the samples of a batch can be cut into parts after they were mined together.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.draws import Batch
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.objective import clamped
from ired_diag.model.losses import denoising_loss, nce_loss
from ired_diag.model.schedule import Schedule


def loss_terms(
    network: EnergyNetwork, schedule: Schedule, config: InverseConfig, batch: Batch, negative: Tensor | None
) -> dict[str, Tensor]:
    """Return each term that the loss has, of the shape of the leading axes (a number for one batch).

    Args:
        network: The energy, its parameters leaves of the graph.
        schedule: The noise schedule.
        config: The weight of each term.
        batch: Problems and answers of shape (…, batch, dim), and draws.
        negative: Mined in x₀-space, of the same shape; None where there is no contrastive term.
    """
    t, noise = batch.draws.t, batch.draws.noise
    landscape = network.landscape(batch.problem, t)
    denoiser = landscape
    if config.stop_gradient_head:
        denoiser = landscape.with_detached_head()
    noisy = schedule.q_sample(batch.answer, t, noise)
    terms = {"denoise": denoising_loss(denoiser, noisy, noise).mean(-1)}
    energies = []
    if negative is not None:
        contrast = batch.draws.contrast_noise
        if contrast is None:
            raise ValueError("negatives, and no noise to noise them again")
        positive_energy = landscape.energy(schedule.q_sample(batch.answer, t, contrast))
        negative_energy = landscape.energy(schedule.q_sample(negative, t, contrast))
        energies = [positive_energy, negative_energy]
        contrast_loss = nce_loss(clamped(positive_energy, config), clamped(negative_energy, config))
        terms["nce"] = config.energy_loss_weight * contrast_loss.mean(-1)
    elif config.energy_reg_weight:
        energies = [landscape.energy(noisy)]
    if config.energy_reg_weight:
        terms["regulariser"] = config.energy_reg_weight * _penalty(energies, config)
    return terms


def _penalty(energies: Sequence[Tensor], config: InverseConfig) -> Tensor:
    """Return the mean size of the energies, summed over the kinds of points."""
    size = torch.square if config.energy_reg_norm == "l2" else torch.abs
    penalties = [size(energy).mean(-1) for energy in energies]
    return torch.stack(penalties).sum(0)
