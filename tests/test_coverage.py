"""Simulated coverage: the shipped table made anew, theory where there is one, and what it answers."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks import interval_coverage
from ired_diag.stats.bootstrap import bootstrap_difference
from ired_diag.stats.coverage import coverage_of, holds, indicated_coverage, intervals
from ired_diag.stats.ratio_of_means import ratio_of_two_means

pytestmark = pytest.mark.slow

TABLE: dict[str, Any] = json.loads(interval_coverage.FILE.read_text("utf-8"))
FEW_SIZES, FEW_SKEWNESSES = (3, 10, 20), (0.0, 2.0)


@pytest.fixture(scope="module")
def again() -> dict[str, Any]:
    """The table from 4,000 sets of data, of which bootstraps get 2,000, with another seed."""
    return interval_coverage.table(4000, seed=1, sizes=FEW_SIZES, skewness=FEW_SKEWNESSES)


@pytest.mark.parametrize("interval", list(interval_coverage.INTERVALS))
def test_the_shipped_table_is_made_again_within_binomial_error(interval: str, again: dict[str, Any]) -> None:
    for i, n in enumerate(FEW_SIZES):
        for j, skewness in enumerate(FEW_SKEWNESSES):
            shipped, found = coverage_of(interval, n, skewness), again["coverage"][interval][i][j]
            error = math.hypot(shipped.standard_error, again["standard_error"][interval][i][j])
            assert abs(found - shipped.coverage) < 4 * error, (n, skewness)


@pytest.mark.parametrize("interval", ["t", "student", "welch", "fieller"])
def test_all_of_a_closed_form_is_made_again_at_2000_sets(interval: str) -> None:
    held, _ = interval_coverage.INTERVALS[interval]
    for i, n in enumerate(TABLE["sizes"]):
        for j, skewness in enumerate(TABLE["skewness"]):
            found = interval_coverage._coverage(held, n, skewness, 2000, 2)
            shipped = TABLE["coverage"][interval][i][j]
            assert abs(found - shipped) < 4.5 * math.sqrt(shipped * (1 - shipped) / 2000), (n, skewness)


def test_the_table_is_of_the_script_that_stands_beside_it() -> None:
    assert TABLE["seed"] == interval_coverage.SEED
    held, _ = interval_coverage.INTERVALS["t"]
    assert TABLE["coverage"]["t"][5][3] == interval_coverage._coverage(held, 10, 2.0, 20_000, TABLE["seed"])
    assert interval_coverage.FILE.read_text("utf-8") == interval_coverage.text(TABLE)
    assert tuple(TABLE["sizes"]) == interval_coverage.SIZES
    assert tuple(TABLE["skewness"]) == interval_coverage.SKEWNESS
    assert TABLE["data_sets"]["t"] == interval_coverage.DATA_SETS
    assert tuple(TABLE["coverage"]) == tuple(interval_coverage.INTERVALS) == intervals()
    for name, sets in TABLE["data_sets"].items():
        coverage = np.array(TABLE["coverage"][name])
        expected = np.sqrt(np.maximum(coverage * (1 - coverage), 1 / sets) / sets)
        assert np.array(TABLE["standard_error"][name]) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("n", interval_coverage.SIZES)
@pytest.mark.parametrize("interval", ["t", "student"])
def test_intervals_exact_for_normal_data_cover_95_per_cent(interval: str, n: int) -> None:
    told = coverage_of(interval, n)
    assert abs(told.coverage - 0.95) < 4 * told.standard_error
    assert holds(interval, n)


def test_simulated_sets_have_the_moments_they_are_named_for(rng: np.random.Generator) -> None:
    for skewness in interval_coverage.SKEWNESS:
        x = interval_coverage.standard(skewness, (400_000,), rng)
        assert (x.mean(), x.std()) == pytest.approx((0.0, 1.0), abs=0.02)
        assert stats.skew(x) == pytest.approx(skewness, abs=0.15)


def test_the_scripts_intervals_are_the_tools(rng: np.random.Generator) -> None:
    x, y = 1 + 0.05 * rng.normal(size=(2, 6, 200))
    x[:, :100] += 0.06
    cell = interval_coverage.Cell(x, y, 0.0)
    told = [ratio_of_two_means(a, b) for a, b in zip(x.T, y.T, strict=True)]
    assert [t.low <= 1 <= t.high for t in told] == interval_coverage._fieller(cell).tolist()
    zero = np.zeros(len(x))
    means = [bootstrap_difference(a, zero, paired=True, seed=0, draws=999) for a in x.T]
    held = interval_coverage.INTERVALS["studentised_mean"][0](cell)
    assert [mean.low <= 1 <= mean.high for mean in means] == held.tolist()


def test_bca_is_refused_at_ten_seeds_and_at_three_nothing_but_t_like_intervals_holds() -> None:
    assert not holds("bca_mean", 10) and not holds("bca_difference", 10)
    assert holds("studentised_difference", 10)
    assert not holds("bca_mean", 3) and not holds("studentised_mean", 3)


def test_skewed_data_cost_coverage_and_more_of_them_less() -> None:
    told = [coverage_of("t", 10, skewness).coverage for skewness in TABLE["skewness"]]
    assert told[0] - told[-1] > 0.05 and sorted(told[1:], reverse=True) == told[1:]
    assert coverage_of("t", 20, 4.0).coverage > coverage_of("t", 5, 4.0).coverage


def test_between_simulated_values_it_is_linear_and_beyond_them_it_says_so() -> None:
    middle = (coverage_of("t", 6, 1.0).coverage + coverage_of("t", 8, 1.0).coverage) / 2
    assert coverage_of("t", 7, 1.0).coverage == pytest.approx(middle, rel=1e-12)
    middle = (coverage_of("t", 6, 1.0).coverage + coverage_of("t", 6, 2.0).coverage) / 2
    assert coverage_of("t", 6, -1.5).coverage == pytest.approx(middle, rel=1e-12)
    large = coverage_of("t", 50)
    assert large.coverage == coverage_of("t", 20).coverage and "n = 20" in large.reason
    for nothing in (coverage_of("t", 2), coverage_of("t", 10, 4.5), coverage_of("t", 10, math.nan)):
        assert math.isnan(nothing.coverage) and nothing.reason
    assert not holds("t", 2)
    assert coverage_of("studentised_mean", 3).reason == "3 values have no such interval"
    with pytest.raises(ValueError, match="no interval 'z'; simulated are t, student"):
        coverage_of("z", 10)


def test_at_a_samples_skewness_it_is_an_indication_and_says_so(rng: np.random.Generator) -> None:
    x = rng.exponential(size=10)
    told = indicated_coverage("t", x)
    assert told.skewness == pytest.approx(stats.skew(x, bias=False))
    assert told.coverage == coverage_of("t", 10, told.skewness).coverage and "badly known" in told.reason
    assert indicated_coverage("t", 1e-5 * x).coverage == pytest.approx(told.coverage, rel=1e-9)
    for values in ([], [1.0, 2.0], [0.1] * 10, [1.0, 2.0, math.nan]):
        nothing = indicated_coverage("t", values)
        assert math.isnan(nothing.coverage) and nothing.reason


def test_the_script_writes_what_it_tabulates(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    file = tmp_path / "table.json"
    monkeypatch.setattr(interval_coverage, "SIZES", (4,))
    monkeypatch.setattr("sys.argv", ["interval_coverage", "40", str(file)])
    monkeypatch.setattr(interval_coverage, "INTERVALS", {"t": interval_coverage.INTERVALS["t"]})
    interval_coverage.main()
    assert json.loads(file.read_text("utf-8"))["data_sets"] == {"t": 40}
    assert capsys.readouterr().out == f"wrote {file}\n"
