"""The average of the weights: against a naive twin of ema_pytorch's rules, and against the package itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ired_diag.inverse.config import parse_inverse
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.compiled import loss_function
from ired_diag.training.ema import decay_after, update_average
from ired_diag.training.ensemble import Ensemble
from ired_diag.training.state import new_state

SHAPES = {"fc.weight": (3, 4), "fc.bias": (3,)}

Weights = dict[str, Tensor]


def drawn(generator: torch.Generator, dtype: torch.dtype = torch.float64) -> Weights:
    return {name: torch.randn(s, generator=generator, dtype=dtype) for name, s in SHAPES.items()}


class NaiveEma:
    """The rules, number by number: a counter that is read before it moves."""

    def __init__(self, weights: Weights, decay: float) -> None:
        self.average = {name: p.flatten().tolist() for name, p in weights.items()}
        self.counter, self.decay = 0, decay

    def update(self, weights: Weights) -> None:
        now = self.counter
        self.counter += 1
        if now % 10 != 0 and self.decay:
            return
        n = max(0, now - 100)
        d = 0.0 if now <= 100 else min(self.decay, 1 - (1 + n) ** (-2 / 3))
        for name, numbers in self.average.items():
            new = weights[name].flatten().tolist()
            self.average[name] = [d * a + (1 - d) * w for a, w in zip(numbers, new, strict=True)]

    def largest_difference(self, average: Weights) -> float:
        assert average.keys() == self.average.keys()
        expected = {n: torch.tensor(v, dtype=torch.float64) for n, v in self.average.items()}
        return max(float((average[n].flatten() - e).abs().max()) for n, e in expected.items())


@pytest.mark.parametrize("decay", [0.995, 0.9, 0.0])
def test_the_average_equals_the_naive_twin(decay: float, generator: torch.Generator) -> None:
    weights = drawn(generator)
    average, twin = {n: p.clone() for n, p in weights.items()}, NaiveEma(weights, decay)
    for step in range(1, 401):
        weights = drawn(generator)
        update_average(average, weights, step, decay)
        twin.update(weights)
        assert twin.largest_difference(average) <= 1e-12


def test_the_decay_is_capped_late_and_rises_until_then() -> None:
    decays = [d for step in range(1, 5001) if (d := decay_after(step, 0.995)) is not None]
    assert decays == sorted(decays)
    assert decays[-1] == max(decays) == 0.995
    # 1 - (1 + n)^(-2/3) passes 0.995 at 1 + n = 0.005^(-3/2) = 2828.4
    assert decay_after(2921, 0.995) == pytest.approx(1 - 2821 ** (-2 / 3), rel=1e-12)
    assert decay_after(2931, 0.995) == 0.995


def test_the_average_moves_only_after_steps_1_11_21(generator: torch.Generator) -> None:
    average = drawn(generator)
    moved = []
    for step in range(1, 401):
        before = {n: p.clone() for n, p in average.items()}
        update_average(average, drawn(generator), step, 0.995)
        if not all(torch.equal(average[n], before[n]) for n in average):
            moved.append(step)
    assert moved == list(range(1, 401, 10))


def test_the_average_is_a_copy_up_to_step_101_and_lags_after_it(generator: torch.Generator) -> None:
    average = drawn(generator)
    copied = []
    for step in range(1, 401, 10):
        weights = drawn(generator)
        update_average(average, weights, step, 0.995)
        if all(torch.equal(average[n], weights[n]) for n in average):
            copied.append(step)
    assert copied == list(range(1, 102, 10))


def test_the_copy_does_not_follow_the_weights(generator: torch.Generator) -> None:
    average, weights = drawn(generator), drawn(generator)
    update_average(average, weights, 1, 0.995)
    before = average["fc.bias"].clone()
    weights["fc.bias"].add_(1.0)
    assert torch.equal(average["fc.bias"], before)


def test_the_average_of_constant_weights_is_those_weights(generator: torch.Generator) -> None:
    weights, average = drawn(generator), drawn(generator)
    for step in range(1, 401):
        update_average(average, weights, step, 0.995)
    for name, p in weights.items():
        torch.testing.assert_close(average[name], p, rtol=1e-14, atol=0)


def test_training_averages_the_weights_after_each_step() -> None:
    keys: dict[str, Any] = {"rank": 2, "width": 4, "batch_size": 2, "learning_rate": 0.01}
    state = new_state(
        INVERSE, parse_inverse({"experiment_name": "q900_tiny", "diffusion_steps": 3, **keys}), "cpu"
    )
    assert all(torch.equal(p, state.average[name]) for name, p in state.weights.items())
    small = ("fc1.weight", "fc2.bias", "fc4.weight")
    twin = NaiveEma({name: state.weights[name] for name in small}, 0.995)
    ensemble = Ensemble([state], loss_function(INVERSE, state.config, state.constants, compiled=False))
    for _ in range(135):
        ensemble.advance()
        twin.update({name: state.weights[name] for name in small})
    assert twin.largest_difference({name: state.average[name] for name in small}) <= 1e-6  # float32
    assert not torch.equal(state.average["fc1.weight"], state.weights["fc1.weight"])
    assert not any(p.requires_grad for p in state.average.values())


def test_the_average_equals_ema_pytorch(generator: torch.Generator) -> None:
    ema_pytorch = pytest.importorskip("ema_pytorch")
    module = nn.ParameterDict({name.replace(".", "_"): p for name, p in drawn(generator).items()})
    reference = ema_pytorch.EMA(module, beta=0.995, update_every=10)
    if reference.initted.dim():
        pytest.skip("this old ema_pytorch copies once more, after step 111")
    average = {name: p.detach().clone() for name, p in module.items()}
    for step in range(1, 401):
        weights = {name.replace(".", "_"): p for name, p in drawn(generator).items()}
        for name, p in module.items():
            p.data.copy_(weights[name])
        reference.update()
        update_average(average, weights, step, 0.995)
        for name, p in reference.ema_model.items():
            torch.testing.assert_close(average[name], p.detach(), rtol=0, atol=1e-6)  # its decay is a float32
