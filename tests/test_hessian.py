"""The loss to second order: linear regression's exact Hessian, torch.func's, and slices of order two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ired_diag.inverse.architecture import initial_parameters
from ired_diag.inverse.draws import Draws
from ired_diag.inverse.held_loss import held_loss
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.filter_direction import filter_direction
from ired_diag.model.hessian import along, expand, flatten, unflatten
from ired_diag.model.lanczos import extreme_pairs, lanczos
from ired_diag.subject import Subject

Parameters = Mapping[str, Tensor]


def network_loss(
    subject: Subject, generator: torch.Generator
) -> tuple[Callable[[Parameters], Tensor], Parameters]:
    problem, answer = subject.problems.draw(7, generator=generator)
    t = torch.randint(0, subject.schedule.levels, (7,), generator=generator)
    noise = torch.randn(answer.shape, generator=generator, dtype=torch.float64)
    network = subject.energy_of(EnergyNetwork)
    loss = held_loss(network, subject.schedule, None, problem.double(), answer.double(), Draws(t, noise))
    return loss, network.parameters


def small(network_subject: Callable[..., Subject]) -> Subject:
    subject = network_subject(rank=2, width=5, levels=3, dtype=torch.float64)
    network = subject.energy_of(EnergyNetwork)
    sizes = replace(network.architecture, embedding=4, time_width=3)
    weights = initial_parameters(sizes, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return replace(subject, energy=replace(network, architecture=sizes, parameters=weights))


def test_linear_regression_has_twice_the_covariance_of_its_inputs(generator: torch.Generator) -> None:
    x = torch.randn(50, 8, generator=generator, dtype=torch.float64)
    y = torch.randn(50, generator=generator, dtype=torch.float64)
    at = expand(lambda p: (x @ p["w"] - y).square().mean(), {"w": torch.randn(8).double()})
    exact = 2 / 50 * x.T @ x
    for v in torch.eye(8).double():
        np.testing.assert_allclose(at.product(v), exact @ v, atol=1e-14)
    low, high = extreme_pairs(at.product, lanczos(at.product, torch.ones(8).double(), 8))
    values = np.linalg.eigvalsh(exact.numpy())
    assert low.value == pytest.approx(values[0], rel=1e-9)
    assert high.value == pytest.approx(values[-1], rel=1e-12)


def test_the_networks_hessian_is_torch_funcs(
    network_subject: Callable[..., Subject], generator: torch.Generator
) -> None:
    loss, parameters = network_loss(small(network_subject), generator)
    vector = flatten(parameters)
    gradient = torch.func.grad(lambda v: loss(unflatten(v, parameters)))
    whole = torch.func.jacrev(gradient)(vector)  # forward over reverse would warn of a deprecated jit
    at = expand(loss, parameters)
    ours = torch.stack([at.product(unit) for unit in torch.eye(len(vector)).double()])
    np.testing.assert_allclose(ours, whole, atol=1e-12 * float(whole.abs().max()))
    np.testing.assert_allclose(at.gradient, gradient(vector), atol=1e-14)
    low, high = extreme_pairs(at.product, lanczos(at.product, torch.ones_like(vector), 60))
    values = np.linalg.eigvalsh(whole.numpy())
    assert high.value == pytest.approx(values[-1], rel=1e-8)
    assert low.value == pytest.approx(values[0], rel=1e-4)


def test_second_differences_of_a_slice_approach_the_curvature_with_order_two(
    network_subject: Callable[..., Subject], generator: torch.Generator
) -> None:
    loss, parameters = network_loss(network_subject(dtype=torch.float64), generator)
    direction = filter_direction(parameters, generator=generator)
    at = expand(loss, parameters)
    exact = float(direction @ at.product(direction))
    steps = np.array([0.04, 0.02, 0.01])

    def ends(h: float) -> tuple[float, float]:
        return along(loss, parameters, direction, h), along(loss, parameters, direction, -h)

    errors = [abs((sum(ends(h)) - 2 * at.value) / h**2 - exact) for h in steps]
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(2.0, abs=0.05)
    ahead, behind = ends(1e-4)
    assert (ahead - behind) / 2e-4 == pytest.approx(float(direction @ at.gradient), rel=1e-5)


def test_parameters_that_the_loss_ignores_or_meets_linearly_have_no_curvature() -> None:
    parameters = {"a": torch.ones(2).double(), "unused": torch.ones(3).double(), "b": torch.ones(1).double()}
    at = expand(lambda p: (p["a"] ** 3).sum() + 4 * p["b"].sum(), parameters)
    assert at.gradient.tolist() == [3, 3, 0, 0, 0, 4]
    assert at.product(torch.ones(6).double()).tolist() == [6, 6, 0, 0, 0, 0]
    linear = expand(lambda p: 2 * p["a"].sum(), parameters)
    assert linear.product(torch.ones(6).double()).tolist() == [0] * 6


def test_a_filter_direction_has_each_filters_length_and_leaves_biases(generator: torch.Generator) -> None:
    parameters = {"w": torch.randn(4, 6, generator=generator), "b": torch.randn(4, generator=generator)}
    parameters["w"][2] = 0
    found = unflatten(filter_direction(parameters, generator=generator), parameters)
    np.testing.assert_allclose(found["w"].norm(dim=1), parameters["w"].norm(dim=1), rtol=1e-6)
    assert found["b"].tolist() == [0] * 4
    ten = {name: 10 * p for name, p in parameters.items()}
    one, other = (filter_direction(p, generator=torch.Generator().manual_seed(3)) for p in (parameters, ten))
    np.testing.assert_allclose(other, 10 * one, rtol=1e-5)
