"""Basins of energies whose barriers are known: a double well, a straight valley, a ring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.model.basins import basins


@dataclass(frozen=True)
class Analytic:
    """E(x, y, t) given as a function of y; it is its own landscape, and basins ask for no gradient."""

    energy: Callable[[Tensor], Tensor]
    levels: int = 1

    def landscape(self, x: Tensor, t: Tensor) -> Analytic:
        return self

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError


def labels(energy: Callable[[Tensor], Tensor], ends: Tensor, *, tolerance: float = 1e-6) -> list[list[int]]:
    batch = len(ends)
    t = torch.zeros(batch, dtype=torch.long)
    found: list[list[int]] = basins(
        Analytic(energy), torch.zeros(batch, 2), t, ends, tolerance=tolerance
    ).tolist()
    return found


def double_well(y: Tensor) -> Tensor:
    """Minima at ±1 in the first entry, 0 in the others; a barrier of height 1 between them."""
    return (y[:, 0] ** 2 - 1) ** 2 + (y[:, 1:] ** 2).sum(-1)


def test_basins_of_a_double_well_are_told_apart_by_its_barrier() -> None:
    ends = torch.zeros(2, 4, 6, dtype=torch.float64)
    ends[0, :, 0] = torch.tensor([1.0, -1.0, 1.0, -1.0])
    ends[1, :, 0] = 1.0
    assert labels(double_well, ends) == [[0, 1, 0, 1], [0, 0, 0, 0]]


def test_a_barrier_below_the_rounding_of_the_energy_is_none() -> None:
    ends = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]])
    assert labels(lambda y: 1e-3 * double_well(y), ends) == [[0, 1]]
    assert labels(lambda y: 1e4 + 1e-3 * double_well(y), ends) == [[0, 0]]


def test_a_flat_valley_is_one_basin_however_long() -> None:
    ends = torch.zeros(1, 3, 2)
    ends[0, :, 0] = torch.tensor([-50.0, 0.0, 50.0])
    assert labels(lambda y: (y[:, 1:] ** 2).sum(-1), ends) == [[0, 0, 0]]


def test_a_curved_valley_is_one_basin_through_the_ends_between() -> None:
    def ring(y: Tensor) -> Tensor:
        return (y.square().sum(-1) - 1) ** 2

    angle = torch.linspace(0, 3, 40, dtype=torch.float64)
    ends = torch.stack([angle.cos(), angle.sin()], dim=-1)[None]
    assert labels(ring, ends, tolerance=0.02) == [[0] * 40]
    assert labels(ring, ends[:, [0, -1]], tolerance=0.02) == [[0, 1]]
