"""When a curve reaches a target, and where curves with different steps can be compared."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from ired_diag.comparison.curve_grid import curve_grid
from ired_diag.curves.arrival import Arrival, arrival_of
from ired_diag.errors import NotFound

Array = NDArray[np.float64]
STEPS = np.array([100.0, 200.0, 300.0, 400.0])


def arrival(values: list[float], target: float = 1.0, **choices: bool) -> Arrival:
    choices.setdefault("lower_is_better", True)
    return arrival_of("seed0", STEPS, np.array(values), target, **choices)


def test_the_crossing_lies_on_the_line_between_two_evaluations() -> None:
    reached = arrival([3.0, 2.0, 0.5, 0.4])
    assert (reached.state, reached.after, reached.by) == ("reached", 200, 300)
    assert reached.at == pytest.approx(200 + 100 * (2 - 1) / (2 - 0.5))
    assert reached.bounds == (reached.at, reached.at)
    assert reached.bracket == (200, 300)


def test_a_value_at_the_target_has_reached_it() -> None:
    assert arrival([3.0, 2.0, 1.0, 0.4]).at == 300
    assert arrival([0.1, 0.5, 0.9, 0.95], 0.9, lower_is_better=False).at == 300


def test_there_for_good_is_later_than_there_first() -> None:
    noisy = [3.0, 0.9, 1.1, 0.8]
    assert arrival(noisy).by == 200
    assert arrival(noisy, stays=True).by == 400
    assert arrival([3.0, 0.9, 0.8, 1.1], stays=True).state == "not reached"


def test_what_ends_first_is_a_lower_bound() -> None:
    ended = arrival([3.0, 2.5, 2.2, 1.5])
    assert (ended.state, ended.bounds, ended.closest) == ("not reached", (400, math.inf), 1.5)
    failed = arrival([3.0, 2.5, 2.2, math.nan], failed=True)
    assert (failed.state, failed.bounds) == ("failed", (math.inf, math.inf))


def test_what_is_there_at_once_is_an_upper_bound() -> None:
    early = arrival([0.9, 0.8, 0.7, 0.6])
    assert (early.state, early.bounds) == ("at first evaluation", (0.0, 100.0))


def test_nan_is_not_there_and_gives_no_line() -> None:
    reached = arrival([3.0, math.nan, 0.5, 0.4])
    assert (reached.after, reached.at) == (200, 300)
    assert arrival([3.0, 0.5, math.nan, 0.4], stays=True).by == 400


def straight(steps: Array, slope: float) -> tuple[Array, Array]:
    return steps, 5 - slope * steps


def test_shared_steps_are_taken_as_they_are() -> None:
    every, other = np.arange(100.0, 1001, 100), np.arange(200.0, 1201, 200)
    grid = curve_grid([straight(every, 0.001), straight(every, 0.001)], [straight(other, 0.002)] * 2)
    assert not grid.is_interpolated
    np.testing.assert_array_equal(grid.places, [200, 400, 600, 800, 1000])
    assert (grid.last_of_any, grid.limited_by) == (1200, 0)


def test_steps_that_do_not_meet_are_read_off_the_line() -> None:
    a, b = np.arange(100.0, 1001, 70), np.arange(110.0, 1001, 130)
    grid = curve_grid([straight(a, 0.001)] * 2, [straight(b, 0.002)] * 2)
    assert grid.is_interpolated
    np.testing.assert_array_equal(grid.places, b[b <= a[-1]])
    np.testing.assert_allclose(grid.a, np.tile(5 - 0.001 * grid.places, (2, 1)), rtol=1e-12)


def test_a_bend_that_is_larger_than_the_noise_is_left_out() -> None:
    """Curves fall steeply first: there the line between two evaluations lies far above them."""
    generator = np.random.default_rng(0)
    a, b = np.arange(50.0, 3001, 100), np.arange(100.0, 3001, 101)

    def curve(steps: Array) -> tuple[Array, Array]:
        return steps, 3 * np.exp(-steps / 150) + 1e-3 * generator.standard_normal(len(steps))

    grid = curve_grid([curve(a) for _ in range(5)], [curve(b) for _ in range(5)])
    assert grid.is_interpolated
    assert grid.bent > 3
    assert grid.places[0] > 500
    off = grid.a.mean(axis=0) - grid.b.mean(axis=0)
    assert np.abs(off).max() < 5e-3


def test_nothing_is_compared_where_a_seed_is_not_finite() -> None:
    whole, broken = straight(STEPS, 0.001), (STEPS, np.array([4.0, math.nan, 3.0, math.inf]))
    grid = curve_grid([whole, broken], [whole, whole])
    np.testing.assert_array_equal(grid.places, [100, 300])
    assert grid.limited_by == 1
    with pytest.raises(NotFound, match="no finite value"):
        curve_grid([whole], [(STEPS, np.full(4, math.nan))])


def test_curves_without_a_common_range_are_refused() -> None:
    with pytest.raises(NotFound, match="No range is covered by all seeds"):
        curve_grid([straight(STEPS, 0.001)], [straight(STEPS + 1000, 0.001)])


def test_very_long_curves_are_compared_at_evenly_chosen_steps() -> None:
    steps = np.arange(1.0, 30_001)
    grid = curve_grid([straight(steps, 1e-5)] * 2, [straight(steps, 2e-5)] * 2)
    assert grid.thinned_from == 30_000
    assert len(grid.places) == 1000
    assert (grid.places[0], grid.places[-1]) == (1, 30_000)
