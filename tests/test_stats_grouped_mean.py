"""Means of groups: the ordinary mean where groups are of one, the theory of the noise where not."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from ired_diag.stats.finite import summarise_finite
from ired_diag.stats.grouped_mean import GroupMeans, grouped_mean
from ired_diag.stats.summary import summarise
from ired_diag.stats.tenths import tenths


def test_groups_of_one_are_an_ordinary_sample(rng: np.random.Generator) -> None:
    values = rng.normal(size=30)
    grouped, plain = grouped_mean(values, np.ones(30)), summarise(values)
    for name in ("n", "mean", "sd", "low", "high"):
        assert getattr(grouped, name) == pytest.approx(getattr(plain, name), rel=1e-12)


def test_mean_is_that_of_all_observations_whatever_the_sizes_of_groups(rng: np.random.Generator) -> None:
    values = rng.exponential(size=100)
    parts = np.split(values, [3, 40, 90])
    found = grouped_mean([part.mean() for part in parts], [len(part) for part in parts])
    assert found.mean == pytest.approx(values.mean(), rel=1e-12)
    assert found.n == 100


def test_variance_of_one_observation_is_estimated_without_bias(rng: np.random.Generator) -> None:
    counts = np.array([5, 5, 5, 5, 2])
    squares = []
    for _ in range(4000):
        parts = np.split(rng.normal(0, 2, 22), np.cumsum(counts)[:-1])
        squares.append(grouped_mean([part.mean() for part in parts], counts).sd ** 2)
    assert np.mean(squares) == pytest.approx(4.0, rel=0.04)


def test_no_groups_and_one_group_have_no_spread_and_say_so() -> None:
    assert grouped_mean([math.nan], [0]).reason == "no values"
    one = grouped_mean([3.0], [10])
    assert (one.mean, one.n, one.reason) == (3.0, 10, "one group has no spread")
    assert math.isnan(one.low)


@pytest.mark.parametrize("chunk", [1, 3, 10, 23])
def test_group_means_are_a_loops_however_the_observations_are_cut(
    chunk: int, rng: np.random.Generator
) -> None:
    values = rng.normal(size=(2, 23))
    values[0, 5] = math.nan
    values[1, 8:12] = math.nan
    kept = GroupMeans(23, 2, groups=6)  # of 4, the last of 3
    for start in range(0, 23, chunk):
        kept.add(start, values[:, start : start + chunk])
    assert kept.first.tolist() == [0, 4, 8, 12, 16, 20]
    for quantity in range(2):
        for group, first in enumerate(kept.first.tolist()):
            part = [v for v in values[quantity, first : first + 4] if math.isfinite(v)]
            assert kept.counts()[quantity, group] == len(part)
            expected = sum(part) / len(part) if part else math.nan
            assert kept.means()[quantity, group] == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_few_observations_are_groups_of_one() -> None:
    assert GroupMeans(5, 1, groups=200).first.tolist() == [0, 1, 2, 3, 4]


def test_tenths_hold_every_observation_once_in_order(rng: np.random.Generator) -> None:
    values = rng.normal(size=57)
    found, reason = tenths(values)
    assert reason == ""
    assert sorted(np.concatenate(found).tolist()) == list(range(57))
    assert all(values[a].max() < values[b].min() for a, b in pairwise(found))


def test_tenths_of_few_and_of_equal_values_are_none() -> None:
    assert tenths(np.arange(9.0))[1] == "9 are too few for tenths"
    found, reason = tenths(np.ones(50))
    assert (reason, sum(map(len, found))) == ("all have the same value", 0)


def test_what_is_not_finite_is_left_out_and_said() -> None:
    found = summarise_finite([1.0, math.inf, 3.0])
    assert (found.mean, found.n, found.reason) == (2.0, 2, "1 of 3 are not finite")
    assert math.isnan(summarise_finite([math.nan]).mean)
