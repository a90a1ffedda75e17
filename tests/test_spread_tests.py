"""Tests of equal variances and the ratio of sds: NIST, scipy, formulas by hand, coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.spread_tests import SdRatio, SpreadTest, brown_forsythe, sd_ratio

pytestmark = pytest.mark.slow

# NIST/SEMATECH e-Handbook, GEAR.DAT: thousandths by which diameters of gears differ from 1, ten batches.
GEARS = [
    [6, -4, -2, 0, -8, -7, 2, -1, -6, 0],
    [-2, 6, 0, 2, -3, -2, -4, 0, 6, -12],
    [-9, -13, -3, -1, -5, -6, 0, -1, -4, -4],
    [5, 2, -6, 0, -5, -6, -2, -4, 2, -4],
    [-2, -2, -18, -10, 2, -16, -4, -7, -20, -4],
    [9, 13, 9, -3, -12, 2, -5, -2, -19, -4],
    [-10, 4, -4, 1, -2, 0, 18, 10, -4, 2],
    [-2, 0, 6, 0, 2, -4, -2, -4, 2, 6],
    [2, -2, -4, -5, -4, 4, 4, -2, -1, -9],
    [-9, -5, -16, -6, -3, -3, -9, -2, 4, -3],
]


def test_median_form_gives_the_value_of_nist() -> None:
    # Section 1.3.5.10 prints W = 1.705910 with 9 and 90 degrees of freedom. In whole thousandths, where no
    # value is rounded, the same data give 1.705918.
    got = brown_forsythe(*(1 + np.array(GEARS) / 1000))
    assert got.f == pytest.approx(1.705910, abs=1e-5)
    assert got.f == pytest.approx(brown_forsythe(*GEARS).f, rel=1e-10)
    assert got.df == (9, 90)
    assert 0.05 < got.p < 0.2


def test_it_is_an_anova_of_distances_from_the_median(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=9), rng.normal(0, 3, 14)
    expected = stats.f_oneway(*(np.abs(x - np.median(x)) for x in (a, b)))
    got, mirrored = brown_forsythe(a, b), brown_forsythe(b, a)
    assert (got.f, got.p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-10)
    assert (mirrored.f, mirrored.p) == pytest.approx((got.f, got.p), rel=1e-12)


def test_median_form_keeps_its_level_for_skewed_data(rng: np.random.Generator) -> None:
    samples = rng.exponential(size=(2000, 2, 10))
    by_median = np.mean([brown_forsythe(a, b).p <= 0.05 for a, b in samples])
    by_mean = np.mean([stats.levene(a, b, center="mean").pvalue <= 0.05 for a, b in samples])
    assert by_median < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 2000)
    assert by_mean > 0.1


def accepted_by_hand(a: list[float], b: list[float]) -> bool:
    """Return whether Bonett's test at 5%, as the module says it, leaves two sds equal; value by value."""
    z, fourth, second, error, ends = 1.959963984540054, 0.0, 0.0, 0.0, []
    for x in (a, b):
        cut = int(len(x) / (2 * math.sqrt(len(x) - 4)))
        kept = sorted(x)[cut : len(x) - cut]
        fourth += sum((v - sum(kept) / len(kept)) ** 4 for v in x)
        second += sum((v - sum(x) / len(x)) ** 2 for v in x)
        ends.append(len(x) / (len(x) - z))
    kurtosis = (len(a) + len(b)) * fourth / second**2
    for x in (a, b):
        error += (kurtosis - (len(x) - 3) / len(x)) / (len(x) - 1)
    middle = math.log(ends[0] / ends[1] * float(np.var(a, ddof=1) / np.var(b, ddof=1)))
    return abs(middle) <= z * math.sqrt(error)


