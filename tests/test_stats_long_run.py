"""The precision of a mean of correlated evaluations: sums over the covariance matrix, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg, signal, stats

from ired_diag.stats.long_run import CAP, GRID, effective_count, expected_sums, standard_error_of_mean
from ired_diag.stats.noise_split import detrended


def autoregressive(rng: np.random.Generator, phi: float, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return series of sd 1 along the last axis, stationary from their first value on."""
    noise = rng.normal(size=shape) * math.sqrt(1 - phi**2)
    noise[..., 0] /= math.sqrt(1 - phi**2)
    return np.asarray(signal.lfilter([1], [1, -phi], noise, axis=-1))


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("k", [1, 2, 7, 60])
def test_effective_count_is_that_of_the_whole_covariance_matrix(k: int, phi: float) -> None:
    covariance = linalg.toeplitz(phi ** np.arange(k))
    assert effective_count(k, phi) == pytest.approx(1 / covariance.mean(), rel=1e-12)


@pytest.mark.parametrize("coefficients", [1, 2])
@pytest.mark.parametrize("k", [4, 11, 40])
def test_expected_sums_are_the_traces(k: int, coefficients: int) -> None:
    q = np.linalg.qr(np.vander(np.arange(k, dtype=float), coefficients))[0]
    m = np.eye(k) - q @ q.T
    neighbours = (np.eye(k, k=1) + np.eye(k, k=-1)) / 2
    products, squares = expected_sums(k, coefficients)
    for i in (0, 60, 196):
        covariance = linalg.toeplitz(GRID[i] ** np.arange(k))
        assert products[i] == pytest.approx(np.trace(m @ neighbours @ m @ covariance), abs=1e-9)
        assert squares[i] == pytest.approx(np.trace(m @ covariance), abs=1e-9)


@pytest.mark.parametrize("coefficients", [1, 2])
@pytest.mark.parametrize("phi", [0.3, 0.7])
def test_correlation_and_error_are_right_on_short_series(phi: float, coefficients: int) -> None:
    rng, k = np.random.default_rng(3), 30
    curves = autoregressive(rng, phi, (400, 10, k))
    if coefficients == 1:
        residuals = curves - curves.mean(axis=-1, keepdims=True)
    else:
        residuals = detrended(curves)
    runs = [standard_error_of_mean(list(group), k, coefficients=coefficients) for group in residuals]
    assert np.mean([run.correlation for run in runs]) == pytest.approx(phi, abs=0.02)
    assert np.median([run.standard_error for run in runs]) == pytest.approx(
        float(curves.mean(axis=-1).std()), rel=0.06
    )
    logs = np.log([run.standard_error**2 for run in runs])
    assert 2 / np.var(logs) == pytest.approx(np.median([run.df for run in runs]), rel=0.4)


def test_known_independence_is_the_textbook_standard_error(rng: np.random.Generator) -> None:
    v = rng.normal(size=50)
    run = standard_error_of_mean([v - v.mean()], 50, correlation=0.0)
    assert run.standard_error == pytest.approx(stats.sem(v), rel=1e-12)
    assert (run.df, run.effective, run.correlation) == (49.0, 50.0, 0.0)


def test_alternating_noise_is_never_worth_more_than_independent_noise() -> None:
    run = standard_error_of_mean([np.tile([1.0, -1.0], 20)], 40)
    assert (run.correlation, run.effective) == (0.0, 40.0)


def test_a_drift_is_at_the_cap() -> None:
    assert standard_error_of_mean([np.linspace(-1, 1, 40)], 40).correlation == CAP


def test_hundred_thousand_evaluations_are_no_trouble(rng: np.random.Generator) -> None:
    v = autoregressive(rng, 0.8, (100_000,))
    run = standard_error_of_mean([v - v.mean()], 100_000)
    assert run.effective == pytest.approx(100_000 / 9, rel=0.06)


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        ([], "0 residuals less what was taken off: at least 8 are needed"),
        ([[1.0, -1.0]], "1 residuals less what was taken off: at least 8 are needed"),
        ([[0.0] * 20, [1.0, -1.0]], "a series has fewer than 3 evaluations"),
        ([[math.nan] * 20], "an evaluation is not finite"),
        ([[0.0] * 20], "no noise: all residuals are 0"),
    ],
)
def test_what_has_no_error_says_why(series: list[list[float]], reason: str) -> None:
    run = standard_error_of_mean([np.array(each) for each in series], 10)
    assert run.reason == reason
    assert math.isnan(run.standard_error)
