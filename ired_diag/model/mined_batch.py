"""A checkpoint's negatives, mined once for all probes that look at them.

The same problems stand at every noise level, each level with noise of its own, mined in batches of one
level. Five kinds of candidate answer, all in x₀-space:

- ``positive``: the right answer y*;
- ``random``: the study's random negative, clamp(N(0, I), ±2) or the noised start without descent;
- ``adversarial``: mined as in training;
- ``start``: where that mining starts, divided and clamped alike but not descended: what differs from it is
  the doing of the descent, and what they share is the doing of noise and clamp;
- ``control``: y* + d·u with u a random direction and d the distance of the adversarial negative from y*:
  any perturbation of that size, not clamped.

In training the levels of a batch are mixed, and the public code's clamp takes the first sample's level for
all; in batches of one level each sample has its own bound, whatever its companions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ired_diag.model.matrices import MatrixData, draw_matrices
from ired_diag.model.mining import (
    CLAMP,
    descend,
    noised_start_negative,
    rescale,
)
from ired_diag.model.network import EnergyNetwork
from ired_diag.model.schedule import Schedule

Kind = Literal["positive", "random", "start", "adversarial", "control"]
KINDS: tuple[Kind, ...] = ("positive", "random", "start", "adversarial", "control")


@dataclass(frozen=True)
class MiningSettings:
    """How negatives are mined.

    Attributes:
        opt_steps: Steps of descent.
        noise_scale: How much more noise the start carries than the positive.
        random_negative: Which random negative: ``gaussian`` or ``noised_start``.
        faithful: Reproduce the public code's quirks.
        samples: Problems; each stands at every level.
        seed: Of problems, noise and directions. They are drawn on the CPU, the same on every device.
    """

    opt_steps: int = 2
    noise_scale: float = 3.0
    random_negative: Literal["gaussian", "noised_start"] = "gaussian"
    faithful: bool = True
    samples: int = 1024
    seed: int = 0


@dataclass(frozen=True)
class MinedBatch:
    """Problems, and candidate answers of each kind at each noise level.

    Attributes:
        data: Which matrices.
        settings: How the negatives were mined.
        problem: Matrices A, flattened, of shape (samples, dim).
        candidates: Of each kind, in x₀-space, of shape (levels, samples, dim).
        noisy: The candidates noised again with their level's noise, of the same shapes.
        energies: E of the noisy candidates, of shape (levels, samples).
        accepted: Whether each step of descent was kept, of shape (levels, opt_steps, samples).
    """

    data: MatrixData
    settings: MiningSettings
    problem: Tensor
    candidates: Mapping[Kind, Tensor]
    noisy: Mapping[Kind, Tensor]
    energies: Mapping[Kind, Tensor]
    accepted: Tensor

    @property
    def levels(self) -> int:
        """Number of noise levels."""
        return len(self.accepted)


@torch.no_grad()
def mine_batch(
    network: EnergyNetwork, schedule: Schedule, data: MatrixData, settings: MiningSettings
) -> MinedBatch:
    """Return problems of a data set with candidates of each kind.

    Args:
        network: The energy; negatives are mined with the weights that training mined with, the raw ones.
        schedule: Its noise schedule, on the same device.
        data: Which matrices.
        settings: How to mine.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    device = network.device
    problem, answer = (a.to(device) for a in draw_matrices(data, settings.samples, generator=generator))
    levels = [
        _mine_level(network, schedule, problem, answer, level, settings, generator)
        for level in range(schedule.levels)
    ]
    return MinedBatch(
        data,
        settings,
        problem,
        {kind: torch.stack([level[0][kind] for level in levels]) for kind in KINDS},
        {kind: torch.stack([level[1][kind] for level in levels]) for kind in KINDS},
        {kind: torch.stack([level[2][kind] for level in levels]) for kind in KINDS},
        torch.stack([level[3] for level in levels]),
    )


def matched_control(positive: Tensor, negative: Tensor, direction: Tensor) -> Tensor:
    """Return points as far from the positives as the negatives are, in directions of their own.

    Args:
        positive: Of shape (batch, dim).
        negative: Of the same shape.
        direction: Gaussian numbers of the same shape; only their direction counts.
    """
    distance: Tensor = torch.linalg.vector_norm(negative - positive, dim=-1, keepdim=True)
    unit: Tensor = direction / torch.linalg.vector_norm(direction, dim=-1, keepdim=True)
    return positive + distance * unit


Level = tuple[dict[Kind, Tensor], dict[Kind, Tensor], dict[Kind, Tensor], Tensor]


def _mine_level(
    network: EnergyNetwork,
    schedule: Schedule,
    problem: Tensor,
    answer: Tensor,
    level: int,
    settings: MiningSettings,
    generator: torch.Generator,
) -> Level:
    """Return candidates, noisy candidates, their energies, and accepted steps of one level."""
    t = torch.full((len(answer),), level, device=answer.device)
    noise, direction, gaussian = torch.randn(3, *answer.shape, generator=generator).to(answer.device)
    landscape = network.landscape(problem, t)
    start = schedule.q_sample(answer, t, settings.noise_scale * noise)
    descent = descend(landscape, start, t, schedule, steps=settings.opt_steps, faithful=settings.faithful)
    adversarial = rescale(descent.end, t, schedule)
    random = gaussian.clamp(-CLAMP, CLAMP)
    if settings.random_negative == "noised_start":
        random = noised_start_negative(answer, t, noise, schedule, noise_scale=settings.noise_scale)
    candidates: dict[Kind, Tensor] = {
        "positive": answer,
        "random": random,
        "start": rescale(start, t, schedule),
        "adversarial": adversarial,
        "control": matched_control(answer, adversarial, direction),
    }
    noisy = {kind: schedule.q_sample(y, t, noise) for kind, y in candidates.items()}
    energies = {kind: landscape.energy(y) for kind, y in noisy.items()}
    return candidates, noisy, energies, descent.accepted
