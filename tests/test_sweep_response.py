"""Sweep response: a slow twin of the nested draws, the closed-form luck of the best of k, simulated truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from ired_diag.stats.summary import summarise
from ired_diag.stats.sweep_response import sweep_response

LUCK_OF_FIVE = 1.1629644736  # expected maximum of five standard normals


def naive(values: NDArray[np.float64], draws: int, seed: int) -> tuple[float, list[float]]:
    """Choose by the drawn seeds, judge by the others, one draw at a time."""
    settings, n = values.shape
    counts = np.random.default_rng(seed).multinomial(n, [1 / n] * n, size=draws)
    judged, best = [], [0.0] * settings
    for count in counts:
        seeds = [s for s in range(n) for _ in range(count[s])]
        choice = int(np.argmin([np.mean([values[j, s] for s in seeds]) for j in range(settings)]))
        best[choice] += 1 / draws
        others = [s for s in range(n) if s not in seeds]
        if others:
            judged.append(np.mean([values[choice, s] for s in others]))
    return float(np.mean(judged)), best


@pytest.mark.parametrize("n", [2, 3, 8])
def test_agrees_with_the_slow_twin(n: int, rng: np.random.Generator) -> None:
    values = rng.normal(size=(4, n))
    got = sweep_response(range(4), values, seed=3, draws=300)
    honest, best = naive(values, 300, 3)
    assert got.honest == pytest.approx(honest, rel=1e-10)
    assert got.times_best.tolist() == pytest.approx(best, abs=1e-12)
    assert got.best == int(values.mean(axis=1).argmin())
    assert got.optimism == pytest.approx(honest - values.mean(axis=1).min(), rel=1e-10)


def test_luck_of_the_best_of_equal_settings_is_found(rng: np.random.Generator) -> None:
    studies, n = 600, 10
    optimism = [
        sweep_response(range(5), rng.normal(size=(5, n)), seed=i, draws=200).optimism for i in range(studies)
    ]
    error = float(np.std(optimism)) / math.sqrt(studies)
    assert np.mean(optimism) == pytest.approx(LUCK_OF_FIVE / math.sqrt(n), abs=4 * error)


def test_optimism_is_near_the_true_luck_between_and_vanishes_far_ahead(rng: np.random.Generator) -> None:
    for step, ratio in ((0.3, 1.6), (3.0, math.inf)):
        truth, told = [], []
        for i in range(300):
            got = sweep_response(
                range(5), step * np.arange(5)[:, None] + rng.normal(size=(5, 10)), seed=i, draws=200
            )
            truth.append(step * got.best - got.apparent)
            told.append(got.optimism)
        noise = 4 * math.hypot(np.std(truth), np.std(told)) / math.sqrt(300)
        assert np.mean(told) > np.mean(truth) - noise
        assert np.mean(told) < (ratio * np.mean(truth) if ratio < math.inf else 0.0) + noise


def test_curve_is_that_of_the_summary_and_follows_the_knob(rng: np.random.Generator) -> None:
    values = rng.normal(size=(3, 6))
    got = sweep_response([2.0, 0.5, 1.0], values, seed=0)
    assert got.knob.tolist() == [0.5, 1.0, 2.0]
    assert list(got.curve) == [summarise(values[i]) for i in (1, 2, 0)]


def test_same_seed_same_bytes_and_higher_is_better_mirrors(rng: np.random.Generator) -> None:
    values = rng.normal(size=(4, 6))
    got, again = (sweep_response(range(4), values, seed=5) for _ in range(2))
    mirrored = sweep_response(range(4), -values, seed=5, lower_is_better=False)
    assert got.honest == again.honest
    assert got.times_best.tobytes() == again.times_best.tobytes() == mirrored.times_best.tobytes()
    assert (mirrored.apparent, mirrored.honest) == (-got.apparent, -got.honest)
    assert mirrored.optimism == got.optimism


@pytest.mark.parametrize("scale", [1e-5, 1e3])
def test_scale_changes_nothing_but_the_unit(scale: float, rng: np.random.Generator) -> None:
    values = rng.normal(size=(4, 6))
    got, scaled = sweep_response(range(4), values, seed=1), sweep_response(range(4), scale * values, seed=1)
    assert scaled.optimism == pytest.approx(scale * got.optimism, rel=1e-9)
    assert scaled.times_best.tolist() == got.times_best.tolist()


def test_identical_settings_share_the_first_place(rng: np.random.Generator) -> None:
    values = np.tile(rng.normal(0.0097, 1e-5, size=7), (3, 1))
    assert sweep_response(range(3), values, seed=0).times_best.tolist() == pytest.approx([1 / 3] * 3)
    constant = sweep_response(range(3), np.ones((3, 7)), seed=0)
    assert constant.optimism == pytest.approx(0.0, abs=1e-12)
    assert constant.trend.p > 0.9


def test_missing_runs_stay_in_the_curve_and_out_of_the_rest(rng: np.random.Generator) -> None:
    values = rng.normal(size=(4, 6))
    broken = values.copy()
    broken[1, 5] = math.nan
    got, rest = sweep_response(range(4), broken, seed=2), sweep_response(range(4), values[:, :5], seed=2)
    assert (got.n, got.honest, got.trend.p) == (5, rest.honest, rest.trend.p)
    assert got.reason == "1 of 6 seeds lack a setting"
    assert got.curve[0].n == 6


def test_too_little_is_nan_with_a_reason() -> None:
    one = sweep_response([1.0, 2.0], [[3.0], [2.0]], seed=0)
    assert (one.best, one.apparent) == (1, 2.0)
    assert math.isnan(one.optimism)
    assert "one seed" in one.reason
    none = sweep_response([1.0, 2.0], [[math.nan], [2.0]], seed=0)
    assert (none.best, none.n) == (-1, 0)
    assert none.reason == "1 of 1 seeds lack a setting; no complete seed"
    assert sweep_response([], np.ones((0, 3)), seed=0).best == -1
