"""The head of the energy: each formula against PyTorch's own, ∇_yE of the whole network against autograd."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ired_diag.inverse.architecture import Architecture, initial_parameters
from ired_diag.inverse.head import HEAD_LAYERS, PLAIN, Head, HeadForm, affine, read_out
from ired_diag.inverse.network import EnergyNetwork

BATCH, WIDTH, DIM, SEEDS = 7, 12, 9, 3
SCALE: dict[Head, float] = {"vector": 50.0, "scalar": 1.0}  # bounds that these networks reach
Normalization = Literal["none", "layer", "spectral"]
Bound = Literal["none", "tanh", "sigmoid"]
NORMALIZATIONS: tuple[Normalization, ...] = ("none", "layer", "spectral")
BOUNDS: tuple[Bound, ...] = ("none", "tanh", "sigmoid")
CASES: list[tuple[Head, HeadForm]] = [
    *(("vector", HeadForm("none", bound, SCALE["vector"])) for bound in BOUNDS),
    *(("scalar", HeadForm(n, bound, SCALE["scalar"])) for n in NORMALIZATIONS for bound in BOUNDS),
]


def named(case: tuple[Head, HeadForm]) -> str:
    return f"{case[0]}-{case[1].normalization}-{case[1].bound}"


every_case = pytest.mark.parametrize(("head", "form"), CASES, ids=map(named, CASES))


def head_parameters(head: Head, generator: torch.Generator) -> dict[str, Tensor]:
    out = 1 if head == "scalar" else DIM
    layer = HEAD_LAYERS[head]
    return {
        f"{layer}.weight": torch.randn(out, WIDTH, generator=generator, dtype=torch.float64),
        f"{layer}.bias": torch.randn(out, generator=generator, dtype=torch.float64),
    }


def hidden(generator: torch.Generator) -> Tensor:
    return torch.randn(BATCH, WIDTH, generator=generator, dtype=torch.float64).requires_grad_()


def by_pytorch(h: Tensor, parameters: dict[str, Tensor], head: Head, form: HeadForm) -> Tensor:
    """E from h with PyTorch's own layers, nothing written out."""
    w, b = parameters[f"{HEAD_LAYERS[head]}.weight"], parameters[f"{HEAD_LAYERS[head]}.bias"]
    if form.normalization == "layer":
        h = F.layer_norm(h, (WIDTH,))
    if form.normalization == "spectral":
        w = w / torch.linalg.matrix_norm(w, 2)
    output = F.linear(h, w, b)
    energy = output[:, 0] if head == "scalar" else output.pow(2).sum(1)
    match form.bound:
        case "tanh":
            return form.bound_scale * torch.tanh(energy / form.bound_scale)
        case "sigmoid":
            return form.bound_scale * torch.sigmoid(energy / form.bound_scale)
    return energy


@every_case
def test_energy_and_slope_are_those_of_pytorchs_layers(
    head: Head, form: HeadForm, generator: torch.Generator
) -> None:
    parameters, h = head_parameters(head, generator), hidden(generator)
    energy, slope = read_out(h, parameters, head, form)
    expected = by_pytorch(h, parameters, head, form)
    torch.testing.assert_close(energy, expected, rtol=1e-13, atol=1e-13)
    (derivative,) = torch.autograd.grad(expected.sum(), h)
    torch.testing.assert_close(slope.expand(BATCH, WIDTH), derivative, rtol=1e-11, atol=1e-13)


def test_the_layer_normalization_has_pytorchs_floor_under_the_variance(generator: torch.Generator) -> None:
    parameters = head_parameters("scalar", generator)
    flat = 1e-3 * hidden(generator).detach()  # a variance of 1e-6, below the floor of 1e-5
    energy, _ = read_out(flat, parameters, "scalar", HeadForm("layer"))
    torch.testing.assert_close(
        energy, by_pytorch(flat, parameters, "scalar", HeadForm("layer")), rtol=1e-12, atol=0
    )


