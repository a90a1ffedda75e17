"""Cliff's δ and A: a naive loop, Mann-Whitney's U, coverage of the interval, and its ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.dominance import dominance


def test_delta_counts_couples(rng: np.random.Generator) -> None:
    x, y = rng.integers(0, 5, 9).astype(float), rng.integers(0, 5, 7).astype(float)
    wins = sum(float(a > b) - float(a < b) for a in x for b in y)
    assert dominance(x, y).delta == pytest.approx(wins / 63, rel=1e-14)


def test_a12_is_mann_whitneys_u_over_the_couples(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=10), rng.normal(0.5, 2.0, size=12)
    assert dominance(x, y).a12 == pytest.approx(stats.mannwhitneyu(x, y).statistic / 120, rel=1e-12)


def test_ends_solve_newcombes_equation_where_his_interval_is_the_wider() -> None:
    """Complete separation of 5 and 5: Feng & Cliff's bound is (5 - z²)/(5 + z²)."""
    told, z = dominance(np.arange(5) + 10.0, np.arange(5)), stats.norm.ppf(0.975)
    assert told.delta_low == pytest.approx((5 - z**2) / (5 + z**2), rel=1e-12)
    a, b = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10.5]), np.arange(10) + 10.0
    low = dominance(b, a).a12_low
    variance = low * (1 - low) * (1 + 9 * ((1 - low) / (2 - low) + low / (1 + low))) / 100
    assert (dominance(b, a).a12 - low) / math.sqrt(variance) == pytest.approx(z, rel=1e-8)


def test_variance_of_feng_and_cliff_is_their_formula(rng: np.random.Generator) -> None:
    """δ far from ±1 and unequal spread: their interval is the wider, and its ends are solved by hand."""
    x, y = rng.normal(size=10), 5 * rng.normal(size=10)
    told, z = dominance(x, y), stats.norm.ppf(0.975)
    d = np.array([[float(a > b) - float(a < b) for b in y] for a in x])
    delta, rows, columns = d.mean(), d.mean(axis=1), d.mean(axis=0)
    square = 9 * rows.var(ddof=1) + 9 * columns.var(ddof=1) + ((d - delta) ** 2).sum() / 99
    s = math.sqrt(square / 100)
    half = z * s * math.sqrt((1 - delta**2) ** 2 + z**2 * s**2)
    low, high = ((delta - delta**3 + k * half) / (1 - delta**2 + z**2 * s**2) for k in (-1, 1))
    assert (told.delta_low, told.delta_high) == pytest.approx((low, high), rel=1e-10)


@pytest.mark.parametrize(("n_a", "n_b"), [(10, 10), (5, 10), (20, 20)])
@pytest.mark.parametrize("spread", [1.0, 3.0])
@pytest.mark.parametrize("shift", [0.0, 1.5, 3.5])
def test_interval_holds_for_normal_groups(
    n_a: int, n_b: int, spread: float, shift: float, rng: np.random.Generator
) -> None:
    truth = 2 * stats.norm.cdf(shift / math.hypot(1, spread)) - 1
    x, y = rng.normal(shift, 1, (400, n_a)), rng.normal(0, spread, (400, n_b))
    told = [dominance(a, b) for a, b in zip(x, y, strict=True)]
    covered = np.mean([t.delta_low <= truth <= t.delta_high for t in told])
    assert covered > 0.94 - 3 * math.sqrt(0.94 * 0.06 / 400)


@pytest.mark.parametrize("shift", [0.0, 2.0, 3.0])
def test_interval_holds_for_skewed_groups(shift: float, rng: np.random.Generator) -> None:
    truth = math.tanh(shift / 2)
    x, y = rng.exponential(math.exp(shift), (400, 10)), rng.exponential(1.0, (400, 10))
    told = [dominance(a, b) for a, b in zip(x, y, strict=True)]
    covered = np.mean([t.delta_low <= truth <= t.delta_high for t in told])
    assert covered > 0.94 - 3 * math.sqrt(0.94 * 0.06 / 400)


def test_complete_separation_excludes_no_more_than_one_inverted_couple() -> None:
    """An interval at δ = 1 that were narrower than that at δ = 0.98 would be certain of too much."""
    whole = dominance(np.arange(10) + 10.0, np.arange(10))
    nearly = dominance(np.arange(10) + 10.0, [*range(9), 10.5])
    assert (whole.delta, nearly.delta, whole.delta_high) == (1.0, 0.98, 1.0)
    assert 0.4 < nearly.delta_low < 0.9 and 0.4 < whole.delta_low < 0.5


@pytest.mark.parametrize("unit", [1.0, 1000.0, 1e-5])
def test_swapping_mirrors_in_any_unit(unit: float, rng: np.random.Generator) -> None:
    x, y = rng.normal(size=10), rng.normal(1.0, 1.0, size=7)
    one, other = dominance(unit * x, unit * y), dominance(y, x)
    assert (one.delta, one.delta_low, one.delta_high) == pytest.approx(
        (-other.delta, -other.delta_high, -other.delta_low), rel=1e-12
    )
    assert (one.a12_low, one.a12_high) == pytest.approx((1 - other.a12_high, 1 - other.a12_low), rel=1e-12)


def test_what_cannot_be_told_says_why() -> None:
    equal = dominance([2.0] * 10, [2.0] * 10)
    assert equal.delta == 0.0 and equal.delta_low < -0.3 and equal.reason == "all values are equal"
    for told in (dominance([], [1.0]), dominance([1.0], [1.0, 2.0]), dominance([1.0, math.inf], [1.0, 2.0])):
        assert math.isnan(told.delta) and math.isnan(told.a12_low) and told.reason
