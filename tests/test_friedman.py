"""Friedman, Kendall's W and Nemenyi: printed tables, scipy, all shuffles, the study's logs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ired_diag.grouping import group_runs
from ired_diag.stats.friedman import friedman, nemenyi

# Demšar (2006), table 6: AUC of C4.5 and three variants on 14 data sets (higher is better).
DEMSAR_AS_PRINTED = [
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
    [0.972, 0.981, 0.975, 0.975],
    [0.957, 0.978, 0.946, 0.970],
]
VOTING = 12


def demsar() -> np.ndarray:
    """Return the table with the digits that the paper's ranks had: 0.975 twice is ranked 2 and 3 there."""
    table = np.array(DEMSAR_AS_PRINTED)
    table[VOTING, 2:] = 0.9752, 0.9748
    return table


def test_demsars_example_gives_his_numbers() -> None:
    test = friedman(demsar(), lower_is_better=False)
    assert test.mean_ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert test.uncorrected.chi2 == pytest.approx(9.28, abs=5e-3)
    assert test.uncorrected.f == pytest.approx(3.69, abs=5e-3)
    # His critical F(3, 39) is 2.85 at 5%: rejected.
    assert test.uncorrected.f_p < 0.05
    after = nemenyi(test.mean_ranks, 14, alpha=0.10)
    assert nemenyi(test.mean_ranks, 14).critical_difference == pytest.approx(1.25, abs=5e-3)
    assert after.critical_difference == pytest.approx(1.12, abs=5e-3)


def test_printed_digits_alone_tie_once_more_than_the_paper() -> None:
    test = friedman(DEMSAR_AS_PRINTED, lower_is_better=False)
    assert test.mean_ranks == pytest.approx([3.143, 2.000, 2.929, 1.929], abs=5e-4)
    assert test.uncorrected.chi2 == pytest.approx(9.86, abs=5e-3)


@pytest.mark.parametrize("digits", [1, 6])
def test_tie_corrected_form_is_scipys(digits: int, rng: np.random.Generator) -> None:
    table = np.round(rng.normal(size=(9, 4)), digits)
    got, expected = friedman(table), stats.friedmanchisquare(*table.T)
    assert got.tie_corrected.chi2 == pytest.approx(expected.statistic, rel=1e-10)
    assert got.tie_corrected.p == pytest.approx(expected.pvalue, rel=1e-10)
    assert (got.uncorrected.chi2 == pytest.approx(got.tie_corrected.chi2, rel=1e-12)) == (digits == 6)
    assert got.w == pytest.approx(expected.statistic / (9 * 3), rel=1e-10)


def test_f_is_that_of_an_analysis_of_variance_of_ranks(rng: np.random.Generator) -> None:
    table = rng.integers(0, 5, size=(8, 4)).astype(float)
    ranks = np.apply_along_axis(stats.rankdata, 1, table)
    between = 8 * ((ranks.mean(axis=0) - 2.5) ** 2).sum()
    within = ((ranks - ranks.mean(axis=0)) ** 2).sum()  # rows of ranks have no spread of their means
    got = friedman(table).tie_corrected
    assert got.f == pytest.approx((between / 3) / (within / 21), rel=1e-10)
    assert got.f_p == pytest.approx(stats.f.sf(got.f, 3, 21), rel=1e-12)


def table_with_sums(sums: tuple[int, ...], n: int) -> np.ndarray:
    """Return ``n`` orders of the groups whose ranks add up to ``sums``."""
    orders = list(itertools.permutations(range(1, len(sums) + 1)))
    for rows in itertools.combinations_with_replacement(orders, n):
        if tuple(map(sum, zip(*rows, strict=True))) == sums:
            return np.array(rows, dtype=float)
    raise AssertionError(f"no {n} orders add up to {sums}")


