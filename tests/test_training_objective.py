"""The training loss and all its gradients against a naive twin: modules, loops and a double backward."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ired_diag.inverse.architecture import initial_parameters
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.inverse.configured import architecture_of
from ired_diag.inverse.draws import Draws, draw
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.objective import Loss, mine, training_loss
from ired_diag.model.schedule import cosine_schedule
from ired_diag.streams import make_streams

SCHEDULE = cosine_schedule(10, dtype=torch.float64)
BATCH = 24
STRATEGIES: list[dict[str, Any]] = [
    {"mining_strategy": "none"},
    {"mining_strategy": "random", "random_negative": "gaussian"},
    {"mining_strategy": "random", "random_negative": "noised_start"},
    {"mining_strategy": "adversarial", "mining_opt_steps": 2},
    {"mining_strategy": "adversarial", "mining_opt_steps": 5, "mining_noise_scale": 1.5},
]


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse(
        {"experiment_name": "q900_tiny", "rank": 3, "width": 8, "batch_size": BATCH, **knobs}
    )


class Ebm(nn.Module):
    """The energy network, from its description: layers, gains and biases of t, two heads."""

    def __init__(self, config: InverseConfig) -> None:
        super().__init__()
        dim, width = config.rank**2, config.width
        self.time_mlp = nn.Sequential(nn.Identity(), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 128))
        self.fc1, self.fc2, self.fc3 = (nn.Linear(n, width) for n in (2 * dim, width, width))
        self.t_map_fc2, self.t_map_fc3 = nn.Linear(128, 2 * width), nn.Linear(128, 2 * width)
        self.scalar = config.use_scalar_energy
        if self.scalar:
            self.energy_head = nn.Linear(width, 1)
        else:
            self.fc4 = nn.Linear(width, dim)

    def forward(self, x: Tensor, y: Tensor, t: Tensor) -> Tensor:
        frequency = torch.tensor([10000 ** (-i / 63) for i in range(64)], dtype=torch.float64)
        angle = t[:, None].double() * frequency
        e = self.time_mlp(torch.cat([angle.sin(), angle.cos()], dim=1))
        g2, b2 = self.t_map_fc2(e).chunk(2, dim=1)
        g3, b3 = self.t_map_fc3(e).chunk(2, dim=1)
        h = F.silu(self.fc1(torch.cat([x, y], dim=1)))
        h = F.silu(self.fc2(h) * (1 + g2) + b2)
        h = F.silu(self.fc3(h) * (1 + g3) + b3)
        energy: Tensor = self.energy_head(h)[:, 0] if self.scalar else self.fc4(h).pow(2).sum(dim=1)
        return energy


@dataclass
class Twin:
    """One training step as the facts tell it, nothing written out by hand."""

    ebm: Ebm
    config: InverseConfig
    mined_with_graph: bool = False
    rejected: int = 0
    accepted: int = 0

    def __post_init__(self) -> None:
        grid = [math.cos((i / 10 + 0.008) / 1.008 * math.pi / 2) ** 2 for i in range(11)]
        beta = torch.tensor([min(1 - grid[i + 1] / grid[i], 0.999) for i in range(10)], dtype=torch.float64)
        self.alpha_bar = torch.cumprod(1 - beta, dim=0)
        self.eta = beta / (1 - self.alpha_bar).sqrt()

    def q_sample(self, y: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        signal = self.alpha_bar[t][:, None]
        return signal.sqrt() * y + (1 - signal).sqrt() * noise

    def denoiser(self, x: Tensor, y: Tensor, t: Tensor) -> Tensor:
        if not y.requires_grad:
            y = y.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.ebm(x, y, t).sum(), y, create_graph=True)
        divisor = self.config.gradient_normalization
        return gradient / (len(y) if divisor == "batch" else divisor or 1.0)

    def negative(self, x: Tensor, answer: Tensor, draws: Draws) -> Tensor:
        """Return the negatives in x₀-space, sample by sample, with the public code's quirks."""
        t, noise = draws.t, draws.contrast_noise
        assert noise is not None
        if draws.negative is not None:
            return draws.negative
        y = self.q_sample(answer, t, self.config.mining_noise_scale * noise)
        steps = self.config.mining_opt_steps if self.config.mining_strategy == "adversarial" else 0
        bound = 2.0 * math.sqrt(self.alpha_bar[t[0]])  # the first sample's level, for all
        s = 1.0
        for _ in range(steps):
            before, gradient = self.ebm(x, y, t), self.denoiser(x, y, t)
            candidate = torch.clamp(y - self.eta[t][:, None] * gradient * s, -bound, bound)
            after = self.ebm(x, candidate, t)
            rows = [y[i] if after[i] > before[i] else candidate[i] for i in range(len(t))]
            self.rejected += int((after > before).sum())
            self.accepted += int((after <= before).sum())
            y = torch.stack(rows) if self.mined_with_graph else torch.stack(rows).detach()
            s = 2.0  # overwritten by the clamp's factor
        return torch.clamp(y / self.alpha_bar[t].sqrt()[:, None], -2.0, 2.0)

    def loss(self, x: Tensor, answer: Tensor, draws: Draws) -> dict[str, Tensor]:
        noisy = self.q_sample(answer, draws.t, draws.noise)
        predicted = self.denoiser(x, noisy, draws.t)
        denoise = F.mse_loss(predicted, draws.noise, reduction="none").mean(dim=1).mean()
        if draws.contrast_noise is None:
            energy = self.ebm(x, noisy, draws.t).mean()
            return {"total": denoise, "denoise": denoise, "energy_positive": energy}
        negative = self.negative(x, answer, draws)
        positive_at_t = self.q_sample(answer, draws.t, draws.contrast_noise)
        negative_at_t = self.q_sample(negative, draws.t, draws.contrast_noise)
        energies = [self.ebm(x, y, draws.t) for y in (positive_at_t, negative_at_t)]
        right = torch.zeros(len(x), dtype=torch.long)
        nce = F.cross_entropy(-torch.stack(energies, dim=1), right)
        means = {"energy_positive": energies[0].mean(), "energy_negative": energies[1].mean()}
        total = denoise + self.config.energy_loss_weight * nce
        return {"total": total, "denoise": denoise, "nce": nce, **means}


