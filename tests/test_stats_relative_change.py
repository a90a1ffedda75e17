"""Relative change: closed forms, and what is zero, infinite or no number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.relative_change import change_of


def test_mean_interval_and_sizes_are_those_of_the_numbers(rng: np.random.Generator) -> None:
    size, change = rng.uniform(1, 2, 30), rng.uniform(0, 1, 30)
    told = change_of(change, size, 3 * size, tolerance=0.25)
    relative = change / size
    low, high = stats.t.interval(0.95, 29, relative.mean(), stats.sem(relative))
    assert (told.relative, told.relative_low, told.relative_high) == pytest.approx(
        (relative.mean(), low, high)
    )
    assert (told.median, told.worst) == (np.median(relative), relative.max())
    assert told.rms == pytest.approx(math.sqrt((change**2).sum() / 30))
    assert told.size_ratio == pytest.approx(3)
    assert told.beyond == (relative > 0.25).mean()


def test_nothing_changed_in_nothing_is_no_change_and_something_in_nothing_is_beyond() -> None:
    told = change_of([0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 1.0], tolerance=1e9)
    assert (told.relative, told.worst, told.beyond) == (0.0, 0.0, 1 / 3)
    assert told.reason == "1 of 3 changes are not finite"


def test_a_number_lost_is_beyond_any_tolerance_and_one_that_never_was_is_not() -> None:
    told = change_of([math.nan, math.nan], [1.0, math.nan], [math.nan, math.nan], tolerance=1.0)
    assert told.beyond == 0.5
    assert math.isnan(told.relative)
    assert math.isnan(change_of([], [], [], tolerance=1.0).rms)
