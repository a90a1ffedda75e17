"""Spikes are found where they were planted, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ired_diag.curves.order_statistics import usual_size
from ired_diag.curves.spikes import find_spikes, running_median
from ired_diag.curves.valley import median_of_three

FALL = np.exp(np.concatenate([np.linspace(4, 0, 30), np.zeros(70)]))


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
def test_planted_spikes_are_found_and_their_recovery(noise: float) -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        values = FALL * np.exp(noise * rng.normal(size=100))
        values[[40, 60, 61, 80]] *= 3
        spikes = find_spikes(range(100), values)
        assert [spike.step for spike in spikes if spike.step in (40, 80)] == [40.0, 80.0]
        assert any(spike.step in (60, 61) and 62 <= (spike.recovered_step or 99) <= 66 for spike in spikes)
        assert len(spikes) <= 4
        assert spikes[0].rise == pytest.approx(np.log(3), abs=5 * noise + 1e-9)


def test_a_spike_at_the_end_has_not_recovered_and_a_lasting_rise_is_none() -> None:
    values = np.concatenate([FALL, np.full(30, 5.0)])
    assert find_spikes(range(130), values) == ()
    assert find_spikes(range(12), [1.0] * 10 + [9.0, 1.0])[0].recovered_step == 11
    assert find_spikes(range(12), [1.0] * 10 + [9.0, 4.0])[0].recovered_step is None


def test_a_single_value_that_is_not_finite_is_a_spike() -> None:
    values = FALL.copy()
    values[50] = np.nan
    (spike,) = find_spikes(range(100), values)
    assert (spike.step, spike.rise, spike.recovered_step) == (50.0, np.inf, 51.0)


def test_white_noise_has_hardly_any_spikes() -> None:
    rng = np.random.default_rng(2)
    found = sum(len(find_spikes(range(100), np.exp(0.1 * rng.normal(size=100)))) for _ in range(200))
    assert found <= 20  # of 20,000 evaluations


def test_the_unit_and_the_direction_do_not_matter() -> None:
    values = FALL.copy()
    values[50] *= 4
    plain = find_spikes(range(100), values)
    scaled, turned = (
        find_spikes(range(100), 1000 * values),
        find_spikes(range(100), -values, lower_is_better=False),
    )
    assert [s.step for s in plain] == [s.step for s in scaled] == [s.step for s in turned] == [50.0]
    assert scaled[0].value == pytest.approx(1000 * plain[0].value)
    assert scaled[0].rise == pytest.approx(plain[0].rise)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), max_size=30))
def test_the_running_median_is_that_of_the_window_that_fits(values: list[float]) -> None:
    y = np.array(values, dtype=np.float64)
    half = [min(2, i, len(y) - 1 - i) for i in range(len(y))]
    naive = [np.median(y[i - h : i + h + 1]) for i, h in enumerate(half)]
    np.testing.assert_array_equal(running_median(y), np.array(naive, dtype=np.float64))


def test_the_usual_size_of_normal_values_is_their_sd_and_one_far_value_does_not_move_it() -> None:
    noise: NDArray[np.float64] = np.random.default_rng(3).normal(size=100_000)
    assert usual_size(noise) == pytest.approx(1, rel=0.02)
    assert usual_size(np.concatenate([noise, [1e9]])) == pytest.approx(1, rel=0.02)
    assert usual_size(np.array([])) == 0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(width=64), max_size=30), st.booleans())
def test_any_numbers_are_read(values: list[float], lower: bool) -> None:
    for spike in find_spikes(range(len(values)), values, lower_is_better=lower):
        assert spike.rise > 0
        assert spike.recovered_step is None or spike.recovered_step > spike.step


@given(st.lists(st.floats(-5, 5) | st.just(np.inf), min_size=5, max_size=40))
def test_running_medians_are_numpys(told: list[float]) -> None:
    y = np.array(told)
    fives = np.median(np.lib.stride_tricks.sliding_window_view(y, 5), axis=1)
    threes = np.median(np.lib.stride_tricks.sliding_window_view(y, 3), axis=1)
    assert np.array_equal(running_median(y)[2:-2], fives)
    assert np.array_equal(median_of_three(y)[1:-1], threes)
