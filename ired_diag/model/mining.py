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

A *scale factor* f multiplies the step: η_t s f ∇_yE. The public code's own argument for it is the first
value of s, and so reaches the first step alone; here it multiplies every step.

Reference: Du et al. (2024), section 3.2 and algorithm 1; the public code's ``GaussianDiffusion1D``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.model.energy import Landscape
from ired_diag.model.schedule import Schedule

CLAMP = 2.0  # in x₀-space: the public code's bound of an answer's entries


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Every step of a descent or a climb.

    Attributes:
        points: y_0 … y_K, the points held after each step, of shape (steps + 1, …, batch, dim).
        energies: E(y_k), of shape (steps + 1, …, batch).
        gradient_norms: ‖∇_yE‖ at y_k as the step used it (normalised), of shape (steps, …, batch).
        proposed: Length ‖y' - y_k‖ of the proposed step, clamp included, of shape (steps, …, batch).
        at_clamp: Share of the candidate's entries that lie at the clamp's bound, of the same shape.
        accepted: Whether each step was kept, of the same shape.
    """

    points: Tensor
    energies: Tensor
    gradient_norms: Tensor
    proposed: Tensor
    at_clamp: Tensor
    accepted: Tensor

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.points) - 1


@dataclass(frozen=True)
class Descent:
    """Where a descent (or a climb) of the energy ended.

    Attributes:
        end: The points reached, of shape (…, batch, dim).
        energy: Their energies, of shape (…, batch).
        accepted: Whether each step was kept, of shape (steps, …, batch).
        walk: Every step, where ``record`` was set.
    """

    end: Tensor
    energy: Tensor
    accepted: Tensor
    walk: Walk | None = None

    @property
    def recorded_walk(self) -> Walk:
        """The walk of a descent that was recorded."""
        if self.walk is None:
            raise ValueError("mining recorded no walk")
        return self.walk


@torch.no_grad()
def descend(
    landscape: Landscape,
    start: Tensor,
    t: Tensor,
    schedule: Schedule,
    *,
    steps: int,
    scale_factor: float | Tensor = 1.0,
    faithful: bool = True,
    record: bool = False,
    allowed: Tensor | None = None,
) -> Descent:
    """Return where ``steps`` steps of the inner optimisation lead.

    A step costs one evaluation of energy and gradient: the energy of an accepted candidate is the next
    step's E(y), and where a candidate is rejected, point, energy and gradient stay what they were.

    Args:
        landscape: E(x, ·, t).
        start: Where to start, of shape (…, batch, dim), in the space of level t.
        t: Noise level of each, of shape (…, batch), integers.
        schedule: Step lengths and clamp bounds.
        steps: How many.
        scale_factor: What the length of every step is multiplied by: a number, or of shape (…, 1, 1).
        faithful: Reproduce the public code's quirks (module docstring).
        record: Keep every step, in ``Descent.walk``.
        allowed: How many of the steps may be kept, of shape (…, 1), whole numbers; None: all.
    """
    eta = scale_factor * schedule.opt_step_size[t][..., None]
    bound = CLAMP * schedule.sqrt_alphas_cumprod[t][..., None]
    if faithful:
        bound = bound[..., :1, :]
    later = CLAMP if faithful else 1.0
    lengths = [-eta, *[-later * eta] * (steps - 1)]
    return _walk(
        landscape,
        start,
        lengths[:steps],
        bound=bound,
        keep=_is_not_higher if faithful else torch.le,
        record=record,
        allowed=allowed,
    )


def _is_not_higher(candidate: Tensor, energy: Tensor) -> Tensor:
    """Say whether a candidate is kept, by the public code's rule: NaN is not higher either."""
    return ~(candidate > energy)


@torch.no_grad()
def ascend(
    landscape: Landscape,
    start: Tensor,
    t: Tensor,
    schedule: Schedule,
    *,
    steps: int,
    learning_rate: float,
    scale_factor: float | Tensor = 1.0,
    record: bool = False,
    allowed: Tensor | None = None,
) -> Descent:
    """Return where climbing the energy leads: the opposite of what the public code calls adversarial.

    y' = clamp(y + learning_rate ∇_yE, ±2√ᾱ_t), kept where E(y') ≥ E(y). The study planned it; no published
    code has it, so there is no quirk to reproduce.

    Args:
        landscape: E(x, ·, t).
        start: Where to start, of shape (…, batch, dim), in the space of level t.
        t: Noise level of each, of shape (…, batch), integers.
        schedule: Clamp bounds.
        steps: How many.
        learning_rate: Length of a step, the same at every level.
        scale_factor: What the length of every step is multiplied by: a number, or of shape (…, 1, 1).
        record: Keep every step, in ``Descent.walk``.
        allowed: How many of the steps may be kept, of shape (…, 1), whole numbers; None: all.
    """
    bound = CLAMP * schedule.sqrt_alphas_cumprod[t][..., None]
    return _walk(
        landscape,
        start,
        [scale_factor * learning_rate] * steps,
        bound=bound,
        keep=torch.ge,
        record=record,
        allowed=allowed,
    )


