"""Ranks within seeds: a published table, and ties."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.ranks import rank_groups

# Demšar (2006), table 2: AUC of C4.5, C4.5+m, C4.5+cf, C4.5+m+cf on 14 data sets (higher is better).
DEMSAR = [
    [0.763, 0.768, 0.771, 0.798],
    [0.599, 0.591, 0.590, 0.569],
    [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657],
    [0.882, 0.888, 0.886, 0.898],
    [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685],
    [0.583, 0.583, 0.563, 0.625],
    [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000],
    [0.940, 0.962, 0.965, 0.962],
    [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.9752, 0.9748],  # printed as 0.975 twice, ranked 2 and 3 in the paper
    [0.957, 0.978, 0.946, 0.970],
]


def test_mean_ranks_of_the_published_table() -> None:
    result = rank_groups(DEMSAR, lower_is_better=False)
    assert result.mean_ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)


def test_wins_count_only_a_seed_with_one_best_group() -> None:
    result = rank_groups([[1.0, 2.0, 3.0], [1.0, 1.0, 2.0], [5.0, 4.0, 3.0]])
    assert result.wins.tolist() == [1, 0, 1]
    assert result.ties == 1
    assert result.ranks[1].tolist() == [1.5, 1.5, 3.0]


def test_direction_mirrors_and_ranks_equal_scipys(rng: np.random.Generator) -> None:
    table = rng.normal(size=(9, 4))
    low, high = rank_groups(table), rank_groups(table, lower_is_better=False)
    np.testing.assert_array_equal(low.ranks, np.array([stats.rankdata(row) for row in table]))
    np.testing.assert_array_equal(low.ranks + high.ranks, np.full((9, 4), 5.0))
