"""A noise walk is mining in all but its directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import pytest
import torch
from torch import Tensor

from ired_diag.model.mined_batch import MiningSettings, mine
from ired_diag.model.mining import Walk
from ired_diag.model.noise_walk import noise_walk
from ired_diag.subject import Subject

SETTINGS = (
    MiningSettings(),
    MiningSettings(opt_steps=5, faithful=False),
    MiningSettings(opt_steps=3, walk="ascent"),
)


def start_of(subject: Subject, level: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    problem, answer = subject.problems.draw(20, generator=generator)
    t = torch.full((20,), level)
    noise = 3 * torch.randn(answer.shape, generator=generator, dtype=torch.float64)
    return problem.double(), subject.schedule.q_sample(answer.double(), t, noise), t


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("level", [0, 2])
def test_noise_in_the_direction_of_the_gradient_is_the_mining_itself(
    network_subject: Callable[..., Subject],
    generator: torch.Generator,
    settings: MiningSettings,
    level: int,
) -> None:
    subject = network_subject(dtype=torch.float64)
    problem, start, t = start_of(subject, level, generator)
    landscape = subject.energy.landscape(problem, t)
    true = mine(landscape, start, t, subject.schedule, settings).walk
    assert true is not None
    gradients = torch.stack([landscape.energy_and_gradient(y)[1] for y in true.points[:-1]])
    walk = noise_walk(
        landscape,
        start,
        t,
        subject.schedule,
        settings,
        gradient_norms=true.gradient_norms,
        directions=7 * gradients,
    )
    for name in (f.name for f in fields(Walk)):
        torch.testing.assert_close(getattr(walk, name), getattr(true, name), rtol=1e-9, atol=1e-9)


def test_it_keeps_the_lengths_and_the_rule_of_acceptance(
    quadratic_subject: Callable[..., Subject], generator: torch.Generator
) -> None:
    subject = quadratic_subject(torch.eye(6, dtype=torch.float64), levels=10)
    problem, start, t = start_of(subject, 0, generator)
    start = 0.1 * start  # far from the clamp
    landscape = subject.energy.landscape(problem, t)
    norms = torch.full((2, 20), 0.5, dtype=torch.float64)
    directions = torch.randn(2, 20, 6, generator=generator, dtype=torch.float64)
    walk = noise_walk(
        landscape,
        start,
        t,
        subject.schedule,
        MiningSettings(),
        gradient_norms=norms,
        directions=directions,
    )
    eta = float(subject.schedule.opt_step_size[0])
    torch.testing.assert_close(walk.proposed[0], norms[0] * eta, rtol=1e-9, atol=0)
    torch.testing.assert_close(walk.proposed[1], norms[1] * eta * 2, rtol=1e-9, atol=0)
    assert 0 < walk.accepted.double().mean() < 1
    moved = (walk.points.diff(dim=0) != 0).any(dim=-1)
    assert torch.equal(moved, walk.accepted)
    assert (walk.energies.diff(dim=0) <= 0).all()


def test_no_steps_are_a_walk_of_one_point(
    quadratic_subject: Callable[..., Subject], generator: torch.Generator
) -> None:
    subject = quadratic_subject(torch.eye(6, dtype=torch.float64))
    problem, start, t = start_of(subject, 0, generator)
    none = torch.zeros(0, 20, dtype=torch.float64)
    walk = noise_walk(
        subject.energy.landscape(problem, t),
        start,
        t,
        subject.schedule,
        MiningSettings(opt_steps=0),
        gradient_norms=none,
        directions=torch.zeros(0, 20, 6, dtype=torch.float64),
    )
    assert torch.equal(walk.points, start[None])
