"""The noise of a curve that its fit hides: what wanders, what no level is left for, and what they decide."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import toeplitz
from scipy.signal import lfilter

from ired_diag.curves.nats import curve_of
from ired_diag.curves.pace import Pace, pace_of
from ired_diag.curves.roughness import roughness
from ired_diag.curves.shape import shape_of
from ired_diag.curves.valley import find_valley
from ired_diag.curves.wander import Wander, wander_of

Array = NDArray[np.float64]


def pace_at_end(steps: ArrayLike, values: ArrayLike) -> Pace:
    curve = curve_of(steps, values)
    return pace_of(curve, find_valley(curve.y, grain=curve.grain))


def autoregressive(rng: np.random.Generator, count: int, *, sd: float, phi: float) -> Array:
    """Return noise in its stationary state."""
    shocks = rng.standard_normal(count) * np.sqrt(1 - phi**2)
    shocks[0] /= np.sqrt(1 - phi**2)
    return np.asarray(sd * lfilter([1.0], [1.0, -phi], shocks))


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("count", [1, 2, 7, 50])
def test_the_error_of_a_mean_is_that_of_the_whole_covariance_matrix(phi: float, count: int) -> None:
    covariance = 0.04 * toeplitz(phi ** np.arange(count))
    assert Wander(0.2, phi).error_of_mean(count) == pytest.approx(np.sqrt(covariance.mean()), rel=1e-12)


@pytest.mark.parametrize("phi", [0.0, 0.4, 0.8])
def test_on_known_levels_standard_deviation_and_correlation_are_those_put_in(phi: float) -> None:
    rng = np.random.default_rng([1, int(10 * phi)])
    levels = np.repeat(np.arange(20.0)[::-1], 500)
    found = wander_of(levels + autoregressive(rng, 10_000, sd=0.1, phi=phi), levels)
    assert found.sd == pytest.approx(0.1, rel=0.1)
    assert found.correlation == pytest.approx(phi, abs=0.04)


def test_too_few_neighbours_on_a_level_tell_nothing() -> None:
    assert wander_of(np.arange(30.0), np.arange(30.0)) == Wander(0.0, 0.0)
    assert wander_of(np.arange(6.0), np.zeros(6)) == Wander(0.0, 0.0)


def test_roughness_forgets_parabolas_and_is_the_noise_on_top_of_them() -> None:
    rng = np.random.default_rng(2)
    parabola = 0.01 * (np.arange(4000.0) - 2000) ** 2
    assert roughness(parabola, 2000) == pytest.approx(0, abs=1e-9)
    assert roughness(parabola + 0.3 * rng.normal(size=4000), 2000) == pytest.approx(0.3, rel=0.05)


def test_the_bottom_of_a_steep_valley_is_no_roughness() -> None:
    assert roughness(np.abs(np.arange(-3.0, 4.0)), 3) == 0
    assert roughness(np.array([2.0, 1.0, 2.0]), 1) == 0


def test_two_higher_evaluations_after_a_rough_descent_are_no_regression_and_after_a_smooth_one_are() -> None:
    k = np.arange(12)
    after = [0.1, 0.12]
    smooth = 3.0 - 0.25 * k
    rough = smooth + 0.06 * np.array([1, -1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1])
    for fall, word in ((smooth, "regressed"), (rough, "improving")):
        y = np.concatenate([fall, fall[-1] + after])
        assert (np.diff(fall) < 0).all()
        assert shape_of(range(14), np.exp(y)).word == word


def test_a_rise_of_half_again_is_a_divergence_once_its_size_is_sure() -> None:
    rng = np.random.default_rng(5)
    diverged = {}
    for after in (6, 60):
        truth = np.concatenate([np.linspace(2, 0, 20), np.zeros(40), np.full(after, 0.46)])
        curves = np.exp(truth + 0.06 * rng.normal(size=(100, len(truth))))
        words = [shape_of(range(len(truth)), values).word for values in curves]
        assert set(words) <= {"diverged", "regressed"}
        diverged[after] = words.count("diverged")
    assert diverged[6] <= 40
    assert diverged[60] >= 80


def test_strongly_correlated_healthy_noise_of_20_percent_seldom_diverges() -> None:
    rng = np.random.default_rng(3)
    words = []
    for _ in range(500):
        count = int(rng.integers(40, 150))
        phi, sd = rng.uniform(0, 0.9), np.exp(rng.uniform(np.log(0.003), np.log(0.2)))
        fall = np.log1p(np.exp(rng.uniform(1, 5) - np.arange(count) / (rng.uniform(0.02, 0.045) * count)))
        noise = autoregressive(rng, count, sd=float(sd), phi=float(phi))
        words.append(shape_of(range(count), np.exp(fall + noise)).word)
    assert words.count("diverged") <= 2


def test_a_slow_gain_within_noise_is_seen_by_a_longer_line_and_a_rest_is_not_taken_for_one() -> None:
    rng = np.random.default_rng(4)
    n, seen, at_rest = 60, 0, 0
    k = np.arange(n, dtype=np.float64)
    for _ in range(200):
        noise = 0.1 * rng.normal(size=n)
        seen += pace_at_end(k, np.exp(-0.9 * k / n + noise)).clear
        at_rest += pace_at_end(k, np.exp(np.log1p(np.exp(3 - k / 3)) + noise)).clear
    assert seen >= 195
    assert at_rest <= 2
