"""Minima of the sharpest level: the one below the right answer, and those that random starts lead to.

A right answer y* stands at √ᾱ_0 y* there. From it, and from starts of N(0, I), the energy is descended
(``minimise``) within the box ±2√ᾱ_0 that mining and sampling keep to, by steps no longer than a right answer,
until the norm of the gradient is a thousandth of its median at noised right answers: of a trained denoiser,
a thousandth of the noise that it predicts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.model.basins import basins
from ired_diag.model.candidates import size_of
from ired_diag.model.energy import Energy
from ired_diag.model.minimise import minimise
from ired_diag.model.mining import CLAMP
from ired_diag.model.own_sampler import random_points
from ired_diag.model.schedule import Schedule

TOLERANCE = 1e-3  # of a gradient, over its norm at noised right answers

FAR = 10.0  # times the largest entry of a right answer: the bound of a descent without a clamp


@dataclass(frozen=True)
class SharpMinima:
    """Ends of descents, the first from the right answer, the others from random starts.

    Attributes:
        ends: In x₀-space, of shape (problems, 1 + starts, dim).
        energy: E there, of shape (problems, 1 + starts).
        gradient: Gradient norm over that at noised right answers, of the same shape.
        converged: Whether that is small; where not, the end is no minimum.
        basin: Number of each end's basin within its problem, 0 that of the first.
    """

    ends: Tensor
    energy: Tensor
    gradient: Tensor
    converged: Tensor
    basin: Tensor


@torch.no_grad()
def sharp_minima(
    energy: Energy,
    schedule: Schedule,
    problem: Tensor,
    right: Tensor,
    starts: int,
    *,
    generator: torch.Generator,
) -> SharpMinima:
    """Return where descents of the sharpest level end.

    Args:
        energy: The energy.
        schedule: The noise schedule.
        problem: Of shape (problems, problem_dim).
        right: Right answers, of shape (problems, dim).
        starts: Random starts of each problem.
        generator: Of starts and noise, on the CPU.
    """
    count, dim = right.shape
    signal = float(schedule.sqrt_alphas_cumprod[0])
    t = torch.zeros(count, dtype=torch.long, device=right.device)
    noise, *drawn = torch.randn(1 + starts, count, dim, generator=generator).to(right)
    bound = CLAMP * signal
    away = schedule.q_sample(right, t, noise)
    if schedule.is_clean:  # of an energy without noise levels: nothing is clamped, and nothing noised
        bound = FAR * float(right.abs().max())
        away = right + size_of(right) * noise
        drawn = [random_points(right, start) for start in drawn]
    _, gradient = energy.landscape(problem, t).energy_and_gradient(away)
    unit = float(torch.linalg.vector_norm(gradient, dim=-1).median())
    first_points = torch.stack([signal * right, *drawn], dim=1)
    minima = minimise(
        energy,
        problem.repeat_interleave(1 + starts, dim=0),
        t.repeat_interleave(1 + starts),
        first_points.flatten(0, 1),
        tolerance=TOLERANCE * unit,
        longest=signal * size_of(right) * math.sqrt(dim),
        bound=bound,
    )
    shape = (count, 1 + starts)
    points = minima.end.reshape(*shape, dim)
    return SharpMinima(
        ends=points / signal,
        energy=minima.energy.reshape(shape),
        gradient=minima.gradient_norm.reshape(shape) / unit,
        converged=minima.converged.reshape(shape),
        basin=basins(energy, problem, t, points, tolerance=TOLERANCE * unit),
    )
