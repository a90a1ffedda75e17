"""Mined negatives: each kind against its definition."""

from __future__ import annotations

import pytest
import torch

from ired_diag.inverse.architecture import Architecture, initial_parameters
from ired_diag.inverse.matrices import MatrixData
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.mined_batch import KINDS, MinedBatch, MiningSettings, matched_control, mine_batch
from ired_diag.model.mining import descend
from ired_diag.model.schedule import cosine_schedule

SCHEDULE = cosine_schedule(4)
DATA = MatrixData(rank=3)


@pytest.fixture
def network() -> EnergyNetwork:
    sizes = Architecture(rank=3, width=16, levels=4)
    return EnergyNetwork(sizes, initial_parameters(sizes, generator=torch.Generator().manual_seed(4)))


def mined(network: EnergyNetwork, samples: int = 50, seed: int = 1, opt_steps: int = 2) -> MinedBatch:
    settings, generator = MiningSettings(opt_steps=opt_steps), torch.Generator().manual_seed(seed)
    return mine_batch(network, SCHEDULE, DATA, settings, samples=samples, generator=generator)


def test_shapes_and_positives_that_solve_their_problems(network: EnergyNetwork) -> None:
    batch = mined(network)
    assert {kind: tuple(c.shape) for kind, c in batch.candidates.items()} == dict.fromkeys(KINDS, (4, 50, 9))
    product = batch.problem.view(-1, 3, 3) @ batch.candidates["positive"][2].view(-1, 3, 3)
    torch.testing.assert_close(product, torch.eye(3).expand_as(product), atol=1e-5, rtol=0)
    assert batch.walk.accepted.shape == (4, 2, 50)


def test_control_is_as_far_from_the_positive_as_the_adversarial(network: EnergyNetwork) -> None:
    batch = mined(network)
    positive = batch.candidates["positive"]
    distances = [
        torch.linalg.vector_norm(batch.candidates["adversarial"] - positive, dim=-1),
        torch.linalg.vector_norm(batch.candidates["control"] - positive, dim=-1),
    ]
    torch.testing.assert_close(*distances, rtol=1e-5, atol=1e-6)
    moved = batch.candidates["control"] - positive
    toward = batch.candidates["adversarial"] - positive
    cosine = torch.nn.functional.cosine_similarity(moved, toward, dim=-1)
    assert abs(cosine.mean().item()) < 5 / (3 * 200**0.5)  # directions of 9 numbers, 200 of them


def test_control_of_a_negative_at_its_positive_is_the_positive() -> None:
    positive = torch.randn(5, 9, generator=torch.Generator().manual_seed(0))
    direction = torch.randn(5, 9, generator=torch.Generator().manual_seed(1))
    assert torch.equal(matched_control(positive, positive, direction), positive)


def test_adversarial_candidates_come_from_the_noise_that_noises_them_again(network: EnergyNetwork) -> None:
    batch = mined(network)
    for level in range(4):
        t = torch.full((50,), level)
        positive = batch.candidates["positive"][level]
        signal, sigma = SCHEDULE.sqrt_alphas_cumprod[level], SCHEDULE.sqrt_one_minus_alphas_cumprod[level]
        noise = (batch.noisy["positive"][level] - signal * positive) / sigma
        landscape = network.landscape(batch.problem, t)
        start = SCHEDULE.q_sample(positive, t, 3 * noise)
        end = descend(landscape, start, t, SCHEDULE, steps=2).end / signal
        torch.testing.assert_close(
            batch.candidates["adversarial"][level], end.clamp(-2, 2), rtol=0, atol=2e-4
        )
        torch.testing.assert_close(
            batch.energies["adversarial"][level], landscape.energy(batch.noisy["adversarial"][level])
        )


def test_same_seed_same_problems_whatever_the_network(network: EnergyNetwork) -> None:
    other = EnergyNetwork(network.architecture, {n: 2 * p for n, p in network.parameters.items()})
    a, b = mined(network), mined(other)
    assert torch.equal(a.problem, b.problem)
    assert torch.equal(a.candidates["random"], b.candidates["random"])
    assert not torch.equal(a.candidates["adversarial"], b.candidates["adversarial"])
    assert not torch.equal(a.problem, mined(network, seed=2).problem)
