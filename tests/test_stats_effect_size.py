"""Paired effects: closed forms, scipy's noncentral t, and coverage of the interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from ired_diag.stats.effect_size import paired_effect
from ired_diag.stats.summary import summarise


@pytest.mark.parametrize("n", [5, 10, 60, 300])
@pytest.mark.parametrize("delta", [0.0, 0.4, 2.0])
def test_interval_inverts_scipys_noncentral_t(n: int, delta: float, rng: np.random.Generator) -> None:
    x = rng.normal(delta, 1.0, n)
    effect = paired_effect(x)
    d = x.mean() / x.std(ddof=1)

    def off(true: float, probability: float) -> float:
        return float(stats.nct.cdf(d * math.sqrt(n), n - 1, true * math.sqrt(n))) - probability

    assert effect.d == pytest.approx(d, rel=1e-13)
    assert effect.d_low == pytest.approx(optimize.brentq(off, d - 4, d + 4, args=(0.975,)), abs=1e-8)
    assert effect.d_high == pytest.approx(optimize.brentq(off, d - 4, d + 4, args=(0.025,)), abs=1e-8)


def test_effects_too_large_for_scipys_series_have_an_interval(rng: np.random.Generator) -> None:
    effect = paired_effect(rng.normal(40.0, 1.0, 256))
    spread = 1.96 * math.sqrt(1 / 256 + effect.d**2 / 512)
    assert effect.d_low == pytest.approx(effect.d - spread, rel=0.01)
    assert effect.d_high == pytest.approx(effect.d + spread, rel=0.01)


def test_large_samples_join_the_exact_interval_smoothly(rng: np.random.Generator) -> None:
    x = rng.normal(0.5, 1.0, 1000)
    large, exact = paired_effect(x), paired_effect(x[:-1])
    assert large.d_high - large.d_low == pytest.approx(exact.d_high - exact.d_low, rel=0.01)


def test_interval_covers_the_true_effect_as_often_as_it_says(rng: np.random.Generator) -> None:
    effects = [paired_effect(x) for x in rng.normal(0.8, 1.0, size=(1000, 12))]
    covered = np.mean([e.d_low <= 0.8 <= e.d_high for e in effects])
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 1000)


def test_mean_and_its_interval_are_those_of_the_summary(rng: np.random.Generator) -> None:
    x = rng.normal(size=9)
    effect, summary = paired_effect(x), summarise(x)
    assert (effect.mean, effect.mean_low, effect.mean_high) == pytest.approx(
        (summary.mean, summary.low, summary.high), rel=1e-12
    )


def test_zeros_are_no_effect_at_all_and_constants_have_no_spread() -> None:
    assert paired_effect([0.0] * 5).d == 0.0
    constant = paired_effect([0.1] * 5)
    assert math.isnan(constant.d)
    assert constant.mean == pytest.approx(0.1)
    assert constant.reason == "all pairs differ by the same amount"


def test_infinite_pairs_are_left_out_and_counted() -> None:
    effect = paired_effect([1.0, 2.0, math.inf, math.nan])
    assert (effect.n, effect.mean) == (2, 1.5)
    assert effect.reason == "2 of 4 differences are not finite"
    assert math.isnan(paired_effect([1.0]).d)
