"""The margin: what a text means, when a share of a mean says nothing, and its size in the metric's unit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ired_diag.comparison.margin import (
    Margin,
    in_metric_unit,
    margin_of,
    note_on_margin,
    parse_margin,
    without_share,
)
from ired_diag.errors import DiagError


@pytest.mark.parametrize(
    ("text", "margin"),
    [
        ("1%", Margin(0.01)),
        ("0.01", Margin(0.01)),
        (" 2.5% ", Margin(0.025)),
        ("0.05abs", Margin(0.05, absolute=True)),
        ("1e-3abs", Margin(0.001, absolute=True)),
    ],
)
def test_a_text_states_a_margin_and_is_printed_again(text: str, margin: Margin) -> None:
    assert parse_margin(text) == margin
    assert parse_margin(margin.text) == margin


@pytest.mark.parametrize("text", ["", "x", "abs", "%", "1%abs", "five"])
def test_a_text_that_states_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="could not convert"):
        parse_margin(text)


@pytest.mark.parametrize("margin", [0.0, -0.01, 1.0, 2.0, math.nan, math.inf])
def test_a_share_lies_between_0_and_1(margin: float) -> None:
    with pytest.raises(DiagError, match=r"share between 0 and 1.*--margin 1% .*--margin [0-9.]+abs"):
        margin_of(margin)


@pytest.mark.parametrize("size", [0.0, -1.0, math.inf, math.nan])
def test_an_absolute_margin_is_positive(size: float) -> None:
    with pytest.raises(DiagError, match=r"absolute margin is positive.*--margin 0\.05abs"):
        margin_of(Margin(size, absolute=True))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_share_is_of_the_mean_of_both_means_whatever_their_sign(sign: float) -> None:
    a, b = sign * np.array([1.0, 1.2]), sign * np.array([3.0, 3.2])
    assert in_metric_unit(Margin(0.01), a, b) == pytest.approx(0.01 * 2.1)
    assert in_metric_unit(Margin(0.01), b, a) == in_metric_unit(Margin(0.01), a, b)
    assert in_metric_unit(Margin(0.3, absolute=True), a, b) == 0.3


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        ([1.0, 1.1], [2.0, 2.1], ""),
        ([-1.0, -1.1], [-2.0, -2.1], ""),
        ([1.0, 1.1], [-2.0, -2.1], "both signs"),
        ([0.1, -0.1, 3.0], [3.0, 3.1, 3.2], "both signs"),
        ([0.001, 0.1, 0.002], [1.0, 1.1, 1.2], "within its scatter of 0"),
        ([0.0, 0.0], [0.5, 0.6], "within its scatter of 0"),
        ([5.0], [6.0], ""),
        ([], [6.0], "no value"),
    ],
)
def test_a_share_says_nothing_near_0_and_across_it(a: list[float], b: list[float], reason: str) -> None:
    x, y = np.array(a, dtype=np.float64), np.array(b, dtype=np.float64)
    assert reason in without_share(x, y)
    assert bool(without_share(x, y)) == bool(reason)
    assert math.isnan(in_metric_unit(Margin(0.01), x, y)) == bool(reason)


def test_it_does_not_depend_on_the_unit() -> None:
    rng = np.random.default_rng(3)
    for level in (0.0, 0.5, 1.0, 3.0):
        a, b = level + rng.standard_normal(6), level + rng.standard_normal(6)
        assert without_share(a, b) == without_share(1e-6 * a, 1e-6 * b) == without_share(-a, -b)


def test_the_note_names_the_pair_the_reason_and_the_option() -> None:
    pairs = [("a", "b", ""), ("a", "c", "values have both signs"), ("b", "c", "values have both signs")]
    (note,) = note_on_margin(Margin(0.01), "reward", pairs)
    assert note.startswith(
        "a and c, and 1 more pairs: 1% of a mean says nothing here (values have both signs)"
    )
    assert note.endswith("a margin in the unit of reward: --margin Xabs.")
    assert note_on_margin(Margin(0.1, absolute=True), "reward", pairs) == []
    assert note_on_margin(Margin(0.01), "reward", pairs[:1]) == []