@pytest.mark.parametrize(
    ("sums", "n", "chi2", "p"),
    [  # Friedman (1937), tables V and VI, as printed in Siegel (1956), table N
        ((4, 5, 9), 3, 4.667, 0.194),
        ((3, 6, 9), 3, 6.000, 0.028),
        ((5, 8, 11), 4, 4.5, 0.125),
        ((4, 9, 11), 4, 6.5, 0.042),
        ((4, 8, 12), 4, 8.0, 0.0046),
        ((3, 7, 8, 12), 3, 8.2, 0.017),
        ((3, 6, 9, 12), 3, 9.0, 0.0017),
    ],
)
def test_exact_p_is_that_of_printed_tables(sums: tuple[int, ...], n: int, chi2: float, p: float) -> None:
    got = friedman(table_with_sums(sums, n))
    assert got.uncorrected.chi2 == pytest.approx(chi2, abs=5e-4)
    assert got.p == pytest.approx(p, abs=5e-4 if p > 0.01 else 5e-5)
    assert got.method == "exact"


def test_exact_p_with_ties_is_the_share_of_all_shuffles() -> None:
    table = np.array([[1.0, 2.0, 2.0], [3.0, 1.0, 2.0], [1.0, 4.0, 4.0], [1.0, 1.0, 5.0]])
    ranks = np.apply_along_axis(stats.rankdata, 1, table)

    def squares(rows: Iterable[Any]) -> float:
        return float((np.sum(list(rows), axis=0) ** 2).sum())

    shuffles = itertools.product(*(itertools.permutations(row) for row in ranks))
    far = np.mean([squares(rows) >= squares(ranks) for rows in shuffles])
    assert friedman(table).p == pytest.approx(float(far), rel=1e-12)


def test_random_shuffles_agree_with_the_chi_squared_of_many_groups(rng: np.random.Generator) -> None:
    table = rng.normal(size=(30, 12)) + 0.06 * np.arange(12)
    got = friedman(table, seed=4)
    assert got.method == "Monte Carlo"
    assert got.p == pytest.approx(got.uncorrected.f_p, rel=0.2)
    assert got.p == friedman(table, seed=4).p != friedman(table, seed=5).p
    assert friedman(np.tile(np.arange(12.0), (30, 1)), draws=99).p == 0.01


def test_random_shuffles_agree_with_the_exact_p(rng: np.random.Generator) -> None:
    table = rng.normal(size=(5, 5)) + 0.3 * np.arange(5)
    exact = friedman(table)
    assert exact.method == "exact"
    orders = rng.permuted(np.broadcast_to(np.arange(1.0, 6.0), (40_000, 5, 5)), axis=2).sum(axis=1)
    observed = ((exact.mean_ranks * 5) ** 2).sum()
    drawn = float(np.mean((orders**2).sum(axis=1) >= observed - 1e-9))
    assert abs(drawn - exact.p) < 4 * math.sqrt(exact.p / 40_000)


def test_seeds_that_all_agree_reach_the_smallest_p_and_an_infinite_f() -> None:
    got = friedman(np.tile([0.01, 0.02, 0.03], (10, 1)))
    assert got.w == pytest.approx(1.0, rel=1e-12)
    assert got.p == pytest.approx(6.0**-9, rel=1e-12)
    assert math.isinf(got.tie_corrected.f)
    assert math.isnan(got.tie_corrected.f_p)


@pytest.mark.parametrize("groups", [3, 8])
def test_renaming_groups_and_changing_units_change_nothing(groups: int, rng: np.random.Generator) -> None:
    table, order = rng.normal(size=(10, groups)), rng.permutation(groups)
    got, renamed, scaled = friedman(table), friedman(table[:, order]), friedman(1e-5 * table)
    np.testing.assert_array_equal(renamed.mean_ranks, got.mean_ranks[order])
    np.testing.assert_array_equal(scaled.mean_ranks, got.mean_ranks)
    upside_down = friedman(-table, lower_is_better=False)
    for other in (renamed, scaled, upside_down):
        assert (other.p, other.uncorrected) == (got.p, got.uncorrected)


