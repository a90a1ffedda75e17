"""Precision and compiling: both round otherwise, and neither trains another network."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from torch import Tensor

from ired_diag.errors import DiagError
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.inverse.training import network_in
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.compiled import can_compile, loss_function, should_compile
from ired_diag.training.ensemble import Ensemble
from ired_diag.training.state import TrainingState, new_state

pytestmark = pytest.mark.slow

TINY = {
    "experiment_name": "q900_precision",
    "rank": 3,
    "width": 32,
    "time_embedding": 8,
    "time_width": 8,
    "batch_size": 64,
    "learning_rate": 0.003,
}

CPU = torch.device("cpu")


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse({**TINY, **knobs})


def trained(steps: int, knobs: dict[str, Any], *, compiled: bool = False) -> tuple[Tensor, TrainingState]:
    """Return the denoising and the total loss of each step, of shape (steps, 2), and where it led."""
    state = new_state(INVERSE, config_of(**knobs), "cpu")
    ensemble = Ensemble([state], loss_function(INVERSE, state.config, state.constants, compiled=compiled))
    losses = []
    for _ in range(steps):
        loss = ensemble.advance().loss
        losses.append(torch.stack([loss.logged["denoise"][0], loss.total.detach()[0]]))
    return torch.stack(losses), state


def weights_of(config: InverseConfig) -> dict[str, Tensor]:
    return new_state(INVERSE, config, "cpu").weights


def distance(one: TrainingState, other: TrainingState) -> float:
    """Return the largest relative distance of a tensor."""
    pairs = [(p.detach(), other.weights[name].detach()) for name, p in one.weights.items()]
    return max(float((p - q).norm() / q.norm()) for p, q in pairs)


@pytest.mark.parametrize("scalar", [False, True])
@pytest.mark.parametrize("strategy", ["none", "random", "adversarial", "ascent", "mixed"])
def test_training_in_bfloat16_stays_near_training_in_float32(strategy: str, scalar: bool) -> None:
    knobs = {"mining_strategy": strategy, "use_scalar_energy": scalar}
    exact, state = trained(50, knobs)
    half, other = trained(50, {**knobs, "precision": "bf16"})
    assert not torch.equal(exact, half)
    assert float(((half - exact) / exact).abs().max()) < 0.05  # at any step
    assert float((half[-10:].mean(0) / exact[-10:].mean(0) - 1).abs().max()) < 0.01
    assert float(exact[-10:, 0].mean()) < 0.7 * float(exact[0, 0])  # both have learnt
    assert distance(other, state) < 0.1


def test_weights_average_and_memory_stay_in_float32_under_bfloat16() -> None:
    _, state = trained(3, {"precision": "bf16", "mining_strategy": "adversarial"})
    kept = [*state.weights.values(), *state.average.values()]
    kept += [moment for kinds in state.moments.values() for moment in kinds.values()]
    assert {tensor.dtype for tensor in kept} == {torch.float32}
    assert (
        network_in(cast(InverseConfig, state.config), state.averaged_tensors).dtype == torch.float32
    )  # evaluation does not round
    # Steps of a thousandth of a weight would be lost in eight bits; in float32 they add up.
    before = new_state(INVERSE, state.config, "cpu").weights["fc2.weight"]
    moved = (state.weights["fc2.weight"].detach() - before).abs()
    assert float((moved > 0).float().mean()) > 0.9


def test_a_loss_in_bfloat16_is_told_in_float32() -> None:
    losses, _ = trained(2, {"precision": "bf16", "mining_strategy": "adversarial"})
    assert losses.dtype == torch.float32
    assert not torch.equal(losses, losses.bfloat16().float())


@pytest.mark.skipif(not can_compile(CPU), reason="compiling for a processor needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")  # PyTorch's compiler warns of its own ways
def test_a_compiled_loss_trains_as_the_plain_one_does() -> None:
    """Slow: the first time on a machine it compiles for half a minute or more."""
    knobs = {"mining_strategy": "mixed", "adversarial_fraction": 0.5, "mining_opt_steps": 1}
    plain, state = trained(20, knobs)
    fused, other = trained(20, knobs, compiled=True)
    torch.testing.assert_close(fused, plain, rtol=1e-5, atol=0)
    assert distance(other, state) <= 1e-5


@pytest.mark.parametrize(
    ("wish", "knobs", "expected"),
    [
        ("on", {"train_steps": 1}, True),
        ("off", {"width": 512, "batch_size": 2048, "train_steps": 100_000}, False),
        ("auto", {"width": 512, "batch_size": 2048, "train_steps": 100_000}, True),
        ("auto", {"width": 512, "batch_size": 2048, "train_steps": 100}, False),
    ],
)
def test_a_loss_is_compiled_as_wished_else_where_it_pays(
    wish: Any, knobs: dict[str, Any], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ired_diag.training.compiled.can_compile", lambda device: True)
    config = config_of(**knobs)
    assert should_compile(config, weights_of(config), CPU, wish) is expected


def test_without_a_compiler_nothing_is_compiled_for_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    long = config_of(width=512, batch_size=2048, train_steps=100_000)
    weights = weights_of(long)
    assert not should_compile(long, weights, CPU)
    assert should_compile(long, weights, torch.device("cuda"))
    with pytest.raises(DiagError, match=r"--compile on: needs a C\+\+ compiler.*--compile off"):
        should_compile(long, weights, CPU, "on")
