"""The jackknife: against the t interval of a mean, and by how often it holds what is true."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ired_diag.stats.jackknife import jackknife_interval, ratio_interval, replicates_of_mean
from ired_diag.stats.summary import summarise


def test_of_a_mean_it_is_the_t_interval(rng: np.random.Generator) -> None:
    values = rng.standard_normal(17)
    found, summary = jackknife_interval(replicates_of_mean(values)), summarise(values)
    assert (found.value, found.low, found.high) == pytest.approx((summary.mean, summary.low, summary.high))


def test_replicates_leave_out_one_after_the_other(rng: np.random.Generator) -> None:
    values = rng.standard_normal(9)
    slow = [values.mean(), *(np.delete(values, i).mean() for i in range(9))]
    np.testing.assert_allclose(replicates_of_mean(values), slow, rtol=1e-12)


def test_fiellers_interval_holds_the_ratio_in_95_percent_of_studies(rng: np.random.Generator) -> None:
    held = 0
    for _ in range(2000):
        below = 1 + rng.standard_normal(12)
        above = 3 * below + 2 * rng.standard_normal(12) - 1  # the ratio of the means is 2
        found = ratio_interval(replicates_of_mean(above), replicates_of_mean(below))
        held += math.isnan(found.value) or found.low <= 2 <= found.high  # no interval: all is possible
    assert held / 2000 == pytest.approx(0.95, abs=4 * math.sqrt(0.05 * 0.95 / 2000))


def test_a_ratio_that_never_varies_has_no_width(rng: np.random.Generator) -> None:
    below = replicates_of_mean(5 + rng.standard_normal(10))
    found = ratio_interval(2 * below, below)
    assert (found.low, found.high) == pytest.approx((2, 2), rel=1e-6)


def test_a_divisor_not_told_from_0_gives_nan_and_says_so(rng: np.random.Generator) -> None:
    noise = rng.standard_normal(10)
    below = replicates_of_mean(noise - noise.mean() + 0.01)
    found = ratio_interval(replicates_of_mean(np.ones(10)), below)
    assert math.isnan(found.value)
    assert found.reason == "what it is divided by cannot be distinguished from 0"
    assert math.isnan(ratio_interval(replicates_of_mean(np.ones(10)), -replicates_of_mean(np.ones(10))).value)


def test_nan_stays_nan_with_a_reason() -> None:
    broken = replicates_of_mean([1.0, math.nan, 2.0])
    for found in (jackknife_interval(broken), ratio_interval(broken, replicates_of_mean([1.0, 2.0, 3.0]))):
        assert math.isnan(found.low)
        assert found.reason == "not a finite number"
