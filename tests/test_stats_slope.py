"""The slope of a line: an exact line, an independent library, its coverage, and what has no slope."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.slope import slope_of


def test_an_exact_line_has_its_slope_and_no_width() -> None:
    slope = slope_of([1.0, 2.0, 5.0, 9.0], [4.0, 1.0, -8.0, -20.0])
    assert slope.value == pytest.approx(-3, rel=1e-12)
    assert slope.low == pytest.approx(slope.high, abs=1e-12)


def test_value_and_interval_are_scipys(rng: np.random.Generator) -> None:
    x = rng.normal(size=9)
    y = 0.7 * x + rng.normal(size=9)
    slope, line = slope_of(x, y), stats.linregress(x, y)
    half = stats.t.ppf(0.975, 7) * line.stderr
    assert slope.value == pytest.approx(line.slope, rel=1e-12)
    assert (slope.low, slope.high) == pytest.approx((line.slope - half, line.slope + half), rel=1e-12)


def test_the_interval_covers_the_truth_in_95_of_100() -> None:
    x, rng = np.arange(5.0), np.random.default_rng(3)
    told = [slope_of(x, 2 * x + rng.normal(size=5)) for _ in range(2000)]
    covered = float(np.mean([slope.low <= 2 <= slope.high for slope in told]))
    assert covered == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 2000))


def test_what_has_no_slope_or_no_interval_is_nan_with_a_reason() -> None:
    assert slope_of([], []).reason == "0 points at one place have no slope"
    assert slope_of([1.0, 1.0], [0.0, 5.0]).reason == "2 points at one place have no slope"
    two = slope_of([0.0, 1.0], [0.0, 5.0])
    assert (two.value, math.isnan(two.low), two.reason) == (
        5.0,
        True,
        "2 points have no interval: 3 are needed",
    )
    one_lost = slope_of([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, math.nan, 3.0])
    assert (one_lost.value, one_lost.n, one_lost.reason) == (1.0, 3, "1 of 4 points are not finite")
