"""A share's interval: Wilson's where subjects are asked once, and its coverage where they are asked often."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.share import share_of


@pytest.mark.parametrize("hits", [0, 3, 20, 40])
def test_subjects_asked_once_have_wilsons_interval(hits: int) -> None:
    found = share_of(np.arange(40) < hits)
    wilson = stats.binomtest(hits, 40).proportion_ci(method="wilson")
    # The variance is taken with n - 1, so n' is one less than n but for the ends.
    tolerance = 1e-9 if hits in (0, 40) else 0.005
    assert found.mean == hits / 40
    assert found.low == pytest.approx(wilson.low, abs=tolerance)
    assert found.high == pytest.approx(wilson.high, abs=tolerance)


@pytest.mark.parametrize("spread", [0.0, 0.4])
def test_interval_covers_the_true_share_of_subjects_that_differ(spread: float) -> None:
    # Shares of subjects are 0.7 ± spread/2 around their mean; 570 ± 5.3 of 600 intervals should cover it.
    rng, hits = np.random.default_rng(6), 0
    for _ in range(600):
        own = 0.7 + spread * (rng.random(50) - 0.5)
        found = share_of(rng.binomial(10, own) / 10, answers=10)
        hits += found.low < 0.7 < found.high
    assert abs(hits - 570) < 16


def test_answers_that_only_repeat_themselves_count_once() -> None:
    once = np.arange(40) < 10
    assert share_of(once, answers=10) == share_of(once)


def test_subjects_that_all_agree_have_an_interval_all_the_same() -> None:
    for value in (0.0, 0.5, 1.0):
        found = share_of([value] * 30, answers=4)
        assert found.high - found.low > 0.1
        assert found.low <= value <= found.high


def test_subjects_that_agree_more_than_chance_allows_count_no_more_than_their_answers() -> None:
    found = share_of([0.5, 0.5, 0.5, 0.500001], answers=10)
    wilson = stats.binomtest(20, 40).proportion_ci(method="wilson")
    assert found.high - found.low == pytest.approx(wilson.high - wilson.low, rel=1e-4)


def test_no_number_is_left_out_and_said() -> None:
    found = share_of([1.0, math.nan, 0.0])
    assert (found.mean, found.n, found.reason) == (0.5, 2, "1 of 3 values are not numbers")
    assert math.isnan(share_of([]).mean)
    assert share_of([math.nan]).reason
