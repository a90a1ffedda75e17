"""The held loss: training's own value and gradient where it is held, and no mining anywhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.draws import draw
from ired_diag.inverse.held_loss import drawn_loss, held_loss
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.objective import training_loss
from ired_diag.model.hessian import expand, flatten
from ired_diag.model.losses import denoising_loss
from ired_diag.streams import make_streams
from ired_diag.subject import Subject


def config(**keys: Any) -> InverseConfig:
    return InverseConfig(experiment_name="q900", rank=3, width=16, diffusion_steps=4, **keys)


@pytest.mark.parametrize("strategy", ["none", "random", "adversarial", "ascent", "mixed"])
def test_its_value_and_gradient_are_those_of_training(
    strategy: Any, network_subject: Callable[..., Subject], generator: torch.Generator
) -> None:
    subject, told = (
        network_subject(dtype=torch.float64),
        config(mining_strategy=strategy, energy_reg_weight=0.1),
    )
    original = subject.energy_of(EnergyNetwork)
    problem, answer = (a.double() for a in subject.problems.draw(9, generator=generator))
    draws = draw(told, answer, make_streams(3, "cpu"))
    loss = held_loss(original, subject.schedule, told, problem, answer, draws)
    at = expand(loss, original.parameters)
    leaves = {name: p.clone().requires_grad_() for name, p in original.parameters.items()}
    network = replace(original, parameters=leaves)
    total = training_loss(network, subject.schedule, told, problem, answer, draws).total
    total.backward()  # type: ignore[no-untyped-call]
    gradient = {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in leaves.items()}
    assert at.value == pytest.approx(float(total.detach()), rel=1e-14)
    np.testing.assert_allclose(at.gradient, flatten(gradient), atol=1e-14)


def test_the_negatives_stay_where_they_were_found(
    network_subject: Callable[..., Subject], generator: torch.Generator
) -> None:
    # A small step moves mined negatives, and with them a loss that mines again, to first order: its central
    # difference is then not the gradient of training.
    subject, told = network_subject(dtype=torch.float64), config(mining_strategy="adversarial")
    network = subject.energy_of(EnergyNetwork)
    problem, answer = (a.double() for a in subject.problems.draw(9, generator=generator))
    draws = draw(told, answer, make_streams(3, "cpu"))
    loss = held_loss(network, subject.schedule, told, problem, answer, draws)
    at, h = expand(loss, network.parameters), 1e-6
    unit = {
        name: torch.randn(p.shape, generator=generator).double() for name, p in network.parameters.items()
    }
    moved = [{n: p + s * h * unit[n] for n, p in network.parameters.items()} for s in (1.0, -1.0)]
    held = (float(loss(moved[0])) - float(loss(moved[1]))) / (2 * h)
    again = [
        float(
            training_loss(
                replace(network, parameters=p), subject.schedule, told, problem, answer, draws
            ).total
        )
        for p in moved
    ]
    exact = float(at.gradient @ flatten(unit))
    assert held == pytest.approx(exact, rel=1e-6)
    assert abs((again[0] - again[1]) / (2 * h) - exact) > 1e-4 * abs(exact)


def test_without_a_configuration_it_is_the_denoising_loss(network_subject: Callable[..., Subject]) -> None:
    subject = network_subject()
    network = subject.energy_of(EnergyNetwork)
    loss = drawn_loss(network, subject.schedule, None, subject.problems, 9, generators=subject.generator)
    problem, answer = subject.problems.draw(9, generator=subject.generator("problems"))
    stream = subject.generator("noise")
    t = torch.randint(0, 4, (9,), generator=stream)
    noise = torch.randn(answer.shape, generator=stream)
    noisy = subject.schedule.q_sample(answer, t, noise)
    expected = denoising_loss(subject.energy.landscape(problem, t), noisy, noise).mean()
    assert float(loss(network.parameters)) == float(expected)


def test_a_stopped_head_moves_here(network_subject: Callable[..., Subject]) -> None:
    subject = network_subject()
    network = subject.energy_of(EnergyNetwork)
    told = config(mining_strategy="adversarial")
    losses = [
        drawn_loss(network, subject.schedule, c, subject.problems, 9, generators=subject.generator)
        for c in (told, told.model_copy(update={"stop_gradient_head": True}))
    ]
    one, other = (expand(loss, network.parameters) for loss in losses)
    assert torch.equal(one.gradient, other.gradient)
