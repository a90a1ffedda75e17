"""The optimiser of an ensemble: seed by seed a lone PyTorch optimiser, with its clipping and memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.optimizer import (
    MOMENT_NAMES,
    Moments,
    clip_gradients,
    make_optimizer,
    new_moments,
    optimizer_state,
    read_moments,
)

SEEDS, STEPS = 3, 25
SHAPES = {"fc1.weight": (5, 7), "fc1.bias": (5,), "energy_head.weight": (1, 5), "energy_head.bias": (1,)}
HEAD = ("energy_head.weight", "energy_head.bias")
KINDS: list[dict[str, Any]] = [
    {"optimizer": "adam"},
    {"optimizer": "adam", "adam_betas": [0.0, 0.999]},
    {"optimizer": "adamw", "weight_decay": 0.1},
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "momentum": 0.9},
    {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.1},
    {"optimizer": "sgd", "momentum": 0.9, "nesterov": True},
    {"optimizer": "rmsprop", "rmsprop_decay": 0.95, "epsilon": 1e-6},
    {"optimizer": "amsgrad", "epsilon": 1e-4},
]
TOLERANCES = {torch.float64: 1e-13, torch.float32: 2e-6}
every_kind = pytest.mark.parametrize("knobs", KINDS, ids=lambda k: "-".join(str(v) for v in k.values()))


def config_of(**knobs: Any) -> InverseConfig:
    told = {"experiment_name": "q900_optimizer", "learning_rate": 0.01, "use_scalar_energy": True}
    return parse_inverse({**told, **knobs})


def lone_optimizer(tensors: list[Tensor], config: InverseConfig) -> torch.optim.Optimizer:
    """The optimiser as one would write it for one seed, neither fused nor in one go."""
    rate, decay = config.learning_rate, config.weight_decay
    match config.optimizer:
        case "adam":
            return torch.optim.Adam(tensors, rate, config.adam_betas, foreach=False)
        case "adamw":
            return torch.optim.AdamW(tensors, rate, config.adam_betas, weight_decay=decay, foreach=False)
        case "amsgrad":
            eps = config.epsilon
            return torch.optim.Adam(tensors, rate, config.adam_betas, eps, amsgrad=True, foreach=False)
        case "rmsprop":
            return torch.optim.RMSprop(tensors, rate, config.rmsprop_decay, config.epsilon, foreach=False)
    return torch.optim.SGD(
        tensors,
        rate,
        config.momentum,
        weight_decay=decay,
        nesterov=config.nesterov,
        foreach=False,
    )


def drawn(generator: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
    return {
        n: torch.randn(SEEDS, *shape, generator=generator, dtype=torch.float64).to(dtype)
        for n, shape in SHAPES.items()
    }


@every_kind
@pytest.mark.parametrize("clip", [None, 3.0])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_an_ensemble_steps_as_each_seed_alone_with_pytorchs_optimiser(
    knobs: dict[str, Any], clip: float | None, dtype: torch.dtype, generator: torch.Generator
) -> None:
    config = config_of(**knobs, gradient_clip=clip)
    weights = drawn(generator, dtype)
    lone = [{n: p[seed].clone().requires_grad_() for n, p in weights.items()} for seed in range(SEEDS)]
    optimizers = [lone_optimizer(list(one.values()), config) for one in lone]
    together = make_optimizer(config, weights, new_moments(config, weights), 0)
    clipped = 0
    for step in range(STEPS):
        size = 10.0 ** -(step % 3)  # some beyond the clip, some within it
        for name, g in drawn(generator, dtype).items():
            weights[name].grad = size * g
            for seed in range(SEEDS):
                lone[seed][name].grad = size * g[seed]
        before, after = clip_gradients(weights, config)
        for seed, one in enumerate(lone):
            norm = torch.nn.utils.clip_grad_norm_(one.values(), clip or torch.inf, foreach=False)
            torch.testing.assert_close(before[seed], norm, rtol=TOLERANCES[dtype], atol=0)
            left = torch.linalg.vector_norm(torch.cat([_gradient(p).flatten() for p in one.values()]))
            torch.testing.assert_close(after[seed], left, rtol=TOLERANCES[dtype], atol=0)
            clipped += int(after[seed] < before[seed])
        together.step()
        for optimizer in optimizers:
            optimizer.step()
    assert (0 < clipped < STEPS * SEEDS) is (clip is not None)
    for name, p in weights.items():
        expected = torch.stack([one[name].detach() for one in lone])
        torch.testing.assert_close(p, expected, rtol=TOLERANCES[dtype] * 10, atol=TOLERANCES[dtype])


def _gradient(p: Tensor) -> Tensor:
    assert p.grad is not None
    return p.grad


def test_the_heads_gradient_is_clipped_first_and_all_of_it_after(generator: torch.Generator) -> None:
    config = config_of(head_gradient_clip=0.5, gradient_clip=4.0)
    weights = drawn(generator, torch.float64)
    gradients = drawn(generator, torch.float64)
    for name, p in weights.items():
        p.grad = gradients[name].clone()
    before, after = clip_gradients(weights, config, groups=INVERSE.parameter_groups(config))
    for seed in range(SEEDS):
        lone = {n: p[seed].clone().requires_grad_() for n, p in weights.items()}
        for name, p in lone.items():
            p.grad = gradients[name][seed].clone()
        whole = torch.linalg.vector_norm(torch.cat([g[seed].flatten() for g in gradients.values()]))
        torch.testing.assert_close(before[seed], whole, rtol=1e-13, atol=0)
        torch.nn.utils.clip_grad_norm_([lone[n] for n in HEAD], 0.5)
        torch.nn.utils.clip_grad_norm_(lone.values(), 4.0)
        for name, p in lone.items():
            torch.testing.assert_close(_gradient(weights[name])[seed], _gradient(p), rtol=1e-12, atol=0)
        left = torch.linalg.vector_norm(torch.cat([_gradient(p).flatten() for p in lone.values()]))
        torch.testing.assert_close(after[seed], left, rtol=1e-12, atol=0)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_seed_whose_gradient_is_no_number_moves_nothing_of_another(
    bad: float, generator: torch.Generator
) -> None:
    config = config_of(gradient_clip=0.1, head_gradient_clip=0.05)
    weights, gradients = drawn(generator, torch.float32), drawn(generator, torch.float32)
    ends = []
    for poisoned in (False, True):
        moved = {n: p.clone() for n, p in weights.items()}
        optimizer = make_optimizer(config, moved, new_moments(config, moved), 0)
        for _ in range(3):
            for name, p in moved.items():
                p.grad = gradients[name].clone()
                if poisoned and name == "fc1.weight":
                    p.grad[1, 2, 3] = bad
            norms, _ = clip_gradients(moved, config)
            optimizer.step()
        assert torch.isfinite(norms).tolist() == [True, not poisoned, True]
        ends.append(moved)
    for name, p in ends[0].items():
        for seed in (0, 2):
            assert torch.equal(ends[1][name][seed], p[seed])
    assert not torch.isfinite(ends[1]["fc1.weight"][1]).all()


def stepped(
    config: InverseConfig, generator: torch.Generator, steps: int
) -> tuple[dict[str, Tensor], Moments]:
    """One seed's weights and the optimiser's memory after some steps."""
    weights = {n: p[0] for n, p in drawn(generator, torch.float32).items()}
    moments = new_moments(config, weights)
    optimizer = make_optimizer(config, weights, moments, 0)
    for _ in range(steps):
        for name, g in drawn(generator, torch.float32).items():
            weights[name].grad = g[0]
        optimizer.step()
    return weights, moments


@every_kind
def test_memory_that_is_kept_and_read_is_the_same_with_its_steps(
    knobs: dict[str, Any], generator: torch.Generator
) -> None:
    config = config_of(**knobs)
    weights, moments = stepped(config, generator, 7)
    read, steps = read_moments(optimizer_state(config, weights, moments, 7), config, weights)
    assert read.keys() == moments.keys()
    for name, kinds in moments.items():
        assert read[name].keys() == kinds.keys() == set(MOMENT_NAMES[config.optimizer])
        for kind, moment in kinds.items():
            assert torch.equal(read[name][kind], moment)
    remembers = config.optimizer != "sgd" or config.momentum > 0
    assert any(bool(m.any()) for kinds in read.values() for m in kinds.values()) is remembers
    if config.optimizer != "sgd":  # whose own state counts no steps
        assert steps == 7


@every_kind
def test_what_is_kept_is_a_state_that_pytorchs_optimiser_loads_and_goes_on_from(
    knobs: dict[str, Any], generator: torch.Generator
) -> None:
    config = config_of(**knobs)
    weights, moments = stepped(config, generator, 7)
    lone = {n: p.clone().requires_grad_() for n, p in weights.items()}
    optimizer = lone_optimizer(list(lone.values()), config)
    optimizer.load_state_dict(optimizer_state(config, weights, moments, 7))
    ours = make_optimizer(config, weights, moments, 7)
    for _ in range(5):
        for name, g in drawn(generator, torch.float32).items():
            weights[name].grad, lone[name].grad = g[0], g[0].clone()
        ours.step()
        optimizer.step()
    for name, p in lone.items():
        torch.testing.assert_close(weights[name], p.detach(), rtol=1e-5, atol=1e-6)


def test_keeping_the_memory_copies_it(generator: torch.Generator) -> None:
    config = config_of()
    weights, moments = stepped(config, generator, 3)
    kept = optimizer_state(config, weights, moments, 3)
    before = kept["state"][0]["exp_avg"].clone()
    moments["fc1.weight"]["exp_avg"].zero_()
    assert torch.equal(kept["state"][0]["exp_avg"], before)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"optimizer": "sgd", "momentum": 0.9}, {}),
        ({}, {"optimizer": "sgd"}),
        ({}, {"optimizer": "adamw", "weight_decay": 0.01}),
    ],
)
def test_an_optimiser_of_another_kind_has_no_memory_to_give(
    one: dict[str, Any], other: dict[str, Any], generator: torch.Generator
) -> None:
    weights, moments = stepped(config_of(**one), generator, 4)
    state = optimizer_state(config_of(**one), weights, moments, 4)
    read, steps = read_moments(state, config_of(**other), weights)
    kinds = MOMENT_NAMES[config_of(**other).optimizer]
    if other.get("optimizer") == "adamw":  # Adam's memory means the same to AdamW
        assert steps == 4
        assert torch.equal(read["fc1.bias"]["exp_avg"], moments["fc1.bias"]["exp_avg"])
        return
    assert steps == 0
    for name, p in weights.items():
        assert {k: m.shape for k, m in read[name].items()} == dict.fromkeys(kinds, p.shape)
        assert all(float(m.abs().max()) == 0 for m in read[name].values())


def test_an_optimiser_that_never_stepped_has_none_either(generator: torch.Generator) -> None:
    weights = {n: p[0].clone().requires_grad_() for n, p in drawn(generator, torch.float32).items()}
    empty = torch.optim.Adam(weights.values()).state_dict()
    read, steps = read_moments(empty, config_of(), weights)
    assert steps == 0
    assert all(float(m.abs().max()) == 0 for kinds in read.values() for m in kinds.values())


def test_memory_of_some_tensors_only_or_of_other_shapes_is_refused(generator: torch.Generator) -> None:
    config = config_of()
    weights, moments = stepped(config, generator, 2)
    state = optimizer_state(config, weights, moments, 2)
    del state["state"][2]
    with pytest.raises(KeyError):
        read_moments(state, config, weights)
    state = optimizer_state(config, weights, moments, 2)
    state["state"][1]["exp_avg_sq"] = torch.zeros(6)
    with pytest.raises(ValueError, match=r"memory of fc1\.bias has another shape"):
        read_moments(state, config, weights)


@pytest.mark.parametrize("step", [0, 1999, 2000, 30_000])
def test_clipping_scaled_gradients_is_what_a_scaler_without_unscaling_does(
    step: int, generator: torch.Generator
) -> None:
    """S g is clipped to c, then divided by S; from float64, where nothing overflows."""
    config = config_of(clip_scaled_gradients=True, gradient_clip=1.0)
    weights, gradients = drawn(generator, torch.float64), drawn(generator, torch.float64)
    for name, p in weights.items():
        p.grad = gradients[name].clone()
    _, after = clip_gradients(weights, config, step)
    scale = 2.0 ** (16 + step // 2000)
    for seed in range(SEEDS):
        lone = {n: torch.zeros_like(g[seed]).requires_grad_() for n, g in gradients.items()}
        for name, p in lone.items():
            p.grad = scale * gradients[name][seed]
        torch.nn.utils.clip_grad_norm_(lone.values(), 1.0)
        for name, p in lone.items():
            torch.testing.assert_close(
                _gradient(weights[name])[seed], _gradient(p) / scale, rtol=1e-12, atol=0
            )
        left = torch.linalg.vector_norm(torch.cat([_gradient(p).flatten() for p in lone.values()]))
        torch.testing.assert_close(after[seed], left / scale, rtol=1e-12, atol=0)
