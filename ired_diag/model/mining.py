"""Negative mining: wrong answers of low energy, found by descending the energy from a noisy start.

One step of the inner optimisation (the public code's ``opt_step``; also used at inference) is

    y' = clamp(y - η_t s ∇_yE, ±2√ᾱ_t),   kept where E(y') ≤ E(y), else y stays.

An *adversarial* negative starts at q_sample(y*, t, noise_scale·ε), takes K steps, is divided by √ᾱ_t and
clamped to ±2; noised again with the same ε it is what the contrastive loss compares with the positive.
"Adversarial" therefore descends the energy.

The public code has three quirks, which ``faithful=True`` reproduces and ``faithful=False`` mends:

- the multiplier s is 1 at the first step and 2, the factor of the clamp, at every later one (mended: 1);
- a candidate is rejected where E(y') > E(y), so that a NaN energy is accepted (mended: rejected);
- the bound of the clamp is that of the first sample's level for the whole batch (mended: its own).

Reference: Du et al. (2024), section 3.2 and algorithm 1; the public code's ``GaussianDiffusion1D``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.model.energy import Landscape
from ired_diag.model.schedule import Schedule

CLAMP = 2.0  # in x₀-space: A⁻¹ has entries within ±1/ε = ±2 in distribution


@dataclass(frozen=True)
class Descent:
    """Where a descent of the energy ended.

    Attributes:
        end: The points reached, of shape (batch, dim).
        energy: Their energies, of shape (batch,).
        accepted: Whether each step was kept, of shape (steps, batch).
    """

    end: Tensor
    energy: Tensor
    accepted: Tensor


@torch.no_grad()
def descend(
    landscape: Landscape,
    start: Tensor,
    t: Tensor,
    schedule: Schedule,
    *,
    steps: int,
    faithful: bool = True,
) -> Descent:
    """Return where ``steps`` steps of the inner optimisation lead.

    A step costs one evaluation of energy and gradient: the energy of an accepted candidate is the next
    step's E(y), and where a candidate is rejected, point, energy and gradient stay what they were.

    Args:
        landscape: E(x, ·, t).
        start: Where to start, of shape (batch, dim), in the space of level t.
        t: Noise level of each, of shape (batch,), integers.
        schedule: Step lengths and clamp bounds.
        steps: How many.
        faithful: Reproduce the public code's quirks (module docstring).
    """
    eta = schedule.opt_step_size[t][:, None]
    bound = CLAMP * schedule.sqrt_alphas_cumprod[t][:, None]
    if faithful and len(t):
        bound = bound[0].expand_as(bound)
    y = start
    energy, gradient = landscape.energy_and_gradient(y)
    accepted = []
    for step in range(steps):
        multiplier = CLAMP if faithful and step > 0 else 1.0
        candidate = torch.clamp(y - multiplier * eta * gradient, -bound, bound)
        candidate_gradient = gradient
        if step + 1 < steps:
            candidate_energy, candidate_gradient = landscape.energy_and_gradient(candidate)
        else:
            candidate_energy = landscape.energy(candidate)
        keep = ~(candidate_energy > energy) if faithful else candidate_energy <= energy
        y = torch.where(keep[:, None], candidate, y)
        energy = torch.where(keep, candidate_energy, energy)
        gradient = torch.where(keep[:, None], candidate_gradient, gradient)
        accepted.append(keep)
    kept = torch.stack(accepted) if accepted else torch.ones(0, len(t), dtype=torch.bool)
    return Descent(y, energy, kept)


def adversarial_negative(
    landscape: Landscape,
    positive: Tensor,
    t: Tensor,
    noise: Tensor,
    schedule: Schedule,
    *,
    steps: int = 2,
    noise_scale: float = 3.0,
    faithful: bool = True,
) -> Tensor:
    """Return adversarial negatives in x₀-space, of shape (batch, dim), within ±2.

    Args:
        landscape: E(x, ·, t) of the problems that ``positive`` answers.
        positive: Right answers, of shape (batch, dim).
        t: Noise level of each, of shape (batch,), integers.
        noise: ε, of the shape of ``positive``.
        schedule: The noise schedule.
        steps: Steps of descent, K.
        noise_scale: How much more noise the start carries than the positive.
        faithful: Reproduce the public code's quirks (module docstring).
    """
    start = schedule.q_sample(positive, t, noise_scale * noise)
    end = descend(landscape, start, t, schedule, steps=steps, faithful=faithful).end
    return rescale(end, t, schedule)


def gaussian_negative(positive: Tensor, *, generator: torch.Generator) -> Tensor:
    """Return clamp(N(0, I), ±2), whatever the positive: the study's ``random`` mining as it ran.

    Args:
        positive: Only its shape, dtype and device are used.
        generator: Source of randomness, on the same device.
    """
    draw = torch.randn(positive.shape, generator=generator, device=positive.device, dtype=positive.dtype)
    return draw.clamp(-CLAMP, CLAMP)


def noised_start_negative(
    positive: Tensor, t: Tensor, noise: Tensor, schedule: Schedule, *, noise_scale: float = 3.0
) -> Tensor:
    """Return the start of adversarial mining without its descent: ``random`` mining as it was designed.

    Args:
        positive: Right answers, of shape (batch, dim).
        t: Noise level of each, of shape (batch,), integers.
        noise: ε, of the shape of ``positive``.
        schedule: The noise schedule.
        noise_scale: How much more noise the start carries than the positive.
    """
    return rescale(schedule.q_sample(positive, t, noise_scale * noise), t, schedule)


def rescale(y: Tensor, t: Tensor, schedule: Schedule) -> Tensor:
    """Return points of level t as negatives: divided by √ᾱ_t and clamped to ±2."""
    return schedule.to_x0(y, t).clamp(-CLAMP, CLAMP)
