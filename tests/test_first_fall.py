"""The y axis after the first fall: it leaves out first values that hide the rest, and nothing else."""

from __future__ import annotations

import numpy as np

from ired_diag.drawing.first_fall import range_after_fall

STEPS = np.arange(0.0, 101.0)
FALL = 3.28 + 7.5 * np.exp(-STEPS / 2)


def test_later_values_all_have_a_place_and_the_first_ones_have_none() -> None:
    ends = range_after_fall([(STEPS, FALL), (STEPS, FALL + 0.01)], "linear")
    assert ends is not None
    later = np.concatenate([FALL[20:], FALL[20:] + 0.01])
    assert ends[0] < later.min() and later.max() < ends[1] < FALL[0]


def test_a_score_that_rises_is_cut_at_the_lower_end() -> None:
    ends = range_after_fall([(STEPS, 0.9 - 0.8 * np.exp(-STEPS / 2))], "linear")
    assert ends is not None and ends[0] > 0.1 and ends[1] > 0.9


def test_a_curve_that_stops_early_stays_on_the_axis() -> None:
    stopped = (STEPS[:5], np.linspace(10.0, 6.0, 5))
    ends = range_after_fall([(STEPS, FALL), stopped], "linear")
    assert ends is None or ends[1] > 6.0


def test_values_that_diverge_or_spike_late_are_seen() -> None:
    spiky = FALL.copy()
    spiky[60] = 11.0
    for late in (spiky, FALL + 8 * (STEPS > 80)):
        assert range_after_fall([(STEPS, late)], "linear") is None


def test_flat_not_finite_and_absent_values_have_no_range() -> None:
    assert range_after_fall([], "linear") is None
    assert range_after_fall([(STEPS, np.full(101, np.nan))], "linear") is None
    assert range_after_fall([(STEPS, np.full(101, 3.0))], "linear") is None
    assert range_after_fall([(STEPS, np.where(STEPS > 0, 3.0, 9.0))], "linear") is None


def test_a_logarithmic_axis_is_cut_by_its_logarithms() -> None:
    decades = 10.0 ** (4 - STEPS / 25)
    assert range_after_fall([(STEPS, decades)], "log") is None, "it falls at one rate all the time"
    first_high = np.where(STEPS < 5, 1e6, 10 ** (1 - STEPS / 100))
    ends = range_after_fall([(STEPS, first_high)], "log")
    assert ends is not None and ends[0] > 0.5 and ends[1] < 20


def test_a_guide_has_a_place() -> None:
    ends = range_after_fall([(STEPS, FALL)], "linear", guides=[3.0])
    assert ends is not None and ends[0] < 3.0
