"""The three t tests: formulas by hand, scipy, R's sleep data, and the study's published table."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.t_tests import TTest, paired, student, welch

# Student's sleep data (R: datasets::sleep), extra hours under two drugs, ten patients.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def test_sleep_data_give_the_values_of_r() -> None:
    by_patient, by_group = paired(SLEEP_1, SLEEP_2), welch(SLEEP_1, SLEEP_2)
    assert by_patient.t == pytest.approx(-4.0621, abs=5e-5)
    assert by_patient.p == pytest.approx(0.002833, abs=5e-7)
    assert (by_patient.low, by_patient.high) == pytest.approx((-2.4598858, -0.7001142), abs=5e-8)
    assert by_group.t == pytest.approx(-1.8608, abs=5e-5)
    assert by_group.df == pytest.approx(17.776, abs=5e-4)
    assert by_group.p == pytest.approx(0.07939, abs=5e-6)
    assert (by_group.low, by_group.high) == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)


def by_hand(a: list[float], b: list[float]) -> tuple[float, float]:
    """Return Student's and Welch's t from their formulas."""
    x, y = np.array(a), np.array(b)
    va, vb = x.var(ddof=1), y.var(ddof=1)
    pooled = ((len(x) - 1) * va + (len(y) - 1) * vb) / (len(x) + len(y) - 2)
    difference = x.mean() - y.mean()
    return (
        difference / math.sqrt(pooled * (1 / len(x) + 1 / len(y))),
        difference / math.sqrt(va / len(x) + vb / len(y)),
    )


def test_unequal_sizes_follow_the_formulas(rng: np.random.Generator) -> None:
    a, b = rng.normal(0, 1, 7).tolist(), rng.normal(1, 5, 12).tolist()
    assert (student(a, b).t, welch(a, b).t) == pytest.approx(by_hand(a, b), rel=1e-12)
    assert student(a, b).df == 17


def test_agrees_with_scipy_and_mirrors_when_swapped(rng: np.random.Generator) -> None:
    a, b = rng.normal(0, 1, 10), rng.normal(0.5, 2, 10)
    references = (
        (student, stats.ttest_ind(a, b)),
        (welch, stats.ttest_ind(a, b, equal_var=False)),
        (paired, stats.ttest_rel(a, b)),
    )
    for test, expected in references:
        got, mirrored = test(a, b), test(b, a)
        assert (got.t, got.p, got.df) == pytest.approx(
            (expected.statistic, expected.pvalue, expected.df), rel=1e-10
        )
        assert (mirrored.t, mirrored.p) == pytest.approx((-got.t, got.p), rel=1e-12)
        assert (mirrored.low, mirrored.high) == pytest.approx((-got.high, -got.low), rel=1e-12)


def test_published_table_of_the_study(shared: Path) -> None:
    published = json.loads((shared / "published_results.json").read_text())
    for told in published["published_tests"]:
        a, b = (published[told[side]]["values"] for side in ("a", "b"))
        got = student(a, b)
        assert got.t == pytest.approx(told["t"], abs=5e-5)
        assert got.p == pytest.approx(told["p"], rel=2e-3)
    random, adversarial = published["q102"]["values"], published["q103"]["values"]
    assert welch(random, adversarial).p == pytest.approx(0.0505, abs=5e-5)
    assert paired(random, adversarial).p == pytest.approx(0.0090, abs=5e-5)


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (student([1.0], [2.0, 3.0]), "at least 2"),
        (welch([1.0, 1.0], [2.0, 2.0]), "constant"),
        (paired([1.0], [2.0]), "at least 2"),
        (paired([], []), "at least 2"),
        (paired([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]), "same amount"),
        (paired([1.1, 2.1, 3.1], [0.1, 1.1, 2.1]), "same amount"),
    ],
)
def test_what_cannot_be_tested_is_nan_with_a_reason(result: TTest, word: str) -> None:
    assert math.isnan(result.t)
    assert math.isnan(result.p)
    assert word in result.reason


def test_pairs_of_unequal_number_are_a_programming_error() -> None:
    with pytest.raises(ValueError, match="2 and 3"):
        paired([1.0, 2.0], [1.0, 2.0, 3.0])
