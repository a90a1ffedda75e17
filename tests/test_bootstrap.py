"""Bootstrap intervals: Efron's formula, every resample of three values, closed forms, mirrors."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks.interval_coverage import bca_ends
from ired_diag.stats.bootstrap import bootstrap_difference
from ired_diag.stats.resampling import resampled_mean

MANY = 200_000
X = np.array([0.8, 1.1, 1.3, 1.9, 2.0, 2.4, 3.1, 3.3, 5.9, 9.2])
Y = np.array([1.2, 0.7, 1.9, 1.4, 2.9, 2.2, 2.6, 4.8, 4.1, 6.3])


def test_bca_given_the_same_resamples_is_efrons_formula() -> None:
    """A plain loop over the resamples, with the levels from the definition."""
    resampled = resampled_mean(X[:, None], draws=999, seed=4)
    drawn, mean, c = resampled.deviations[:, 0] + X.mean(), X.mean(), X - X.mean()
    bias = stats.norm.ppf(sum(1.0 if d < mean - 1e-12 else 0.5 * (d < mean + 1e-12) for d in drawn) / 999)
    a = sum(c**3) / (6 * sum(c**2) ** 1.5)
    scores = [stats.norm.ppf(0.025), stats.norm.ppf(0.975)]
    levels = [stats.norm.cdf(bias + (bias + z) / (1 - a * (bias + z))) for z in scores]
    assert bca_ends(resampled)[:, 0] == pytest.approx(np.quantile(drawn, levels), rel=1e-12)


def test_resamples_of_three_values_are_the_27_there_are() -> None:
    x = np.array([1.0, 2.0, 4.0])
    drawn = resampled_mean(x[:, None], draws=100_000, seed=2)
    means = np.array([np.mean(draw) for draw in itertools.product(x, repeat=3)])
    for mean in np.unique(means.round(9)):
        share = np.mean(np.isclose(drawn.deviations[:, 0] + x.mean(), mean))
        assert share == pytest.approx(np.isclose(means, mean).mean(), abs=4 * math.sqrt(0.25 / 100_000))


def test_studentised_is_a_loop_over_resamples(rng: np.random.Generator) -> None:
    drawn = rng.choice(X, size=(20_000, 10))
    t = (drawn.mean(axis=1) - X.mean()) / (drawn.std(axis=1, ddof=1) / math.sqrt(10))
    q = np.quantile(t, [0.975, 0.025])
    told = bootstrap_difference(X, np.zeros(10), paired=True, seed=1, draws=MANY)
    assert (told.low, told.high) == pytest.approx(X.mean() - q * X.std(ddof=1) / math.sqrt(10), rel=0.05)


def test_interval_of_many_values_is_the_normal_one(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(2, 1000))
    half = 1.96 * math.sqrt((x.var() + y.var()) / 1000)
    interval = bootstrap_difference(x, y, paired=False, seed=0, draws=4000)
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.05)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("unit", [1.0, 1000.0, 1e-5])
def test_swapping_mirrors_in_any_unit(paired: bool, unit: float) -> None:
    keys: dict[str, Any] = {"paired": paired, "seed": 5, "draws": 2001}
    one, other = bootstrap_difference(unit * X, unit * Y, **keys), bootstrap_difference(Y, X, **keys)
    assert (one.low / unit, one.high / unit) == pytest.approx((-other.high, -other.low), rel=1e-9)
    if not paired:
        uneven, turned = bootstrap_difference(X, Y[:4], **keys), bootstrap_difference(Y[:4], X, **keys)
        assert (uneven.low, uneven.high) == pytest.approx((-turned.high, -turned.low), rel=1e-9)


def test_a_sample_against_itself_is_centred_on_no_difference() -> None:
    told = bootstrap_difference(X, X, paired=False, seed=5)
    assert told.low == pytest.approx(-told.high, rel=1e-9)


def test_the_seed_decides_and_numpys_own_state_is_left_alone() -> None:
    before = str(np.random.get_state())  # noqa: NPY002
    one, same, other = (bootstrap_difference(X, Y, paired=False, seed=seed) for seed in (1, 1, 2))
    assert repr(one) == repr(same) != repr(other)
    assert before == str(np.random.get_state())  # noqa: NPY002


def test_what_has_no_interval_says_why() -> None:
    assert (
        bootstrap_difference([0.1] * 10, [0.0] * 10, paired=True, seed=0).reason == "no spread to draw from"
    )
    assert bootstrap_difference(X, X + 0.1, paired=True, seed=0).reason == "no spread to draw from"
    assert "no end" in bootstrap_difference([1.0, 2.0, 4.0], [0.0] * 3, paired=True, seed=0).reason
    assert "one size" in bootstrap_difference(X, Y[:3], paired=True, seed=0).reason
    for nothing in (
        bootstrap_difference([], [], paired=True, seed=0),
        bootstrap_difference([1.0], [2.0], paired=False, seed=0),
        bootstrap_difference([1, math.nan], [1, 2], paired=True, seed=0),
    ):
        assert math.isnan(nothing.value) and math.isnan(nothing.low) and nothing.reason
