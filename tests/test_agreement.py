"""Agreement of two curves: against a loop, closed forms, and curves that prove nothing."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from ired_diag.curves.agreement import agreement_of

STEPS = np.arange(0, 1000, 10)


def test_bits_are_the_digits_that_each_change_spans() -> None:
    values = np.round(np.random.default_rng(0).normal(1.0, 0.01, 100), 4)
    found = agreement_of(STEPS, values, STEPS, values.copy())
    bits = 0.0
    for before, value in itertools.pairwise(values):
        bits += math.log2(1 + abs(value - before) / 1e-4)
    assert found is not None
    assert (found.steps, found.last) == (100, 990)
    assert found.bits == pytest.approx(bits)
    assert found.units == pytest.approx((values.max() - values.min()) / 1e-4)


def test_a_step_is_worth_no_more_than_a_float32() -> None:
    values = np.random.default_rng(0).standard_normal(3)
    found = agreement_of(STEPS[:3], values, STEPS[:3], values)
    assert found is not None
    assert found.bits == 40.0
    assert found.proves


def test_only_common_steps_count_and_one_that_differs_is_enough() -> None:
    values = np.random.default_rng(1).standard_normal(100)
    half = agreement_of(STEPS, values, STEPS[::2], values[::2])
    assert half is not None
    assert half.steps == 50
    assert agreement_of(STEPS, values, STEPS + 5, values) is None
    other = values.copy()
    other[70] = np.nextafter(other[70], 9)
    assert agreement_of(STEPS, values, STEPS, other) is None


@pytest.mark.parametrize(
    ("values", "proves"),
    [
        (np.full(100, 0.25), False),  # a constant
        (np.full(100, np.nan), False),
        (np.round(1.03 + 1e-4 * (np.arange(100) % 9), 4), False),  # the last digit alone moves
        (np.round(np.geomspace(1, 0.1, 100), 4), True),
        (np.round(np.linspace(10, 91.3, 100), 1), True),  # an accuracy in percent
        (np.array([0.5, 0.25]), False),  # two steps
    ],
)
def test_equal_digits_prove_something_only_where_they_tell_something(values: object, proves: bool) -> None:
    told = np.asarray(values, dtype=float)
    found = agreement_of(STEPS[: len(told)], told, STEPS[: len(told)], told)
    assert found is not None
    assert found.proves is proves


def test_nan_at_the_same_steps_is_no_difference() -> None:
    values = np.where(STEPS > 500, np.nan, np.geomspace(1, 0.1, 100))
    found = agreement_of(STEPS, values, STEPS, values.copy())
    assert found is not None
    assert found.proves
