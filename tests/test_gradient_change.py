"""Gradients without some samples: closed forms, a naive twin, and what autograd says of each sample alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ired_diag.inverse.gradient_change import CHANGES, gradient_changes, nce_changes
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.losses import nce_loss
from ired_diag.subject import Subject


@pytest.fixture
def theta(generator: torch.Generator) -> Tensor:
    return torch.randn(6, generator=generator, dtype=torch.float64).requires_grad_()


def test_samples_of_no_gradient_only_shorten_it(theta: Tensor, generator: torch.Generator) -> None:
    inputs = torch.randn(10, 6, generator=generator, dtype=torch.float64)
    inputs[6:] = 0
    (change,) = gradient_changes(inputs @ theta, [theta], [torch.arange(10) < 6])
    assert change.cosine == pytest.approx(1, rel=1e-12)
    assert change.norm_ratio == pytest.approx(10 / 6, rel=1e-12)


def test_duplicates_left_out_change_nothing(theta: Tensor, generator: torch.Generator) -> None:
    inputs = torch.randn(5, 6, generator=generator, dtype=torch.float64).repeat(2, 1)
    (change,) = gradient_changes((inputs @ theta).sin(), [theta], [torch.arange(10) < 5])
    assert change.cosine == pytest.approx(1, rel=1e-12)
    assert change.norm_ratio == pytest.approx(1, rel=1e-12)


def test_linear_losses_have_the_cosine_of_the_means_of_their_inputs(
    theta: Tensor, generator: torch.Generator
) -> None:
    inputs = torch.randn(9, 6, generator=generator, dtype=torch.float64)
    kept = torch.rand(9, generator=generator) < 0.5
    (change,) = gradient_changes(inputs @ theta, [theta], [kept])
    whole, part = inputs.mean(0), inputs[kept].mean(0)
    assert change.cosine == pytest.approx(float(whole @ part / whole.norm() / part.norm()), rel=1e-12)
    assert change.norm_ratio == pytest.approx(float(part.norm() / whole.norm()), rel=1e-12)


def test_keeping_none_or_having_no_gradient_is_nan(theta: Tensor) -> None:
    unused = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    losses = torch.ones(4, 6, dtype=torch.float64) @ theta
    (none,) = gradient_changes(losses, [theta, unused], [torch.zeros(4, dtype=torch.bool)])
    (flat,) = gradient_changes(0 * losses, [theta], [torch.arange(4) < 2])
    assert math.isnan(none.cosine)
    assert math.isnan(flat.cosine)
    assert math.isnan(flat.norm_ratio)


def test_nce_changes_equal_a_sum_over_pairs_one_by_one(
    network_subject: Callable[..., Subject], generator: torch.Generator
) -> None:
    (chunk,) = network_subject(samples=12, dtype=torch.float64, levels=2).chunks()
    batch, network = chunk.batch, chunk.energy_of(EnergyNetwork)
    dropped = (torch.rand(2, 12, generator=generator) < 0.4).double()
    dropped[1, 6:] = 0  # the last batch drops none
    found = nce_changes(network, batch, "adversarial", dropped, size=6, generator=generator)
    tensors = {name: p.clone().requires_grad_() for name, p in network.parameters.items()}
    learner = replace(network, parameters=tensors)
    for level, first in ((0, 0), (0, 6), (1, 0)):
        each = []
        for i in range(first, first + 6):
            landscape = learner.landscape(batch.problem[i : i + 1], torch.tensor([level]))
            energies = [
                landscape.energy(batch.noisy[k][level, i : i + 1]) for k in ("positive", "adversarial")
            ]
            parts = torch.autograd.grad(nce_loss(*energies).sum(), list(tensors.values()))
            each.append(torch.cat([part.flatten() for part in parts]))
        kept = [g for g, out in zip(each, dropped[level, first : first + 6], strict=True) if not out]
        whole, part = torch.stack(each).mean(0), torch.stack(kept).mean(0)
        expected = float(whole @ part / whole.norm() / part.norm())
        assert float(found["cosine"][level, first]) == pytest.approx(expected, rel=1e-8)
        assert float(found["norm_ratio"][level, first + 5]) == pytest.approx(
            float(part.norm() / whole.norm()), rel=1e-8
        )
    assert all(torch.isnan(found[name][1, 6:]).all() for name in CHANGES)


def test_pairs_dropped_at_random_change_as_the_same_number_dropped_for_a_reason_unrelated(
    network_subject: Callable[..., Subject], generator: torch.Generator
) -> None:
    # Dropped by lot, the two cosines have the same distribution: 40 pairs of them, a sign test at 0.1%.
    (chunk,) = network_subject(samples=320, levels=2).chunks()
    dropped = (torch.rand(2, 320, generator=generator) < 0.3).double()
    found = nce_changes(
        chunk.energy_of(EnergyNetwork), chunk.batch, "random", dropped, size=16, generator=generator
    )
    lower = (found["cosine"] < found["cosine_chance"])[:, ::16]
    assert 9 < int(lower.sum()) < 31