def test_two_groups_are_a_sign_test(rng: np.random.Generator) -> None:
    table = rng.normal(size=(11, 2))
    wins = int((table[:, 0] < table[:, 1]).sum())
    got = friedman(table)
    assert got.p == pytest.approx(stats.binomtest(wins, 11).pvalue, rel=1e-12)
    assert got.uncorrected.chi2 == pytest.approx((2 * wins - 11) ** 2 / 11, rel=1e-12)


def test_critical_values_are_those_of_demsars_table() -> None:
    # Table 5 (a): q at 0.05 and 0.10 for 2 to 10 groups.
    at_5 = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    at_10 = [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]
    for k in range(2, 11):
        unit = math.sqrt(k * (k + 1) / (6 * 14))
        for alpha, printed in ((0.05, at_5), (0.10, at_10)):
            told = nemenyi(np.arange(k), 14, alpha=alpha).critical_difference / unit
            assert told == pytest.approx(printed[k - 2], abs=1.01e-3)  # he rounds some the other way


def test_groups_differ_where_p_is_at_most_alpha(rng: np.random.Generator) -> None:
    got = nemenyi(rng.uniform(1, 6, 6), 10)
    np.testing.assert_array_equal(got.differs, got.p <= got.alpha)
    np.testing.assert_array_equal(got.p, got.p.T)
    np.testing.assert_array_equal(np.diag(got.p), np.ones(6))
    assert 0 < got.differs.sum() < 30
    # Two groups: the range of two normals is √2 times one normal's distance from 0.
    pair = nemenyi([1.2, 1.8], 10)
    assert pair.p[0, 1] == pytest.approx(2 * stats.norm.sf(0.6 * math.sqrt(10)), rel=1e-6)


def test_level_is_held_with_few_seeds(rng: np.random.Generator) -> None:
    p = np.array([friedman(table).p for table in rng.normal(size=(1500, 5, 3))])
    reachable = max(p[p <= 0.05])  # p of a discrete statistic: the chance of a p this small
    assert abs(np.mean(p <= 0.05) - reachable) < 4 * math.sqrt(reachable / 1500)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([], "at least 2"),
        ([[1.0, 2.0, 3.0]], "1 seeds and 3 groups"),
        ([[1.0], [2.0]], "2 seeds and 1 groups"),
        ([[1.0, math.nan], [2.0, 3.0]], "1 of 4 values are not finite"),
        ([[1.0, 1.0], [2.0, 2.0]], "all groups are equal"),
    ],
)
def test_what_cannot_be_tested_is_nan_with_a_reason(values: list[list[float]], word: str) -> None:
    got = friedman(values)
    assert math.isnan(got.w)
    assert math.isnan(got.p)
    assert word in got.reason
    after = nemenyi(got.mean_ranks, got.n)
    assert math.isnan(after.critical_difference)
    assert not after.differs.any()
    assert "at least 2" in after.reason


def test_agreement_of_the_studys_seeds_rises_from_the_last_step_to_the_plateau(shared: Path) -> None:
    groups = group_runs(["q101", "q102", "q103"], shared / "ired_logs")
    last, plateau = [], []
    for runs in groups.values():
        curves = [run.history.series["validation/mse"] for run in sorted(runs, key=lambda run: run.seed or 0)]
        last.append([curve.values[-1] for curve in curves])
        plateau.append([np.mean(np.asarray(c.values)[np.asarray(c.steps) >= 20_000]) for c in curves])
    at_last, on_plateau = friedman(np.transpose(last)), friedman(np.transpose(plateau))
    assert (at_last.n, at_last.k) == (10, 3)
    assert at_last.w == pytest.approx(0.49, abs=5e-3)
    assert on_plateau.w >= 0.9
    assert on_plateau.p < 1e-4 < at_last.p < 0.05