@dataclass(frozen=True)
class Case:
    network: EnergyNetwork
    twin: Twin
    config: InverseConfig
    problem: Tensor
    answer: Tensor
    draws: Draws

    def loss(self, draws: Draws | None = None) -> Loss:
        told = draws or self.draws
        return training_loss(self.network, SCHEDULE, self.config, self.problem, self.answer, told)


def case(generator: torch.Generator, **knobs: Any) -> Case:
    config = config_of(**knobs)
    sizes = architecture_of(config)
    drawn = initial_parameters(sizes, generator=generator, dtype=torch.float64)
    # Weights twice as large make steps long enough that some are rejected.
    weights = {name: (2 * p).requires_grad_() for name, p in drawn.items()}
    twin = Twin(Ebm(config).double(), config)
    twin.ebm.load_state_dict(weights, strict=True)
    problem, answer, noise, contrast, random = torch.randn(
        5, BATCH, sizes.dim, generator=generator, dtype=torch.float64
    )
    t = torch.randint(0, 10, (BATCH,), generator=generator)
    draws = Draws(t, noise)
    if config.mining_strategy != "none":
        draws = replace(draws, contrast_noise=contrast)
    if config.mining_strategy == "random" and config.random_negative == "gaussian":
        draws = replace(draws, negative=random.clamp(-2, 2))
    network = EnergyNetwork(sizes, weights, config.gradient_normalization)
    return Case(network, twin, config, problem, answer, draws)


def gradients(loss: Loss, network: EnergyNetwork) -> dict[str, Tensor]:
    found = torch.autograd.grad(loss.total, tuple(network.parameters.values()), allow_unused=True)
    return {
        name: torch.zeros_like(p) if g is None else g
        for (name, p), g in zip(network.parameters.items(), found, strict=True)
    }


def twin_gradients(total: Tensor, ebm: Ebm) -> dict[str, Tensor]:
    ebm.zero_grad()
    total.backward()  # type: ignore[no-untyped-call]
    return {n: torch.zeros_like(p) if p.grad is None else p.grad.clone() for n, p in ebm.named_parameters()}


