"""Sampling: against a naive twin of the public loop."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ired_diag.inverse.architecture import Architecture, initial_parameters
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.mining import descend
from ired_diag.model.sampler import sample
from ired_diag.model.schedule import cosine_schedule

SCHEDULE = cosine_schedule(6, dtype=torch.float64)


def case(generator: torch.Generator) -> tuple[EnergyNetwork, Tensor, Tensor]:
    sizes = Architecture(rank=3, width=24, levels=6)
    net = EnergyNetwork(sizes, initial_parameters(sizes, generator=generator, dtype=torch.float64))
    x, start = torch.randn(2, 11, 9, generator=generator, dtype=torch.float64)
    return net, x, start


def naive_sample(net: EnergyNetwork, x: Tensor, y: Tensor, inner: int) -> tuple[Tensor, list[Tensor]]:
    """The public loop as the facts tell it, with autograd for the predicted noise."""
    signal, estimates = SCHEDULE.alphas_cumprod, []
    for level in range(5, -1, -1):
        t = torch.full((len(x),), level)
        landscape = net.landscape(x, t)
        point = y.clone().requires_grad_()
        (noise,) = torch.autograd.grad(landscape.energy(point).sum(), point)
        x0 = (y - (1 - signal[level]).sqrt() * noise) / signal[level].sqrt()
        y = signal[level].sqrt() * x0.clamp(-2, 2)
        y = descend(landscape, y, t, SCHEDULE, steps=inner).end
        y = y.clamp(-2 * signal[level].sqrt(), 2 * signal[level].sqrt())
        estimates.append(y / signal[level].sqrt())
        if level:
            y = signal[level - 1].sqrt() * estimates[-1]
    return y, estimates


@pytest.mark.parametrize("inner", [0, 5])
def test_sample_equals_the_naive_twin(inner: int, generator: torch.Generator) -> None:
    net, x, start = case(generator)
    result = sample(net, x, start, SCHEDULE, inner_steps=inner)
    answer, estimates = naive_sample(net, x, start, inner)
    torch.testing.assert_close(result.trajectory, torch.stack(estimates), rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(result.answer, answer, rtol=1e-8, atol=1e-9)


def test_faithful_answer_is_too_small_by_the_signal_of_level_zero(generator: torch.Generator) -> None:
    net, x, start = case(generator)
    result = sample(net, x, start, SCHEDULE, inner_steps=0)
    corrected = sample(net, x, start, SCHEDULE, inner_steps=0, faithful=False)
    torch.testing.assert_close(result.answer, SCHEDULE.sqrt_alphas_cumprod[0] * result.trajectory[-1])
    assert torch.equal(corrected.answer, corrected.trajectory[-1])


def test_answers_stay_within_the_clamp(generator: torch.Generator) -> None:
    net, x, start = case(generator)
    result = sample(net, x, 100 * start, SCHEDULE)
    assert result.trajectory.abs().max().item() <= 2 + 1e-12
    assert result.trajectory.shape == (6, 11, 9)
