"""Partially paired groups: the paired t test, a likelihood written out in full, statsmodels, its level."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats

from ired_diag.stats.partially_paired import fit_reml, partially_paired, sums_of

Array = NDArray[np.float64]


def correlated(rng: np.random.Generator, rho: float, shape: tuple[int, ...]) -> Array:
    """Return pairs of shape (*shape[:-1], 2, shape[-1])."""
    x, z = rng.normal(size=shape), rng.normal(size=shape)
    return np.stack([x, rho * x + math.sqrt(1 - rho**2) * z], axis=-2)


def full_reml(pairs: Array, a: Array, b: Array) -> tuple[float, float, float, float]:
    """Return the difference of means, its standard error, ρ and df, from matrices over all numbers."""
    m, n_a, n_b = pairs.shape[1], len(a), len(b)
    y = np.concatenate([pairs[0], pairs[1], a, b])
    in_a = np.repeat([1.0, 0.0, 1.0, 0.0], [m, m, n_a, n_b])
    x = np.column_stack([in_a, 1 - in_a])
    weights = in_a / in_a.sum() - (1 - in_a) / (1 - in_a).sum()

    def covariance(parameters: Array) -> Array:
        variance, product = parameters
        v: Array = variance * np.eye(len(y))
        for i in range(m):
            v[i, m + i] = v[m + i, i] = product
        return v

    def minus_twice(parameters: Array) -> float:
        v = covariance(parameters)
        if np.linalg.eigvalsh(v).min() <= 0:
            return math.inf
        w = np.linalg.inv(v)
        information = x.T @ w @ x
        r = y - x @ np.linalg.solve(information, x.T @ w @ y)
        return float(np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1] + r @ w @ r)

    def variance_of_difference(parameters: Array) -> float:
        return float(weights @ covariance(parameters) @ weights)

    options = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 10_000, "maxfev": 10_000}
    start = np.array([1.0, 0.1])
    best = optimize.minimize(minus_twice, start, method="Nelder-Mead", options=options).x  # type: ignore[call-overload]
    steps = 1e-4 * np.eye(2)
    hessian = np.array(
        [
            [
                sum(s * t * minus_twice(best + s * h + t * g) for s in (1, -1) for t in (1, -1)) / 4e-8
                for g in steps
            ]
            for h in steps
        ]
    )
    gradient = [(variance_of_difference(best + h) - variance_of_difference(best - h)) / 2e-4 for h in steps]
    c = variance_of_difference(best)
    df = 2 * c**2 / (np.array(gradient) @ np.linalg.inv(hessian / 2) @ np.array(gradient))
    return float(weights @ y), math.sqrt(c), float(best[1] / best[0]), float(df)


@pytest.mark.parametrize("rho", [-0.8, 0.0, 0.9])
@pytest.mark.parametrize("m", [2, 3, 10])
def test_on_complete_pairs_it_is_the_paired_t_test(m: int, rho: float) -> None:
    pairs = correlated(np.random.default_rng(m), rho, (m,)) + np.array([[0.5], [0.0]])
    result, expected = partially_paired(pairs, [], []), stats.ttest_rel(*pairs)
    assert result.test.p == pytest.approx(expected.pvalue, rel=1e-10)
    assert result.difference == pytest.approx(pairs[0].mean() - pairs[1].mean(), rel=1e-9)
    assert result.standard_error == pytest.approx(stats.sem(pairs[0] - pairs[1]), rel=1e-8)
    fit = fit_reml(sums_of(pairs, np.zeros(0), np.zeros(0)))  # without the closed form
    t = float(fit.difference) / math.sqrt(float(fit.variance))
    assert float(fit.df) == pytest.approx(m - 1, rel=1e-8)
    assert 2 * stats.t.sf(abs(t), float(fit.df)) == pytest.approx(expected.pvalue, abs=1e-8)


@pytest.mark.parametrize(("m", "n_a", "n_b"), [(2, 3, 3), (4, 3, 2), (6, 0, 5), (8, 8, 8)])
def test_it_is_the_reml_of_the_whole_covariance_matrix(m: int, n_a: int, n_b: int) -> None:
    rng = np.random.default_rng(m)
    pairs, a, b = correlated(rng, 0.4, (m,)), rng.normal(size=n_a) + 1, rng.normal(size=n_b)
    pairs[1] -= 1
    result = partially_paired(pairs, a, b)
    difference, error, rho, df = full_reml(pairs, a, b)
    assert result.difference == pytest.approx(difference, rel=1e-12)
    assert result.standard_error == pytest.approx(error, rel=1e-5)
    assert result.correlation == pytest.approx(rho, abs=1e-4)
    assert result.test.df == pytest.approx(df, rel=2e-3)


def test_statsmodels_has_the_same_estimates_on_complete_pairs() -> None:
    mixed = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    pairs = correlated(np.random.default_rng(4), 0.6, (12,))
    in_a = np.repeat([1.0, 0.0], 12)
    design, seeds = np.column_stack([np.ones(24), in_a]), np.tile(np.arange(12), 2)
    model = mixed.MixedLM(pairs.ravel(), design, seeds).fit(reml=True)
    result = partially_paired(pairs, [], [])
    assert result.difference == pytest.approx(model.fe_params[1], rel=1e-6)
    share = float(model.cov_re[0, 0]) / (float(model.cov_re[0, 0]) + model.scale)
    assert result.correlation == pytest.approx(share, abs=1e-3)


def test_many_studies_at_once_are_each_study_alone(rng: np.random.Generator) -> None:
    pairs, a, b = correlated(rng, 0.5, (6, 5)), rng.normal(size=(6, 3)), rng.normal(size=(6, 4))
    together = fit_reml(sums_of(pairs, a, b))
    for i in range(6):
        alone = partially_paired(pairs[i], a[i], b[i])
        assert float(together.difference[i]) == pytest.approx(alone.difference, rel=1e-8)
        assert float(together.df[i]) == pytest.approx(alone.test.df, rel=1e-6)


def test_the_interval_holds_the_truth_in_95_of_100() -> None:
    rng, studies = np.random.default_rng(6), 4000
    pairs = correlated(rng, 0.6, (studies, 16))
    fit = fit_reml(sums_of(pairs, rng.normal(size=(studies, 4)), rng.normal(size=(studies, 4))))
    half = stats.t.isf(0.025, fit.df) * np.sqrt(fit.variance)
    assert np.mean(np.abs(fit.difference) <= half) == pytest.approx(0.95, abs=0.014)


def test_swap_shift_and_scale_change_what_they_should(rng: np.random.Generator) -> None:
    pairs, a, b = correlated(rng, 0.5, (5,)), rng.normal(size=3), rng.normal(size=2)
    one, swapped = partially_paired(pairs, a, b), partially_paired(pairs[::-1], b, a)
    moved = partially_paired(7 + 1e-5 * pairs, 7 + 1e-5 * a, 7 + 1e-5 * b)
    assert swapped.difference == pytest.approx(-one.difference, rel=1e-8)
    assert (swapped.test.low, swapped.test.high) == pytest.approx((-one.test.high, -one.test.low), rel=1e-7)
    assert moved.difference == pytest.approx(1e-5 * one.difference, rel=1e-8)
    assert moved.test.p == pytest.approx(one.test.p, rel=1e-6)
    assert one.test.n == 10


def test_perfectly_opposite_pairs_have_an_answer() -> None:
    result = partially_paired([[1.0, 2.0, 4.0], [5.0, 4.0, 2.0]], [2.0, 3.0], [3.5])
    assert result.correlation == pytest.approx(-1, abs=1e-6)
    assert 0 < result.test.p <= 1
    assert math.isfinite(result.test.df)


@pytest.mark.parametrize(
    ("pairs", "only_a", "reason"),
    [
        ([[], []], [1.0, 2.0], "0 shared seeds: at least 2 are needed"),
        ([[1.0], [2.0]], [1.0, 2.0], "1 shared seed: at least 2 are needed"),
        ([[1.0, 2.0, 5.0], [2.0, 3.0, 6.0]], [1.0], "all pairs differ by the same amount"),
        ([[1.0, math.nan], [2.0, 3.0]], [1.0], "1 of 5 values are not finite"),
        ([[1.0, 2.0], [2.0, 4.0]], [math.inf], "1 of 5 values are not finite"),
    ],
)
def test_what_cannot_be_compared_says_why(pairs: list[list[float]], only_a: list[float], reason: str) -> None:
    result = partially_paired(pairs, only_a, [])
    assert result.test.reason == reason
    assert math.isnan(result.test.p)
    assert math.isnan(result.difference)
