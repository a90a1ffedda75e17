"""Interquartile mean: scipy's trimmed mean, a naive stratified bootstrap, invariance, odd input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.interquartile_mean import interquartile_mean


@pytest.mark.parametrize("shape", [(4,), (7,), (10,), (10, 3), (5, 26)])
def test_value_is_scipys_trimmed_mean(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    scores = rng.normal(size=shape)
    told = interquartile_mean(scores, seed=0, draws=10)
    assert told.value == pytest.approx(stats.trim_mean(scores, 0.25, axis=None), rel=1e-12)


def test_interval_is_that_of_a_loop_that_draws_seeds_within_tasks(rng: np.random.Generator) -> None:
    scores = rng.normal([0.0, 2.0, 5.0], 1.0, size=(8, 3))
    drawn = []
    for _ in range(4000):
        columns = [rng.choice(scores[:, task], 8) for task in range(3)]
        drawn.append(stats.trim_mean(np.concatenate(columns), 0.25))
    told = interquartile_mean(scores, seed=0)
    assert (told.low, told.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.06)


def test_interval_of_many_normal_seeds_has_the_known_width(rng: np.random.Generator) -> None:
    """The 25% trimmed mean is 0.837 times as efficient as the mean of normal values."""
    x = rng.normal(size=4000)
    told = interquartile_mean(x, seed=0, draws=1500)
    assert told.high - told.low == pytest.approx(2 * 1.96 * math.sqrt(1 / 0.837 / 4000), rel=0.08)


@pytest.mark.parametrize("unit", [1000.0, 1e-5, -1.0])
def test_a_unit_or_a_sign_changes_nothing_else(unit: float, rng: np.random.Generator) -> None:
    x = rng.normal(1.0, 0.3, size=(10, 2))
    one, scaled = interquartile_mean(x, seed=1, draws=500), interquartile_mean(unit * x, seed=1, draws=500)
    ends = sorted([scaled.low / unit, scaled.high / unit])
    assert (scaled.value / unit, *ends) == pytest.approx((one.value, one.low, one.high), rel=1e-9)


def test_a_seed_that_diverged_moves_it_little(rng: np.random.Generator) -> None:
    x = rng.normal(1.0, 0.1, size=10)
    spoilt = np.concatenate([x[:-1], [1e6]])
    assert interquartile_mean(spoilt, seed=0).value == pytest.approx(np.median(x), abs=0.1)


def test_the_seed_decides(rng: np.random.Generator) -> None:
    x = rng.normal(size=10)
    one, same, other = (interquartile_mean(x, seed=seed) for seed in (1, 1, 2))
    assert repr(one) == repr(same) != repr(other)


def test_what_has_no_interval_says_why() -> None:
    constant = interquartile_mean([0.1] * 10, seed=0)
    assert constant.value == pytest.approx(0.1) and math.isnan(constant.low)
    assert constant.reason == "no spread to draw from"
    assert interquartile_mean([[1.0, 2.0, 3.0, 4.0]], seed=0).reason == "1 value: at least 2 are needed"
    for scores in ([], [1.0], [1.0, 2.0, 3.0], [1.0, 2.0, math.nan, 3.0]):
        told = interquartile_mean(scores, seed=0)
        assert math.isnan(told.value) and math.isnan(told.low) and told.reason
