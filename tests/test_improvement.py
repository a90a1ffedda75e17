"""Probability of improvement: counts by hand, scipy's interval, mirror, coverage."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.dominance import dominance
from ired_diag.stats.improvement import Improvement, improvement_paired, improvement_unpaired


def test_unpaired_counts_every_run_against_every_other(rng: np.random.Generator) -> None:
    a, b = rng.integers(0, 6, 7).astype(float), rng.integers(0, 6, 9).astype(float)
    below = sum(x < y for x in a for y in b)
    equal = sum(x == y for x in a for y in b)
    got = improvement_unpaired(a, b)
    assert (got.wins, got.ties, got.losses) == (below, equal, 63 - below - equal)
    assert got.probability == pytest.approx((below + equal / 2) / 63, rel=1e-14)
    assert got.probability == pytest.approx(1 - stats.mannwhitneyu(a, b).statistic / 63, rel=1e-12)
    higher = improvement_unpaired(-a, -b, lower_is_better=False)
    assert higher == got


def test_unpaired_interval_is_that_of_the_dominance_of_the_better_side(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=10), rng.normal(1, 1, 8)
    got, told = improvement_unpaired(a, b, lower_is_better=False), dominance(a, b)
    assert (got.probability, got.low, got.high) == (told.a12, told.a12_low, told.a12_high)


@pytest.mark.parametrize("wins", [0, 3, 7, 10])
def test_paired_interval_is_wilsons(wins: int) -> None:
    a, b = np.zeros(10), np.where(np.arange(10) < wins, 1.0, -1.0)
    got = improvement_paired(a, b, confidence=0.9)
    expected = stats.binomtest(wins, 10).proportion_ci(0.9, method="wilson")
    assert (got.wins, got.losses, got.ties) == (wins, 10 - wins, 0)
    assert got.probability == wins / 10
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("improvement", [improvement_paired, improvement_unpaired])
def test_swapping_mirrors_everything(improvement: type, rng: np.random.Generator) -> None:
    for a, b in ((rng.normal(size=8), rng.normal(size=8)), (np.arange(8.0), np.arange(8.0) + 20)):
        got, mirrored = improvement(a, b), improvement(b, a)
        assert (mirrored.wins, mirrored.losses) == (got.losses, got.wins)
        expected = (1 - got.probability, 1 - got.high, 1 - got.low)
        told = (mirrored.probability, mirrored.low, mirrored.high)
        assert told == pytest.approx(expected, rel=1e-12, abs=1e-12)
        assert improvement(1e-5 * a, 1e-5 * b) == got


def test_complete_separation_leaves_room_for_doubt() -> None:
    a, b = np.arange(5.0), np.arange(5.0) + 10
    paired, unpaired = improvement_paired(a, b), improvement_unpaired(a, b)
    assert paired.probability == paired.high == unpaired.probability == 1.0
    # Wilson at n of n: n / (n + z²).
    assert paired.low == pytest.approx(5 / (5 + stats.norm.isf(0.025) ** 2), rel=1e-12)
    assert 0.3 < unpaired.low < 0.9


@pytest.mark.parametrize("true", [0.5, 0.8, 0.95])
def test_unpaired_interval_covers_the_true_probability(true: float, rng: np.random.Generator) -> None:
    shift = stats.norm.ppf(true) * math.sqrt(2)
    samples = rng.normal(size=(1000, 2, 10))
    intervals = [improvement_unpaired(a - shift, b) for a, b in samples]
    covered = np.mean([told.low <= true <= told.high for told in intervals])
    assert covered > 0.94 - 4 * math.sqrt(0.05 * 0.95 / 1000)


def test_paired_interval_covers_by_the_binomial_law() -> None:
    inside = 0.0
    for wins in range(11):
        told = improvement_paired(np.zeros(10), np.where(np.arange(10) < wins, 1.0, -1.0))
        inside += float(stats.binom.pmf(wins, 10, 0.8)) * (told.low <= 0.8 <= told.high)
    assert 0.94 < inside < 0.99


def test_study_none_beats_adversarial_on_every_seed(shared: Path) -> None:
    published = json.loads((shared / "published_results.json").read_text())
    none, adversarial = published["q101"]["values"], published["q103"]["values"]
    got = improvement_paired(none, adversarial)
    assert got.wins + got.losses + got.ties == 10
    assert got.low > 0.5
    assert improvement_unpaired(none, adversarial).low > 0.7


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (improvement_paired([], []), "at least 1"),
        (improvement_paired([1.0], [1.0, 2.0]), "1 and 2"),
        (improvement_paired([math.nan], [1.0]), "not finite"),
        (improvement_unpaired([1.0], [1.0, 2.0]), "at least 2"),
        (improvement_unpaired([1.0, math.inf], [1.0, 2.0]), "not finite"),
    ],
)
def test_what_cannot_be_told_is_nan_with_a_reason(result: Improvement, word: str) -> None:
    assert math.isnan(result.probability)
    assert math.isnan(result.low)
    assert word in result.reason