def test_interval_holds_what_the_test_accepts(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=8), rng.exponential(2.0, 15)
    got = sd_ratio(a, b)
    assert got.value == pytest.approx(a.std(ddof=1) / b.std(ddof=1), rel=1e-14)
    for end, inwards in ((got.low, 1 + 1e-9), (got.high, 1 - 1e-9)):
        assert accepted_by_hand((a / (end * inwards)).tolist(), b.tolist())
        assert not accepted_by_hand((a / (end / inwards)).tolist(), b.tolist())


def test_swapping_mirrors_the_ratio_and_its_interval(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=5), rng.normal(0, 2, 12)
    got, mirrored = sd_ratio(a, b), sd_ratio(b, a)
    assert (mirrored.value, mirrored.low, mirrored.high) == pytest.approx(
        (1 / got.value, 1 / got.high, 1 / got.low), rel=1e-12
    )


@pytest.mark.parametrize("unit", [1000.0, 1e-5, 1e-100])
def test_units_change_nothing(unit: float, rng: np.random.Generator) -> None:
    a, b = rng.normal(size=10), rng.normal(0, 2, 10)
    got, other = sd_ratio(unit * a, unit * b), sd_ratio(a, b)
    assert (got.value, got.low, got.high) == pytest.approx((other.value, other.low, other.high), rel=1e-10)
    assert brown_forsythe(unit * a, unit * b).p == pytest.approx(brown_forsythe(a, b).p, rel=1e-10)


@pytest.mark.parametrize("shape", ["normal", "laplace", "exponential"])
@pytest.mark.parametrize("n", [5, 10])
def test_interval_covers_where_the_textbooks_does_not(shape: str, n: int, rng: np.random.Generator) -> None:
    samples = getattr(rng, shape)(size=(2000, 2, n))
    intervals = [sd_ratio(3 * a, b) for a, b in samples]
    covered = np.mean([told.low <= 3 <= told.high for told in intervals])
    assert covered > 0.945 - 4 * math.sqrt(0.05 * 0.95 / 2000)
    assert covered < 0.985 + 4 * math.sqrt(0.02 * 0.98 / 2000)
    ratios = samples.var(axis=2, ddof=1)[:, 0] / samples.var(axis=2, ddof=1)[:, 1]
    textbook = np.mean(np.abs(np.log(ratios)) <= math.log(stats.f.isf(0.025, n - 1, n - 1)))
    assert textbook == pytest.approx(0.95, abs=0.02) if shape == "normal" else textbook < 0.9


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (brown_forsythe([1.0, 2.0, 3.0]), "at least 2 samples"),
        (brown_forsythe(), "at least 2 samples"),
        (brown_forsythe([1.0, 2.0], [1.0, 2.0, 3.0]), "at least 3"),
        (brown_forsythe([1.0, 2.0, 3.0], [1.0, math.nan, 3.0]), "not finite"),
        (brown_forsythe([1.1] * 4, [2.3] * 5), "constant"),
        (brown_forsythe([0.1, 0.3] * 2, [0.5, 0.9] * 3), "equally far from the median"),
    ],
)
def test_spreads_that_cannot_be_tested_are_nan_with_a_reason(result: SpreadTest, word: str) -> None:
    assert math.isnan(result.p)
    assert word in result.reason


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (sd_ratio([], []), "at least 2"),
        (sd_ratio([1.0], [1.0, 2.0]), "at least 2"),
        (sd_ratio([1.1] * 6, [1.0, 2.0, 3.0]), "constant"),
        (sd_ratio([1.0, math.nan], [1.0, 2.0]), "not finite"),
    ],
)
def test_ratios_that_cannot_be_formed_are_nan_with_a_reason(result: SdRatio, word: str) -> None:
    assert math.isnan(result.value)
    assert math.isnan(result.low)
    assert word in result.reason


def test_four_values_have_a_ratio_but_no_interval_that_holds() -> None:
    got = sd_ratio([1.0, 2.0, 3.0, 5.0], [2.0, 4.0, 6.0, 10.0])
    assert got.value == 0.5
    assert math.isnan(got.low)
    assert "at least 5" in got.reason
