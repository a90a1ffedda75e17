"""Ratios and squared correlations: closed forms, and the coverage of their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ired_diag.stats.ratio import FEW_DECIDE, ratio_of_independent_means, ratio_of_means, squared_correlation
from ired_diag.stats.summary import summarise

TRIALS = 1500
LEAST, MOST = 0.93, 0.967  # of 95%, with 1500 trials and an approximate interval


def covered(intervals: list[tuple[float, float]], truth: float) -> float:
    return float(np.mean([low <= truth <= high for low, high in intervals]))


def test_ratio_of_skewed_pairs_is_covered_as_often_as_it_says(rng: np.random.Generator) -> None:
    found = []
    for _ in range(TRIALS):
        common = rng.lognormal(0, 0.7, 400)
        ratio = ratio_of_means(2 * common * rng.lognormal(0, 0.3, 400), common * rng.lognormal(0, 0.3, 400))
        found.append((ratio.low, ratio.high))
    assert LEAST < covered(found, 2.0) < MOST


def test_what_pairs_have_in_common_narrows_the_interval(rng: np.random.Generator) -> None:
    common = rng.lognormal(0, 1, 5000)
    noise = rng.normal(0, 0.01, 5000)
    ratio = ratio_of_means(common * (1 + noise), common)
    theory = 0.01 * math.sqrt(np.mean(common**2)) / common.mean() / math.sqrt(5000)
    assert (ratio.high - ratio.low) / 2 == pytest.approx(1.96 * theory, rel=0.03)


def test_ratio_equals_the_jackknife_of_a_loop(rng: np.random.Generator) -> None:
    x, y = rng.uniform(1, 2, 60), rng.uniform(1, 2, 60)
    left_out = [np.delete(x, i).mean() / np.delete(y, i).mean() for i in range(60)]
    error = math.sqrt(59 / 60 * np.sum((left_out - np.mean(left_out)) ** 2))
    ratio = ratio_of_means(x, y)
    assert (ratio.high - ratio.low) / 2 == pytest.approx(2.001 * error, rel=0.01)


def test_pairs_without_numbers_are_left_out_and_said() -> None:
    ratio = ratio_of_means([1.0, math.nan, 3.0], [2.0, 2.0, 6.0])
    assert (ratio.value, ratio.n, ratio.reason) == (0.5, 2, "1 of 3 are not finite")
    assert ratio_of_means([math.nan], [1.0]).reason == "1 of 1 are not finite"
    assert ratio_of_means([], []).reason == "no values"
    assert ratio_of_means([1.0], [0.0]).reason == "the mean below the line is 0"
    one = ratio_of_means([1.0], [2.0])
    assert (one.value, one.reason) == (0.5, "one value has no spread")
    assert math.isnan(one.low)


def test_squared_correlation_is_numpys(rng: np.random.Generator) -> None:
    x = rng.normal(size=50)
    y = x + rng.normal(size=50)
    a, b = x - x.mean(), y - y.mean()
    found = squared_correlation(a * b, a * a, b * b)
    assert found.value == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, rel=1e-12)


def test_squared_correlation_of_gaussians_has_the_textbook_standard_error(rng: np.random.Generator) -> None:
    rho, n = 0.8, 40_000
    x = rng.normal(size=n)
    y = rho * x + math.sqrt(1 - rho**2) * rng.normal(size=n)
    found = squared_correlation(x * y, x * x, y * y)
    theory = 2 * rho * (1 - rho**2) / math.sqrt(n)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * theory, rel=0.02)


def test_squared_correlation_is_covered_as_often_as_it_says(rng: np.random.Generator) -> None:
    # Units with 9 products each, as entries of a matrix: what is independent is the unit.
    found = []
    for _ in range(TRIALS):
        size = rng.gamma(4, 0.25, (300, 1))
        x = size * rng.normal(size=(300, 9))
        y = 0.6 * x + 0.8 * size * rng.normal(size=(300, 9))
        r2 = squared_correlation((x * y).sum(1), (x * x).sum(1), (y * y).sum(1))
        found.append((r2.low, r2.high))
    assert LEAST < covered(found, 0.36) < MOST


def test_multiples_correlate_completely_and_constants_not_at_all(rng: np.random.Generator) -> None:
    x = rng.normal(size=20)
    whole = squared_correlation(-2 * x * x, x * x, 4 * x * x)
    assert (whole.value, whole.low, whole.high) == pytest.approx((1, 1, 1), abs=1e-12)
    nothing = squared_correlation(0 * x, 0 * x, x * x)
    assert math.isnan(nothing.value)
    assert nothing.reason == "one of them does not vary"


def test_ratio_of_independent_means_is_covered_as_often_as_it_says(rng: np.random.Generator) -> None:
    found = []
    for _ in range(TRIALS):
        x, y = rng.gamma(2, 3, 200), rng.gamma(2, 1, 300)
        ratio = ratio_of_independent_means(summarise(x), summarise(y))
        found.append((ratio.low, ratio.high))
    assert LEAST < covered(found, 3.0) < MOST
    assert math.isnan(ratio_of_independent_means(summarise([0.0, 0.0]), summarise([1.0, 2.0])).value)


def test_intervals_that_few_units_decide_say_so_and_others_do_not(rng: np.random.Generator) -> None:
    # One unit in 500 is 100 times as large: skewness 14, where 3000 units bear 11; the exponential's is 2.
    unsure, even = [], []
    for _ in range(200):
        heavy = np.where(rng.random(3000) < 1 / 500, 100.0, 1.0) * rng.uniform(0.5, 1.5, 3000)
        unsure.append(FEW_DECIDE in ratio_of_means(heavy, np.ones(3000)).reason)
        even.append(FEW_DECIDE in ratio_of_means(rng.exponential(size=3000), np.ones(3000)).reason)
    assert np.mean(unsure) > 0.95
    assert np.mean(even) == 0.0
