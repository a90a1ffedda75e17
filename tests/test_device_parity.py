"""A GPU computes what the CPU computes: energies, gradients, mining, the loss of a step, a short training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.inverse.training import batch_tensors, network_in, schedule_in
from ired_diag.model.mining import descend
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.compiled import loss_function
from ired_diag.training.ensemble import Ensemble, stack_batches
from ired_diag.training.state import TrainingState, new_state

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

CONFIG = {
    "experiment_name": "q900_parity",
    "rank": 6,
    "width": 64,
    "batch_size": 128,
    "train_steps": 50,
    "mining_strategy": "adversarial",
}


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse({**CONFIG, **knobs})


def moved(batch: dict[str, Tensor], device: str) -> dict[str, Tensor]:
    return {name: x.to(device) for name, x in batch.items()}


def on_both(
    config: InverseConfig,
) -> tuple[TrainingState, TrainingState, dict[str, Tensor], dict[str, Tensor]]:
    cpu = new_state(INVERSE, config, "cpu")
    gpu = replace(new_state(INVERSE, config, "cuda"), weights={n: p.cuda() for n, p in cpu.weights.items()})
    batch = batch_tensors(config, cpu.streams, 0)
    return cpu, gpu, batch, moved(batch, "cuda")


@pytest.mark.parametrize("scalar", [False, True])
def test_energy_gradient_and_descent_are_the_cpus(scalar: bool) -> None:
    config = config_of(use_scalar_energy=scalar)
    cpu, gpu, batch, there = on_both(config)
    results = []
    for state, b in ((cpu, batch), (gpu, there)):
        landscape = network_in(config, state.tensors).landscape(b["problem"], b["t"])
        energy, gradient = landscape.energy_and_gradient(b["answer"])
        end = descend(landscape, b["answer"], b["t"], schedule_in(state.tensors), steps=2).end
        results.append((energy.cpu(), gradient.cpu(), end.cpu()))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("strategy", ["none", "random", "adversarial", "ascent", "mixed"])
def test_the_loss_and_its_gradients_are_the_cpus(strategy: str, compiled: bool) -> None:
    config = config_of(mining_strategy=strategy)
    cpu, gpu, batch, there = on_both(config)
    gradients = []
    for state, b, compiling in ((cpu, batch, False), (gpu, there, compiled)):
        leaves = {n: p[None].detach().requires_grad_() for n, p in state.weights.items()}
        loss = loss_function(INVERSE, config, state.constants, compiled=compiling)(leaves, stack_batches([b]))
        loss.total.sum().backward()  # type: ignore[no-untyped-call]
        gradients.append({n: p.grad.cpu() for n, p in leaves.items() if p.grad is not None})
    for name, ours in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], ours, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("compiled", [False, True])
def test_seeds_together_are_the_seeds_alone_after_300_steps(compiled: bool) -> None:
    config = config_of(train_steps=300)

    def trained(seeds: list[int]) -> list[TrainingState]:
        members = [new_state(INVERSE, config.model_copy(update={"seed": seed}), "cuda") for seed in seeds]
        loss = loss_function(INVERSE, config, members[0].constants, compiled=compiled)
        ensemble = Ensemble(members, loss)
        for _ in range(300):
            ensemble.advance()
        return members

    for alone, together in zip([trained([0])[0], trained([1])[0]], trained([0, 1]), strict=True):
        for name, weight in alone.weights.items():
            difference = torch.linalg.vector_norm(together.weights[name] - weight)
            assert float(difference / torch.linalg.vector_norm(weight)) <= 1e-5
