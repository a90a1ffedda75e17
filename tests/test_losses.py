"""The two losses against closed forms and against PyTorch's cross-entropy."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from ired_diag.inverse.architecture import Architecture, initial_parameters
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.losses import denoising_loss, nce_loss


def test_nce_loss_is_the_cross_entropy_of_two_logits(generator: torch.Generator) -> None:
    positive, negative = 30 * torch.randn(2, 200, generator=generator, dtype=torch.float64)
    logits = -torch.stack([positive, negative], dim=-1)
    expected = F.cross_entropy(logits, torch.zeros(200, dtype=torch.long), reduction="none")
    torch.testing.assert_close(nce_loss(positive, negative), expected, rtol=1e-12, atol=1e-12)


def test_nce_loss_of_equal_energies_is_log_two_and_it_does_not_overflow() -> None:
    energy = torch.tensor([0.0, 1e6], dtype=torch.float64)
    torch.testing.assert_close(nce_loss(energy, energy), torch.full((2,), math.log(2), dtype=torch.float64))
    assert nce_loss(torch.tensor([1e6]), torch.tensor([0.0])).item() == 1e6


def test_denoising_loss_is_the_mean_square_over_the_entries_of_a_sample(generator: torch.Generator) -> None:
    sizes = Architecture(rank=2, width=8)
    net = EnergyNetwork(sizes, initial_parameters(sizes, generator=generator, dtype=torch.float64))
    x, y, noise = torch.randn(3, 5, 4, generator=generator, dtype=torch.float64)
    landscape = net.landscape(x, torch.arange(5))
    predicted = landscape.energy_and_gradient(y)[1]
    expected = [sum((predicted[i, j] - noise[i, j]) ** 2 for j in range(4)) / 4 for i in range(5)]
    torch.testing.assert_close(denoising_loss(landscape, y, noise), torch.stack(expected))
