"""Fieller's interval: its definition, the jackknife's, coverage, and where it has no end."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.jackknife import UNSURE_DIVISOR, ratio_interval, replicates_of_mean
from ired_diag.stats.ratio_of_means import paired_ratio_of_means, ratio_of_two_means

FIRST = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])  # R's sleep
SECOND = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])


def test_ends_of_pairs_are_where_the_paired_t_test_reaches_its_level() -> None:
    told = paired_ratio_of_means(FIRST, SECOND)
    assert told.value == pytest.approx(0.75 / 2.33, rel=1e-14)
    for end in (told.low, told.high):
        assert stats.ttest_1samp(FIRST - end * SECOND, 0).pvalue == pytest.approx(0.05, rel=1e-9)


def test_interval_of_pairs_is_fiellers_from_the_jackknife(rng: np.random.Generator) -> None:
    x, y = rng.normal(5, 1, (2, 10))
    told, same = paired_ratio_of_means(x, y), ratio_interval(replicates_of_mean(x), replicates_of_mean(y))
    assert (told.value, told.low, told.high) == pytest.approx((same.value, same.low, same.high), rel=1e-10)


def test_ends_of_two_samples_solve_the_definition(rng: np.random.Generator) -> None:
    x, y = rng.normal(5, 1, 9), rng.normal(4, 2, 6)
    told, r = ratio_of_two_means(x, y), x.mean() / y.mean()
    df = stats.ttest_ind(x, r * y, equal_var=False).df
    for end in (told.low, told.high):
        t = (x.mean() - end * y.mean()) / math.sqrt(x.var(ddof=1) / 9 + end**2 * y.var(ddof=1) / 6)
        assert abs(t) == pytest.approx(stats.t.ppf(0.975, df), rel=1e-10)


def test_against_a_divisor_without_spread_it_is_the_t_interval(rng: np.random.Generator) -> None:
    x = rng.normal(5, 1, 10)
    told = ratio_of_two_means(x, [4.0] * 7)
    same = stats.ttest_1samp(x, 0).confidence_interval()
    assert (4 * told.low, 4 * told.high) == pytest.approx((same.low, same.high), rel=1e-10)


@pytest.mark.parametrize("ratio", [paired_ratio_of_means, ratio_of_two_means])
def test_interval_covers_the_true_ratio_as_often_as_it_says(ratio: Any, rng: np.random.Generator) -> None:
    x, y = rng.normal(3, 1, (1500, 10)), rng.normal(2, 0.5, (1500, 10))
    told = [ratio(a, b) for a, b in zip(x, y, strict=True)]
    assert abs(np.mean([t.low <= 1.5 <= t.high for t in told]) - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 1500)


@pytest.mark.parametrize("ratio", [paired_ratio_of_means, ratio_of_two_means])
@pytest.mark.parametrize("unit", [1000.0, 1e-5, -1.0])
def test_swapping_turns_it_over_and_a_unit_changes_nothing(ratio: Any, unit: float, rng: Any) -> None:
    x, y = rng.normal(5, 1, (2, 10))
    one, other, scaled = ratio(x, y), ratio(y, x), ratio(unit * x, unit * y)
    assert (one.value, one.low, one.high) == pytest.approx((1 / other.value, 1 / other.high, 1 / other.low))
    assert (one.low, one.high) == pytest.approx((scaled.low, scaled.high), rel=1e-10)


def test_pairs_that_share_nearly_all_keep_their_digits(rng: np.random.Generator) -> None:
    y, e = rng.normal(5, 1, 10), rng.normal(size=10)
    told = paired_ratio_of_means(y + 1e-9 * e, y)
    plain = paired_ratio_of_means(y + 1e-3 * e, y)
    assert (told.high - told.low) / 1e-9 == pytest.approx((plain.high - plain.low) / 1e-3, rel=1e-3)


def test_what_has_no_interval_says_why() -> None:
    for unsure in (paired_ratio_of_means(SECOND, FIRST), ratio_of_two_means(SECOND, FIRST)):
        assert unsure.value == pytest.approx(2.33 / 0.75) and math.isnan(unsure.low)
        assert unsure.reason == UNSURE_DIVISOR
    assert paired_ratio_of_means([1.0, 2.0], [-1.0, 1.0]).reason == UNSURE_DIVISOR
    assert paired_ratio_of_means(3 * SECOND, SECOND).reason == "the ratio does not vary"
    assert ratio_of_two_means([0.1] * 3, [0.3] * 3).reason == "the ratio does not vary"
    assert "one size" in paired_ratio_of_means([1.0, 2.0], [1.0, 2.0, 3.0]).reason
    for nothing in (ratio_of_two_means([], []), ratio_of_two_means([1.0, math.nan], [1.0, 2.0])):
        assert math.isnan(nothing.value) and nothing.reason
