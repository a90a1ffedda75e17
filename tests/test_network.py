"""The energy network: its written-out gradient against autograd, its energy against a naive twin."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ired_diag.inverse.architecture import Architecture, initial_parameters, parameter_shapes
from ired_diag.inverse.head import Head
from ired_diag.inverse.network import EnergyNetwork, GradientNormalization, swish_backward

SIZES = [(1, 3, 2), (3, 16, 10), (5, 8, 4), (20, 512, 10)]


def network(rank: int, width: int, levels: int, head: Head, generator: torch.Generator) -> EnergyNetwork:
    sizes = Architecture(rank=rank, width=width, levels=levels, head=head)
    return EnergyNetwork(sizes, initial_parameters(sizes, generator=generator, dtype=torch.float64))


def inputs(net: EnergyNetwork, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    x, y = torch.randn(2, batch, net.architecture.dim, generator=generator, dtype=torch.float64)
    return x, y, torch.randint(0, net.levels, (batch,), generator=generator)


def naive_energy(net: EnergyNetwork, x: Tensor, y: Tensor, t: int) -> Tensor:
    """E of one sample, line by line from the paper's text."""
    p, half = net.parameters, net.architecture.embedding // 2
    frequencies = [math.exp(-math.log(10000) * i / (half - 1)) for i in range(half)]
    waves = [math.sin(t * f) for f in frequencies] + [math.cos(t * f) for f in frequencies]
    e = p["time_mlp.1.weight"] @ torch.tensor(waves, dtype=torch.float64) + p["time_mlp.1.bias"]
    e = 0.5 * e * (1 + torch.erf(e / math.sqrt(2)))
    e = p["time_mlp.3.weight"] @ e + p["time_mlp.3.bias"]
    h = p["fc1.weight"] @ torch.cat([x, y]) + p["fc1.bias"]
    h = h * torch.sigmoid(h)
    for layer in ("2", "3"):
        gain, bias = (p[f"t_map_fc{layer}.weight"] @ e + p[f"t_map_fc{layer}.bias"]).chunk(2)
        h = (p[f"fc{layer}.weight"] @ h + p[f"fc{layer}.bias"]) * (gain + 1) + bias
        h = h * torch.sigmoid(h)
    if net.architecture.head == "scalar":
        return (p["energy_head.weight"] @ h + p["energy_head.bias"])[0]
    return ((p["fc4.weight"] @ h + p["fc4.bias"]) ** 2).sum()


@pytest.mark.parametrize("head", ["vector", "scalar"])
@pytest.mark.parametrize(("rank", "width", "levels"), SIZES)
def test_gradient_equals_autograd_in_float64(
    rank: int, width: int, levels: int, head: Head, generator: torch.Generator
) -> None:
    net = network(rank, width, levels, head, generator)
    x, y, t = inputs(net, 9, generator)
    y.requires_grad_()
    landscape = net.landscape(x, t)
    energy, gradient = landscape.energy_and_gradient(y)
    (expected,) = torch.autograd.grad(landscape.energy(y).sum(), y)
    assert ((gradient - expected).norm() / expected.norm()).item() <= 1e-12
    torch.testing.assert_close(energy, landscape.energy(y), rtol=1e-13, atol=0)


@pytest.mark.parametrize("head", ["vector", "scalar"])
def test_energy_equals_the_naive_twin(head: Head, generator: torch.Generator) -> None:
    net = network(4, 12, 10, head, generator)
    x, y, t = inputs(net, 10, generator)
    t = torch.arange(10)
    expected = torch.stack([naive_energy(net, x[i], y[i], i) for i in range(10)])
    torch.testing.assert_close(net.landscape(x, t).energy(y), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("head", ["vector", "scalar"])
def test_loss_gradient_in_the_parameters_equals_double_backward(
    head: Head, generator: torch.Generator
) -> None:
    net = network(3, 10, 5, head, generator)
    x, y, t = inputs(net, 6, generator)
    target = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    leaves = {name: p.clone().requires_grad_() for name, p in net.parameters.items()}
    landscape = replace(net, parameters=leaves).landscape(x, t)
    ours = (landscape.energy_and_gradient(y)[1] - target).square().mean()
    point = y.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(landscape.energy(point).sum(), point, create_graph=True)
    theirs = (gradient - target).square().mean()
    wanted = [leaf for name, leaf in leaves.items() if name not in ("energy_head.bias",)]
    for got, expected in zip(
        torch.autograd.grad(ours, wanted, retain_graph=True), torch.autograd.grad(theirs, wanted), strict=True
    ):
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-14)


def test_a_sample_does_not_depend_on_its_companions(generator: torch.Generator) -> None:
    net = network(3, 16, 10, "vector", generator)
    x, y, t = inputs(net, 8, generator)
    together = net.landscape(x, t).energy_and_gradient(y)
    alone = net.landscape(x[3:4], t[3:4]).energy_and_gradient(y[3:4])
    for got, expected in zip(alone, together, strict=True):
        torch.testing.assert_close(got[0], expected[3], rtol=1e-12, atol=1e-14)


def test_normalization_divides_the_gradient_and_leaves_the_energy(generator: torch.Generator) -> None:
    net = network(3, 16, 10, "vector", generator)
    x, y, t = inputs(net, 8, generator)
    energy, gradient = net.landscape(x, t).energy_and_gradient(y)
    cases: list[tuple[GradientNormalization, int]] = [("batch", 8), (2048.0, 2048)]
    for normalization, divisor in cases:
        scaled = replace(net, gradient_normalization=normalization).landscape(x, t).energy_and_gradient(y)
        assert torch.equal(scaled[0], energy)
        torch.testing.assert_close(scaled[1] * divisor, gradient, rtol=1e-14, atol=0)


def test_initial_parameters_are_those_of_a_linear_layer(generator: torch.Generator) -> None:
    sizes = Architecture(rank=20, width=512)
    parameters = initial_parameters(sizes, generator=generator)
    assert {n: tuple(p.shape) for n, p in parameters.items()} == parameter_shapes(sizes)
    bound = 1 / math.sqrt(800)
    weight = parameters["fc1.weight"]
    assert 0.999 * bound < weight.abs().max().item() <= bound
    assert abs(weight.var().item() / (bound**2 / 3) - 1) < 0.01
    by_hand = 2 * 129 * 128 + 801 * 512 + 2 * 513 * 512 + 513 * 400 + 2 * 129 * 1024
    assert sum(p.numel() for p in parameters.values()) == by_hand


@pytest.mark.parametrize("graph", [True, False])
def test_swish_backward_multiplies_by_the_derivative(graph: bool) -> None:
    a = torch.linspace(-8, 8, 101, dtype=torch.float64).requires_grad_()
    d = torch.linspace(3, -1, 101, dtype=torch.float64)
    (expected,) = torch.autograd.grad((a * torch.sigmoid(a)).sum(), a)
    with torch.set_grad_enabled(graph):
        torch.testing.assert_close(swish_backward(d, a), d * expected, rtol=1e-12, atol=1e-15)
