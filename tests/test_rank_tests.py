"""Rank tests: counts by hand, scipy, R's sleep data, and all arrangements of tied ranks."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.rank_tests import RankTest, mann_whitney, wilcoxon

# Student's sleep data (R: datasets::sleep), extra hours under two drugs, ten patients.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


@pytest.mark.parametrize(("n_a", "n_b"), [(1, 1), (3, 4), (10, 10), (50, 7)])
def test_without_ties_both_are_scipys_exact_tests(n_a: int, n_b: int, rng: np.random.Generator) -> None:
    a, b = rng.normal(0.5, 1, n_a), rng.normal(0, 1, n_b)
    got, expected = mann_whitney(a, b), stats.mannwhitneyu(a, b, method="exact")
    assert (got.statistic, got.p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-10)
    paired, other = wilcoxon(a, np.zeros(n_a)), stats.wilcoxon(a, method="exact")
    assert min(paired.statistic, n_a * (n_a + 1) / 2 - paired.statistic) == other.statistic
    assert paired.p == pytest.approx(other.pvalue, rel=1e-10)
    assert got.method == paired.method == "exact"


def test_statistics_of_the_sleep_data_are_those_of_r() -> None:
    # R: wilcox.test(extra ~ group) prints W = 25.5, and V = 0 for pairs.
    by_group, by_patient = mann_whitney(SLEEP_1, SLEEP_2), wilcoxon(SLEEP_1, SLEEP_2)
    assert (by_group.statistic, by_patient.statistic) == (25.5, 0.0)
    # Nine patients differ, all the same way: 2 of 2⁹ sign vectors. R prints 0.009091, its approximation.
    assert by_patient.p == 2 / 2**9
    assert "1 of 10 pairs are equal" in by_patient.reason


def test_ties_count_all_arrangements_of_their_ranks() -> None:
    a, b = [1.0, 2.0, 2.0, 5.0], [2.0, 4.0, 5.0, 6.0, 7.0]
    ranks = stats.rankdata(a + b)
    sums = np.array([sum(chosen) for chosen in itertools.combinations(ranks, 4)])
    below, above = np.mean(sums <= ranks[:4].sum()), np.mean(sums >= ranks[:4].sum())
    assert mann_whitney(a, b).p == pytest.approx(2 * min(below, above), rel=1e-12)

    signed = np.array([1.5, 1.5, 3.0, 4.5, -4.5, 6.0])  # ranks of d below, with its signs
    flips = [abs(signed @ signs) for signs in itertools.product((1, -1), repeat=6)]
    far = np.mean([value >= signed.sum() for value in flips])
    assert wilcoxon([1.0, 1.0, 2.0, 3.0, -3.0, 4.0], np.zeros(6)).p == float(far)


def test_ties_agree_with_scipys_permutation_method(rng: np.random.Generator) -> None:
    a, b = rng.integers(0, 6, 5).astype(float), rng.integers(2, 8, 7).astype(float)
    every = stats.PermutationMethod(n_resamples=5000, rng=np.random.default_rng(0))
    expected = stats.mannwhitneyu(a, b, method=every).pvalue
    assert mann_whitney(a, b).p == pytest.approx(expected, rel=1e-12)
    d = rng.choice([-3.0, -1.0, 1.0, 2.0, 3.0, 3.0], 9)
    assert wilcoxon(d, np.zeros(9)).p == pytest.approx(stats.wilcoxon(d, method=every).pvalue, rel=1e-12)


def test_many_tied_values_get_the_normal_approximation_and_say_so(rng: np.random.Generator) -> None:
    a, b = rng.integers(0, 9, 40).astype(float), rng.integers(1, 10, 40).astype(float)
    got, paired = mann_whitney(a, b), wilcoxon(a, b)
    assert got.p == pytest.approx(stats.mannwhitneyu(a, b, method="asymptotic").pvalue, rel=1e-10)
    expected = stats.wilcoxon(a, b, method="approx", correction=True).pvalue
    assert paired.p == pytest.approx(expected, rel=1e-10)
    assert got.method == paired.method == "normal approximation"


@pytest.mark.parametrize("rounded", [False, True])
def test_swapping_mirrors_the_statistic_and_keeps_p(rounded: bool, rng: np.random.Generator) -> None:
    a, b = rng.normal(size=9), rng.normal(0.7, 1, 9)
    if rounded:
        a, b = np.round(a, 1), np.round(b, 1)
    for test in (mann_whitney, wilcoxon):
        got, mirrored = test(a, b), test(b, a)
        assert mirrored.p == got.p
        total = 81 if test is mann_whitney else got.n * (got.n + 1) / 2
        assert got.statistic + mirrored.statistic == total


@pytest.mark.parametrize("unit", [1000.0, 1e-5, 1e-300])
def test_units_change_nothing(unit: float, rng: np.random.Generator) -> None:
    a, b = rng.normal(size=10), rng.normal(size=10)
    assert mann_whitney(unit * a, unit * b) == mann_whitney(a, b)
    assert wilcoxon(unit * a, unit * b) == wilcoxon(a, b)


def test_differences_that_are_equal_but_for_rounding_are_ties() -> None:
    a, b = np.array([1.1, 0.1, 0.5, 2.0]), np.array([0.9, 0.3, 0.5 + 1e-16, 1.7])
    assert len(set(np.abs(a - b))) == 4
    got = wilcoxon(a, b)
    assert (got.statistic, got.n) == (1.5 + 3, 3)
    assert "1 of 4 pairs are equal" in got.reason


def test_level_is_the_largest_p_up_to_5_percent_that_can_be_reached(rng: np.random.Generator) -> None:
    samples = rng.normal(size=(1500, 2, 6))
    # Of the 924 splits of 6 and 6, 38 have U ≤ 5 or U ≥ 31 (any table); of 2⁶ sign vectors, 2 have W = 0, 21.
    for test, reachable in ((mann_whitney, 38 / 924), (wilcoxon, 2 / 64)):
        alarms = [test(a, b).p <= 0.05 for a, b in samples]
        assert abs(np.mean(alarms) - reachable) < 4 * math.sqrt(reachable / 1500)


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (mann_whitney([], [1.0]), "at least 1"),
        (mann_whitney([2.0, 2.0], [2.0]), "all values are equal"),
        (mann_whitney([1.0, math.nan], [2.0]), "1 of 3 values are not finite"),
        (wilcoxon([1.0], [2.0, 3.0]), "1 and 2"),
        (wilcoxon([], []), "at least 1"),
        (wilcoxon([1.0, 2.0], [1.0, 2.0]), "equal"),
        (wilcoxon([1.0, math.inf], [1.0, 2.0]), "not finite"),
    ],
)
def test_what_cannot_be_tested_is_nan_with_a_reason(result: RankTest, word: str) -> None:
    assert math.isnan(result.p)
    assert word in result.reason
