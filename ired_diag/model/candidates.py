"""Candidate answers to judge: perturbations of known size, the model's own, and mined negatives.

A perturbation of size σ is y* + σ r u, with u a random direction whose entries have a root mean square of 1,
and r the root mean square of the right answers' entries. Its error, the root mean square of what it adds, is
σ r.

All candidates are in x₀-space.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ired_diag.model.energy import Energy
from ired_diag.model.mined_batch import MiningSettings, mine
from ired_diag.model.mining import rescale
from ired_diag.model.own_sampler import random_points, sample_walk
from ired_diag.model.sampler import sample
from ired_diag.model.schedule import Schedule


def size_of(right: Tensor) -> float:
    """Return r, the root mean square of the entries of right answers; 1 where all are 0."""
    return float(right.square().mean().sqrt()) or 1.0


def perturbed(right: Tensor, sizes: Sequence[float], *, generator: torch.Generator) -> Tensor:
    """Return perturbed right answers, each in a direction of its own, of shape (count, sizes, dim).

    Args:
        right: Right answers, of shape (count, dim).
        sizes: σ, in units of r.
        generator: Of the directions, on the CPU.
    """
    direction = torch.randn(len(right), len(sizes), right.shape[1], generator=generator).to(right)
    unit = direction / direction.square().mean(-1, keepdim=True).sqrt()
    return right[:, None] + size_of(right) * torch.tensor(sizes).to(right)[:, None] * unit


def sampled(
    energy: Energy,
    problem: Tensor,
    right: Tensor,
    schedule: Schedule,
    settings: MiningSettings,
    count: int,
    *,
    generator: torch.Generator,
) -> Tensor:
    """Return the model's last clean estimates from several starts, of shape (problems, count, dim).

    Args:
        energy: The model.
        problem: Of shape (problems, problem_dim).
        right: Right answers, of shape (problems, dim); a sampler's walks start at points of their spread.
        schedule: The noise schedule.
        settings: How negatives are mined.
        count: Answers to each problem.
        generator: Of the starts, on the CPU.
    """
    dim = right.shape[1]
    start = torch.randn(len(problem) * count, dim, generator=generator).to(right)
    if settings.sampler is not None:
        t = torch.zeros(len(start), dtype=torch.long, device=right.device)
        landscape = energy.landscape(problem.repeat_interleave(count, dim=0), t)
        walk = sample_walk(
            landscape,
            random_points(right.repeat_interleave(count, dim=0), start),
            settings.sampler,
            generator,
        )
        return walk.end.reshape(len(problem), count, dim)
    estimates = sample(energy, problem.repeat_interleave(count, dim=0), start, schedule).trajectory
    return estimates[-1].reshape(len(problem), count, dim)


def mined(
    energy: Energy,
    problem: Tensor,
    right: Tensor,
    level: int,
    schedule: Schedule,
    settings: MiningSettings,
    *,
    generator: torch.Generator,
) -> Tensor:
    """Return an adversarial negative of each problem at one level, of the shape of ``right``.

    Args:
        energy: The model.
        problem: Of shape (problems, problem_dim).
        right: Right answers, of shape (problems, dim).
        level: Noise level.
        schedule: The noise schedule.
        settings: How negatives are mined.
        generator: Of the noise, on the CPU.
    """
    t = torch.full((len(right),), level, device=right.device)
    noise = torch.randn(right.shape, generator=generator).to(right)
    if settings.sampler is not None:
        start = random_points(right, noise)
        return sample_walk(energy.landscape(problem, t), start, settings.sampler, generator).end
    start = schedule.q_sample(right, t, settings.noise_scale * noise)
    return rescale(mine(energy.landscape(problem, t), start, t, schedule, settings).end, t, schedule)
