"""The remedies against runaway energies: each formula against a naive twin, each effect on a true runaway.

A scalar head runs away where ∇_yE is divided by a number: the right energy is then that number times ‖y‖²/2,
here 2048 · dim/2 = 9216 in the mean. Whatever keeps |E| small keeps the denoiser from working, and the tests
say which remedy does which.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ired_diag.inverse.architecture import initial_parameters
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.inverse.configured import architecture_of, network_of
from ired_diag.inverse.draws import Draws
from ired_diag.inverse.objective import Loss, clamped, mine, training_loss
from ired_diag.model.schedule import cosine_schedule
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.compiled import StepLoss, loss_function
from ired_diag.training.ensemble import Ensemble
from ired_diag.training.state import new_state

pytestmark = pytest.mark.slow

SCHEDULE = cosine_schedule(10, dtype=torch.float64)
BATCH = 16
SIZES = {"rank": 3, "width": 16, "time_embedding": 8, "time_width": 8}
HEADS = (False, True)
STRATEGIES = ("none", "random", "adversarial")
HEAD_TENSORS = {"energy_head.weight", "energy_head.bias", "fc4.weight", "fc4.bias"}


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse({"experiment_name": "q900_remedy", "batch_size": BATCH, **SIZES, **knobs})


def naive_energy(p: Mapping[str, Tensor], x: Tensor, y: Tensor, t: Tensor, config: InverseConfig) -> Tensor:
    """E with PyTorch's layers; the remedies of the head as their papers tell them."""
    half = config.time_embedding // 2
    frequency = torch.tensor([10000 ** (-i / (half - 1)) for i in range(half)], dtype=torch.float64)
    angle = t[:, None].double() * frequency
    e = F.linear(torch.cat([angle.sin(), angle.cos()], 1), p["time_mlp.1.weight"], p["time_mlp.1.bias"])
    e = F.linear(F.gelu(e), p["time_mlp.3.weight"], p["time_mlp.3.bias"])
    h = F.silu(F.linear(torch.cat([x, y], 1), p["fc1.weight"], p["fc1.bias"]))
    for layer in ("fc2", "fc3"):
        gain, bias = F.linear(e, p[f"t_map_{layer}.weight"], p[f"t_map_{layer}.bias"]).chunk(2, 1)
        h = F.silu(F.linear(h, p[f"{layer}.weight"], p[f"{layer}.bias"]) * (1 + gain) + bias)
    if not config.use_scalar_energy:
        energy = F.linear(h, p["fc4.weight"], p["fc4.bias"]).pow(2).sum(1)
    else:
        w = p["energy_head.weight"]
        h = F.layer_norm(h, (config.width,)) if config.head_normalization == "layer" else h
        w = w / torch.linalg.matrix_norm(w, 2) if config.head_normalization == "spectral" else w
        energy = F.linear(h, w, p["energy_head.bias"])[:, 0]
    scale = config.energy_bound_scale
    if config.energy_bound == "tanh":
        return scale * torch.tanh(energy / scale)
    return scale * torch.sigmoid(energy / scale) if config.energy_bound == "sigmoid" else energy


