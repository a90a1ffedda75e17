"""Permutation tests: loops over all arrangements, scipy, published p values, level and mirror."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.permutation import (
    PermutationTest,
    sign_flip,
    two_samples,
)
from ired_diag.stats.smallest_p import smallest_paired_p, smallest_two_sample_p

SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

# Darwin's maize: crossed less self-fertilised plants' heights, eighths of an inch (Fisher 1935, section 21).
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def test_fishers_count_on_darwins_maize() -> None:
    # Fisher found 863 of 2¹⁵ sign vectors with a sum of 314 or more: 2 · 863/32768 for both sides.
    sums = np.array(list(itertools.product((1, -1), repeat=15))) @ DARWIN
    assert (sums >= 314).sum() == 863
    got = sign_flip(DARWIN, np.zeros(15))
    assert got.method == "Monte Carlo"
    p = 2 * 863 / 2**15
    assert abs(got.p - p) < 4 * math.sqrt(p / got.arrangements)


def test_sign_flips_equal_the_loop_and_scipy(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=7), rng.normal(0.5, 1, 7)
    d = a - b
    every = itertools.product((1, -1), repeat=7)
    far = [abs(np.dot(signs, d)) >= abs(d.sum()) * (1 - 1e-12) for signs in every]
    expected = stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=10_000)
    got = sign_flip(a, b)
    assert got.p == np.mean(far) == pytest.approx(expected.pvalue, rel=1e-12)
    assert got.difference == pytest.approx(d.mean(), rel=1e-14)


@pytest.mark.parametrize(("n_a", "n_b"), [(5, 5), (4, 7)])
def test_splits_equal_the_loop_and_scipy(n_a: int, n_b: int, rng: np.random.Generator) -> None:
    a, b = rng.normal(size=n_a), rng.normal(1, 1, n_b)

    def difference(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.mean(x) - np.mean(y))

    pooled, observed, above, below = np.concatenate([a, b]), difference(a, b), 0, 0
    for chosen in itertools.combinations(range(n_a + n_b), n_a):
        rest = [i for i in range(n_a + n_b) if i not in chosen]
        value = difference(pooled[list(chosen)], pooled[rest])
        above, below = above + (value >= observed - 1e-12), below + (value <= observed + 1e-12)
    by_loop = 2 * min(above, below) / math.comb(n_a + n_b, n_a)
    expected = stats.permutation_test((a, b), difference, n_resamples=10_000, vectorized=False)
    assert two_samples(a, b).p == pytest.approx(by_loop, rel=1e-12)
    assert two_samples(a, b).p == pytest.approx(expected.pvalue, rel=1e-12)


def test_ties_of_decimal_numbers_are_counted_in_spite_of_rounding() -> None:
    # In whole tenths, where sums are exact, the sleep data must give the same p values.
    tenths = [np.round(10 * np.array(x)) for x in (SLEEP_1, SLEEP_2)]
    assert sign_flip(SLEEP_1, SLEEP_2).p == sign_flip(*tenths).p == 4 / 2**10
    assert two_samples(SLEEP_1, SLEEP_2).p == two_samples(*tenths).p


@pytest.mark.parametrize(("n_a", "n_b"), [(6, 6), (5, 8), (20, 20), (15, 30)])
def test_swapping_mirrors_the_difference_and_keeps_p(n_a: int, n_b: int, rng: np.random.Generator) -> None:
    a, b = rng.normal(size=n_a), rng.normal(0.5, 1, n_b)
    got, mirrored = two_samples(a, b), two_samples(b, a)
    assert (mirrored.difference, mirrored.p) == (-got.difference, got.p)
    got, mirrored = sign_flip(a, b[: len(a)]) if n_a <= n_b else got, sign_flip(b[: len(a)], a)
    assert (mirrored.difference, mirrored.p) == (-got.difference, got.p)


@pytest.mark.parametrize("n", [10, 20])
@pytest.mark.parametrize("unit", [1000.0, 1e-5, 1e-200])
def test_units_change_no_p(n: int, unit: float, rng: np.random.Generator) -> None:
    a, b = rng.normal(size=n), rng.normal(0.5, 1, n)
    for test in (sign_flip, two_samples):
        assert test(unit * a, unit * b).p == test(a, b).p


def test_differences_far_below_the_values_are_still_told_apart(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=8), rng.normal(size=8)
    assert sign_flip(1e5 + a, 1e5 + b).p == sign_flip(a, b).p
    assert two_samples(1e5 + a, 1e5 + b).p == two_samples(a, b).p


def test_random_draws_agree_with_all_arrangements_and_are_never_0(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=15), rng.normal(0.6, 1, 15)
    d = a - b
    sums = np.array(list(itertools.product((1, -1), repeat=15))) @ d
    exact = float(np.mean(np.abs(sums) >= abs(d.sum()) - 1e-9))
    got = sign_flip(a, b, draws=40_000, seed=3)
    assert abs(got.p - exact) < 4 * math.sqrt(exact / 40_000)
    assert two_samples(a, a + 100, draws=999).p == 1 / 1000
    assert two_samples(a, np.append(a, 0.0) + 100, draws=999).p == 2 / 1000
    assert sign_flip(a, a + 100, draws=999).p >= 1 / 1000


def test_draws_depend_on_the_seed_alone(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=20), rng.normal(size=20)
    before = str(np.random.get_state())  # noqa: NPY002 - that it stays as it is
    assert two_samples(a, b, seed=5) == two_samples(a, b, seed=5)
    assert two_samples(a, b, seed=5).p != two_samples(a, b, seed=6).p
    assert sign_flip(a, b, seed=5) == sign_flip(a, b, seed=5)
    assert str(np.random.get_state()) == before  # noqa: NPY002


def test_many_values_are_drawn_in_pieces(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=1500), rng.normal(0.1, 1, 1500)
    assert two_samples(a, b, draws=2000).p == pytest.approx(stats.ttest_ind(a, b).pvalue, abs=0.02)
    assert sign_flip(a, b, draws=2000).p == pytest.approx(stats.ttest_rel(a, b).pvalue, abs=0.02)


def test_level_is_held_for_skewed_data(rng: np.random.Generator) -> None:
    alarms = [two_samples(*rng.exponential(size=(2, 6))).p <= 0.05 for _ in range(2000)]
    expected = math.floor(0.05 * 462) / 462  # 924 splits in mirrored pairs, no ties
    assert abs(np.mean(alarms) - expected) < 4 * math.sqrt(expected / 2000)


def test_smallest_p_is_reached_by_complete_separation() -> None:
    for n in (1, 3, 5, 10):
        x = np.arange(n, dtype=float)
        for got, formula in (
            (sign_flip(x + 100, x), smallest_paired_p(n)),
            (two_samples(x + 100, x), smallest_two_sample_p(n, n)),
        ):
            assert got.p == got.smallest_p == formula
    assert smallest_paired_p(5) == 0.0625
    assert smallest_two_sample_p(4, 4) == pytest.approx(2 / 70)
    assert two_samples([9.0, 8.0], [1.0, 2.0, 3.0]).p == smallest_two_sample_p(2, 3) == 0.2
    assert sign_flip(np.ones(20), np.zeros(20), draws=99).smallest_p == 0.01


def test_where_nothing_varies_p_is_still_exact() -> None:
    assert sign_flip([2.0] * 6, [2.0] * 6).p == 1.0
    assert sign_flip([3.0] * 6, [2.0] * 6).p == 2 / 2**6
    assert two_samples([2.0] * 3, [2.0] * 4).p == 1.0


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (sign_flip([], []), "at least 1"),
        (sign_flip([1.0], [1.0, 2.0]), "1 and 2"),
        (sign_flip([1.0, math.nan], [1.0, 2.0]), "not finite"),
        (two_samples([], [1.0]), "at least 1"),
        (two_samples([1.0, math.inf], [1.0]), "not finite"),
    ],
)
def test_what_cannot_be_tested_is_nan_with_a_reason(result: PermutationTest, word: str) -> None:
    assert math.isnan(result.p)
    assert word in result.reason
