"""Numbers at the edge of what a computer holds: what statistics cannot use is said, the rest is kept."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ired_diag.runs.history import History, Row
from ired_diag.runs.range_of_numbers import LARGEST_STEP, LARGEST_VALUE, within_range
from ired_diag.stats.t_tests import paired, student, welch

STEPS = st.integers(-(2**63), 2**63 - 1) | st.integers(2**62 - 3, 2**62 + 3) | st.integers(-5, 5)


def history(steps: list[int], values: list[float]) -> History:
    return History.of(Row(step, {"a": value}) for step, value in zip(steps, values, strict=True))


def test_a_history_within_range_is_returned_as_it_is() -> None:
    plain = history([1, 2**53], [LARGEST_VALUE, math.nan])
    kept, findings = within_range(plain)
    assert kept is plain
    assert findings == []


def test_a_value_beyond_the_limit_counts_as_infinite_and_is_said() -> None:
    kept, (finding,) = within_range(history([1, 2, 3, 4], [2 * LARGEST_VALUE, -1e308, math.nan, math.inf]))
    assert np.array_equal(kept.series["a"].values, [math.inf, -math.inf, math.nan, math.inf], equal_nan=True)
    assert finding.severity == "note"
    assert finding.statement == "2 values of a are beyond 1e+75 and count as infinite."


@given(steps=st.lists(STEPS, min_size=1, max_size=8, unique=True))
def test_the_steps_that_stay_increase_as_floats_and_their_differences_fit(steps: list[int]) -> None:
    whole = history(steps, [float(k) for k in range(len(steps))])
    kept, findings = within_range(whole)
    left = kept.series["a"].steps
    assert (np.diff(left.astype(np.float64)) > 0).all()
    assert (np.abs(left) <= LARGEST_STEP).all()
    assert len(steps) - len(left) == sum(int(f.evidence["rows"] or 0) for f in findings)
    value_at = dict(zip(whole.series["a"].steps.tolist(), whole.series["a"].values.tolist(), strict=True))
    assert kept.series["a"].values.tolist() == [value_at[step] for step in left.tolist()]
    ordinary = {step for step in steps if abs(step) <= 2**53}
    assert ordinary <= set(left.tolist()) | {2**53, -(2**53)}


def test_time_stamps_in_nanoseconds_stay_steps() -> None:
    stamps = [1_770_000_000_000_000_000 + 10**9 * k for k in range(100)]
    kept, findings = within_range(history(stamps, [1.0] * 100))
    assert kept.series["a"].steps.tolist() == stamps
    assert not findings


@pytest.mark.parametrize("scale", [1e-200, 1e-300])
def test_spreads_whose_squares_vanish_make_no_test(scale: float) -> None:
    a, b = np.array([1.0, 1.1, 1.3]) * scale, np.array([2.0, 2.3, 2.1]) * scale
    for test in (welch, student, paired):
        told = test(a, b)
        assert math.isnan(told.p)
        assert "constant" in told.reason or "same amount" in told.reason
        assert test(a / scale, b / scale).p < 0.05
