"""The worst-rank test: enumeration, scipy's permutation test and Mann-Whitney, and its level."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.worst_rank import _exact_p, _normal_p, worst_rank_test


def wins(x: tuple[float, ...], y: tuple[float, ...]) -> float:
    return sum((a > b) + 0.5 * (a == b) for a in x for b in y)


@pytest.mark.parametrize(("failed_a", "failed_b"), [(0, 0), (0, 2), (1, 1), (2, 1)])
def test_every_choice_of_group_a_is_counted(failed_a: int, failed_b: int) -> None:
    a, b = [0.3, 0.5, 0.5, 0.9], [0.5, 0.7, 1.1]
    result = worst_rank_test(a, b, failed_a=failed_a, failed_b=failed_b, lower_is_better=True)
    x, y = ([-v for v in group] + [-math.inf] * f for group, f in ((a, failed_a), (b, failed_b)))
    seeds = x + y
    reached = []
    for chosen in itertools.combinations(range(len(seeds)), len(x)):
        rest = [seeds[i] for i in range(len(seeds)) if i not in chosen]
        reached.append(wins(tuple(seeds[i] for i in chosen), tuple(rest)))
    observed = wins(tuple(x), tuple(y))
    tails = [np.mean([u >= observed for u in reached]), np.mean([u <= observed for u in reached])]
    assert result.p == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-12)
    assert result.probability == pytest.approx(observed / (len(x) * len(y)), rel=1e-12)


def test_scipys_permutation_test_has_the_same_p(rng: np.random.Generator) -> None:
    for _ in range(10):
        a, b = rng.integers(0, 6, 4).astype(float), rng.integers(1, 7, 5).astype(float)
        ranks = stats.rankdata([*a, -1.0, *b, -1.0, -1.0])
        expected = stats.permutation_test(
            (ranks[:5], ranks[5:]), lambda x, y: x.sum(), vectorized=False, n_resamples=10_000
        )
        result = worst_rank_test(a, b, failed_a=1, failed_b=2, lower_is_better=False)
        assert result.p == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize(("n_a", "n_b"), [(3, 3), (5, 8), (10, 10), (30, 30)])
def test_without_failures_and_ties_it_is_exact_mann_whitney(n_a: int, n_b: int) -> None:
    rng = np.random.default_rng(n_a)
    a, b = rng.normal(0.7, 1, n_a), rng.normal(0, 1, n_b)
    result = worst_rank_test(a, b, failed_a=0, failed_b=0, lower_is_better=False)
    assert result.p == pytest.approx(stats.mannwhitneyu(a, b, method="exact").pvalue, rel=1e-9)
    assert result.method == "exact"


def test_many_seeds_have_the_normal_p_of_mann_whitney(rng: np.random.Generator) -> None:
    a, b = rng.normal(0.2, 1, 60), rng.normal(0, 1, 50)
    result = worst_rank_test(a, b, failed_a=5, failed_b=9, lower_is_better=False)
    filled = [*a, *[-99.0] * 5], [*b, *[-99.0] * 9]
    assert result.p == pytest.approx(stats.mannwhitneyu(*filled, method="asymptotic").pvalue, rel=1e-9)
    assert result.method == "normal"


def test_exact_and_normal_agree_where_they_meet() -> None:
    ties = (8, *[1] * 52)
    for rank_sum in (1500, 1600, 1700):
        assert _exact_p(ties, 30, rank_sum) == pytest.approx(_normal_p(ties, 30, rank_sum), abs=0.01)


@pytest.mark.parametrize("failing", [0.0, 0.2, 0.4])
@pytest.mark.parametrize("n", [3, 5, 10])
def test_equal_groups_with_equal_failures_are_rarely_called_different(n: int, failing: float) -> None:
    rng, studies = np.random.default_rng(n), 3000
    false = 0
    for _ in range(studies):
        failed = rng.binomial(n, failing, 2)
        a, b = (rng.normal(size=n - f) for f in failed)
        f_a, f_b = failed.tolist()
        result = worst_rank_test(a, b, failed_a=f_a, failed_b=f_b, lower_is_better=True)
        false += result.p <= 0.05
    assert false / studies <= 0.055


def test_three_that_never_fail_against_three_that_do_cannot_reach_five_percent() -> None:
    result = worst_rank_test([1, 2, 3], [], failed_a=0, failed_b=3, lower_is_better=True)
    assert result.p == result.smallest_p == pytest.approx(0.1)
    assert (result.probability, result.better) == (1.0, "a")


def test_five_against_three_and_two_failures_of_equal_level_is_no_difference() -> None:
    a, b = [1.0, 3.0, 5.0, 7.0, 9.0], [2.0, 4.0, 6.0]
    result = worst_rank_test(a, b, failed_a=0, failed_b=2, lower_is_better=True)
    assert result.p > 0.4
    assert result.better == "a"


def test_swapping_groups_or_direction_mirrors_the_result() -> None:
    a, b = np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0])
    one = worst_rank_test(a, b, failed_a=0, failed_b=2, lower_is_better=True)
    swapped = worst_rank_test(b, a, failed_a=2, failed_b=0, lower_is_better=True)
    negated = worst_rank_test(-a, -b, failed_a=0, failed_b=2, lower_is_better=False)
    assert swapped.p == pytest.approx(one.p, rel=1e-12)
    assert swapped.probability == pytest.approx(1 - one.probability)
    assert (one.better, swapped.better) == ("a", "b")
    assert negated == one


@pytest.mark.parametrize(
    ("a", "b", "failed", "reason"),
    [
        ([], [1.0], (0, 0), "0 and 1 seeds: at least 1 of each is needed"),
        ([], [], (3, 2), "all seeds of both groups failed"),
    ],
)
def test_what_cannot_be_ranked_says_why(
    a: list[float], b: list[float], failed: tuple[int, int], reason: str
) -> None:
    result = worst_rank_test(a, b, failed_a=failed[0], failed_b=failed[1], lower_is_better=True)
    assert math.isnan(result.p)
    assert result.reason == reason


def test_numbers_that_are_not_finite_belong_among_the_failed() -> None:
    with pytest.raises(ValueError, match="among the failed"):
        worst_rank_test([1.0, math.nan], [1.0], failed_a=0, failed_b=0, lower_is_better=True)
