"""Two-level bootstrap: a slow twin, its variance in closed form, the known parts, coverage, and mirrors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ired_diag.stats.two_level_bootstrap import TwoLevel, two_level_bootstrap
from tests.cpu_time import cpu_ratio

pytestmark = pytest.mark.slow

Array = NDArray[np.float64]


def errors(
    rng: np.random.Generator, seeds: int, samples: int, *, seed_sd: float, sample_sd: float, rest_sd: float
) -> Array:
    by_seed = seed_sd * rng.normal(size=(seeds, 1))
    by_sample = sample_sd * rng.normal(size=(1, samples))
    return np.asarray(by_seed + by_sample + rest_sd * rng.normal(size=(seeds, samples)))


def naive(a: Array, b: Array, paired: bool, draws: int, seed: int) -> list[float]:
    """Draw both levels and add up weighted errors one by one."""
    rng = np.random.default_rng(seed)

    def weights(n: int) -> list[list[float]]:
        lists = [rng.integers(0, n, n, dtype=np.int32).tolist() for _ in range(draws)]
        return [[1 + math.sqrt(n / (n - 1)) * (drawn.count(i) - 1) for i in range(n)] for drawn in lists]

    of_a = weights(len(a))
    of_b = of_a if paired else weights(len(b))
    of_samples = weights(a.shape[1])
    means = []
    for u, w, v in zip(of_a, of_b, of_samples, strict=True):
        x = sum(u[i] * v[j] * a[i, j] for i in range(a.shape[0]) for j in range(a.shape[1])) / a.size
        y = sum(w[i] * v[j] * b[i, j] for i in range(b.shape[0]) for j in range(b.shape[1])) / b.size
        means.append(float(x - y))
    return means


@pytest.mark.parametrize("paired", [True, False])
def test_agrees_with_the_slow_twin(paired: bool, rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(4, 9)) - 3.0, rng.normal(size=(4 if paired else 5, 9))
    got = two_level_bootstrap(a, b, paired=paired, seed=11, draws=50)
    drawn = np.array(naive(a, b, paired, 50, 11))
    d = a.mean() - b.mean()
    stretch = stats.t.ppf(0.975, got.df) / stats.norm.ppf(0.975)
    assert got.difference == pytest.approx(d, rel=1e-12)
    assert got.bootstrap_error == pytest.approx(drawn.std(ddof=1), rel=1e-9)
    assert (got.low, got.high) == pytest.approx(
        d + stretch * np.quantile(drawn - d, [0.025, 0.975]), rel=1e-9
    )


def test_variance_of_the_draws_is_the_closed_form(rng: np.random.Generator) -> None:
    """Of pairs: var(r)/n + var(c)/N + MS/(nN), from the covariance of the weights."""
    a = errors(rng, 6, 40, seed_sd=0.3, sample_sd=1.0, rest_sd=1.0)
    b = errors(rng, 6, 40, seed_sd=0.1, sample_sd=0.5, rest_sd=0.5)
    d = a - b
    rest = d - d.mean(axis=1, keepdims=True) - d.mean(axis=0) + d.mean()
    expected = d.mean(axis=1).var(ddof=1) / 6 + d.mean(axis=0).var(ddof=1) / 40
    expected += (rest**2).sum() / (5 * 39) / d.size
    got = two_level_bootstrap(a, b, paired=True, seed=0, draws=20_000)
    assert got.bootstrap_error == pytest.approx(math.sqrt(expected), rel=4 / math.sqrt(2 * 20_000))


@pytest.mark.parametrize("paired", [True, False])
def test_parts_of_the_variance_are_found_on_average(paired: bool, rng: np.random.Generator) -> None:
    seeds, samples, studies = 8, 30, 400
    told = []
    for i in range(studies):
        a = errors(rng, seeds, samples, seed_sd=1.0, sample_sd=3.0, rest_sd=1.0)
        b = errors(rng, seeds, samples, seed_sd=1.0, sample_sd=2.0, rest_sd=2.0)
        got = two_level_bootstrap(a, b, paired=paired, seed=i, draws=2)
        told.append((got.from_seeds, got.from_samples, got.from_both, got.standard_error**2))
    truth = (2 / seeds, 13 / samples, 5 / (seeds * samples))
    noise = 4 * np.std(told, axis=0) / math.sqrt(studies)
    assert (np.abs(np.mean(told, axis=0) - (*truth, sum(truth))) < noise).all()


@pytest.mark.parametrize(
    ("seed_sd", "sample_sd", "rest_sd"), [(1.0, 0.0, 0.1), (0.0, 1.0, 0.1), (0.3, 1.0, 1.0), (0.0, 0.0, 1.0)]
)
@pytest.mark.parametrize("paired", [True, False])
def test_interval_holds_the_truth_as_often_as_it_says(
    seed_sd: float, sample_sd: float, rest_sd: float, paired: bool, rng: np.random.Generator
) -> None:
    studies, sds = 250, {"seed_sd": seed_sd, "sample_sd": sample_sd, "rest_sd": rest_sd}
    held = 0
    for i in range(studies):
        a, b = (errors(rng, n, 40, **sds) for n in (5, 5 if paired else 7))
        got = two_level_bootstrap(a, b, paired=paired, seed=i, draws=200)
        held += got.low <= 0 <= got.high
    assert held / studies > 0.95 - 4 * math.sqrt(0.95 * 0.05 / studies)


def test_many_samples_leave_the_paired_t_test_of_the_seeds(rng: np.random.Generator) -> None:
    a = errors(rng, 10, 4000, seed_sd=1.0, sample_sd=1.0, rest_sd=0.1)
    b = a - 0.5 - rng.normal(size=(10, 1))
    got = two_level_bootstrap(a, b, paired=True, seed=0, draws=4000)
    interval = stats.ttest_rel(a.mean(axis=1), b.mean(axis=1)).confidence_interval(0.95)
    assert got.standard_error == pytest.approx(np.std((a - b).mean(axis=1), ddof=1) / math.sqrt(10), rel=1e-3)
    assert got.high - got.low == pytest.approx(interval.high - interval.low, rel=0.1)


@pytest.mark.parametrize("paired", [True, False])
def test_swapping_mirrors_and_the_same_seed_gives_the_same_bytes(
    paired: bool, rng: np.random.Generator
) -> None:
    a, b = rng.normal(size=(5, 30)), rng.normal(size=(5, 30))
    got, again = (two_level_bootstrap(a, b, paired=paired, seed=4) for _ in range(2))
    mirrored = two_level_bootstrap(b, a, paired=paired, seed=4)
    assert got == again
    assert (mirrored.difference, mirrored.low, mirrored.high) == (-got.difference, -got.high, -got.low)
    assert (mirrored.bootstrap_error, mirrored.standard_error) == (got.bootstrap_error, got.standard_error)


@pytest.mark.parametrize("scale", [1e-5, 1e3])
def test_scale_changes_nothing_but_the_unit(scale: float, rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(5, 30)), rng.normal(size=(6, 30))
    got = two_level_bootstrap(a, b, paired=False, seed=4)
    scaled = two_level_bootstrap(scale * a, scale * b, paired=False, seed=4)
    assert (scaled.low, scaled.high) == pytest.approx((scale * got.low, scale * got.high), rel=1e-9)
    assert scaled.df == pytest.approx(got.df, rel=1e-9)


def test_ten_seeds_of_twenty_thousand_samples_are_faster_than_drawing_each_sample(
    rng: np.random.Generator,
) -> None:
    a, b = rng.normal(size=(10, 20_000)), rng.normal(size=(10, 20_000))

    def draw_each() -> None:  # a hundredth of the naive way
        for _ in range(20):
            for values in (a, b):
                np.take_along_axis(values, rng.integers(20_000, size=values.shape), axis=1).mean()

    ratio = cpu_ratio(lambda: two_level_bootstrap(a, b, paired=False, seed=0, draws=2000), draw_each)
    assert ratio < 50


FLAT = np.ones((3, 4))


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (two_level_bootstrap(FLAT, FLAT + 1, paired=True, seed=0), "same for every seed"),
        (two_level_bootstrap(FLAT, 0 * FLAT, paired=False, seed=0), "same for every seed"),
        (two_level_bootstrap(FLAT[:1], FLAT, paired=False, seed=0), "1 and 3 seeds"),
        (two_level_bootstrap(FLAT[:2], FLAT, paired=True, seed=0), "found 2 and 3"),
        (two_level_bootstrap(FLAT[:, :3], FLAT, paired=True, seed=0), "share their samples, found 3 and 4"),
        (two_level_bootstrap(FLAT[:, :0], FLAT[:, :0], paired=True, seed=0), "0 samples"),
        (two_level_bootstrap(FLAT * math.nan, FLAT, paired=True, seed=0), "12 of 24 errors are not finite"),
    ],
)
def test_what_has_no_interval_is_nan_with_a_reason(result: TwoLevel, word: str) -> None:
    assert math.isnan(result.low)
    assert math.isnan(result.high)
    assert word in result.reason


def test_a_table_of_the_wrong_shape_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="seeds, samples"):
        two_level_bootstrap(FLAT[0], FLAT, paired=True, seed=0)