class Case:
    """One batch, a network of a configuration, and its loss with nothing written out by hand."""

    def __init__(self, generator: torch.Generator, **knobs: Any) -> None:
        self.config = config = config_of(**knobs)
        drawn = initial_parameters(architecture_of(config), generator=generator, dtype=torch.float64)
        self.weights = {name: (2 * p).requires_grad_() for name, p in drawn.items()}
        self.x, self.answer, noise, other, random = torch.randn(
            5, BATCH, 9, generator=generator, dtype=torch.float64
        )
        t = torch.randint(0, 10, (BATCH,), generator=generator)
        self.draws = Draws(t, noise)
        if config.mining_strategy != "none":
            gaussian = random.clamp(-2, 2) if config.mining_strategy == "random" else None
            self.draws = Draws(t, noise, other, gaussian)

    def loss(self) -> Loss:
        network = network_of(self.config, self.weights)
        return training_loss(network, SCHEDULE, self.config, self.x, self.answer, self.draws)

    def energies(self) -> tuple[Tensor, Tensor]:
        """E of the positives and of the negatives that the strategy mines, with a graph."""
        landscape = network_of(self.config, self.weights).landscape(self.x, self.draws.t)
        negative = mine(landscape, SCHEDULE, self.config, self.answer, self.draws).negative
        t, noise = self.draws.t, self.draws.contrast_noise
        assert noise is not None
        at_t = [SCHEDULE.q_sample(y, t, noise) for y in (self.answer, negative)]
        positive, negative_energy = (naive_energy(self.weights, self.x, y, t, self.config) for y in at_t)
        return positive, negative_energy

    def naive(self) -> Tensor:
        """The loss as the module's first lines tell it, the denoiser's gradient left to autograd."""
        config, draws = self.config, self.draws
        noisy = SCHEDULE.q_sample(self.answer, draws.t, draws.noise).requires_grad_()
        frozen = HEAD_TENSORS if config.stop_gradient_head else set()
        weights = {n: p.detach() if n in frozen else p for n, p in self.weights.items()}
        energy = naive_energy(weights, self.x, noisy, draws.t, config)
        (predicted,) = torch.autograd.grad(energy.sum(), noisy, create_graph=True)
        total = F.mse_loss(predicted, draws.noise)
        if draws.contrast_noise is None:
            energies = [naive_energy(self.weights, self.x, noisy.detach(), draws.t, config)]
        else:
            energies = list(self.energies())
            seen = torch.stack([naive_clamp(e, config) for e in energies], 1)
            total = total + config.energy_loss_weight * F.cross_entropy(
                -seen, torch.zeros(BATCH, dtype=torch.long)
            )
        power = 2 if config.energy_reg_norm == "l2" else 1
        return total + config.energy_reg_weight * sum(e.abs().pow(power).mean() for e in energies)

    def gradients(self, total: Tensor) -> dict[str, Tensor]:
        found = torch.autograd.grad(total, list(self.weights.values()), allow_unused=True)
        return {
            name: torch.zeros_like(p) if g is None else g
            for (name, p), g in zip(self.weights.items(), found, strict=True)
        }


def naive_clamp(energy: Tensor, config: InverseConfig) -> Tensor:
    """c(E), number by number: clipped, or growing as a square root beyond δ."""

    def one(e: Tensor) -> Tensor:
        if config.energy_clamp is not None:
            limit = config.energy_clamp
            return (
                e
                if abs(float(e.detach())) <= limit
                else torch.tensor(math.copysign(limit, e.detach())).double()
            )
        delta = config.soft_clamp_delta
        if delta is None or abs(float(e.detach())) <= delta:
            return e
        return torch.sign(e) * (2 * torch.sqrt(delta * torch.abs(e)) - delta)

    return torch.stack([one(e) for e in energy])


REMEDIES: list[dict[str, Any]] = [
    {"energy_reg_weight": 0.3},
    {"energy_reg_weight": 0.3, "energy_reg_norm": "l1"},
    {"energy_bound": "tanh", "energy_bound_scale": 1.5},
    {"energy_bound": "sigmoid", "energy_bound_scale": 1.5},
    {"energy_bound": "tanh", "energy_bound_scale": 1.5, "energy_reg_weight": 0.3},
    {"stop_gradient_head": True},
    {"stop_gradient_head": True, "energy_reg_weight": 0.3},
]
OF_THE_SCALAR_HEAD: list[dict[str, Any]] = [
    {"head_normalization": "layer"},
    {"head_normalization": "spectral"},
    {"head_normalization": "layer", "energy_bound": "tanh", "energy_bound_scale": 1.5},
]
OF_THE_CONTRAST: list[dict[str, Any]] = [
    {"energy_clamp": 0.4},
    {"soft_clamp_delta": 0.1},
    {"warm_start_steps": 5},
]
EVERY_LOSS: list[dict[str, Any]] = [
    *(
        {**r, "use_scalar_energy": s, "mining_strategy": m}
        for r in REMEDIES
        for s in HEADS
        for m in STRATEGIES
    ),
    *({**r, "use_scalar_energy": True, "mining_strategy": m} for r in OF_THE_SCALAR_HEAD for m in STRATEGIES),
    *(
        {**r, "use_scalar_energy": s, "mining_strategy": "adversarial"}
        for r in OF_THE_CONTRAST
        for s in HEADS
    ),
]


