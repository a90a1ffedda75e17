"""Verdict: the rule case by case, its mirror image, the tests it stands for, and the study's strategies."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ired_diag.stats.equivalence import two_one_sided
from ired_diag.stats.standard_error import paired_difference
from ired_diag.stats.t_tests import paired
from ired_diag.stats.verdict import Decision, Verdict, correct, judge

MIRROR = {"better": "worse", "worse": "better", "equivalent": "equivalent", "undecided": "undecided"}


@pytest.mark.parametrize(
    ("interval_95", "interval_90", "decision", "smaller"),
    [
        ((-3.0, -2.0), (-2.9, -2.1), "better", False),
        ((2.0, 3.0), (2.1, 2.9), "worse", False),
        ((-0.9, -0.1), (-0.8, -0.2), "better", True),
        ((0.1, 1.1), (0.2, 0.9), "worse", True),
        ((-0.5, 0.5), (-0.4, 0.4), "equivalent", True),
        ((-0.1, 0.9), (0.1, 0.8), "equivalent", True),
        ((-1.1, 0.5), (-0.9, 0.4), "equivalent", True),
        ((-2.0, 2.0), (-1.9, 1.9), "undecided", False),
        ((-0.5, 2.0), (-0.4, 1.9), "undecided", False),
        ((0.0, 0.5), (0.1, 0.4), "equivalent", True),
        ((-0.9, 1.2), (-0.8, 1.0), "undecided", False),
        ((-math.inf, math.inf), (-math.inf, math.inf), "undecided", False),
        ((0.0, 0.0), (0.0, 0.0), "equivalent", True),
    ],
)
def test_every_case_of_the_rule_and_its_mirror(
    interval_95: tuple[float, float], interval_90: tuple[float, float], decision: str, smaller: bool
) -> None:
    got = judge(interval_95=interval_95, interval_90=interval_90, margin=1.0)
    swapped = judge(
        interval_95=(-interval_95[1], -interval_95[0]),
        interval_90=(-interval_90[1], -interval_90[0]),
        margin=1.0,
    )
    higher = judge(interval_95=interval_95, interval_90=interval_90, margin=1.0, lower_is_better=False)
    assert (got.decision, got.smaller_than_margin) == (decision, smaller)
    assert (swapped.decision, swapped.smaller_than_margin) == (MIRROR[decision], smaller)
    assert (higher.decision, higher.smaller_than_margin) == (MIRROR[decision], smaller)


def of_samples(a: NDArray[np.float64], b: NDArray[np.float64], margin: float) -> Verdict:
    wide, narrow = paired(a, b), paired(a, b, confidence=0.90)
    return judge(interval_95=(wide.low, wide.high), interval_90=(narrow.low, narrow.high), margin=margin)


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e3])
def test_rule_is_what_the_p_values_say(scale: float, rng: np.random.Generator) -> None:
    seen = set()
    for shift in np.linspace(-2, 2, 60):
        a, b = scale * rng.normal(shift, 1.0, 8), scale * rng.normal(0.0, 0.3, 8)
        got = of_samples(a, b, 0.7 * scale)
        differs = paired(a, b).p < 0.05
        same = two_one_sided(paired_difference(a, b), 0.7 * scale).p < 0.05
        assert (got.decision in ("better", "worse")) == differs
        assert (got.decision == "equivalent") == (same and not differs)
        assert got.smaller_than_margin == same
        seen.add(got.decision)
    assert {"better", "worse", "undecided"} <= seen


def test_random_mining_of_the_study_is_worse_by_less_than_the_margin_or_undecided(shared: Path) -> None:
    published = json.loads((shared / "published_results.json").read_text())
    none, random, adversarial = (np.array(published[name]["values"]) for name in ("q101", "q102", "q103"))
    margin = 0.01 * none.mean()
    worse = of_samples(adversarial, none, margin)
    assert (worse.decision, worse.smaller_than_margin) == ("worse", True)
    assert of_samples(none, adversarial, margin).decision == "better"
    assert of_samples(random, none, margin).smaller_than_margin


def test_sentence_has_the_numbers_and_the_names() -> None:
    got = judge(interval_95=(8e-6, 3.9e-5), interval_90=(1e-5, 3.6e-5), margin=9.7e-5, names=("q102", "q101"))
    assert got.reason == (
        "q102 is worse than q101: the 95% interval of the difference, 8e-06 to 3.9e-05, excludes 0; "
        "the 90% interval, 1e-05 to 3.6e-05, lies inside the margin ±9.7e-05"
    )


@pytest.mark.parametrize(
    ("interval_95", "interval_90", "margin", "decision", "word"),
    [
        ((math.nan, math.nan), (-0.1, 0.1), 1.0, "undecided", "no 95% interval"),
        ((math.nan, 1.0), (-0.1, 0.1), 1.0, "undecided", "no 95% interval"),
        ((0.5, -0.5), (-0.1, 0.1), 1.0, "undecided", "ends before it begins"),
        ((-0.5, 0.5), (math.nan, math.nan), 1.0, "undecided", "no 90% interval"),
        ((-0.5, 0.5), (-0.1, 0.1), math.nan, "undecided", "no margin"),
        ((-0.5, 0.5), (-0.1, 0.1), math.inf, "undecided", "no margin"),
        ((-0.5, 0.5), (-0.1, 0.1), 0.0, "undecided", "no margin"),
        ((0.5, 1.5), (math.nan, math.nan), math.nan, "worse", "no margin"),
    ],
)
def test_what_is_missing_is_said(
    interval_95: tuple[float, float],
    interval_90: tuple[float, float],
    margin: float,
    decision: str,
    word: str,
) -> None:
    got = judge(interval_95=interval_95, interval_90=interval_90, margin=margin)
    assert (got.decision, got.smaller_than_margin) == (decision, False)
    assert word in got.reason


@pytest.mark.parametrize(
    ("decision", "smaller", "p", "p_equivalence", "expected"),
    [
        ("better", False, 0.04, 0.9, ("better", False)),
        ("worse", True, 0.05, 0.05, ("worse", True)),
        ("better", True, 0.01, 0.06, ("better", False)),
        ("better", True, 0.06, 0.01, ("equivalent", True)),
        ("better", True, 0.06, 0.06, ("undecided", False)),
        ("worse", False, 0.06, 0.01, ("undecided", False)),
        ("equivalent", True, 0.9, 0.04, ("equivalent", True)),
        ("equivalent", True, 0.01, 0.06, ("undecided", False)),
        ("undecided", False, 0.01, 0.01, ("undecided", False)),
        ("better", True, math.nan, math.nan, ("undecided", False)),
    ],
)
def test_a_correction_only_takes_back(
    decision: Decision, smaller: bool, p: float, p_equivalence: float, expected: tuple[str, bool]
) -> None:
    got = correct(Verdict(decision, smaller, "why"), p=p, p_equivalence=p_equivalence, pairs=3)
    assert (got.decision, got.smaller_than_margin) == expected
    assert got.reason == "why" if got.decision == decision else "after correction for 3 pairs" in got.reason
