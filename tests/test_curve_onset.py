"""The onset of a rise: generated truth at several noises, the interval's coverage, and a naive twin."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from ired_diag.curves.lasting_rise import valley_of
from ired_diag.curves.nats import curve_of
from ired_diag.curves.onset import Onset, at_evaluation, onset_in
from ired_diag.curves.valley import find_valley

NOISES = (0.002, 0.01, 0.03, 0.06, 0.1)
Array = NDArray[np.float64]


def onset_of_rise(steps: ArrayLike, values: ArrayLike) -> Onset | None:
    curve = curve_of(steps, values)
    return onset_in(curve, valley_of(curve))


def diverging(rng: np.random.Generator, kind: str) -> tuple[Array, int]:
    """Return a curve without noise that falls, rests and rises for good, and where that begins."""
    count = int(rng.integers(40, 150))
    k, onset, rate = np.arange(count), int(rng.uniform(0.3, 0.7) * count), rng.uniform(0.08, 0.4)
    fall = 1 + 30 * np.exp(-k / (0.05 * count))
    climb = np.maximum(0, k - onset + 1) * rate
    truth = fall * np.exp(np.minimum(climb, 5)) if kind == "exponential" else fall + climb
    return truth, max(onset, int(np.argmin(truth)) + 1)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("kind", ["exponential", "linear"])
def test_the_onset_is_found_within_three_evaluations(kind: str, noise: float) -> None:
    rng = np.random.default_rng([1, int(1000 * noise), len(kind)])
    errors = []
    for _ in range(200):
        truth, expected = diverging(rng, kind)
        found = onset_of_rise(range(len(truth)), truth * np.exp(noise * rng.normal(size=len(truth))))
        errors.append(abs(found.index - expected) if found else 99)
    assert np.mean(np.array(errors) <= 3) >= 0.99
    assert np.mean(np.array(errors) <= 1) >= 0.9


@pytest.mark.parametrize("noise", [0.01, 0.06])
def test_the_interval_holds_the_true_onset(noise: float) -> None:
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(200):
        truth, expected = diverging(rng, "exponential")
        found = onset_of_rise(range(len(truth)), truth * np.exp(noise * rng.normal(size=len(truth))))
        held += found is not None and found.low <= expected <= found.high
    assert held >= 0.95 * 200


def test_the_interval_is_wide_where_a_slow_rise_begins_within_the_noise() -> None:
    rng = np.random.default_rng(6)
    held, widths = 0, []
    for _ in range(200):
        truth = 0.02 * np.maximum(0, np.arange(100) - 49)
        found = onset_of_rise(range(100), np.exp(truth + 0.05 * rng.normal(size=100)))
        assert found is not None
        held += found.low <= 50 <= found.high
        widths.append(found.high - found.low)
    assert held >= 0.8 * 200
    assert np.median(widths) >= 3


def test_without_noise_the_onset_is_the_evaluation_after_the_best() -> None:
    rng = np.random.default_rng(3)
    for kind in ("exponential", "linear"):
        for _ in range(100):
            truth, _ = diverging(rng, kind)
            found = onset_of_rise(range(len(truth)), truth)
            assert found is not None
            assert found.index == int(np.argmin(truth)) + 1
            assert (found.low, found.high) == (found.index - 1, found.index)


def test_a_curve_that_never_leaves_its_best_level_has_no_onset() -> None:
    assert onset_of_rise(range(20), np.linspace(3, 1, 20)) is None


def test_the_onset_at_an_evaluation_begins_after_the_one_before() -> None:
    curve = curve_of([10, 20], [np.nan, np.inf])
    assert at_evaluation(curve, 0) == Onset(0, step=10.0, low=10.0, high=10.0)
    assert at_evaluation(curve, 1) == Onset(1, step=20.0, low=10.0, high=20.0)


def test_the_fall_and_rise_is_the_closest_one_by_a_slow_search() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        y = np.abs(np.arange(15) - 7.0) / 4 + 0.2 * rng.normal(size=15)
        valley = find_valley(curve_of(range(15), np.exp(y)).y)
        best = valley.best
        fall, rise = pooled(-valley.y[: best + 1]), pooled(valley.y[best:])
        np.testing.assert_allclose(valley.fit, np.concatenate([-fall[:-1], rise]), atol=1e-12)


def pooled(y: Array) -> Array:
    """Return the closest rising sequence by its minimax formula (Barlow et al. 1972): O(n³), no pooling."""
    n = len(y)
    return np.array(
        [max(min(y[a : b + 1].mean() for b in range(i, n)) for a in range(i + 1)) for i in range(n)]
    )


def test_the_noise_is_that_which_was_put_in() -> None:
    rng = np.random.default_rng(5)
    for noise in (0.01, 0.1):
        found = []
        for _ in range(50):
            truth = 1 + 30 * np.exp(-np.arange(200) / 10)
            found.append(
                find_valley(np.log(truth) + noise * rng.normal(size=200)).sigma,
            )
        assert np.median(found) == pytest.approx(noise, rel=0.15)


@pytest.mark.parametrize("lower_is_better", [True, False])
@pytest.mark.parametrize(
    "values", [[0, 5e-324, -5e-324, 0], [5e-324] * 4, [5e-324, 0, 1e-310], [-5e-324] * 3]
)
def test_the_smallest_numbers_there_are_make_no_curve_that_is_not_a_number(
    values: list[float], lower_is_better: bool
) -> None:
    curve = curve_of(range(1, len(values) + 1), values, lower_is_better=lower_is_better)
    assert np.isfinite(curve.y).all()
    assert np.isfinite(curve.grain)
