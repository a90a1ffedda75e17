"""The training loss of one batch.

    loss = mean over samples of  ‖∇_yE(x, y_t, t) - ε‖²/dim  +  w · nce  +  λ · reg

    nce = log(1 + exp(c(E_pos) - c(E_neg)))
    reg = E_pos² + E_neg²  (energy_reg_norm l2)   or   |E_pos| + |E_neg|  (l1)

The contrastive term draws its own noise ε': the positive is q_sample(y*, t, ε') and the negative, found in
x₀-space by the mining strategy, is noised with the same ε'. Without mining, and before ``warm_start_steps``,
there is none of it: w = 0, E_pos is the energy at y_t, and reg has no negative. The gradient flows through
both energies, not through the mining.

c is the identity unless a knob says otherwise, and touches the contrastive term alone, so that the denoiser's
gradient ∇_yE stays what it is:

    energy_clamp C:       c(E) = clamp(E, ±C): beyond it an energy no longer pulls
    soft_clamp_delta δ:   c(E) = E within ±δ, else sign(E) (2 √(δ|E|) - δ): with slope √(δ/|E|), smooth at δ

``stop_gradient_head`` cuts the denoising term's gradient at the head's own tensors.

Where not every sample of a batch counts alike, ``ired_diag.inverse.sample_choice`` has the formula.

References: Du et al. (2024), equations 4 and 6, and the public code's ``GaussianDiffusion1D.p_losses``; Du &
Mordatch (2019), Implicit Generation and Modeling with Energy Based Models, section 3.3 (reg, l2); the soft
clamp does to an energy what Huber (1964) does to a residual: beyond δ it grows by a lower power.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ired_diag.batch_shares import chooses_samples, with_negatives
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.draws import Draws
from ired_diag.inverse.network import EnergyNetwork, NetworkLandscape
from ired_diag.inverse.sample_choice import SampleTerms, chosen_terms
from ired_diag.model.losses import nce_loss
from ired_diag.model.mining import ascend, descend, noised_start_negative, rescale
from ired_diag.model.schedule import Schedule


@dataclass(frozen=True)
class Loss:
    """The loss of a batch and its parts, each of the shape of the leading axes (a number for one seed).

    Attributes:
        total: What is minimised; carries the graph.
        denoise: Mean denoising term.
        energy_positive: Mean E_pos, before c.
        nce: Mean contrastive term before its weight; None without it.
        energy_negative: Mean E_neg, likewise.
        accepted: Share of the mining steps that were kept; None where no step is taken.
        regularizer: Mean reg before its weight, with the graph; None without it.
        choice: What is logged where not every sample counts alike (``sample_choice``).
    """

    total: Tensor
    denoise: Tensor
    energy_positive: Tensor
    nce: Tensor | None = None
    energy_negative: Tensor | None = None
    accepted: Tensor | None = None
    regularizer: Tensor | None = None
    choice: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Mined:
    """Negatives in x₀-space, of shape (…, n, dim), and the share of mining steps kept.

    The samples that have a negative are the first n of the batch: all, without ``negative_free_fraction``.
    """

    negative: Tensor
    accepted: Tensor | None = None


def training_loss(
    network: EnergyNetwork,
    schedule: Schedule,
    config: InverseConfig,
    problem: Tensor,
    answer: Tensor,
    draws: Draws,
) -> Loss:
    """Return the loss of a batch.

    Args:
        network: The energy, its parameters leaves of the graph.
        schedule: The noise schedule.
        config: Mining strategy, its settings, and the weight of each term.
        problem: Matrices, of shape (…, batch, dim).
        answer: Their inverses, of the same shape.
        draws: The step's random numbers; without a contrastive noise there is no contrastive term.
    """
    t = draws.t
    landscape = network.landscape(problem, t)
    denoiser = landscape
    if config.stop_gradient_head:
        denoiser = landscape.with_detached_head()
    noisy = schedule.q_sample(answer, t, draws.noise)
    energy, predicted = denoiser.energy_and_gradient(noisy)
    error = (predicted - draws.noise).square().mean(-1)
    denoise = error.mean(-1)
    if draws.contrast_noise is None:
        if config.stop_gradient_head and config.energy_reg_weight:
            energy = landscape.energy(noisy)  # the regulariser still moves the head
        if chooses_samples(config):
            penalty = penalties(config, energy) if config.energy_reg_weight else None
            return _loss_of_chosen(config, SampleTerms(error, penalty=penalty), energy)
        total, regularizer = _regularized(denoise, config, energy)
        return Loss(total, denoise, energy.detach().mean(-1), regularizer=regularizer)
    mined = mine(
        landscape=landscape,
        schedule=schedule,
        config=config,
        answer=answer,
        draws=draws,
    )
    count = mined.negative.shape[-2]
    contrasted = landscape
    if count < answer.shape[-2]:
        contrasted = landscape.first(count)
    t, noise = t[..., :count], draws.contrast_noise[..., :count, :]
    positive = contrasted.energy(schedule.q_sample(answer[..., :count, :], t, noise))
    negative = contrasted.energy(schedule.q_sample(mined.negative, t, noise))
    contrast = nce_loss(clamped(positive, config), clamped(negative, config))
    if chooses_samples(config):
        if config.stop_gradient_head and config.energy_reg_weight:
            energy = landscape.energy(noisy)
        penalty = penalties(config, energy, positive, negative) if config.energy_reg_weight else None
        terms = SampleTerms(error, contrast, penalty)
        loss = _loss_of_chosen(config, terms, positive, negative)
        return replace(loss, accepted=mined.accepted)
    nce = contrast.mean(-1)
    both_terms = denoise + config.energy_loss_weight * nce
    total, regularizer = _regularized(
        loss=both_terms,
        config=config,
        positive=positive,
        negative=negative,
    )
    return Loss(
        total=total,
        denoise=denoise,
        energy_positive=positive.detach().mean(-1),
        nce=nce,
        energy_negative=negative.detach().mean(-1),
        accepted=mined.accepted,
        regularizer=regularizer,
    )


def _loss_of_chosen(
    config: InverseConfig, terms: SampleTerms, positive: Tensor, negative: Tensor | None = None
) -> Loss:
    """Return the loss of the samples that count; the energies are logged of all that have them."""
    chosen = chosen_terms(terms, config)
    total = chosen.denoise
    if chosen.nce is not None:
        total = total + config.energy_loss_weight * chosen.nce
    if chosen.penalty is not None:
        total = total + config.energy_reg_weight * chosen.penalty
    return Loss(
        total=total,
        denoise=chosen.denoise,
        energy_positive=positive.detach().mean(-1),
        nce=chosen.nce,
        energy_negative=None if negative is None else negative.detach().mean(-1),
        regularizer=chosen.penalty,
        choice=chosen.logged,
    )


def penalties(
    config: InverseConfig, energy: Tensor, positive: Tensor | None = None, negative: Tensor | None = None
) -> Tensor:
    """Return reg of each sample, of shape (…, batch).

    Args:
        config: The norm of the regulariser.
        energy: At y_t, of shape (…, batch): what counts of samples without a negative.
        positive: E_pos of the first n samples, of shape (…, n).
        negative: Their E_neg.
    """
    size = torch.square if config.energy_reg_norm == "l2" else torch.abs
    if positive is None or negative is None:
        return size(energy)
    contrasted = size(positive) + size(negative)
    return torch.cat([contrasted, size(energy[..., positive.shape[-1] :])], dim=-1)


def clamped(energy: Tensor, config: InverseConfig) -> Tensor:
    """Return c(E), as the contrastive term sees an energy."""
    if config.energy_clamp is not None:
        return energy.clamp(-config.energy_clamp, config.energy_clamp)
    if (delta := config.soft_clamp_delta) is not None:
        # Within ±δ the root's slope must not be seen, nor divide by 0.
        size = energy.abs().clamp(min=delta)
        root = (delta * size).sqrt()
        soft = energy.sign() * (2 * root - delta)
        return torch.where(energy.abs() <= delta, energy, soft)
    return energy


def mine(
    landscape: NetworkLandscape, schedule: Schedule, config: InverseConfig, answer: Tensor, draws: Draws
) -> Mined:
    """Return the negatives of a batch, without a graph: of its first n samples.

    ``mixed`` mines the first ``adversarial_fraction`` of the batch and leaves random negatives to the rest:
    the samples of a batch are exchangeable.

    Raises:
        ValueError: The draws were made for another strategy.
    """
    if draws.contrast_noise is None:
        raise ValueError("these draws were made for a strategy without mining")
    count = with_negatives(config, answer.shape[-2])
    if count < answer.shape[-2]:
        landscape, answer, draws = landscape.first(count), answer[..., :count, :], _first(draws, count)
    match config.mining_strategy:
        case "adversarial" | "ascent":
            return _walked(
                landscape=landscape,
                schedule=schedule,
                config=config,
                answer=answer,
                draws=draws,
            )
        case "mixed":
            share = round(config.adversarial_fraction * answer.shape[-2])
            if not share:
                return Mined(_random(schedule, config, answer, draws))
            part = _first(draws, share)
            walked = _walked(
                landscape=landscape.first(share),
                schedule=schedule,
                config=config,
                answer=answer[..., :share, :],
                draws=part,
            )
            random = _random(
                schedule=schedule,
                config=config,
                answer=answer,
                draws=draws,
            )
            rest = random[..., share:, :]
            return Mined(torch.cat([walked.negative, rest], dim=-2), walked.accepted)
        case _:
            return Mined(_random(schedule, config, answer, draws))


def _random(schedule: Schedule, config: InverseConfig, answer: Tensor, draws: Draws) -> Tensor:
    if draws.negative is not None:
        return draws.negative
    assert draws.contrast_noise is not None
    scale = _setting(config, draws, "noise_scale")
    return noised_start_negative(
        positive=answer,
        t=draws.t,
        noise=draws.contrast_noise,
        schedule=schedule,
        noise_scale=scale,
    )


def _first(draws: Draws, count: int) -> Draws:
    """Return the draws of the first samples of a batch."""
    noise, negative = draws.contrast_noise, draws.negative
    return replace(
        draws,
        t=draws.t[..., :count],
        noise=draws.noise[..., :count, :],
        contrast_noise=None if noise is None else noise[..., :count, :],
        negative=None if negative is None else negative[..., :count, :],
    )


def _setting(config: InverseConfig, draws: Draws, name: str) -> float | Tensor:
    """Return a setting of mining at this step, which a curriculum may move."""
    if draws.curriculum is not None and config.mining_curriculum == name:
        return draws.curriculum
    return float(getattr(config, f"mining_{name}"))


def _steps_computed(config: InverseConfig, draws: Draws) -> int:
    """Return the most steps that a curriculum allows, from which it keeps those of its own."""
    steps = config.mining_opt_steps
    if draws.curriculum is None or config.mining_curriculum != "opt_steps":
        return steps
    return max(steps, int(config.curriculum_start or 0))


def _walked(
    landscape: NetworkLandscape, schedule: Schedule, config: InverseConfig, answer: Tensor, draws: Draws
) -> Mined:
    """Return negatives that descend the energy, or climb it, from the noised start."""
    assert draws.contrast_noise is not None
    t, steps = draws.t, _steps_computed(config, draws)
    start = schedule.q_sample(answer, t, _setting(config, draws, "noise_scale") * draws.contrast_noise)
    scale_factor = _setting(config, draws, "scale_factor")
    allowed = None
    if draws.curriculum is not None and config.mining_curriculum == "opt_steps":
        allowed = draws.curriculum[..., 0]
    if config.mining_strategy == "ascent":
        rate = config.ascent_learning_rate
        walk = ascend(
            landscape=landscape,
            start=start,
            t=t,
            schedule=schedule,
            steps=steps,
            learning_rate=rate,
            scale_factor=scale_factor,
            allowed=allowed,
        )
    else:
        walk = descend(
            landscape=landscape,
            start=start,
            t=t,
            schedule=schedule,
            steps=steps,
            scale_factor=scale_factor,
            allowed=allowed,
        )
    negative = rescale(walk.end, t, schedule)
    if not steps:
        return Mined(negative)
    accepted = walk.accepted.to(answer.dtype).mean(-1)
    if allowed is not None:
        return Mined(negative, accepted.sum(0) / allowed[..., 0])
    return Mined(negative, accepted.mean(0))


def _regularized(
    loss: Tensor, config: InverseConfig, positive: Tensor, negative: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """Return the loss with the regulariser added, and the regulariser before its weight."""
    if not config.energy_reg_weight:
        return loss, None
    size = torch.square if config.energy_reg_norm == "l2" else torch.abs
    penalty = size(positive).mean(-1)
    if negative is not None:
        penalty = penalty + size(negative).mean(-1)
    return loss + config.energy_reg_weight * penalty, penalty