@pytest.mark.parametrize("knobs", EVERY_LOSS, ids=lambda k: "-".join(str(v) for v in k.values()))
def test_the_loss_and_its_gradients_equal_the_naive_twin(
    knobs: dict[str, Any], generator: torch.Generator
) -> None:
    case = Case(generator, **knobs)
    loss, expected = case.loss(), case.naive()
    torch.testing.assert_close(loss.total, expected, rtol=1e-11, atol=1e-13)
    found, wanted = case.gradients(loss.total), case.gradients(expected)
    largest = max(float(g.norm()) for g in wanted.values())
    for name, g in wanted.items():
        assert float((found[name] - g).norm()) <= 1e-11 * largest, name


@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_the_regularizer_is_told_before_its_weight(norm: str, generator: torch.Generator) -> None:
    knobs = {"mining_strategy": "random", "energy_reg_weight": 0.25, "energy_reg_norm": norm}
    case = Case(generator, **knobs)
    loss = case.loss()
    power = 2 if norm == "l2" else 1
    expected = sum(e.detach().abs().pow(power).mean() for e in case.energies())
    assert loss.regularizer is not None
    torch.testing.assert_close(loss.regularizer, expected, rtol=1e-11, atol=0)
    assert not Runner(**knobs).advance().logged["regularizer"].requires_grad
    assert loss.nce is not None
    parts = loss.denoise + 0.5 * loss.nce + 0.25 * loss.regularizer
    torch.testing.assert_close(loss.total, parts, rtol=1e-14, atol=0)


@pytest.mark.parametrize("delta", [0.01, 1.0, 300.0])
def test_the_soft_clamp_is_continuous_and_smooth_at_its_threshold(delta: float) -> None:
    config = config_of(mining_strategy="random", soft_clamp_delta=delta)
    gap = 1e-7 * delta
    points = torch.tensor([-delta - gap, -delta, -delta + gap, delta - gap, delta, delta + gap]).double()
    points.requires_grad_()
    values = clamped(points, config)
    torch.testing.assert_close(values, points, rtol=1e-13, atol=0)  # a departure of second order in the gap
    (slopes,) = torch.autograd.grad(values.sum(), points)
    torch.testing.assert_close(slopes, torch.ones_like(slopes), rtol=1e-7, atol=0)


def test_the_soft_clamp_is_odd_rises_everywhere_and_has_the_slope_of_a_root() -> None:
    config = config_of(mining_strategy="random", soft_clamp_delta=2.0)
    energy = torch.linspace(-5000, 5000, 100_001, dtype=torch.float64).requires_grad_()
    value = clamped(energy, config)
    torch.testing.assert_close(value, -value.flip(0), rtol=1e-12, atol=1e-12)
    (slope,) = torch.autograd.grad(value.sum(), energy)
    expected = torch.where(energy.abs() <= 2.0, 1.0, (2.0 / energy.abs()).sqrt())
    torch.testing.assert_close(slope, expected.detach(), rtol=1e-12, atol=0)
    at_zero = clamped(torch.zeros(1, dtype=torch.float64, requires_grad=True), config)
    assert at_zero.item() == 0.0