def test_layer_normalization_bounds_the_energy_whatever_the_hidden_layers_scale(
    generator: torch.Generator,
) -> None:
    parameters, h = head_parameters("scalar", generator), hidden(generator).detach()
    w, b = parameters["energy_head.weight"], parameters["energy_head.bias"]
    limit = math.sqrt(WIDTH) * float(w.norm()) + float(b.abs())  # |w·ĥ| ≤ ‖w‖ ‖ĥ‖, and ‖ĥ‖ ≤ √width
    for scale in (1.0, 1e3, 1e6):
        energy, slope = read_out(scale * h, parameters, "scalar", HeadForm("layer"))
        assert float(energy.abs().max()) <= limit
        assert float(slope.norm(dim=1).max()) <= 2 * float(w.norm()) / (scale * float(h.std(dim=1).min()))


def test_the_spectral_norm_is_that_of_pytorchs_parametrization(generator: torch.Generator) -> None:
    parameters, h = head_parameters("scalar", generator), hidden(generator).detach()
    linear = nn.Linear(WIDTH, 1, dtype=torch.float64)
    with torch.no_grad():
        linear.weight.copy_(parameters["energy_head.weight"])
        linear.bias.copy_(parameters["energy_head.bias"])
    normalized = nn.utils.parametrizations.spectral_norm(linear, n_power_iterations=50)
    energy, slope = read_out(h, parameters, "scalar", HeadForm("spectral"))
    torch.testing.assert_close(energy, normalized(h)[:, 0].detach(), rtol=1e-10, atol=1e-10)
    assert float(slope.norm()) == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize("head", ["vector", "scalar"])
def test_bounds_hold_and_leave_small_energies_alone(head: Head, generator: torch.Generator) -> None:
    parameters, h = head_parameters(head, generator), hidden(generator).detach()
    plain, slope = read_out(h, parameters, head, PLAIN)
    for scale in (1e-2, 1.0, 1e8):
        tanh, _ = read_out(h, parameters, head, HeadForm(bound="tanh", bound_scale=scale))
        sigmoid, _ = read_out(h, parameters, head, HeadForm(bound="sigmoid", bound_scale=scale))
        assert float(tanh.abs().max()) <= scale
        assert 0 <= float(sigmoid.min()) <= float(sigmoid.max()) <= scale
    wide, wide_slope = read_out(h, parameters, head, HeadForm(bound="tanh", bound_scale=1e8))
    torch.testing.assert_close(wide, plain, rtol=1e-11, atol=0)
    torch.testing.assert_close(wide_slope, slope.expand_as(wide_slope), rtol=1e-11, atol=0)
    # The logistic's slope is ¼ where it starts: a sigmoid bound divides the denoiser by four.
    half, quarter = read_out(h, parameters, head, HeadForm(bound="sigmoid", bound_scale=1e8))
    torch.testing.assert_close(half, 0.5e8 + plain / 4, rtol=1e-15, atol=1e-6)
    torch.testing.assert_close(quarter, slope.expand_as(quarter) / 4, rtol=1e-11, atol=0)


def test_an_affine_map_takes_a_leading_axis_of_seeds(generator: torch.Generator) -> None:
    x = torch.randn(SEEDS, BATCH, 5, generator=generator, dtype=torch.float64)
    weight = torch.randn(SEEDS, 4, 5, generator=generator, dtype=torch.float64)
    bias = torch.randn(SEEDS, 4, generator=generator, dtype=torch.float64)
    for given in (bias, None):
        together = affine(x, weight, given)
        for seed in range(SEEDS):
            alone = F.linear(x[seed], weight[seed], None if given is None else given[seed])
            torch.testing.assert_close(together[seed], alone, rtol=1e-13, atol=1e-14)


def network(head: Head, form: HeadForm, generator: torch.Generator, seeds: int = 0) -> EnergyNetwork:
    """A network in float64, its weights twice as large as they start, so that bounds are reached."""
    sizes = Architecture(rank=3, width=WIDTH, head=head, levels=6, embedding=8, time_width=6)
    drawn = [
        initial_parameters(sizes, generator=generator, dtype=torch.float64) for _ in range(max(1, seeds))
    ]
    stacked = {n: 2 * (torch.stack([one[n] for one in drawn]) if seeds else p) for n, p in drawn[0].items()}
    return EnergyNetwork(sizes, stacked, None, form)


def inputs(generator: torch.Generator, *leading: int) -> tuple[Tensor, Tensor, Tensor]:
    x, y = torch.randn(2, *leading, BATCH, 9, generator=generator, dtype=torch.float64)
    return x, y, torch.randint(0, 6, (*leading, BATCH), generator=generator)


