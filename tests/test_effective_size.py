"""The effective sample size against its two ends, a slow sum, and the bootstrap."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ired_diag.stats.effective_size import effective_size


def test_equal_weights_are_worth_their_number_and_one_weight_is_worth_one() -> None:
    assert effective_size([-3.0] * 50).size == pytest.approx(50, rel=1e-12)
    assert effective_size([0.0] + [-800.0] * 50).size == pytest.approx(1, rel=1e-12)
    assert effective_size([0.0, 0.0, -math.inf]).size == pytest.approx(2, rel=1e-12)


def test_size_equals_the_plain_formula_where_that_does_not_underflow(rng: np.random.Generator) -> None:
    w = rng.random((3, 40))
    found = effective_size(np.log(w))
    assert found.size == pytest.approx(w.sum() ** 2 / (w**2).sum(), rel=1e-12)
    assert found.share == pytest.approx(found.size / 120, rel=1e-12)


def test_a_factor_of_any_size_changes_nothing(rng: np.random.Generator) -> None:
    logs = rng.normal(size=200)
    assert effective_size(logs - 1e6).share == pytest.approx(effective_size(logs).share, rel=1e-8)


def test_interval_is_as_wide_as_the_bootstraps(rng: np.random.Generator) -> None:
    logs = 0.8 * rng.normal(size=(4, 500)) + rng.normal(size=500)  # subjects with four answers that depend
    found = effective_size(logs)
    again = [effective_size(logs[:, rng.integers(0, 500, 500)]).share for _ in range(400)]
    width = np.quantile(np.log(again), 0.975) - np.quantile(np.log(again), 0.025)
    assert math.log(found.high / found.low) == pytest.approx(width, rel=0.15)


def test_too_few_and_none_are_nan_with_a_reason() -> None:
    few = effective_size([0.0] * 5)
    assert few.size == pytest.approx(5)
    assert math.isnan(few.low)
    assert "too few" in few.reason
    for nothing in ([math.nan, math.nan], [-math.inf], [math.inf]):
        found = effective_size(nothing)
        assert math.isnan(found.share)
        assert found.reason
    assert effective_size([0.0, math.nan, 0.0]).reason.startswith("1 of 3 weights")
