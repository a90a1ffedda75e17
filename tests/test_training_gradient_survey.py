"""Gradients term by term: against autograd in slow loops, the training's loss, and PyTorch's optimisers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from ired_diag.inverse import gradient_survey
from ired_diag.inverse.architecture import Architecture, initial_parameters
from ired_diag.inverse.batch_gradients import LAYERS, batch_gradients, layer_of
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.gradient_survey import Survey, Terms, survey_levels, survey_terms
from ired_diag.inverse.loss_terms import loss_terms
from ired_diag.inverse.matrices import MatrixData
from ired_diag.inverse.mined_batches import draw_mined_batches, in_halves
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.objective import training_loss
from ired_diag.inverse.settled_update import squared_updates
from ired_diag.model.schedule import Schedule, cosine_schedule
from ired_diag.stats import noise_scale as noise
from ired_diag.stats.noise_scale import Products
from ired_diag.streams import make_streams

RANK, WIDTH, LEVELS = 2, 12, 4
DATA = MatrixData(rank=RANK)
SCHEDULE = cosine_schedule(LEVELS, dtype=torch.float64)


def config_of(**keys: Any) -> InverseConfig:
    told = {"mining_strategy": "adversarial", **keys}
    return InverseConfig(experiment_name="x", rank=RANK, width=WIDTH, diffusion_steps=LEVELS, **told)


def network_of(head: Any = "vector", seed: int = 3) -> EnergyNetwork:
    sizes = Architecture(rank=RANK, width=WIDTH, levels=LEVELS, head=head, embedding=8, time_width=8)
    weights = initial_parameters(sizes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return EnergyNetwork(sizes, weights)


def survey(
    config: InverseConfig,
    *,
    network: EnergyNetwork | None = None,
    batches: int = 3,
    size: int = 6,
    seed: int = 0,
) -> Survey:
    streams = [make_streams(seed + number, "cpu") for number in range(batches)]
    return survey_terms(network or network_of(), SCHEDULE, Terms(config, config), DATA, streams, size=size)


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "adversarial": {},
    "random": {"mining_strategy": "random"},
    "noised start": {"mining_strategy": "random", "random_negative": "noised_start"},
    "mixed": {"mining_strategy": "mixed"},
    "ascent": {"mining_strategy": "ascent"},
    "no steps": {"mining_opt_steps": 0},
    "none": {"mining_strategy": "none"},
    "regularised": {"energy_reg_weight": 0.3},
    "regularised l1": {"energy_reg_weight": 0.3, "energy_reg_norm": "l1"},
    "regularised, none": {"mining_strategy": "none", "energy_reg_weight": 0.3, "stop_gradient_head": True},
    "clamped": {"energy_clamp": 0.4},
    "soft clamp": {"soft_clamp_delta": 0.2, "energy_loss_weight": 0.05},
    "detached head": {"stop_gradient_head": True, "energy_reg_weight": 0.1},
}


@pytest.mark.parametrize("head", ["vector", "scalar"])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_terms_gradients_add_up_to_that_of_the_training_loss(name: str, head: Any) -> None:
    config = config_of(**CONFIGURATIONS[name])
    network = network_of(head)
    leaves = {n: p.clone().requires_grad_() for n, p in network.parameters.items()}
    network = EnergyNetwork(network.architecture, leaves)
    mining = config if config.mining_strategy != "none" else config_of()
    batch, negative = draw_mined_batches(network, SCHEDULE, mining, DATA, [make_streams(0, "cpu")], size=8)
    draws = batch.draws
    if config.mining_strategy == "none":
        draws = type(draws)(draws.t, draws.noise)
    whole = training_loss(network, SCHEDULE, config, batch.problem, batch.answer, draws)
    terms = Terms(config, mining).losses(network, SCHEDULE, batch, negative)
    assert tuple(terms) == Terms(config, mining).names
    trained = [terms[term] for term in Terms(config, mining).trained]
    tensors = list(leaves.values())
    found, truth = (
        torch.autograd.grad(loss.sum(), tensors, retain_graph=True, materialize_grads=True)
        for loss in (torch.stack(trained).sum(0), whole.total)
    )
    for one, other in zip(found, truth, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-14)


def energy_by_loops(p: dict[str, Tensor], x: Tensor, y: Tensor, level: int) -> Tensor:
    """IRED's energy of one problem, from the paper's formula."""
    half = 4
    frequency = torch.exp(torch.arange(half, dtype=torch.float64) * (-math.log(10000) / (half - 1)))
    wave = torch.cat([(level * frequency).sin(), (level * frequency).cos()])
    hidden = torch.nn.functional.gelu(p["time_mlp.1.weight"] @ wave + p["time_mlp.1.bias"])
    embedding = p["time_mlp.3.weight"] @ hidden + p["time_mlp.3.bias"]
    h = torch.nn.functional.silu(p["fc1.weight"] @ torch.cat([x, y]) + p["fc1.bias"])
    for layer in ("fc2", "fc3"):
        gain, shift = (p[f"t_map_{layer}.weight"] @ embedding + p[f"t_map_{layer}.bias"]).chunk(2)
        h = torch.nn.functional.silu((p[f"{layer}.weight"] @ h + p[f"{layer}.bias"]) * (1 + gain) + shift)
    output = p["fc4.weight"] @ h + p["fc4.bias"]
    return output @ output


def test_inner_products_are_those_of_a_slow_loop_over_samples_with_autograd() -> None:
    config, size, batches = config_of(energy_reg_weight=0.2), 4, 3
    found = survey(config, size=size, batches=batches)
    network = network_of()
    p = {name: tensor.clone().requires_grad_() for name, tensor in network.parameters.items()}
    streams = [make_streams(number, "cpu") for number in range(batches)]
    batch, negative = draw_mined_batches(network, SCHEDULE, config, DATA, streams, size=size)
    assert batch.draws.contrast_noise is not None

    def terms(r: int, i: int) -> list[Tensor]:
        x, level = batch.problem[r, i], int(batch.draws.t[r, i])
        signal, sigma = SCHEDULE.alphas_cumprod[level].sqrt(), (1 - SCHEDULE.alphas_cumprod[level]).sqrt()
        y = (signal * batch.answer[r, i] + sigma * batch.draws.noise[r, i]).requires_grad_()
        (slope,) = torch.autograd.grad(energy_by_loops(p, x, y, level), y, create_graph=True)
        contrast = batch.draws.contrast_noise[r, i]  # type: ignore[index]
        e, wrong = (
            energy_by_loops(p, x, signal * a + sigma * contrast, level)
            for a in (batch.answer[r, i], negative[r, i])
        )
        nce = torch.nn.functional.softplus(e - wrong)
        return [(slope - batch.draws.noise[r, i]).square().mean(), 0.5 * nce, 0.2 * (e**2 + wrong**2)]

    gradients: dict[str, list[list[Tensor]]] = {layer: [[], [], [], []] for layer in LAYERS}
    for r in range(batches):
        halves = [
            [(terms(r, half[0])[k] + terms(r, half[1])[k]) / 2 for k in range(3)] for half in ((0, 2), (1, 3))
        ]
        for half in halves:
            for k, loss in enumerate([*half, half[0] + half[1] + half[2]]):
                parts: dict[str, list[Tensor]] = {layer: [] for layer in LAYERS}
                each = torch.autograd.grad(loss, list(p.values()), retain_graph=True, materialize_grads=True)
                for name, gradient in zip(p, each, strict=True):
                    parts[layer_of(name)].append(gradient.flatten())
                for layer in LAYERS:
                    gradients[layer][k].append(torch.cat(parts[layer]))
    for layer in LAYERS:
        g = torch.stack([torch.stack(one) for one in gradients[layer]]).reshape(4, batches, 2, -1)
        mean, scatter = g.mean(2), (g[:, :, 0] - g[:, :, 1]) / 2
        whole = torch.einsum("arx,bx->abr", mean, mean.mean(1))
        for kept, truth in (
            (found.own, torch.einsum("arx,brx->abr", mean, mean)),
            (found.scatter, torch.einsum("arx,brx->abr", scatter, scatter)),
            (found.whole, (whole + whole.transpose(0, 1)) / 2),
        ):
            torch.testing.assert_close(kept[layer], truth, rtol=1e-8, atol=1e-12)
    for kept in (found.own, found.whole, found.scatter):
        torch.testing.assert_close(kept["all"], sum(kept[layer] for layer in LAYERS))


def test_doubling_its_weight_doubles_the_contrastive_gradient_and_no_other() -> None:
    once, twice = (survey(config_of(energy_loss_weight=w)).own["all"] for w in (0.5, 1.0))
    torch.testing.assert_close(twice[1, 1], 4 * once[1, 1])
    torch.testing.assert_close(twice[0, 1], 2 * once[0, 1])
    torch.testing.assert_close(twice[0, 0], once[0, 0])


def test_it_does_not_matter_how_many_batches_are_stacked(monkeypatch: pytest.MonkeyPatch) -> None:
    together = survey(config_of())
    monkeypatch.setattr(gradient_survey, "STACKED", 1)
    alone = survey(config_of())
    for kind in ("own", "whole", "scatter", "squared_updates"):
        torch.testing.assert_close(getattr(alone, kind)["all"], getattr(together, kind)["all"])


def test_the_trace_is_that_of_the_covariance_of_single_samples() -> None:
    config, network = config_of(mining_strategy="random"), network_of()
    streams = [make_streams(1000 + number, "cpu") for number in range(3000)]
    batch, negative = draw_mined_batches(network, SCHEDULE, config, DATA, streams, size=1)

    def losses(stacked: EnergyNetwork) -> dict[str, Tensor]:
        return loss_terms(stacked, SCHEDULE, config, batch, negative)

    found = batch_gradients(network, 3000, losses)
    single = torch.cat([g.sum(0) for g in found.values()], dim=1)  # of each sample's total
    trace, mean = single.var(0).sum().item(), single.mean(0)
    own = survey(config, batches=64, size=64)
    kept = Products(*(kind["all"][-1, -1].numpy() for kind in (own.own, own.whole, own.scatter)))
    error = 64 * kept.scatter.std(ddof=1) / math.sqrt(64)
    assert noise.covariance_trace(kept, 64)[0] == pytest.approx(trace, abs=3 * error)
    assert error < 0.15 * trace
    length = noise.norm(kept)
    assert length.low < math.sqrt((mean @ mean).item() - trace / 3000) < length.high


def test_halves_hold_every_sample_once() -> None:
    config = config_of()
    batch, negative = draw_mined_batches(
        network_of(), SCHEDULE, config, DATA, [make_streams(s, "cpu") for s in (1, 2)], size=6
    )
    half, other = in_halves(batch, negative)
    assert half.answer.shape == (4, 3, RANK**2)
    torch.testing.assert_close(half.draws.t[1], batch.draws.t[0, 1::2])
    torch.testing.assert_close(other[2], negative[1, 0::2])


def test_levels_are_those_of_a_loop_over_levels(generator: torch.Generator) -> None:
    network, config, size = network_of(), config_of(energy_reg_weight=0.5), 3
    own, whole = survey_levels(
        network, SCHEDULE, config, DATA, [torch.Generator().manual_seed(s) for s in (1, 2, 3)], size=size
    )
    gradients = torch.zeros(
        LEVELS, 3, sum(p.numel() for p in network.parameters.values()), dtype=torch.float64
    )
    for r, seed in enumerate((1, 2, 3)):
        stream = torch.Generator().manual_seed(seed)
        problem, answer = (x.double() for x in DATA.draw(size, generator=stream))
        noises = torch.randn(LEVELS, size, RANK**2, generator=stream).double()
        for level in range(LEVELS):
            gradients[level, r] = _denoising_gradient(
                network, SCHEDULE, problem, answer, level, noises[level]
            )
    truth = torch.einsum("arx,brx->abr", gradients, gradients)
    torch.testing.assert_close(own, truth, rtol=1e-5, atol=1e-9)
    mean = gradients.mean(1)
    half = torch.einsum("arx,bx->abr", gradients, mean)
    torch.testing.assert_close(whole, (half + half.transpose(0, 1)) / 2, rtol=1e-5, atol=1e-9)


def _denoising_gradient(
    network: EnergyNetwork, schedule: Schedule, problem: Tensor, answer: Tensor, level: int, noises: Tensor
) -> Tensor:
    leaves = {name: p.clone().requires_grad_() for name, p in network.parameters.items()}
    t = torch.full((len(problem),), level)
    y = schedule.q_sample(answer, t, noises).requires_grad_()
    energy = EnergyNetwork(network.architecture, leaves).landscape(problem, t).energy(y)
    (slope,) = torch.autograd.grad(energy.sum(), y, create_graph=True)
    loss = (slope - noises).square().mean()
    each = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
    return torch.cat([gradient.flatten() for gradient in each])


@pytest.mark.parametrize(
    ("keys", "make"),
    [
        ({}, lambda w: torch.optim.Adam([w], lr=1e-9, betas=(0.999, 0.9999))),
        (
            {"optimizer": "adamw", "weight_decay": 0.1},
            lambda w: torch.optim.AdamW([w], lr=1e-9, betas=(0.999, 0.9999), weight_decay=0.1),
        ),
        (
            {"optimizer": "sgd", "momentum": 0.9},
            lambda w: torch.optim.SGD([w], lr=1e-9, momentum=0.9),
        ),
    ],
)
def test_the_settled_update_is_that_of_pytorchs_optimiser_once_its_memory_has_settled(
    keys: dict[str, Any],
    make: Callable[[Tensor], torch.optim.Optimizer],
    generator: torch.Generator,
) -> None:
    config = config_of(learning_rate=1e-9, **keys)
    gradients = 1 + torch.randn(6, 5, generator=generator, dtype=torch.float64)
    weight = torch.randn(5, generator=generator, dtype=torch.float64)
    if config.optimizer == "sgd":
        gradients[:] = gradients[0]  # momentum remembers too few batches to forget their order
    moved = weight.clone().requires_grad_()
    optimizer = make(moved)
    for step in range(6000):
        before = moved.detach().clone()
        moved.grad = gradients[step % 6].clone()
        optimizer.step()
    last = float((moved.detach() - before).square().sum())
    assert squared_updates(config, gradients, weight)[0].item() == pytest.approx(last, rel=5e-3)


def test_updates_without_a_batch_are_those_of_the_others(generator: torch.Generator) -> None:
    gradients, weight = torch.randn(5, 7, generator=generator), torch.randn(7, generator=generator)
    found = squared_updates(config_of(), gradients, weight)
    for left_out in range(5):
        others = torch.cat([gradients[:left_out], gradients[left_out + 1 :]])
        slow = squared_updates(config_of(), others, weight)[0]
        assert found[left_out + 1].item() == pytest.approx(slow.item(), rel=1e-10)


def test_the_update_of_pure_noise_is_the_one_by_chance(generator: torch.Generator) -> None:
    gradients = torch.randn(16, 20000, generator=generator)
    found = squared_updates(config_of(learning_rate=0.01), gradients, torch.zeros(20000))[0].item()
    assert math.sqrt(found) == pytest.approx(0.01 * math.sqrt(20000 / 16), rel=0.03)
