"""Sampling an answer: from Gaussian noise down the levels, with or without inner optimisation.

At each level t = T-1 … 0, with ŷ₀ the clean answer that the predicted noise ∇_yE implies,

    y ← √ᾱ_t clamp(ŷ₀, ±2);   y ← `inner_steps` steps of the inner optimisation;   y ← clamp(y, ±2√ᾱ_t);
    estimate_t = y / √ᾱ_t;    y ← √ᾱ_{t-1} · estimate_t.

The last line does not happen at t = 0, and the public code's evaluation compares y, not y / √ᾱ_0, with the
right answer: its answers are √ᾱ_0 (0.986 at ten levels) too small. ``Sample.answer`` is that y when
``faithful``, else the last estimate.

Reference: Du et al. (2024), algorithm 2; the public code's ``GaussianDiffusion1D.p_sample_loop``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.model.energy import Energy
from ired_diag.model.mining import CLAMP, descend
from ired_diag.model.schedule import Schedule

INNER_STEPS = 5  # the public code's, at every level


@dataclass(frozen=True)
class Sample:
    """Answers, and the estimates on the way to them.

    Attributes:
        answer: Of shape (batch, dim).
        trajectory: The estimate of the clean answer after each level, of shape (levels, batch, dim).
    """

    answer: Tensor
    trajectory: Tensor


@torch.no_grad()
def sample(
    energy: Energy,
    problem: Tensor,
    start: Tensor,
    schedule: Schedule,
    *,
    inner_steps: int = INNER_STEPS,
    faithful: bool = True,
    after_level: Callable[[int], None] | None = None,
) -> Sample:
    """Return the model's answers to ``problem``.

    Args:
        energy: The model.
        problem: Problems, of shape (batch, dim).
        start: Gaussian noise, of shape (batch, dim).
        schedule: The noise schedule.
        inner_steps: Steps of inner optimisation at each level; 0 for none.
        faithful: Reproduce the public code's quirks (here and in ``mining``).
        after_level: Called with each level that is done: to read a clock, say.
    """
    y, estimates = start, []
    for level in reversed(range(schedule.levels)):
        t = torch.full((len(problem),), level, device=problem.device)
        landscape = energy.landscape(problem, t)
        _, noise = landscape.energy_and_gradient(y)
        signal = schedule.sqrt_alphas_cumprod[level]
        y = signal * schedule.predict_x0(y, t, noise).clamp(-CLAMP, CLAMP)
        if inner_steps:
            y = descend(landscape, y, t, schedule, steps=inner_steps, faithful=faithful).end
        y = torch.clamp(y, -CLAMP * signal, CLAMP * signal)
        estimates.append(schedule.to_x0(y, t))
        if after_level is not None:
            after_level(level)
        if level > 0:
            y = schedule.sqrt_alphas_cumprod[level - 1] * estimates[-1]
    answer = y if faithful else estimates[-1]
    return Sample(answer, torch.stack(estimates))
