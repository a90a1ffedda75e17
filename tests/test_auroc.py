"""The area under the ROC curve against a double loop, Mann and Whitney's U, and its interval's coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.auroc import paired_auroc, placements


def slow_area(positive: np.ndarray, negative: np.ndarray) -> float:
    wins = [1.0 if x > y else 0.5 if x == y else 0.0 for x in positive for y in negative]
    return sum(wins) / len(wins)


def slow_delong(positive: np.ndarray, negative: np.ndarray) -> float:
    """The standard error from the two sets of structural components, as in DeLong's equations 4 and 5."""

    def win(x: float, y: float) -> float:
        return float(x > y) + 0.5 * float(x == y)

    v = [np.mean([win(x, y) for y in negative]) for x in positive]
    w = [np.mean([win(x, y) for x in positive]) for y in negative]
    variances = np.var(v, ddof=1) + np.var(w, ddof=1)
    return math.sqrt((variances + 2 * np.cov(v, w)[0, 1]) / len(v))


@pytest.fixture(params=[0, 1])
def scores(request: pytest.FixtureRequest, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positives and negatives that depend on each other; rounded, so that there are ties, or not."""
    shared = rng.normal(size=40)
    x, y = shared + rng.normal(size=40) + 0.7, shared + rng.normal(size=40)
    return (np.round(x, 1), np.round(y, 1)) if request.param else (x, y)


def test_area_and_error_equal_a_double_loop(scores: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = scores
    pairs = paired_auroc(x, y)
    assert pairs.area == pytest.approx(slow_area(x, y), rel=1e-12)
    assert pairs.se == pytest.approx(slow_delong(x, y), rel=1e-12)


def test_area_is_mann_whitneys_u_over_the_number_of_pairs(scores: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = scores
    u = stats.mannwhitneyu(x, y).statistic
    assert paired_auroc(x, y).area == pytest.approx(u / 40**2, rel=1e-12)


def test_placements_of_ties_are_halves() -> None:
    below, above = placements([1.0, 1.0], [1.0])
    assert (below.tolist(), above.tolist()) == ([0.5, 0.5], [0.5])


def test_a_growing_function_of_the_scores_changes_nothing(scores: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = scores
    assert paired_auroc(np.exp(3 * x), np.exp(3 * y)) == paired_auroc(x, y)


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_interval_of_pairs_covers_the_true_area_of_gaussians(correlation: float) -> None:
    # Phi(1 / sqrt 2); the number of hits in 600 has a standard deviation of 5.3.
    rng, truth, hits = np.random.default_rng(5), stats.norm.cdf(1 / math.sqrt(2)), 0
    for _ in range(600):
        shared = rng.normal(size=60)
        x, y = (
            math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * rng.normal(size=60) for _ in "xy"
        )
        found = paired_auroc(x + 1, y)
        hits += found.low < truth < found.high
    assert abs(hits - 570) < 16


def test_strata_are_averaged_and_repeated_strata_add_no_information(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(2, 3, 50))
    areas = [paired_auroc(a, b).area for a, b in zip(x, y, strict=True)]
    assert paired_auroc(x, y).area == pytest.approx(np.mean(areas), rel=1e-12)
    once, thrice = paired_auroc(x[0], y[0]), paired_auroc(x[[0, 0, 0]], y[[0, 0, 0]])
    assert thrice.se == pytest.approx(once.se, rel=1e-12)
    assert paired_auroc(x, y).se < 0.8 * once.se  # of three independent strata, 1/sqrt 3


def test_samples_that_do_not_overlap_have_newcombes_interval() -> None:
    found = paired_auroc(np.arange(10.0) + 100, np.arange(10.0))
    assert (found.area, found.high) == (1.0, 1.0)
    assert "Newcombe" in found.reason
    z, theta = stats.norm.isf(0.025), found.low
    inner = 1 + 9 * ((1 - theta) / (2 - theta) + theta / (1 + theta))
    assert (1 - theta) ** 2 == pytest.approx(z**2 * theta * (1 - theta) * inner / 100, rel=1e-6)
    mirrored = paired_auroc(np.arange(10.0), np.arange(10.0) + 100)
    assert (mirrored.area, mirrored.low) == (0.0, 0.0)
    assert mirrored.high == pytest.approx(1 - found.low, abs=1e-9)
    tied = paired_auroc([1.0, 1.0, 1.0], [1.0, 1.0, 1.0])
    assert tied.low < tied.area == 0.5 < tied.high


def test_what_is_no_number_is_left_out_and_said() -> None:
    x, y = np.array([2.0, math.nan, 4.0, 1.0, math.inf]), np.array([1.0, 0.0, 5.0, 3.0, -math.inf])
    keep = [0, 2, 3, 4]
    found = paired_auroc(x, y)
    assert (found.area, found.n) == (slow_area(x[keep], y[keep]), 4)
    assert found.reason == "1 of 5 pairs are not numbers"
    for nothing in (paired_auroc([math.nan] * 3, [1.0] * 3), paired_auroc([1.0], [0.0])):
        assert math.isnan(nothing.area)
        assert nothing.reason
