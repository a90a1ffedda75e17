"""A rise for good, asked about after each evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.watch_runs import HEALTHY, healthy
from ired_diag.curves.nats import curve_of
from ired_diag.live.live_rise import FEWEST, rise_of
from ired_diag.live.silence import duration_in_words, patience_of
from ired_diag.runs.completion import YOUNG

DIVERGED = [3.23, 2.585, 2.149, 1.821, 1.244, 0.244, 0.113, 0.177, 0.442, 0.827, 1.168, 1.39]


def first_alarm(values: Sequence[float], *, alpha: float = 0.001, lower_is_better: bool = True) -> int | None:
    """Return the evaluation after which a curve is said to rise."""
    for end in range(FEWEST, len(values) + 1):
        curve = curve_of(range(end), values[:end], lower_is_better=lower_is_better)
        if rise_of(curve, alpha=alpha) is not None:
            return end - 1
    return None


def test_a_divergence_is_seen_three_evaluations_after_it_begins() -> None:
    assert first_alarm(DIVERGED) == DIVERGED.index(0.177) + 3


def test_units_and_directions_drop_out() -> None:
    assert first_alarm([1e-7 * value for value in DIVERGED]) == 10
    scores = [1 / value for value in DIVERGED]
    assert first_alarm([1e3 * value for value in scores], lower_is_better=False) == 10


def test_a_spike_of_three_evaluations_is_no_rise() -> None:
    rng = np.random.default_rng(0)
    level = np.exp(0.02 * rng.standard_normal(60))
    level[30:33] *= 30
    assert first_alarm(level.tolist()) is None


def test_a_jump_that_stays_is_one_after_four_evaluations() -> None:
    rng = np.random.default_rng(0)
    level = np.exp(3 * np.exp(-np.linspace(0, 20, 60)) + 0.02 * rng.standard_normal(60))
    level[30:] *= 30
    assert first_alarm(level.tolist()) == 33


def test_a_rise_of_twice_is_borne_and_one_of_five_times_is_not() -> None:
    fall = np.exp(-np.linspace(0, 3, 20))
    for times, expected in ((2.0, False), (5.0, True)):
        rise = fall[-1] * times ** np.linspace(0.1, 1, 10)
        assert (first_alarm([*fall, *rise]) is not None) == expected


def test_a_loss_that_has_won_nothing_may_rise_first() -> None:
    hump = np.interp(np.linspace(0, 59, 60), [0, 15, 59], [0, np.log(6), -1])
    assert first_alarm(np.exp(hump).tolist()) is None
    assert first_alarm(np.exp(0.3 * np.linspace(0, 39, 40)).tolist()) is not None


def test_what_came_back_before_is_borne_again() -> None:
    """A loss that swings by 2.5 times, then by 3.3 times: 1.5 times the largest rise so far."""
    turns = np.sin(np.linspace(0, 30, 120))
    is_late = np.linspace(0, 1, 120) >= 0.5
    height = (np.log(2.5) + is_late * np.log(3.3 / 2.5)) / 2
    assert first_alarm(np.exp(height * turns).tolist()) is None


def test_noise_alone_keeps_the_rate_of_the_whole_run() -> None:
    """At alpha = 5% at most 5% of runs ever, of Gaussian noise around a level; 300 runs of 60 looks."""
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(300):
        values = np.exp(rng.uniform(0.01, 0.3) * rng.standard_normal(60))
        alarms += first_alarm(values.tolist(), alpha=0.05) is not None
    assert alarms <= 15


@pytest.mark.slow
@pytest.mark.parametrize("kind", HEALTHY)
def test_healthy_runs_of_each_kind_are_left_alone(kind: str) -> None:
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(60):
        alarms += first_alarm(healthy(kind, rng).values.tolist()) is not None
    assert alarms <= 1


def test_values_that_are_not_finite_are_as_bad_as_the_worst() -> None:
    assert first_alarm([*DIVERGED[:9], np.nan, np.inf, 1.39]) in (None, 10, 11)
    assert rise_of(curve_of(range(8), [np.nan] * 8)) is None


def test_patience_is_a_multiple_of_the_longest_pause() -> None:
    assert patience_of([0, 10, 20, 50], every=1) == 150
    assert patience_of([0, 1, 2, 3], every=30) == 150, "a pause is known no better than a look"
    assert patience_of([0, 10], every=1) == YOUNG, "too few pauses are no usual one"
    assert duration_in_words(7260) == "2 h 1 min"
