"""The noise schedule against a naive twin and against its own identities."""

from __future__ import annotations

import math

import pytest
import torch

from ired_diag.model.schedule import cosine_schedule, schedule_from_betas


def naive_betas(levels: int, offset: float = 0.008) -> list[float]:
    def signal(t: float) -> float:
        return math.cos((t / levels + offset) / (1 + offset) * math.pi / 2) ** 2

    return [min(1 - signal(t + 1) / signal(t), 0.999) for t in range(levels)]


@pytest.mark.parametrize("levels", [1, 5, 10, 100])
def test_cosine_betas_equal_the_formula(levels: int) -> None:
    schedule = cosine_schedule(levels, dtype=torch.float64)
    torch.testing.assert_close(
        schedule.betas, torch.tensor(naive_betas(levels), dtype=torch.float64), rtol=1e-12, atol=1e-14
    )
    assert schedule.levels == levels


def test_constants_follow_from_the_betas_one_by_one() -> None:
    schedule = cosine_schedule(10, dtype=torch.float64)
    signal = previous = 1.0
    for t, beta in enumerate(naive_betas(10)):
        previous, signal = signal, signal * (1 - beta)
        assert schedule.alphas_cumprod[t].item() == pytest.approx(signal, rel=1e-10)
        assert schedule.opt_step_size[t].item() == pytest.approx(beta / math.sqrt(1 - signal), rel=1e-10)
        variance = beta * (1 - previous) / (1 - signal)
        assert schedule.posterior_variance[t].item() == pytest.approx(variance, rel=1e-9, abs=1e-15)


def test_noise_of_unit_variance_data_keeps_unit_variance(generator: torch.Generator) -> None:
    schedule = cosine_schedule(10, dtype=torch.float64)
    total = schedule.sqrt_alphas_cumprod**2 + schedule.sqrt_one_minus_alphas_cumprod**2
    torch.testing.assert_close(total, torch.ones_like(total), rtol=1e-12, atol=0)


def test_predict_x0_undoes_q_sample(generator: torch.Generator) -> None:
    schedule = cosine_schedule(10, dtype=torch.float64)
    x0, noise = torch.randn(2, 10, 4, generator=generator, dtype=torch.float64)
    t = torch.arange(10)
    noisy = schedule.q_sample(x0, t, noise)
    torch.testing.assert_close(schedule.predict_x0(noisy, t, noise), x0, rtol=1e-6, atol=1e-9)


def test_schedule_from_its_own_betas_is_the_same_schedule() -> None:
    schedule = cosine_schedule(7, dtype=torch.float64)
    again = schedule_from_betas(schedule.betas, dtype=torch.float64)
    assert all(torch.equal(b, again.buffers()[name]) for name, b in schedule.buffers().items())