def test_a_clamped_energy_no_longer_pulls_and_a_softly_clamped_one_pulls_less(
    generator: torch.Generator,
) -> None:
    """Beyond ±C the contrastive term has no gradient; the soft clamp only shortens it."""
    knobs = {"mining_strategy": "adversarial", "use_scalar_energy": True, "energy_loss_weight": 1.0}
    tight, soft = ({**knobs, "energy_clamp": 1e-6}, {**knobs, "soft_clamp_delta": 1e-6})
    seed = generator.initial_seed()
    pulls = []
    for one in (tight, soft, knobs):
        case = Case(torch.Generator().manual_seed(seed), **one)
        nce = case.loss().nce
        assert nce is not None
        pulls.append(max(float(g.norm()) for g in case.gradients(nce).values()))
    assert pulls[0] == 0
    assert 0 < pulls[1] < 1e-2 * pulls[2]


@pytest.mark.parametrize("scalar", HEADS)
def test_stopping_the_gradient_at_the_head_takes_denoising_from_its_tensors_alone(
    scalar: bool, generator: torch.Generator
) -> None:
    seed = generator.initial_seed()
    without, stopped = (
        Case(torch.Generator().manual_seed(seed), use_scalar_energy=scalar, stop_gradient_head=stop)
        for stop in (False, True)
    )
    losses = [case.loss() for case in (without, stopped)]
    assert torch.equal(losses[0].total, losses[1].total)
    before, after = without.gradients(losses[0].total), stopped.gradients(losses[1].total)
    for name, g in before.items():
        if name in HEAD_TENSORS:
            assert float(after[name].abs().max()) == 0
        else:
            assert torch.equal(after[name], g)
    assert any(float(before[n].abs().max()) > 0 for n in before if n in HEAD_TENSORS)


def test_stopping_the_gradient_leaves_the_contrast_to_the_head(generator: torch.Generator) -> None:
    case = Case(generator, use_scalar_energy=True, stop_gradient_head=True, mining_strategy="random")
    loss = case.loss()
    assert loss.nce is not None
    weight = case.config.energy_loss_weight
    found = case.gradients(case.loss().total)["energy_head.weight"]
    torch.testing.assert_close(found, weight * case.gradients(loss.nce)["energy_head.weight"])
    assert float(found.norm()) > 0


def test_before_the_warm_start_ends_a_run_is_one_without_mining() -> None:
    warm, without, mined = (
        Runner(warm_start_steps=20, mining_strategy="adversarial"),
        Runner(mining_strategy="none"),
        Runner(mining_strategy="adversarial"),
    )
    for step in range(1, 24):
        told = warm.advance()
        without.advance()
        mined.advance()
        assert ("nce" not in told.logged) is (step <= 20)
        same = all(torch.equal(p, without.weights[n]) for n, p in warm.weights.items())
        assert same is (step <= 20)
    assert not torch.equal(mined.weights["fc1.weight"], warm.weights["fc1.weight"])


class Runner:
    """A tiny run, step by step, without a folder."""

    def __init__(self, **knobs: Any) -> None:
        config = config_of(use_scalar_energy=True, learning_rate=0.01, **{"batch_size": 32, **knobs})
        self.state = new_state(INVERSE, config, "cpu")
        self.ensemble = Ensemble(
            [self.state], loss_function(INVERSE, config, self.state.constants, compiled=False)
        )

    @property
    def weights(self) -> dict[str, Tensor]:
        return self.state.weights

    def head(self) -> list[Tensor]:
        return [p.detach() for n, p in self.weights.items() if n in HEAD_TENSORS]

    def advance(self) -> StepLoss:
        return self.ensemble.advance().loss


@cache
def late(**knobs: Any) -> tuple[float, float]:
    """Return the median |E_pos| and the mean denoising loss of the last 60 of 240 steps of a run."""
    runner = Runner(**{"gradient_normalization": 2048.0, **knobs})
    losses = [runner.advance() for _ in range(240)][-60:]
    energy = torch.stack([loss.logged["energy_positive"] for loss in losses]).abs().median()
    return float(energy), float(torch.stack([loss.logged["denoise"] for loss in losses]).mean())


