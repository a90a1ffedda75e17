"""Mean, sd and interval: closed forms, published tables, and the interval's coverage."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.summary import summarise


def test_interval_of_a_textbook_sample() -> None:
    # n = 4, mean 5, sd √(20/3); t quantile with 3 degrees of freedom is 3.1824463 (any table).
    summary = summarise([2, 4, 6, 8])
    assert (summary.n, summary.mean) == (4, 5.0)
    assert summary.sd == pytest.approx(math.sqrt(20 / 3), rel=1e-14)
    assert summary.high - summary.mean == pytest.approx(3.1824463 * math.sqrt(20 / 3) / 2, rel=1e-7)
    assert (summary.minimum, summary.maximum) == (2.0, 8.0)


def test_interval_equals_scipys(rng: np.random.Generator) -> None:
    x = rng.normal(size=13)
    expected = stats.t.interval(0.9, 12, loc=x.mean(), scale=stats.sem(x))
    summary = summarise(x, confidence=0.9)
    assert (summary.low, summary.high) == pytest.approx(expected, rel=1e-12)


def test_interval_covers_the_true_mean_as_often_as_it_says(rng: np.random.Generator) -> None:
    intervals = [summarise(x) for x in rng.normal(3.0, 2.0, size=(4000, 10))]
    covered = np.mean([s.low <= 3.0 <= s.high for s in intervals])
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 4000)


def test_one_value_has_a_mean_and_a_reason_for_the_rest() -> None:
    summary = summarise([7.0])
    assert summary.mean == 7.0
    assert math.isnan(summary.sd)
    assert math.isnan(summary.low)
    assert "one value" in summary.reason
    assert summarise([]).reason == "no values"


def test_honest_interval_at_ten_seeds_is_a_fifth_wider_than_the_studys(shared: Path) -> None:
    published = json.loads((shared / "published_results.json").read_text())
    for experiment in ("q101", "q102", "q103"):
        x = np.array(published[experiment]["values"])
        summary = summarise(x)
        as_published = 1.96 * x.std(ddof=0) / math.sqrt(10)
        assert (summary.high - summary.mean) / as_published == pytest.approx(1.22, abs=0.005)


def test_spread_below_the_rounding_of_the_mean_is_none() -> None:
    found = summarise([0.1 + 0.2, 0.3, 0.3])
    assert (found.sd, found.low, found.high) == (0.0, found.mean, found.mean)
    assert summarise([1.0, 1.0 + 1e-12, 1.0]).sd > 0
