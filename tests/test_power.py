"""Power: statsmodels, simulated tests, closed forms of large samples, and R's sleep data."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.power import (
    SeedsNeeded,
    paired_seeds_needed,
    power_of,
    seeds_for,
    two_sample_seeds_needed,
)
from ired_diag.stats.t_tests import TTest, paired, welch

NEEDED: tuple[Callable[..., SeedsNeeded], ...] = (paired_seeds_needed, two_sample_seeds_needed)

# Student's sleep data (R: datasets::sleep), extra hours under two drugs, ten patients.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


@pytest.mark.parametrize("n", [2, 3, 10, 50])
@pytest.mark.parametrize("effect", [0.1, 0.5, 1.2])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_agrees_with_statsmodels(n: int, effect: float, alpha: float) -> None:
    power = pytest.importorskip("statsmodels.stats.power")
    one = power.TTestPower().power(effect, n, alpha)
    two = power.TTestIndPower().power(effect, n, alpha)
    assert power_of(effect * math.sqrt(n), n - 1, alpha=alpha) == pytest.approx(one, rel=1e-10)
    assert power_of(effect * math.sqrt(n / 2), 2 * n - 2, alpha=alpha) == pytest.approx(two, rel=1e-10)


@pytest.mark.parametrize("effect", [0.05, 0.3, 1.0, 3.0])
def test_seeds_are_those_of_statsmodels_rounded_up(effect: float) -> None:
    power = pytest.importorskip("statsmodels.stats.power")
    one = power.TTestPower().solve_power(effect, alpha=0.05, power=0.8)
    two = power.TTestIndPower().solve_power(effect, alpha=0.05, power=0.8)
    assert seeds_for(effect, 1.0) == max(2, math.ceil(one))
    assert seeds_for(effect, math.sqrt(2.0), df_share=2.0) == max(2, math.ceil(two))


def test_seeds_reach_the_power_and_one_less_does_not() -> None:
    n = seeds_for(0.4, 1.0, power=0.9, alpha=0.01)
    assert power_of(0.4 * math.sqrt(n), n - 1, alpha=0.01) >= 0.9
    assert power_of(0.4 * math.sqrt(n - 1), n - 2, alpha=0.01) < 0.9


def test_many_seeds_follow_the_normal_formula() -> None:
    z = stats.norm.isf(0.025) + stats.norm.isf(0.2)
    assert seeds_for(0.005, 1.0) == pytest.approx((z / 0.005) ** 2, rel=1e-4)
    assert seeds_for(1e-6, 1.0) == math.inf
    assert seeds_for(1e9, 1.0) == 2.0


def test_detectable_difference_has_the_power_that_statsmodels_says() -> None:
    power = pytest.importorskip("statsmodels.stats.power").TTestPower()
    difference = np.array(SLEEP_1) - SLEEP_2
    sd = difference.std(ddof=1)
    got = paired_seeds_needed(SLEEP_1, SLEEP_2, margin=1.0)
    assert power.power(got.detectable / sd, 10, 0.05) == pytest.approx(0.8, rel=1e-10)
    assert got.at_margin == math.ceil(power.solve_power(1.0 / sd, power=0.8, alpha=0.05))
    observed = power.solve_power(abs(difference.mean()) / sd, power=0.8, alpha=0.05)
    assert got.at_observed == math.ceil(observed)


@pytest.mark.parametrize("pairs", [True, False])
def test_simulated_tests_detect_the_detectable_difference_four_times_in_five(
    pairs: bool, rng: np.random.Generator
) -> None:
    draws, n = 20_000, 10
    needed = paired_seeds_needed if pairs else two_sample_seeds_needed
    # Samples whose standard deviations are exactly 1 and 1: the spread at hand is the true one.
    x = stats.zscore(rng.normal(size=n), ddof=1)
    y = stats.zscore(rng.normal(size=n), ddof=1)
    a, b = (x, np.zeros(n)) if pairs else (x, y)
    difference = needed(a, b, margin=1.0).detectable
    noise = rng.normal(size=(2, draws, n))
    if pairs:
        p = stats.ttest_1samp(noise[0] + difference, 0.0, axis=1).pvalue
    else:
        p = stats.ttest_ind(noise[0] + difference, noise[1], axis=1).pvalue
    assert needed(a, b, margin=difference).power_at_margin == pytest.approx(0.8, abs=1e-9)
    assert abs(np.mean(p < 0.05) - 0.8) < 4 * math.sqrt(0.8 * 0.2 / draws)


@pytest.mark.parametrize("ratio", [1.0, 1.5])
@pytest.mark.parametrize("margin", [1.5, 3.25, 4.25, 4.5])
def test_two_samples_take_the_degrees_of_freedom_of_welch(
    ratio: float, margin: float, rng: np.random.Generator
) -> None:
    x, y = (stats.zscore(rng.normal(size=6), ddof=1) for _ in range(2))
    n = two_sample_seeds_needed(ratio * x, y, margin=margin).at_margin

    def power(seeds: float) -> float:
        df = (seeds - 1) * (ratio**2 + 1) ** 2 / (ratio**4 + 1)
        return power_of(margin / math.sqrt((ratio**2 + 1) / seeds), df)

    assert power(n - 1) < 0.8 <= power(n)


def test_welch_power_holds_for_unequal_spreads_and_sizes(rng: np.random.Generator) -> None:
    draws = 4000
    x, y = 3 * stats.zscore(rng.normal(size=6), ddof=1), stats.zscore(rng.normal(size=15), ddof=1)
    got = two_sample_seeds_needed(x, y, margin=4.0)
    a, b = rng.normal(4.0, 3.0, (draws, 6)), rng.normal(0.0, 1.0, (draws, 15))
    p = stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue
    assert abs(np.mean(p < 0.05) - got.power_at_margin) < 0.01 + 4 * 0.5 / math.sqrt(draws)


@pytest.mark.parametrize(("needed", "test"), list(zip(NEEDED, (paired, welch), strict=True)))
def test_ends_of_the_interval_give_the_ends_of_the_seeds(
    needed: Callable[..., SeedsNeeded], test: Callable[..., TTest]
) -> None:
    got = needed(SLEEP_1, SLEEP_2, margin=1.0)
    significant = test(SLEEP_1, SLEEP_2).p < 0.05
    assert math.isfinite(got.at_observed_high) == significant
    assert got.at_observed_low < got.at_observed < got.at_observed_high
    assert got.at_margin_low < got.at_margin < got.at_margin_high


@pytest.mark.parametrize("needed", NEEDED)
@pytest.mark.parametrize("scale", [1e-5, 1e3])
def test_swapping_and_scaling_change_no_number_of_seeds(
    needed: Callable[..., SeedsNeeded], scale: float
) -> None:
    got = needed(SLEEP_1, SLEEP_2, margin=1.0)
    assert needed(SLEEP_2, SLEEP_1, margin=1.0) == got
    scaled = needed(scale * np.array(SLEEP_1), scale * np.array(SLEEP_2), margin=scale)
    assert scaled.detectable == pytest.approx(scale * got.detectable, rel=1e-10)
    assert (scaled.at_margin, scaled.at_observed_low) == (got.at_margin, got.at_observed_low)


def test_ten_seeds_of_the_study_could_show_the_margin(shared: Path) -> None:
    published = json.loads((shared / "published_results.json").read_text())
    none, random = published["q101"]["values"], published["q102"]["values"]
    margin = 0.01 * float(np.mean(none))
    got = paired_seeds_needed(random, none, margin=margin)
    assert got.detectable < margin
    assert got.at_margin < 10 < got.at_observed


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (paired_seeds_needed([], [], margin=1.0), "at least 2"),
        (paired_seeds_needed([1.0, 2.0], [1.0], margin=1.0), "found 2 and 1"),
        (paired_seeds_needed([1.0, 2.0], [0.0, 1.0], margin=1.0), "same amount"),
        (paired_seeds_needed([1.0, math.nan], [0.0, 1.0], margin=1.0), "not finite"),
        (paired_seeds_needed([1.0, 2.0], [0.0, 0.0], margin=0.0), "margin must be positive"),
        (two_sample_seeds_needed([1.0], [0.0, 1.0], margin=1.0), "at least 2"),
        (two_sample_seeds_needed([1.0, 1.0], [0.0, 0.0], margin=1.0), "constant"),
    ],
)
def test_what_has_no_power_is_nan_with_a_reason(result: SeedsNeeded, word: str) -> None:
    assert math.isnan(result.at_margin)
    assert math.isnan(result.power_at_margin)
    assert word in result.reason


def test_no_spread_or_no_number_needs_no_number_of_seeds() -> None:
    assert math.isnan(seeds_for(1.0, 0.0))
    assert math.isnan(seeds_for(math.nan, 1.0))
