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

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import torch
from torch import Tensor

from ired_diag.model.energy import Energy, Landscape
from ired_diag.model.mining import (
    CLAMP,
    Descent,
    Walk,
    ascend,
    descend,
    noised_start_negative,
    rescale,
)
from ired_diag.model.own_sampler import Sampler, random_points, sample_walk
from ired_diag.model.problems import Problems
from ired_diag.model.schedule import Schedule

Kind = Literal["positive", "random", "start", "adversarial", "control"]
KINDS: tuple[Kind, ...] = ("positive", "random", "start", "adversarial", "control")


@dataclass(frozen=True)
class MiningSettings:
    """How negatives are mined.

    Attributes:
        opt_steps: Steps of descent.
        noise_scale: How much more noise the start carries than the positive.
        scale_factor: What the length of every step is multiplied by.
        random_negative: Which random negative: ``gaussian`` or ``noised_start``.
        walk: ``descent``, which the public code calls adversarial, or ``ascent``, its opposite.
        ascent_learning_rate: Length of a step of ascent.
        faithful: Reproduce the public code's quirks.
        sampler: Of an energy without noise levels: what finds its negatives, in place of all of these.
    """

    opt_steps: int = 2
    noise_scale: float = 3.0
    scale_factor: float = 1.0
    random_negative: Literal["gaussian", "noised_start"] = "gaussian"
    walk: Literal["descent", "ascent"] = "descent"
    ascent_learning_rate: float = 0.1
    faithful: bool = True
    sampler: Sampler | None = None

    def described(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them; a sampler by its name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        sampler = values.pop("sampler")
        if sampler is not None:
            values["sampler"] = getattr(sampler, "__qualname__", repr(sampler))
        return values


@dataclass(frozen=True, kw_only=True)
class MinedBatch:
    """Problems, and candidate answers of each kind at each noise level.

    Attributes:
        settings: How the negatives were mined.
        problem: Problems x, of shape (samples, problem_dim).
        candidates: Of each kind, in x₀-space, of shape (levels, samples, dim).
        noisy: The candidates noised again with their level's noise, of the same shapes.
        energies: E of the noisy candidates, of shape (levels, samples); computed when first looked at.
        walk: Every step of the mining, in the space of its level: the attributes of ``Walk``, each with the
            levels as leading axis, before the steps: points of shape (levels, steps + 1, samples, dim).
        first: Number of the first problem among all that the probe looks at.
    """

    settings: MiningSettings
    problem: Tensor
    candidates: Mapping[Kind, Tensor]
    noisy: Mapping[Kind, Tensor]
    energies: Mapping[Kind, Tensor]
    walk: Walk
    first: int = 0

    @property
    def levels(self) -> int:
        """Number of noise levels."""
        return len(self.walk.points)

    @property
    def samples(self) -> int:
        """Number of problems."""
        return len(self.problem)


class ByKind(Mapping[Kind, Tensor]):
    """Something of each kind of candidate, computed when first looked at."""

    def __init__(self, compute: Callable[[Kind], Tensor]) -> None:
        self._compute = compute
        self._computed: dict[Kind, Tensor] = {}

    def __getitem__(self, kind: Kind) -> Tensor:
        """Return it, of shape (levels, samples, …)."""
        if kind not in KINDS:
            raise KeyError(kind)
        if kind not in self._computed:
            self._computed[kind] = self._compute(kind)
        return self._computed[kind]

    def __iter__(self) -> Iterator[Kind]:
        """Yield the kinds."""
        return iter(KINDS)

    def __len__(self) -> int:
        """Return the number of kinds."""
        return len(KINDS)


@torch.no_grad()
def mine_batch(
    energy: Energy,
    schedule: Schedule,
    problems: Problems,
    settings: MiningSettings,
    *,
    samples: int,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
    first: int = 0,
) -> MinedBatch:
    """Return problems of a data set with candidates of each kind.

    Args:
        energy: Negatives are mined with the weights that training mined with, the raw ones.
        schedule: Its noise schedule, on the same device.
        problems: Where problems and right answers come from.
        settings: How to mine.
        samples: Number of problems; each stands at every level.
        generator: Of problems, noise and directions, on the CPU: the same numbers for every device.
        device: Where the energy is.
        first: Number of the first problem among all.
    """
    problem, answer = problems.draw(samples, generator=generator)
    problem = problem.to(device)
    answer = answer.to(device)
    mined_levels = []
    for level in range(schedule.levels):
        t = torch.full((samples,), level, device=device)
        landscape = energy.landscape(problem, t)
        draws = torch.randn(3, *answer.shape, generator=generator).to(device)
        if settings.sampler is None:
            mined = _mine_by_descent(
                landscape=landscape,
                answer=answer,
                t=t,
                draws=draws,
                schedule=schedule,
                settings=settings,
            )
        else:
            mined = _mine_by_sampler(
                landscape=landscape,
                answer=answer,
                draws=draws,
                sampler=settings.sampler,
                generator=generator,
            )
        mined_levels.append(mined)
    candidates = _stacked_candidates([mined.candidates for mined in mined_levels])
    noise = torch.stack([mined.noise for mined in mined_levels])
    t = torch.arange(schedule.levels, device=device)[:, None]
    noisy = ByKind(lambda kind: schedule.q_sample(candidates[kind], t, noise))
    energies = ByKind(lambda kind: energies_of(energy, problem, noisy[kind]))
    return MinedBatch(
        settings=settings,
        problem=problem,
        candidates=candidates,
        noisy=noisy,
        energies=energies,
        walk=_stacked_walks([mined.walk for mined in mined_levels]),
        first=first,
    )


@dataclass(frozen=True)
class _MinedLevel:
    """Candidates at one noise level, the level's noise, and the steps of the mining."""

    candidates: Mapping[Kind, Tensor]
    noise: Tensor
    walk: Walk


def _mine_by_descent(
    landscape: Landscape,
    answer: Tensor,
    t: Tensor,
    draws: Tensor,
    *,
    schedule: Schedule,
    settings: MiningSettings,
) -> _MinedLevel:
    """Return candidates as training mines them.

    Args:
        landscape: E(x, ·, t).
        answer: Right answers, of shape (samples, dim).
        t: Noise level of each, of shape (samples,).
        draws: Gaussian numbers: noise, directions of the control, random answers; of shape (3, samples, dim).
        schedule: The noise schedule.
        settings: How to mine.
    """
    noise, direction, gaussian = draws
    start = schedule.q_sample(answer, t, settings.noise_scale * noise)
    descent = mine(
        landscape=landscape,
        start=start,
        t=t,
        schedule=schedule,
        settings=settings,
    )
    adversarial = rescale(descent.end, t, schedule)
    random = gaussian.clamp(-CLAMP, CLAMP)
    if settings.random_negative == "noised_start":
        random = noised_start_negative(
            positive=answer,
            t=t,
            noise=noise,
            schedule=schedule,
            noise_scale=settings.noise_scale,
        )
    candidates: dict[Kind, Tensor] = {
        "positive": answer,
        "random": random,
        "start": rescale(start, t, schedule),
        "adversarial": adversarial,
        "control": matched_control(answer, adversarial, direction),
    }
    return _MinedLevel(candidates, noise, descent.recorded_walk)


def _mine_by_sampler(
    landscape: Landscape,
    answer: Tensor,
    draws: Tensor,
    sampler: Sampler,
    generator: torch.Generator,
) -> _MinedLevel:
    """Return candidates where an energy without noise levels brings its own sampler."""
    noise, direction, gaussian = draws
    start = random_points(answer, gaussian)
    descent = sample_walk(
        landscape=landscape,
        start=start,
        sampler=sampler,
        generator=generator,
    )
    candidates: dict[Kind, Tensor] = {
        "positive": answer,
        "random": random_points(answer, noise),
        "start": descent.recorded_walk.points[0],
        "adversarial": descent.end,
        "control": matched_control(answer, descent.end, direction),
    }
    return _MinedLevel(candidates, noise, descent.recorded_walk)


def _stacked_candidates(by_level: Sequence[Mapping[Kind, Tensor]]) -> dict[Kind, Tensor]:
    stacked = {}
    for kind in KINDS:
        stacked[kind] = torch.stack([candidates[kind] for candidates in by_level])
    return stacked


def _stacked_walks(walks: Sequence[Walk]) -> Walk:
    """Return the walks of all levels as one, the levels as leading axis."""
    stacked = {}
    for field in fields(Walk):
        stacked[field.name] = torch.stack([getattr(walk, field.name) for walk in walks])
    return Walk(**stacked)


def mine(
    landscape: Landscape,
    start: Tensor,
    t: Tensor,
    schedule: Schedule,
    settings: MiningSettings,
    *,
    record: bool = True,
) -> Descent:
    """Return where mining leads from its start.

    Args:
        landscape: E(x, ·, t).
        start: Of shape (batch, dim), in the space of level t.
        t: Noise level of each, of shape (batch,).
        schedule: Step lengths and clamp bounds.
        settings: How to mine.
        record: Whether to record every step.
    """
    if settings.walk == "ascent":
        return ascend(
            landscape=landscape,
            start=start,
            t=t,
            schedule=schedule,
            steps=settings.opt_steps,
            learning_rate=settings.ascent_learning_rate,
            scale_factor=settings.scale_factor,
            record=record,
        )
    return descend(
        landscape=landscape,
        start=start,
        t=t,
        schedule=schedule,
        steps=settings.opt_steps,
        scale_factor=settings.scale_factor,
        faithful=settings.faithful,
        record=record,
    )


@torch.no_grad()
def energies_of(energy: Energy, problem: Tensor, noisy: Tensor) -> Tensor:
    """Return E of candidates at each level, of shape (levels, samples).

    Args:
        energy: The energy.
        problem: Of shape (samples, problem_dim).
        noisy: Of shape (levels, samples, dim), each in the space of its level.
    """
    energies = []
    for level, y in enumerate(noisy):
        t = torch.full((len(problem),), level, device=noisy.device)
        landscape = energy.landscape(problem, t)
        energies.append(landscape.energy(y))
    return torch.stack(energies)


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
