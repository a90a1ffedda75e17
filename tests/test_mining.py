"""Mining: against a naive twin of the public algorithm, quirk by quirk, and on a quadratic energy."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from ired_diag.inverse.architecture import Architecture, initial_parameters
from ired_diag.inverse.config import parse_inverse
from ired_diag.inverse.draws import Draws
from ired_diag.inverse.network import EnergyNetwork, NetworkLandscape
from ired_diag.inverse.objective import mine
from ired_diag.model.energy import Landscape
from ired_diag.model.mining import descend, gaussian_negative, noised_start_negative
from ired_diag.model.schedule import Schedule, cosine_schedule

SCHEDULE = cosine_schedule(10, dtype=torch.float64)


@dataclass(frozen=True)
class Quadratic:
    """E = ½ k ‖y - centre‖², whose descent is known in closed form."""

    centre: Tensor
    k: float

    def energy(self, y: Tensor) -> Tensor:
        return 0.5 * self.k * (y - self.centre).square().sum(-1)

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        return self.energy(y), self.k * (y - self.centre)


@dataclass(frozen=True)
class NaNBelow:
    """An energy that is NaN where the first number is below a bound, else that number."""

    bound: float

    def energy(self, y: Tensor) -> Tensor:
        return torch.where(y[:, 0] < self.bound, torch.nan, y[:, 0])

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        gradient = torch.zeros_like(y)
        gradient[:, 0] = 1.0
        return self.energy(y), gradient


def naive_descent(
    landscape: Landscape, start: Tensor, t: Tensor, schedule: Schedule, steps: int, faithful: bool
) -> Tensor:
    """Sample by sample, step by step, every energy computed anew."""
    ends = start.clone()
    s = 1.0
    for _ in range(steps):
        energy, gradient = landscape.energy_and_gradient(ends)
        candidates = ends.clone()
        for i in range(len(t)):
            level = int(t[0] if faithful else t[i])
            bound = 2.0 * schedule.sqrt_alphas_cumprod[level].item()
            step = schedule.opt_step_size[t[i]] * s * gradient[i]
            candidates[i] = (ends[i] - step).clamp(-bound, bound)
        after = landscape.energy(candidates)
        for i in range(len(t)):
            rejected = after[i] > energy[i] if faithful else not after[i] <= energy[i]
            if not rejected:
                ends[i] = candidates[i]
        if faithful:
            s = 2.0
    return ends


def network_case(generator: torch.Generator) -> tuple[NetworkLandscape, Tensor, Tensor, Tensor]:
    sizes = Architecture(rank=3, width=32)
    parameters = initial_parameters(sizes, generator=generator, dtype=torch.float64)
    # Weights four times as large make steps long enough that some are rejected.
    net = EnergyNetwork(sizes, {name: 4 * p for name, p in parameters.items()})
    x, y, noise = torch.randn(3, 40, 9, generator=generator, dtype=torch.float64)
    t = torch.randint(0, 10, (40,), generator=generator)
    return net.landscape(x, t), y, noise, t


@pytest.mark.parametrize("faithful", [True, False])
@pytest.mark.parametrize("steps", [0, 1, 2, 5, 20])
def test_descent_equals_the_naive_twin(steps: int, faithful: bool, generator: torch.Generator) -> None:
    landscape, y, noise, t = network_case(generator)
    start = SCHEDULE.q_sample(y, t, 3 * noise)
    result = descend(landscape, start, t, SCHEDULE, steps=steps, faithful=faithful)
    expected = naive_descent(landscape, start, t, SCHEDULE, steps, faithful)
    torch.testing.assert_close(result.end, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(result.energy, landscape.energy(result.end), rtol=1e-11, atol=1e-12)
    assert result.accepted.shape == (steps, 40)
    if steps == 20:
        assert 0 < result.accepted.double().mean() < 1  # both branches were walked


def test_energy_never_rises(generator: torch.Generator) -> None:
    landscape, y, noise, t = network_case(generator)
    start = SCHEDULE.q_sample(y, t, 3 * noise)
    energies = [descend(landscape, start, t, SCHEDULE, steps=k, faithful=False).energy for k in range(6)]
    for before, after in itertools.pairwise(energies):
        assert bool((after <= before).all())


def test_steps_after_the_first_are_twice_as_long_when_faithful() -> None:
    t = torch.zeros(4, dtype=torch.long)
    landscape = Quadratic(torch.zeros(4, 2, dtype=torch.float64), k=1.0)
    start = torch.full((4, 2), 1.0, dtype=torch.float64)
    eta = SCHEDULE.opt_step_size[0]
    ends = [descend(landscape, start, t, SCHEDULE, steps=2, faithful=f).end for f in (True, False)]
    torch.testing.assert_close(ends[0], start * (1 - eta) * (1 - 2 * eta))
    torch.testing.assert_close(ends[1], start * (1 - eta) ** 2)


def test_nan_energy_is_accepted_when_faithful_and_rejected_when_corrected() -> None:
    t = torch.full((1,), 9)
    start = torch.zeros(1, 2, dtype=torch.float64)
    faithful, corrected = (
        descend(NaNBelow(-1e-3), start, t, SCHEDULE, steps=1, faithful=f) for f in (True, False)
    )
    assert faithful.accepted.all()
    assert faithful.energy.isnan().all()
    assert not corrected.accepted.any()
    assert torch.equal(corrected.end, start)


def test_clamp_bound_is_the_first_samples_when_faithful_and_each_ones_own_when_corrected() -> None:
    t = torch.tensor([0, 9])
    landscape = Quadratic(torch.full((2, 1), 100.0, dtype=torch.float64), k=10.0)
    start = torch.zeros(2, 1, dtype=torch.float64)
    bounds = 2 * SCHEDULE.sqrt_alphas_cumprod[t][:, None]
    faithful, corrected = (
        descend(landscape, start, t, SCHEDULE, steps=1, faithful=f).end for f in (True, False)
    )
    torch.testing.assert_close(faithful, bounds[:1].expand(2, 1))
    torch.testing.assert_close(corrected, bounds)


def test_order_of_the_batch_matters_only_when_faithful(generator: torch.Generator) -> None:
    landscape = Quadratic(torch.full((10, 3), 9.0, dtype=torch.float64), k=10.0)
    t, start = torch.arange(10), torch.zeros(10, 3, dtype=torch.float64)
    for faithful in (True, False):
        forward = descend(landscape, start, t, SCHEDULE, steps=2, faithful=faithful).end
        backward = descend(landscape, start, t.flip(0), SCHEDULE, steps=2, faithful=faithful).end.flip(0)
        assert torch.equal(forward, backward) is not faithful


def adversarial_negative(
    landscape: NetworkLandscape, y: Tensor, t: Tensor, noise: Tensor, *, steps: int, noise_scale: float
) -> Tensor:
    """Return what training mines with these settings; the noise of the denoising term must not matter."""
    knobs = {"mining_opt_steps": steps, "mining_noise_scale": noise_scale, "mining_strategy": "adversarial"}
    config = parse_inverse({"experiment_name": "q900_tiny", "rank": 3, **knobs})
    draws = Draws(t, torch.full_like(noise, torch.nan), noise)
    return mine(landscape, SCHEDULE, config, y, draws).negative


def test_adversarial_negative_is_the_descended_start_in_clean_space(generator: torch.Generator) -> None:
    landscape, y, noise, t = network_case(generator)
    negative = adversarial_negative(landscape, y, t, noise, steps=2, noise_scale=1.5)
    end = naive_descent(landscape, SCHEDULE.q_sample(y, t, 1.5 * noise), t, SCHEDULE, 2, True)
    expected = (end / SCHEDULE.alphas_cumprod[t].sqrt()[:, None]).clamp(-2, 2)
    torch.testing.assert_close(negative, expected, rtol=1e-10, atol=1e-10)


def test_adversarial_mining_without_steps_is_the_noised_start(generator: torch.Generator) -> None:
    landscape, y, noise, t = network_case(generator)
    without = adversarial_negative(landscape, y, t, noise, steps=0, noise_scale=3.0)
    assert torch.equal(without, noised_start_negative(y, t, noise, SCHEDULE, noise_scale=3.0))


def test_gaussian_negatives_are_clamped_normals_whatever_the_positive(generator: torch.Generator) -> None:
    positive = torch.zeros(500, 400)
    draw = gaussian_negative(positive, generator=generator)
    again = gaussian_negative(positive + 7, generator=torch.Generator().manual_seed(20261120))
    assert torch.equal(draw, again)
    at_the_clamp = (draw.abs() == 2).double().mean().item()
    assert abs(at_the_clamp - 0.0455) < 5 * (0.0455 / draw.numel()) ** 0.5  # P(|N| > 2)


def test_mining_makes_no_graph(generator: torch.Generator) -> None:
    sizes = Architecture(rank=2, width=4)
    leaves = {n: p.requires_grad_() for n, p in initial_parameters(sizes, generator=generator).items()}
    t, y = torch.arange(10), torch.randn(10, 4, generator=generator)
    schedule = cosine_schedule(10)
    end = descend(EnergyNetwork(sizes, leaves).landscape(y, t), y, t, schedule, steps=2).end
    assert not end.requires_grad
