"""From which step on two groups of curves are apart: the level under smooth noise, planted steps found."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ired_diag.stats.exchanges import regroupings, sign_flips, t_of_groups, t_of_pairs
from ired_diag.stats.separation import separation_of_groups, separation_of_pairs
from ired_diag.stats.step_clusters import heaviest, stretches_of


def smooth(generator: np.random.Generator, seeds: int, steps: int) -> NDArray[np.float64]:
    """Return autoregressive curves with a correlation of 0.8 from one step to the next."""
    values = generator.standard_normal((seeds, steps))
    values[:, 0] /= math.sqrt(1 - 0.8**2)
    for step in range(1, steps):
        values[:, step] += 0.8 * values[:, step - 1]
    return values


def test_five_pairs_are_exact_over_all_exchanges_and_never_apart_at_five_percent() -> None:
    differences = smooth(np.random.default_rng(0), 5, 12) + 9
    found = separation_of_pairs(differences)
    largest = []
    for signs in itertools.product((1, -1), repeat=5):
        flipped = np.array(signs)[:, None] * differences
        t = flipped.mean(0) / (flipped.std(0, ddof=1) / math.sqrt(5))
        largest.append(np.abs(t).max())
    assert found.is_exact
    assert found.p == pytest.approx(np.mean(np.array(largest) >= largest[0] * (1 - 1e-12)))
    assert found.p == found.smallest_p == 2 / 32
    assert found.since is None
    assert separation_of_pairs(differences, alpha=0.1).is_apart.any()


@pytest.mark.slow
def test_the_level_holds_for_smooth_curves() -> None:
    generator = np.random.default_rng(1)
    studies = 300
    apart = sum(separation_of_pairs(smooth(generator, 8, 40)).is_apart.any() for _ in range(studies))
    assert apart <= studies * 0.05 + 3 * math.sqrt(studies * 0.05 * 0.95)


def test_a_planted_step_is_found_within_two_evaluations() -> None:
    generator = np.random.default_rng(2)
    hits = 0
    for _ in range(60):
        differences = smooth(generator, 8, 40)
        differences[:, 25:] += 6
        since = separation_of_pairs(differences).since
        hits += since is not None and abs(since - 25) <= 2
    assert hits >= 54


def test_curves_that_meet_again_are_not_apart_at_the_end() -> None:
    differences = smooth(np.random.default_rng(3), 10, 30)
    differences[:, 10:20] += 9
    found = separation_of_pairs(differences)
    assert found.is_apart[12:18].all()
    assert found.since is None


def test_groups_that_are_no_pairs_exchange_whole_seeds() -> None:
    generator = np.random.default_rng(4)
    a, b = smooth(generator, 6, 20), smooth(generator, 7, 20)
    a[:, 8:] -= 9
    found = separation_of_groups(a, b)
    assert found.is_exact
    assert found.exchanges == math.comb(13, 6)
    assert found.smallest_p == 1 / 1000  # 999 studies of normal curves are drawn as well
    assert found.since is not None
    assert abs(found.since - 8) <= 1
    assert found.t[-1] < 0


def test_many_seeds_are_drawn_the_same_way_each_time() -> None:
    differences = smooth(np.random.default_rng(5), 14, 10) + 1
    first, second = (separation_of_pairs(differences, seed=7) for _ in range(2))
    assert not first.is_exact
    assert (first.p, first.bound) == (second.p, second.bound)


def test_t_of_an_exchange_is_that_of_its_curves() -> None:
    generator = np.random.default_rng(6)
    a, b = generator.standard_normal((4, 7)), 5 + generator.standard_normal((3, 7))
    pooled = np.concatenate([a, b])
    is_first, is_exact = regroupings(7, 4, seed=0)
    t = t_of_groups(pooled, is_first)
    assert is_exact
    assert len(is_first) == math.comb(7, 4)
    for row, members in zip(t, is_first.astype(bool), strict=True):
        reference = stats.ttest_ind(pooled[members], pooled[~members], equal_var=False).statistic
        np.testing.assert_allclose(row, reference, rtol=1e-9)
    signs, _ = sign_flips(4, seed=0)
    reference = [stats.ttest_1samp(sign[:, None] * a, 0).statistic for sign in signs]
    np.testing.assert_allclose(t_of_pairs(a, signs), reference, rtol=1e-9)


def test_the_mass_of_stretches_is_that_of_the_slow_loop() -> None:
    t = 3 * np.random.default_rng(7).standard_normal((50, 12))
    for row, mass in zip(t, heaviest(t, 1.5), strict=True):
        largest = max((stretch.mass for stretch in stretches_of(row, 1.5)), default=0.0)
        assert mass == pytest.approx(largest)


def test_the_band_excludes_zero_exactly_where_curves_are_apart() -> None:
    differences = smooth(np.random.default_rng(8), 8, 30)
    differences[:, 15:] += 5
    found = separation_of_pairs(differences)
    np.testing.assert_array_equal(found.is_apart, (found.low > 0) | (found.high < 0))
    assert 0 < found.is_apart.sum() < 30


def test_six_pairs_tell_more_than_the_step_that_differs_most() -> None:
    """Of 64 exchanges two may reach the bound: it lies above all others, not at the largest of the data."""
    differences = smooth(np.random.default_rng(9), 6, 40)
    differences[:, 25:] += 12
    found = separation_of_pairs(differences)
    assert found.since == 25


def test_five_pairs_without_noise_are_not_apart_either() -> None:
    found = separation_of_pairs(np.ones((5, 4)))
    assert found.smallest_p > 0.05
    assert not found.stretches


def test_equal_curves_are_not_apart() -> None:
    curves = smooth(np.random.default_rng(10), 6, 5)
    same = separation_of_groups(curves, curves.copy())
    assert not same.stretches
    assert same.p == 1
    none = separation_of_pairs(np.zeros((8, 5)))
    assert not none.stretches
    assert none.p == 1


def test_a_long_weak_difference_is_one_heavy_stretch() -> None:
    """No step stands out by itself, but all of them lean to one side."""
    differences = 0.9 + np.random.default_rng(12).standard_normal((10, 40))
    found = separation_of_pairs(differences)
    assert min(cluster.p for cluster in found.clusters) <= 0.01
    assert found.is_apart.mean() < 0.5


@pytest.mark.slow
def test_unequal_spreads_keep_the_level() -> None:
    """Exchanges alone call a quarter of these studies apart."""
    generator = np.random.default_rng(11)
    studies = 400
    apart = exchanged = 0
    for _ in range(studies):
        found = separation_of_groups(3 * smooth(generator, 5, 40), smooth(generator, 6, 40))
        apart += bool(found.stretches)
        exchanged += found.p_of_exchanges <= 0.05
    assert apart <= studies * 0.05 + 3 * math.sqrt(studies * 0.05 * 0.95)
    assert exchanged > 0.15 * studies