def error(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> float:
    """Return the largest relative error of a tensor; one that must be zero is measured by the largest."""
    assert found.keys() == expected.keys()
    largest = max(g.norm() for g in expected.values())
    scale = {name: max(float(g.norm()), 1e-3 * float(largest)) for name, g in expected.items()}
    return max(float((found[name] - g).norm()) / scale[name] for name, g in expected.items())


@pytest.mark.parametrize("normalization", [None, "batch", 3.0])
@pytest.mark.parametrize("scalar", [False, True])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_loss_and_every_gradient_equal_the_naive_twin(
    strategy: dict[str, Any], scalar: bool, normalization: Any, generator: torch.Generator
) -> None:
    one = case(generator, use_scalar_energy=scalar, gradient_normalization=normalization, **strategy)
    loss, expected = one.loss(), one.twin.loss(one.problem, one.answer, one.draws)
    for part in ("total", "denoise", "nce", "energy_positive", "energy_negative"):
        value = getattr(loss, part)
        assert (value is None) is (part not in expected)
        if value is not None:
            torch.testing.assert_close(value, expected[part], rtol=1e-10, atol=1e-13)
    found = gradients(loss, one.network)
    assert error(found, twin_gradients(expected["total"], one.twin.ebm)) <= 1e-10


@pytest.mark.parametrize("scalar", [False, True])
def test_the_twin_accepts_some_steps_and_rejects_others(scalar: bool, generator: torch.Generator) -> None:
    knobs = {"mining_strategy": "adversarial", "mining_opt_steps": 5, "mining_noise_scale": 1.5}
    one = case(generator, use_scalar_energy=scalar, **knobs)
    one.twin.loss(one.problem, one.answer, one.draws)
    assert one.twin.accepted > 10
    assert one.twin.rejected > 0
    assert len(set(one.draws.t.tolist())) > 5  # mixed levels: the first sample's clamp counts


def test_no_gradient_flows_through_the_mining(generator: torch.Generator) -> None:
    one = case(generator, mining_strategy="adversarial", mining_opt_steps=5)
    landscape = one.network.landscape(one.problem, one.draws.t)
    negative = mine(landscape, SCHEDULE, one.config, one.answer, one.draws).negative
    assert not negative.requires_grad
    found = gradients(one.loss(), one.network)
    given = one.config.model_copy(update={"mining_strategy": "random"})  # the negatives it is given
    constant = replace(one, config=given, draws=replace(one.draws, negative=negative))
    assert error(found, gradients(constant.loss(), one.network)) <= 1e-14
    one.twin.mined_with_graph = True
    through = one.twin.loss(one.problem, one.answer, one.draws)["total"]
    assert error(found, twin_gradients(through, one.twin.ebm)) > 1e-3  # it would be seen


@pytest.mark.parametrize("weight", [0.0, 0.05, 2.0])
def test_the_contrastive_term_is_added_with_its_weight(weight: float, generator: torch.Generator) -> None:
    one = case(generator, mining_strategy="adversarial", energy_loss_weight=weight)
    loss = one.loss()
    assert loss.nce is not None
    torch.testing.assert_close(loss.total, loss.denoise + weight * loss.nce, rtol=1e-15, atol=0)


def test_the_positive_of_the_contrast_carries_its_own_noise(generator: torch.Generator) -> None:
    one = case(generator, mining_strategy="random")
    other = one.loss(replace(one.draws, noise=one.draws.noise.flip(0)))
    loss = one.loss()
    assert loss.nce is not None
    assert other.nce is not None
    assert torch.equal(loss.nce, other.nce)
    assert not torch.equal(loss.denoise, other.denoise)


@pytest.mark.parametrize(
    ("strategy", "noise", "negative"),
    [(s, s["mining_strategy"] != "none", s.get("random_negative") == "gaussian") for s in STRATEGIES],
)
def test_a_strategy_draws_what_it_needs_and_no_more(
    strategy: dict[str, Any], noise: bool, negative: bool
) -> None:
    like, streams = torch.zeros(500, 9), make_streams(0, "cpu")
    mining_before = streams.mining.get_state()
    draws = draw(config_of(diffusion_steps=7, **strategy), like, streams)
    assert (draws.contrast_noise is not None, draws.negative is not None) == (noise, negative)
    assert torch.equal(streams.mining.get_state(), mining_before) is not noise
    assert sorted(set(draws.t.tolist())) == list(range(7))
    for normal in (draws.noise, draws.contrast_noise):
        if normal is not None:  # 4500 normals: five standard errors of their mean and their sd
            assert normal.shape == like.shape
            assert abs(float(normal.mean())) < 5 / 4500**0.5
            assert abs(float(normal.std()) - 1) < 5 / 9000**0.5
    if draws.contrast_noise is not None:
        assert not torch.equal(draws.contrast_noise, draws.noise)
    if draws.negative is not None:
        assert draws.contrast_noise is not None
        assert float(draws.negative.abs().max()) == 2.0
        inside = draws.negative.abs() < 2
        assert not torch.equal(draws.negative[inside], draws.contrast_noise[inside])


def test_draws_made_without_mining_cannot_be_mined_with(generator: torch.Generator) -> None:
    one = case(generator, mining_strategy="none")
    landscape = one.network.landscape(one.problem, one.draws.t)
    with pytest.raises(ValueError, match="without mining"):
        mine(landscape, SCHEDULE, one.config, one.answer, one.draws)
