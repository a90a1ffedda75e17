"""Page's trend test: its definition, Spearman's ρ, all arrangements, scipy, and the level."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.trend import Trend, page_trend


def test_statistic_and_rho_follow_their_definitions(rng: np.random.Generator) -> None:
    values = rng.normal(size=(5, 7)) + 0.4 * np.arange(5)[:, None]
    got = page_trend(range(5), values)
    ranks = stats.rankdata(values, axis=0)
    assert got.statistic == sum((j + 1) * ranks[j].sum() for j in range(5))
    rho = [stats.spearmanr(range(5), values[:, seed]).statistic for seed in range(7)]
    assert got.rho == pytest.approx(np.mean(rho), rel=1e-10)


def test_exact_p_counts_all_arrangements(rng: np.random.Generator) -> None:
    values = rng.normal(size=(3, 4)) + np.arange(3)[:, None]
    got = page_trend(range(3), values)
    rows = [np.dot([1, 2, 3], order) for order in itertools.permutations([1, 2, 3])]
    null = np.array([sum(chosen) for chosen in itertools.product(rows, repeat=4)])
    one_sided = min(np.mean(null >= got.statistic), np.mean(null <= got.statistic))
    assert got.method == "exact"
    assert got.p == pytest.approx(min(1.0, 2 * one_sided), rel=1e-10)


def test_one_sided_p_is_scipys(rng: np.random.Generator) -> None:
    values = rng.normal(size=(6, 20)) + 0.2 * np.arange(6)[:, None]
    assert page_trend(range(6), values).p == pytest.approx(
        2 * stats.page_trend_test(values.T).pvalue, rel=1e-10
    )


def test_falling_is_rising_mirrored_and_order_and_scale_of_the_settings_do_not_matter(
    rng: np.random.Generator,
) -> None:
    knob, values = np.array([0.01, 0.1, 1.0, 10.0]), rng.normal(size=(4, 6)) + np.arange(4)[:, None]
    got, falling = page_trend(knob, values), page_trend(knob, -1e-5 * values)
    shuffled = page_trend(knob[::-1], values[::-1])
    assert falling.rho == pytest.approx(-got.rho, rel=1e-12)
    assert falling.p == pytest.approx(got.p, rel=1e-12)
    assert shuffled == got


def test_five_in_a_hundred_sweeps_without_a_trend_have_one(rng: np.random.Generator) -> None:
    draws = 400
    found = np.mean([page_trend(range(5), rng.normal(size=(5, 10))).p < 0.05 for _ in range(draws)])
    assert found < 0.05 + 4 * math.sqrt(0.05 * 0.95 / draws)


def test_constant_values_have_no_trend_and_no_evidence() -> None:
    got = page_trend(range(4), np.ones((4, 5)))
    assert got.rho == pytest.approx(0.0, abs=1e-12)
    assert got.p > 0.9


def test_seeds_that_lack_a_setting_are_left_out_and_counted(rng: np.random.Generator) -> None:
    values = rng.normal(size=(4, 6))
    broken = values.copy()
    broken[2, 0] = math.nan
    got, rest = page_trend(range(4), broken), page_trend(range(4), values[:, 1:])
    assert (got.p, got.n) == (rest.p, 5)
    assert got.reason == "1 of 6 seeds lack a setting"


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (page_trend([1.0, 2.0], np.ones((2, 5))), "at least 3"),
        (page_trend([], np.ones((0, 0))), "at least 3"),
        (page_trend([1.0, 2.0, 3.0], np.ones((3, 1))), "1 complete seed:"),
        (page_trend([1.0, 2.0, 2.0], np.ones((3, 5))), "one value of the knob"),
        (page_trend([1.0, 2.0, math.nan], np.ones((3, 5))), "knob is not finite"),
        (page_trend([1.0, 2.0, 3.0], np.full((3, 5), math.nan)), "5 of 5 seeds lack"),
    ],
)
def test_what_cannot_be_tested_is_nan_with_a_reason(result: Trend, word: str) -> None:
    assert math.isnan(result.p)
    assert word in result.reason
