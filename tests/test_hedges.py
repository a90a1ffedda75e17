"""Standardised differences: published values, scipy's noncentral t, statsmodels, and coverage."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.effect_size import paired_effect
from ired_diag.stats.hedges import bias_correction, paired_samples_effect, two_sample_effect
from ired_diag.stats.noncentral import noncentrality_interval

pytestmark = pytest.mark.slow

# R's sleep: extra hours of sleep under two drugs, and R's mtcars: miles per gallon by gearbox.
FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
AUTOMATIC = [21.4, 18.7, 18.1, 14.3, 24.4, 22.8, 19.2, 17.8, 16.4, 17.3, 15.2, 10.4, 10.4, 14.7, 21.5, 15.5]
AUTOMATIC += [15.2, 13.3, 19.2]
MANUAL = [21.0, 21.0, 22.8, 32.4, 30.4, 33.9, 27.3, 26.0, 30.4, 15.8, 19.7, 15.0, 21.4]


def test_effects_are_those_that_rs_effectsize_publishes() -> None:
    cars = two_sample_effect(AUTOMATIC, MANUAL)
    assert (round(cars.d, 2), round(cars.low, 2), round(cars.high, 2)) == (-1.48, -2.27, -0.67)
    assert round(cars.g, 2) == -1.44
    drugs = paired_samples_effect(FIRST, SECOND)
    assert (round(drugs.d, 2), round(drugs.low, 2), round(drugs.high, 2)) == (-1.28, -2.12, -0.41)


def test_d_and_t_of_sleep_agree() -> None:
    assert paired_samples_effect(FIRST, SECOND).d * math.sqrt(10) == pytest.approx(-4.0621, abs=5e-5)
    assert two_sample_effect(FIRST, SECOND).d * math.sqrt(5) == pytest.approx(-1.8608, abs=5e-5)


def test_g_agrees_with_statsmodels_but_for_its_approximate_correction() -> None:
    meta = pytest.importorskip("statsmodels.stats.meta_analysis")
    told = two_sample_effect(AUTOMATIC, MANUAL)
    x, y = np.array(AUTOMATIC), np.array(MANUAL)
    theirs, _ = meta.effectsize_smd(x.mean(), x.std(ddof=1), len(x), y.mean(), y.std(ddof=1), len(y))
    approximate = 1 - 3 / (4 * (len(x) + len(y)) - 9)
    assert told.d * approximate == pytest.approx(float(theirs), rel=1e-10)
    assert told.g == pytest.approx(float(theirs), rel=1e-4)


def test_d_of_the_studys_last_values_gives_back_its_published_t(shared: Path) -> None:
    """Of ten and ten, t = d √5."""
    study = json.loads((shared / "published_results.json").read_text("utf-8"))
    for test in study["published_tests"]:
        told = two_sample_effect(study[test["a"]]["values"], study[test["b"]]["values"])
        assert told.d * math.sqrt(5) == pytest.approx(test["t"], abs=5e-5)


@pytest.mark.parametrize("df", [2, 5, 18, 400])
def test_bias_correction_is_the_mean_of_the_noncentral_t_turned_over(df: int) -> None:
    """E T = λ √(df/2) Γ((df - 1)/2) / Γ(df/2)."""
    assert bias_correction(df) == pytest.approx(1.7 / float(stats.nct.mean(df, 1.7)), rel=1e-10)


def test_g_is_unbiased_where_d_is_not(rng: np.random.Generator) -> None:
    x, y = rng.normal(1.0, 1.0, (1000, 4)), rng.normal(0.0, 1.0, (1000, 4))
    told = [two_sample_effect(a, b) for a, b in zip(x, y, strict=True)]
    error = np.std([e.g for e in told]) / math.sqrt(len(told))
    assert abs(np.mean([e.g for e in told]) - 1) < 3 * error
    assert np.mean([e.d for e in told]) - 1 > 3 * error


@pytest.mark.parametrize("df", [1, 3, 18, 500])
@pytest.mark.parametrize("t", [-3.0, 1e-6, 2.0, 12.0])
def test_scipys_noncentral_t_leaves_at_the_ends_what_it_should(t: float, df: int) -> None:
    low, high = noncentrality_interval(t, df)
    assert float(stats.nct.cdf(t, df, low)) == pytest.approx(0.975, rel=1e-9)
    assert float(stats.nct.sf(t, df, high)) == pytest.approx(0.975, rel=1e-9)


def test_interval_of_pairs_is_that_of_their_differences(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(2, 10))
    told, same = paired_samples_effect(x, y), paired_effect(x - y)
    assert (told.d, told.low, told.high) == pytest.approx((same.d, same.d_low, same.d_high), rel=1e-9)


def test_interval_of_an_enormous_t_scales_with_it() -> None:
    """Noise of the mean no longer counts: λ/t lies between the quantiles of √(χ²/df)."""
    low, high = noncentrality_interval(1000.0, 9)
    quantiles = np.sqrt(stats.chi2.ppf([0.025, 0.975], 9) / 9)
    assert np.array([low, high]) / 1000 == pytest.approx(quantiles, rel=1e-4)


def test_interval_covers_the_true_effect_as_often_as_it_says(rng: np.random.Generator) -> None:
    x, y = rng.normal(1.5, 1.0, (1000, 5)), rng.normal(0.0, 1.0, (1000, 8))
    told = [two_sample_effect(a, b) for a, b in zip(x, y, strict=True)]
    assert abs(np.mean([e.low <= 1.5 <= e.high for e in told]) - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 1000)


@pytest.mark.parametrize("effect", [two_sample_effect, paired_samples_effect])
@pytest.mark.parametrize("unit", [1000.0, 1e-5])
def test_swapping_mirrors_and_a_unit_changes_nothing(effect, unit: float, rng) -> None:  # type: ignore[no-untyped-def]
    x, y = rng.normal(size=(2, 10))
    one, other, scaled = effect(x, y), effect(y, x), effect(unit * x, unit * y)
    assert (one.d, one.g, one.low, one.high) == pytest.approx((-other.d, -other.g, -other.high, -other.low))
    assert (one.d, one.low, one.high) == pytest.approx((scaled.d, scaled.low, scaled.high), rel=1e-9)


def test_what_has_no_effect_size_says_why() -> None:
    assert two_sample_effect([1.0, 1.0], [2.0, 2.0]).reason == "both samples are constant"
    assert paired_samples_effect([0.1, 0.2, 0.3], [0.2, 0.3, 0.4]).reason.startswith("all pairs differ")
    assert "one size" in paired_samples_effect([1.0, 2.0], [1.0, 2.0, 3.0]).reason
    assert "not finite" in two_sample_effect([1.0, math.nan], [1.0, 2.0]).reason
    for nothing in (two_sample_effect([], []), two_sample_effect([1.0], [1.0, 2.0])):
        assert math.isnan(nothing.d) and math.isnan(nothing.low) and "at least 2" in nothing.reason
    two = paired_samples_effect([1.0, 2.0], [0.0, 3.0])
    assert math.isnan(two.g) and two.reason and two.low < two.d < two.high
