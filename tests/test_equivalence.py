"""Equivalence: statsmodels, the interval that says the same, R's sleep data, and the level at the margin."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy import stats

from ired_diag.stats.equivalence import Equivalence, two_one_sided
from ired_diag.stats.standard_error import paired_difference, welch_difference

Test = Callable[..., Equivalence]


def paired_equivalence(a: ArrayLike, b: ArrayLike, *, margin: float) -> Equivalence:
    return two_one_sided(paired_difference(a, b), margin)


def welch_equivalence(a: ArrayLike, b: ArrayLike, *, margin: float) -> Equivalence:
    return two_one_sided(welch_difference(a, b), margin)


TESTS: tuple[Test, ...] = (paired_equivalence, welch_equivalence)

# Student's sleep data (R: datasets::sleep), extra hours under two drugs, ten patients.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e3])
def test_agrees_with_statsmodels(scale: float, rng: np.random.Generator) -> None:
    weightstats = pytest.importorskip("statsmodels.stats.weightstats")
    a, b = scale * rng.normal(0.1, 1.0, 12), scale * rng.normal(0.0, 2.0, 12)
    margin = 0.9 * scale
    pairs, two = paired_equivalence(a, b, margin=margin), welch_equivalence(a[:7], b, margin=margin)
    p, lower, upper = weightstats.ttost_paired(a, b, -margin, margin)
    assert (pairs.p, pairs.p_lower, pairs.p_upper) == pytest.approx((p, lower[1], upper[1]), rel=1e-10)
    p, lower, upper = weightstats.ttost_ind(a[:7], b, -margin, margin, usevar="unequal")
    assert (two.p, two.p_lower, two.p_upper) == pytest.approx((p, lower[1], upper[1]), rel=1e-10)


def test_ninety_percent_interval_is_that_of_scipy() -> None:
    pairs = stats.ttest_rel(SLEEP_1, SLEEP_2).confidence_interval(0.90)
    two = stats.ttest_ind(SLEEP_1, SLEEP_2, equal_var=False).confidence_interval(0.90)
    got = paired_equivalence(SLEEP_1, SLEEP_2, margin=1.0)
    also = welch_equivalence(SLEEP_1, SLEEP_2, margin=1.0)
    assert (got.low, got.high) == pytest.approx((pairs.low, pairs.high), rel=1e-10)
    assert (also.low, also.high) == pytest.approx((two.low, two.high), rel=1e-10)


@pytest.mark.parametrize("test", TESTS)
def test_p_reaches_five_percent_where_the_interval_touches_the_margin(test: Test) -> None:
    ends = test(SLEEP_1, SLEEP_2, margin=1.0)
    touching = test(SLEEP_1, SLEEP_2, margin=max(-ends.low, ends.high))
    assert touching.p == pytest.approx(0.05, rel=1e-9)


@pytest.mark.parametrize("test", TESTS)
def test_swapping_mirrors(test: Test, rng: np.random.Generator) -> None:
    a, b = rng.normal(0.3, 1.0, 9), rng.normal(0.0, 2.0, 9)
    got, mirrored = test(a, b, margin=1.0), test(b, a, margin=1.0)
    assert (mirrored.difference, mirrored.low, mirrored.high) == (-got.difference, -got.high, -got.low)
    assert (mirrored.p_lower, mirrored.p_upper, mirrored.p) == pytest.approx(
        (got.p_upper, got.p_lower, got.p), rel=1e-12
    )


def test_a_true_difference_at_the_margin_is_called_equivalent_five_times_in_a_hundred(
    rng: np.random.Generator,
) -> None:
    draws = 2000
    a, b = rng.normal(1.0, 0.3, (draws, 10)), rng.normal(0.0, 0.3, (draws, 10))
    for test in TESTS:
        called = sum(test(x, y, margin=1.0).p < 0.05 for x, y in zip(a, b, strict=True))
        assert abs(called / draws - 0.05) < 4 * math.sqrt(0.05 * 0.95 / draws)


def test_strategies_of_the_study_differ_by_less_than_one_percent(shared: Path) -> None:
    published = json.loads((shared / "published_results.json").read_text())
    none, random, adversarial = (published[name]["values"] for name in ("q101", "q102", "q103"))
    percent = 0.01 * float(np.mean(none))
    assert paired_equivalence(random, none, margin=percent).p < 0.01
    assert 0.01 < paired_equivalence(adversarial, none, margin=percent).p < 0.05
    assert paired_equivalence(adversarial, none, margin=percent / 2).p > 0.99


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (paired_equivalence([], [], margin=1.0), "at least 2"),
        (paired_equivalence([1.0], [2.0], margin=1.0), "at least 2"),
        (paired_equivalence([1.0, 2.0], [1.0, 2.0, 3.0], margin=1.0), "found 2 and 3"),
        (paired_equivalence([1.1, 2.1, 3.1], [0.1, 1.1, 2.1], margin=1.0), "same amount"),
        (paired_equivalence([1.0, math.inf], [1.0, math.inf], margin=1.0), "1 of 2 values are not finite"),
        (paired_equivalence([1.0, math.nan], [1.0, 2.0], margin=1.0), "1 of 2 values are not finite"),
        (paired_equivalence([1.0, 2.0], [1.0, -1.0], margin=0.0), "margin must be positive"),
        (paired_equivalence([1.0, 2.0], [1.0, 3.0], margin=math.nan), "margin must be positive"),
        (welch_equivalence([], [1.0, 2.0], margin=1.0), "at least 2"),
        (welch_equivalence([1.0, 1.0], [2.0, 2.0], margin=1.0), "constant"),
        (welch_equivalence([1.0, math.inf], [1.0, 2.0], margin=1.0), "not finite"),
    ],
)
def test_what_cannot_be_tested_is_nan_with_a_reason(result: Equivalence, word: str) -> None:
    assert math.isnan(result.p)
    assert word in result.reason
