"""The shape of walks: a straight line, a return, and a walk of independent steps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ired_diag.model.walk_geometry import cosine, lengths, turns


def test_a_straight_line_never_turns_and_a_return_turns_back(generator: torch.Generator) -> None:
    way = torch.randn(2, 7, generator=generator, dtype=torch.float64)
    line = torch.stack([k * way for k in range(4)])
    assert torch.isnan(turns(line)[0]).all()
    torch.testing.assert_close(turns(line)[1:], torch.ones(2, 2).double(), rtol=1e-12, atol=0)
    back = torch.stack([0 * way, way, 0 * way])
    torch.testing.assert_close(turns(back)[1], -torch.ones(2).double(), rtol=1e-12, atol=0)
    torch.testing.assert_close(lengths(line), way.norm(dim=-1).expand(3, 2), rtol=1e-12, atol=0)


def test_independent_steps_turn_by_a_right_angle_with_the_spread_of_theory(
    generator: torch.Generator,
) -> None:
    # The cosine between independent directions in d dimensions has mean 0 and variance 1/d.
    dim, walks = 50, 4000
    points = torch.randn(3, walks, dim, generator=generator, dtype=torch.float64).cumsum(0)
    turn = turns(points)[1].numpy()
    assert abs(turn.mean()) < 4 / math.sqrt(dim * walks)
    assert turn.var() == pytest.approx(1 / dim, rel=0.1)


def test_cosine_holds_for_tiny_vectors_and_is_nan_for_none() -> None:
    a = torch.tensor([[3e-12, 0.0], [0.0, 0.0]])
    b = torch.tensor([[1e-12, 1e-12], [1.0, 1.0]])
    found = cosine(a, b).numpy()
    assert found[0] == pytest.approx(math.sqrt(0.5), rel=1e-6)
    assert np.isnan(found[1])


def test_a_walk_of_no_steps_has_no_turns() -> None:
    assert turns(torch.zeros(1, 5, 3)).shape == (0, 5)
    assert lengths(torch.zeros(1, 5, 3)).shape == (0, 5)
