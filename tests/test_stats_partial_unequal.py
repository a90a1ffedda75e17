"""The partially paired test with a variance for each group: its formula and its limits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.partial_unequal import fit_unequal, is_conservative, partially_paired_unequal

PAIRS = [[5.1, 5.4, 4.9, 5.3], [5.9, 5.8, 5.5, 6.0]]
ONLY_A, ONLY_B = [5.6, 5.0, 5.2, 5.7, 4.8], [6.3]


def by_hand(
    pairs: Sequence[Sequence[float]], only_a: Sequence[float], only_b: Sequence[float]
) -> tuple[float, float, float]:
    """Return difference, standard error and degrees of freedom as Derrick et al. write them."""
    first, second = [*pairs[0], *only_a], [*pairs[1], *only_b]
    n1, n2, nc = len(first), len(second), len(pairs[0])
    s1, s2 = np.std(first, ddof=1), np.std(second, ddof=1)
    r = stats.pearsonr(pairs[0], pairs[1]).statistic
    se = math.sqrt(s1**2 / n1 + s2**2 / n2 - 2 * r * (s1 * s2 * nc) / (n1 * n2))
    gamma = stats.ttest_ind(first, second, equal_var=False).df
    na, nb = len(only_a), len(only_b)
    v = (nc - 1) + ((gamma - nc + 1) / (na + nb + 2 * nc)) * (na + nb)
    return float(np.mean(first) - np.mean(second)), se, float(v)


def test_it_is_the_published_formula() -> None:
    found = partially_paired_unequal(PAIRS, ONLY_A, ONLY_B)
    difference, se, df = by_hand(PAIRS, ONLY_A, ONLY_B)
    assert (found.difference, found.standard_error, found.test.df) == pytest.approx((difference, se, df))
    assert found.test.p == pytest.approx(2 * stats.t.sf(abs(difference) / se, df))
    half = stats.t.isf(0.025, df) * se
    assert (found.test.low, found.test.high) == pytest.approx((difference - half, difference + half))
    assert (found.test.n, found.shared, found.only_a, found.only_b) == (10, 4, 5, 1)


def test_on_complete_pairs_it_is_the_paired_t_test() -> None:
    found = partially_paired_unequal(PAIRS, [], [])
    right = stats.ttest_rel(PAIRS[0], PAIRS[1])
    assert (found.test.t, found.test.p, found.test.df) == pytest.approx((right.statistic, right.pvalue, 3))


def test_with_uncorrelated_pairs_the_standard_error_is_welchs() -> None:
    pairs = np.array([[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0]])
    found, welch = (
        partially_paired_unequal(pairs, [3.0, 2.0], []),
        stats.ttest_ind([*pairs[0], 3.0, 2.0], pairs[1], equal_var=False),
    )
    assert found.test.t == pytest.approx(welch.statistic)


def test_many_studies_at_once_are_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(0)
    pairs, only_a, only_b = rng.normal(size=(6, 2, 5)), rng.normal(size=(6, 3)), rng.normal(size=(6, 1))
    fit = fit_unequal(pairs, only_a, only_b)
    for i in range(6):
        assert (fit.difference[i], math.sqrt(fit.variance[i]), fit.df[i]) == pytest.approx(
            by_hand(pairs[i].tolist(), only_a[i].tolist(), only_b[i].tolist())
        )


def test_swapping_scaling_and_shifting_change_nothing_but_the_unit() -> None:
    found = partially_paired_unequal(PAIRS, ONLY_A, ONLY_B).test
    swapped = partially_paired_unequal(PAIRS[::-1], ONLY_B, ONLY_A).test
    assert (swapped.t, swapped.p) == pytest.approx((-found.t, found.p))
    scaled = [np.array(each) * 1e-9 + 3e-9 for each in (PAIRS, ONLY_A, ONLY_B)]
    other = partially_paired_unequal(*scaled).test
    assert (other.t, other.df) == pytest.approx((found.t, found.df), rel=1e-9)


@pytest.mark.parametrize(
    ("pairs", "only_a", "reason"),
    [
        ([[1.0], [2.0]], [1.0, 2.0], "1 shared seed: at least 2"),
        ([[1.0, math.inf, 2.0], [1.0, 2.0, 4.0]], [1.0], "1 of 7 values are not finite"),
        ([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]], [9.0], "all pairs differ by the same amount"),
    ],
)
def test_what_cannot_be_compared_has_a_reason(
    pairs: list[list[float]], only_a: list[float], reason: str
) -> None:
    found = partially_paired_unequal(pairs, only_a, [])
    assert found.test.reason.startswith(reason)
    assert math.isnan(found.test.p)


def test_three_shared_seeds_against_many_have_the_degrees_of_freedom_of_the_pairs() -> None:
    assert not is_conservative(3, 3, 0) and not is_conservative(3, 7, 1) and not is_conservative(4, 16, 0)
    assert is_conservative(3, 4, 0) and is_conservative(3, 0, 17)
    rng = np.random.default_rng(1)
    assert partially_paired_unequal(rng.normal(size=(2, 3)), rng.normal(size=7), []).test.df == 2
    assert partially_paired_unequal(rng.normal(size=(2, 3)), rng.normal(size=3), []).test.df > 2


def test_a_constant_side_of_the_pairs_has_no_correlation() -> None:
    found = partially_paired_unequal([[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]], [1.0, 1.5], [])
    assert (found.correlation, found.test.reason) == (0.0, "")
    assert math.isfinite(found.test.p)