def _walk(
    landscape: Landscape,
    start: Tensor,
    lengths: Sequence[Tensor | float],
    *,
    bound: Tensor,
    keep: Callable[[Tensor, Tensor], Tensor],
    record: bool,
    allowed: Tensor | None = None,
) -> Descent:
    """Return where steps of the given signed lengths along ∇_yE lead, each kept only where ``keep`` says."""
    y = start
    energy, gradient = landscape.energy_and_gradient(y)
    accepted: list[Tensor] = []
    kept_steps: list[tuple[Tensor, ...]] = []
    for step, length in enumerate(lengths):
        candidate = torch.clamp(y + length * gradient, -bound, bound)
        candidate_gradient = gradient
        if step + 1 < len(lengths):
            candidate_energy, candidate_gradient = landscape.energy_and_gradient(candidate)
        else:
            candidate_energy = landscape.energy(candidate)
        kept = keep(candidate_energy, energy)
        if allowed is not None:
            kept = kept & (step < allowed)
        if record:
            kept_steps.append((y, energy, *_measures(y, gradient, candidate, bound)))
        y = torch.where(kept[..., None], candidate, y)
        energy = torch.where(kept, candidate_energy, energy)
        gradient = torch.where(kept[..., None], candidate_gradient, gradient)
        accepted.append(kept)
    all_accepted = _stacked(accepted, energy.bool())
    walk = None
    if record:
        walk = _as_walk(kept_steps, y, energy, all_accepted)
    return Descent(y, energy, all_accepted, walk)


def _measures(y: Tensor, gradient: Tensor, candidate: Tensor, bound: Tensor) -> tuple[Tensor, ...]:
    """Return gradient norm, length of the proposed step, and share of entries at the clamp."""
    gradient_norm = torch.linalg.vector_norm(gradient, dim=-1)
    proposed = torch.linalg.vector_norm(candidate - y, dim=-1)
    at_clamp = candidate.abs() >= bound
    return gradient_norm, proposed, at_clamp.to(y.dtype).mean(-1)


def _as_walk(steps: Sequence[tuple[Tensor, ...]], end: Tensor, energy: Tensor, accepted: Tensor) -> Walk:
    points = [step[0] for step in steps]
    energies = [step[1] for step in steps]
    return Walk(
        points=torch.stack([*points, end]),
        energies=torch.stack([*energies, energy]),
        gradient_norms=_stacked([step[2] for step in steps], energy),
        proposed=_stacked([step[3] for step in steps], energy),
        at_clamp=_stacked([step[4] for step in steps], energy),
        accepted=accepted,
    )


def _stacked(tensors: Sequence[Tensor], like: Tensor) -> Tensor:
    """Return the tensors of all steps as one; of no steps, an empty one of the shape and type of ``like``."""
    if not tensors:
        return torch.zeros(0, *like.shape, dtype=like.dtype, device=like.device)
    return torch.stack(list(tensors))


def gaussian_negative(positive: Tensor, *, generator: torch.Generator) -> Tensor:
    """Return clamp(N(0, I), ±2), whatever the positive: the study's ``random`` mining as it ran.

    Args:
        positive: Only its shape, dtype and device are used.
        generator: Source of randomness, on the same device.
    """
    draw = torch.randn(positive.shape, generator=generator, device=positive.device, dtype=positive.dtype)
    return draw.clamp(-CLAMP, CLAMP)


def noised_start_negative(
    positive: Tensor, t: Tensor, noise: Tensor, schedule: Schedule, *, noise_scale: float | Tensor = 3.0
) -> Tensor:
    """Return the start of adversarial mining without its descent: ``random`` mining as it was designed.

    Args:
        positive: Right answers, of shape (…, batch, dim).
        t: Noise level of each, of shape (…, batch), integers.
        noise: ε, of the shape of ``positive``.
        schedule: The noise schedule.
        noise_scale: How much more noise the start carries than the positive.
    """
    return rescale(schedule.q_sample(positive, t, noise_scale * noise), t, schedule)


def rescale(y: Tensor, t: Tensor, schedule: Schedule) -> Tensor:
    """Return points of level t as negatives: divided by √ᾱ_t and clamped to ±2."""
    return schedule.to_x0(y, t).clamp(-CLAMP, CLAMP)