RUNAWAY = 450.0  # 50 dim: where the trainer announces it
DEAD = 0.98  # of E[ε²] = 1
HELD: list[dict[str, Any]] = [
    {"mining_strategy": "none", "energy_reg_weight": 1e-4},
    {"mining_strategy": "none", "energy_reg_weight": 1e-3, "energy_reg_norm": "l1"},
    {"mining_strategy": "none", "energy_bound": "tanh", "energy_bound_scale": 100.0},
    {"mining_strategy": "none", "energy_bound": "sigmoid", "energy_bound_scale": 100.0},
    {"mining_strategy": "none", "head_normalization": "layer"},
    {"mining_strategy": "random"},
    {"mining_strategy": "adversarial", "energy_reg_weight": 1e-4},
    {"mining_strategy": "adversarial", "energy_clamp": 10.0},
]


def test_a_scalar_head_whose_gradient_is_divided_runs_away_to_the_scale_that_denoising_asks_for() -> None:
    energy, denoise = late(mining_strategy="none")
    assert 9216 / 2 < energy < 2 * 9216  # 2048 dim/2
    assert denoise < 0.4
    assert late(mining_strategy="adversarial")[0] > RUNAWAY


def test_a_scalar_head_whose_gradient_is_not_divided_has_no_need_of_a_remedy() -> None:
    energy, denoise = late(mining_strategy="none", gradient_normalization=None)
    assert energy < 4 * 4.5  # dim/2
    assert denoise < 0.2


@pytest.mark.parametrize("knobs", HELD, ids=lambda k: "-".join(str(v) for v in k.values()))
def test_what_holds_the_energy_down_leaves_the_denoiser_dead(knobs: dict[str, Any]) -> None:
    energy, denoise = late(**knobs)
    assert energy < RUNAWAY / 4
    assert denoise > DEAD


def test_a_spectral_norm_does_not_hold_the_energy_for_the_layers_below_grow_instead() -> None:
    energy, denoise = late(mining_strategy="none", head_normalization="spectral")
    assert energy > 10 * RUNAWAY
    assert denoise < 0.4


def test_adam_undoes_a_clip_of_the_heads_gradient() -> None:
    energy, _ = late(mining_strategy="none", head_gradient_clip=1e-4)
    assert energy > 4 * RUNAWAY


def test_with_sgd_a_clip_of_the_heads_gradient_bounds_each_of_its_steps() -> None:
    knobs = {"optimizer": "sgd", "mining_strategy": "none", "gradient_clip": None}
    moved = {}
    for clip in (None, 1e-3):
        runner = Runner(head_gradient_clip=clip, **knobs)
        longest = 0.0
        for _ in range(20):
            before = torch.cat([p.clone().flatten() for p in runner.head()])
            runner.advance()
            longest = max(longest, float((torch.cat([p.flatten() for p in runner.head()]) - before).norm()))
        moved[clip] = longest
    assert moved[1e-3] <= 0.01 * 1e-3 * (
        1 + 1e-3
    )  # rate times clip, and float32's rounding of the difference
    assert moved[None] > 10 * moved[1e-3]


def test_a_stopped_gradient_slows_the_runaway_and_does_not_prevent_it() -> None:
    energy, _ = late(mining_strategy="none", stop_gradient_head=True)
    assert energy > 10 * RUNAWAY  # the layers below bring the energy there without the head


def test_a_soft_clamp_lets_energies_run_further_than_none() -> None:
    """Its slope falls as √(δ/|E|): what is beyond δ is pulled less, and must go further to be told apart."""
    knobs = {"mining_strategy": "adversarial"}
    assert late(soft_clamp_delta=1.0, **knobs)[0] > 2 * late(**knobs)[0]


def test_energies_run_away_while_a_warm_start_lasts_and_the_contrast_calls_them_back() -> None:
    runner = Runner(gradient_normalization=2048.0, mining_strategy="random", warm_start_steps=120)
    energy = torch.stack([runner.advance().logged["energy_positive"] for _ in range(240)]).abs()
    assert float(energy[100:120].median()) > 10 * RUNAWAY
    assert float(energy[180:].median()) < RUNAWAY / 4
