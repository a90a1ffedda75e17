"""Bayesian t: closed forms (scaled t, Cauchy), quadrature, draws, and mirror images."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

from ired_diag.stats.bayes_t import Posterior, paired_posterior, two_sample_posterior
from ired_diag.stats.equivalence import two_one_sided
from ired_diag.stats.standard_error import paired_difference

POSTERIORS: tuple[Callable[..., Posterior], ...] = (paired_posterior, two_sample_posterior)

# Student's sleep data (R: datasets::sleep), extra hours under two drugs, ten patients.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def with_error(standard_error: float, n: int) -> NDArray[np.float64]:
    """Return n values of mean 0 whose mean has this standard error."""
    x = np.arange(n) - (n - 1) / 2
    spread = float(x.std(ddof=1))
    return np.asarray(standard_error * math.sqrt(n) / spread * x, dtype=np.float64)


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e3])
def test_pairs_follow_a_scaled_t(scale: float) -> None:
    a, b = scale * np.array(SLEEP_1), scale * np.array(SLEEP_2)
    got = paired_posterior(a, b, rope=scale)
    t = stats.t(9, loc=(a - b).mean(), scale=(a - b).std(ddof=1) / math.sqrt(10))
    assert (got.below, got.above) == pytest.approx((t.cdf(-scale), t.sf(scale)), rel=1e-10)
    assert got.inside == pytest.approx(t.cdf(scale) - t.cdf(-scale), rel=1e-10)
    assert (got.low, got.high) == pytest.approx(t.interval(0.95), rel=1e-10)


def test_outside_probabilities_of_pairs_are_the_one_sided_p_values() -> None:
    got = paired_posterior(SLEEP_1, SLEEP_2, rope=1.5)
    tested = two_one_sided(paired_difference(SLEEP_1, SLEEP_2), 1.5)
    assert (got.below, got.above) == pytest.approx((tested.p_lower, tested.p_upper), rel=1e-10)


@pytest.mark.parametrize("ratio", [1.0, 3.0, 1e3])
def test_two_values_each_give_a_cauchy_whose_scales_add(ratio: float) -> None:
    got = two_sample_posterior(with_error(1.0, 2) + 2.0, with_error(ratio, 2), rope=0.5)
    cauchy = stats.cauchy(loc=2.0, scale=1.0 + ratio)
    assert (got.below, got.above) == pytest.approx((cauchy.cdf(-0.5), cauchy.sf(0.5)), rel=1e-8)
    assert (got.low, got.high) == pytest.approx(cauchy.interval(0.95), rel=1e-6)


def test_two_samples_agree_with_the_integral_over_the_narrower_mean(rng: np.random.Generator) -> None:
    a, b = rng.normal(0.4, 1.0, 5), rng.normal(0.0, 3.0, 12)
    x, y = (stats.t(len(v) - 1, v.mean(), v.std(ddof=1) / math.sqrt(len(v))) for v in (a, b))
    below, error = integrate.quad(lambda u: x.pdf(u) * y.sf(u + 1.0), -math.inf, math.inf, epsabs=1e-12)
    got = two_sample_posterior(a, b, rope=1.0)
    assert got.below == pytest.approx(below, abs=1e-9 + error)


def test_two_samples_agree_with_draws(rng: np.random.Generator) -> None:
    a, b = rng.normal(0.4, 1.0, 5), rng.normal(0.0, 3.0, 12)
    got = two_sample_posterior(a, b, rope=1.0)
    draws = [
        x.mean() + x.std(ddof=1) / math.sqrt(len(x)) * rng.standard_t(len(x) - 1, 400_000) for x in (a, b)
    ]
    d = draws[0] - draws[1]
    drawn = (np.mean(d < -1.0), np.mean(np.abs(d) <= 1.0), np.mean(d > 1.0))
    assert (got.below, got.inside, got.above) == pytest.approx(drawn, abs=4 * 0.5 / math.sqrt(400_000))


def test_one_constant_sample_leaves_the_t_of_the_other() -> None:
    got = two_sample_posterior(SLEEP_1, [1.0, 1.0, 1.0], rope=0.5)
    se = np.std(SLEEP_1, ddof=1) / math.sqrt(10)
    assert got.above == pytest.approx(stats.t.sf(0.5, 9, loc=np.mean(SLEEP_1) - 1.0, scale=se), rel=1e-10)


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_swapping_mirrors(posterior: Callable[..., Posterior]) -> None:
    got, mirrored = posterior(SLEEP_1, SLEEP_2, rope=1.0), posterior(SLEEP_2, SLEEP_1, rope=1.0)
    assert (mirrored.below, mirrored.inside, mirrored.above) == (got.above, got.inside, got.below)
    assert (mirrored.low, mirrored.high, mirrored.difference) == (-got.high, -got.low, -got.difference)


def test_behrens_fisher_interval_covers_at_least_what_it_says(rng: np.random.Generator) -> None:
    draws = 500
    samples = zip(rng.normal(0, 1, (draws, 5)), rng.normal(0, 4, (draws, 8)), strict=True)
    covered = [(p.low <= 0 <= p.high) for p in (two_sample_posterior(a, b, rope=1.0) for a, b in samples)]
    assert np.mean(covered) > 0.95 - 4 * math.sqrt(0.95 * 0.05 / draws)


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (paired_posterior([], [], rope=1.0), "at least 2"),
        (paired_posterior([1.0, 2.0], [0.0, 1.0], rope=1.0), "same amount"),
        (paired_posterior([1.0, math.nan], [0.0, 1.0], rope=1.0), "not finite"),
        (paired_posterior([1.0, 2.0], [0.0], rope=1.0), "found 2 and 1"),
        (paired_posterior([1.0, 2.0], [0.0, 0.0], rope=0.0), "ROPE must be positive"),
        (two_sample_posterior([1.0], [0.0, 1.0], rope=1.0), "at least 2"),
        (two_sample_posterior([1.0, 1.0], [2.0, 2.0], rope=1.0), "constant"),
    ],
)
def test_what_has_no_posterior_is_nan_with_a_reason(result: Posterior, word: str) -> None:
    assert math.isnan(result.below)
    assert math.isnan(result.inside)
    assert word in result.reason