@every_case
def test_the_networks_gradient_equals_autograd_in_float64(
    head: Head, form: HeadForm, generator: torch.Generator
) -> None:
    net = network(head, form, generator)
    x, y, t = inputs(generator)
    y.requires_grad_()
    landscape = net.landscape(x, t)
    energy, gradient = landscape.energy_and_gradient(y)
    (expected,) = torch.autograd.grad(landscape.energy(y).sum(), y)
    gradient = gradient.detach()
    assert float((gradient - expected).norm() / expected.norm()) <= 1e-12
    assert torch.equal(energy, landscape.energy(y))


@every_case
def test_the_denoisers_gradient_in_the_weights_equals_a_double_backward(
    head: Head, form: HeadForm, generator: torch.Generator
) -> None:
    net = network(head, form, generator)
    leaves = {name: p.requires_grad_() for name, p in net.parameters.items()}
    x, y, t = inputs(generator)
    noise = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    landscape = net.landscape(x, t)
    written_out = (landscape.energy_and_gradient(y)[1] - noise).square().mean()
    point = y.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(landscape.energy(point).sum(), point, create_graph=True)
    twice = (gradient - noise).square().mean()
    found, expected = (
        torch.autograd.grad(loss, list(leaves.values()), retain_graph=True, allow_unused=True)
        for loss in (written_out, twice)
    )
    scale = max(float(g.norm()) for g in expected if g is not None)
    for name, one, other in zip(leaves, found, expected, strict=True):
        one = torch.zeros_like(leaves[name]) if one is None else one
        other = torch.zeros_like(leaves[name]) if other is None else other
        assert float((one - other).norm()) <= 1e-12 * scale, name


@every_case
def test_a_leading_axis_of_seeds_is_seed_by_seed(
    head: Head, form: HeadForm, generator: torch.Generator
) -> None:
    net = network(head, form, generator, seeds=SEEDS)
    x, y, t = inputs(generator, SEEDS)
    energy, gradient = net.landscape(x, t).energy_and_gradient(y)
    assert energy.shape == (SEEDS, BATCH)
    for seed in range(SEEDS):
        lone = replace(net, parameters={name: p[seed] for name, p in net.parameters.items()})
        alone = lone.landscape(x[seed], t[seed]).energy_and_gradient(y[seed])
        torch.testing.assert_close(energy[seed], alone[0], rtol=1e-12, atol=1e-13)
        torch.testing.assert_close(gradient[seed], alone[1], rtol=1e-12, atol=1e-13)


@every_case
def test_a_network_in_bfloat16_tells_energies_in_float32_near_the_exact_ones(
    head: Head, form: HeadForm, generator: torch.Generator
) -> None:
    net = network(head, form, generator)
    x, y, t = inputs(generator)
    exact, exact_gradient = net.landscape(x, t).energy_and_gradient(y)
    half = net.to("cpu", torch.bfloat16).landscape(x.float(), t)
    energy, gradient = half.energy_and_gradient(y.float())
    assert (energy.dtype, gradient.dtype, half.energy(y.float()).dtype) == (torch.float32,) * 3
    # Eight bits of mantissa: 2⁻⁹ a rounding, some of them added up over three layers.
    assert float((energy.double() - exact).norm() / exact.norm()) < 0.03
    assert float((gradient.double() - exact_gradient).norm() / exact_gradient.norm()) < 0.1


def test_energies_of_a_network_in_bfloat16_are_not_rounded_to_its_eight_bits(
    generator: torch.Generator,
) -> None:
    """Differences of energies decide what mining accepts: rounded to eight bits, most would be ties."""
    cases: list[tuple[Head, HeadForm]] = [("vector", PLAIN), ("scalar", PLAIN), ("scalar", HeadForm("layer"))]
    for head, form in cases:
        h = (3 * torch.randn(500, WIDTH, generator=generator)).bfloat16()
        parameters = {n: p.bfloat16() for n, p in head_parameters(head, generator).items()}
        energy, _ = read_out(h, parameters, head, form)
        assert float((energy != energy.bfloat16().float()).float().mean()) > 0.9
