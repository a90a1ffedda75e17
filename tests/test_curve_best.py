"""The best evaluation and its luck; the slope at the end; the time to a threshold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from ired_diag.curves.best import best_evaluation
from ired_diag.curves.nats import curve_of
from ired_diag.curves.pace import Pace, pace_of
from ired_diag.curves.valley import find_valley
from ired_diag.readers import slurm


def pace_at_end(steps: ArrayLike, values: ArrayLike) -> Pace:
    curve = curve_of(steps, values)
    return pace_of(curve, find_valley(curve.y, grain=curve.grain))


def test_the_best_of_a_noisy_plateau_is_called_lucky_and_lies_where_order_statistics_say() -> None:
    rng = np.random.default_rng(1)
    lucky, excess = 0, []
    for _ in range(200):
        truth = 1 + 30 * np.exp(-np.arange(100) / 4)
        best = best_evaluation(range(100), truth * (1 + 0.01 * rng.normal(size=100)))
        assert best is not None
        lucky += best.is_lucky
        excess.append(best.value - best.expected)
    assert lucky >= 190  # called no luck at p = 1%, with an estimated sd
    assert abs(np.mean(excess)) < 0.002


def test_a_best_far_below_its_neighbours_is_no_luck() -> None:
    rng = np.random.default_rng(2)
    values = 1 + 0.01 * rng.normal(size=60)
    values[30] = 0.9
    best = best_evaluation(range(60), values)
    assert best is not None
    assert (best.index, best.is_lucky) == (30, False)
    assert best.chance < 0.01


def test_the_best_before_a_divergence_is_itself() -> None:
    best = best_evaluation([1, 2, 3, 4, 5], [4.0, 1.0, 2.0, 4.0, 8.0])
    assert best is not None
    assert (best.step, best.value, best.level, best.is_lucky) == (2.0, 1.0, 1.0, False)


def test_the_study_s_best_evaluations_are_the_luckiest_of_many_but_not_where_it_diverged(
    shared: Path,
) -> None:
    plateau = sorted((shared / "ired_logs").glob("ired_q101*_56602458_*.out"))
    assert len(plateau) == 10
    for path in plateau:
        series = slurm.read(path).history.series["validation/mse"]
        best = best_evaluation(series.steps, series.values)
        assert best is not None
        assert best.is_lucky
        assert best.value < best.level
    series = slurm.read(shared / "ired_logs/ired_q201_baseline_61186975_0.out").history.series[
        "validation/mse"
    ]
    best = best_evaluation(series.steps, series.values)
    assert best is not None
    assert (best.step, best.is_lucky) == (7000.0, False)


def test_a_curve_without_a_finite_value_has_no_best() -> None:
    assert best_evaluation([], []) is None
    assert best_evaluation([1, 2], [np.nan, np.inf]) is None


def test_the_best_of_a_score_is_its_highest_value() -> None:
    best = best_evaluation([1, 2, 3], [0.2, 0.9, 0.4], lower_is_better=False)
    assert best is not None
    assert (best.step, best.value) == (2.0, 0.9)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=40), st.sampled_from([1e-6, 1000.0]))
def test_the_best_is_the_least_value_in_any_unit(values: list[float], factor: float) -> None:
    best = best_evaluation(range(len(values)), values)
    scaled = best_evaluation(range(len(values)), factor * np.array(values))
    assert best is not None
    assert scaled is not None
    assert best.value == min(values)
    assert scaled.value == pytest.approx(factor * best.value)


def test_the_pace_of_a_steady_fall_is_its_slope_times_the_span() -> None:
    steps = np.array([0, 10, 25, 30, 60, 70, 85, 100], dtype=np.float64)
    pace = pace_at_end(steps, np.exp(-0.02 * steps))
    assert pace.gain == pytest.approx(2.0)
    assert pace.clear
    assert pace_at_end(steps, np.exp(0.02 * steps)).gain == pytest.approx(-2.0)


def test_the_error_of_the_pace_is_its_scatter_over_repetitions() -> None:
    rng = np.random.default_rng(3)
    k = np.arange(120)
    paces = [pace_at_end(k, np.exp(2 * np.exp(-k / 5) + 0.05 * rng.normal(size=120))) for _ in range(300)]
    assert np.median([p.error for p in paces]) == pytest.approx(np.std([p.gain for p in paces]), rel=0.25)
    assert sum(p.clear for p in paces) <= 3
