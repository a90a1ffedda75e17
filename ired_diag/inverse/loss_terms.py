"""The terms of the training loss apart, each with its weight: their sum is ``objective.training_loss``.

    denoise = mean ‖∇_yE - ε‖²/dim,  nce = w · mean log(1 + exp(c(E_pos) - c(E_neg))),  regulariser = λ · reg

The negatives are given, so that the samples of a batch can be cut into parts after they were mined together;
where only the hardest samples count (``sample_choice``), they are chosen within each part.
"""

from __future__ import annotations

from torch import Tensor

from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.draws import Batch
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.objective import clamped, penalties
from ired_diag.inverse.sample_choice import SampleTerms, chosen_terms
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
    denoise = denoising_loss(denoiser, noisy, noise)
    contrast, penalty = None, None
    if negative is not None:
        count = negative.shape[-2]
        contrasted = landscape.first(count)
        contrast_noise = batch.draws.contrast_noise
        if contrast_noise is None:
            raise ValueError("negatives, and no noise to noise them again")
        t, contrast_noise = t[..., :count], contrast_noise[..., :count, :]
        positive_energy = contrasted.energy(
            schedule.q_sample(batch.answer[..., :count, :], t, contrast_noise)
        )
        negative_energy = contrasted.energy(schedule.q_sample(negative, t, contrast_noise))
        contrast = nce_loss(clamped(positive_energy, config), clamped(negative_energy, config))
    if config.energy_reg_weight:
        energy = landscape.energy(noisy)
        penalty = penalties(config, energy)
        if negative is not None:
            penalty = penalties(config, energy, positive_energy, negative_energy)
    chosen = chosen_terms(SampleTerms(denoise, contrast, penalty), config)
    terms = {"denoise": chosen.denoise}
    if chosen.nce is not None:
        terms["nce"] = config.energy_loss_weight * chosen.nce
    if chosen.penalty is not None:
        terms["regulariser"] = config.energy_reg_weight * chosen.penalty
    return terms
