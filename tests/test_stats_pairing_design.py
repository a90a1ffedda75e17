"""The choice of the estimator: by the design alone, at a level that holds, with power where few pair."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.partial_pairs import false_or_right
from ired_diag.stats.pairing_design import Estimator, deciding_test, estimator_for
from ired_diag.stats.partially_paired import partially_paired


@pytest.mark.parametrize(
    ("design", "estimator"),
    [
        ((0, 5, 5), "welch"),
        ((1, 4, 4), "welch"),
        ((2, 8, 8), "welch"),
        ((2, 1, 1), "welch"),
        ((2, 8, 1), "partial_conservative"),
        ((3, 2, 2), "partial_conservative"),
        ((6, 4, 4), "partial_conservative"),
        ((7, 3, 3), "partial"),
        ((6, 1, 1), "partial"),
        ((10, 10, 0), "partial"),
        ((4, 16, 16), "welch"),
        ((5, 0, 0), "paired"),
        ((1, 0, 0), "welch"),
        ((0, 0, 0), "welch"),
    ],
)
def test_the_tabulated_design_has_its_estimator(design: tuple[int, int, int], estimator: Estimator) -> None:
    assert estimator_for(*design) == estimator


def test_it_does_not_matter_which_group_is_first() -> None:
    for shared in range(12):
        for a in range(12):
            for b in range(a):
                assert estimator_for(shared, a, b) == estimator_for(shared, b, a)


def test_negative_numbers_of_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        estimator_for(-1, 2, 2)


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.6])
@pytest.mark.parametrize(
    "design", [(2, 8, 8), (2, 1, 1), (3, 2, 2), (4, 6, 6), (6, 1, 1), (7, 3, 3), (3, 7, 0), (14, 6, 6)]
)
def test_the_level_of_the_prescribed_test_is_at_most_six_percent(
    design: tuple[int, int, int], correlation: float
) -> None:
    rng, studies = np.random.default_rng(design), 4000
    shares = false_or_right(rng, design, studies=studies, correlation=correlation, difference=0.0, ratio=1.0)
    assert shares[estimator_for(*design)] <= 6 + 2 * 100 * np.sqrt(0.06 * 0.94 / studies)


def test_two_shared_of_ten_have_the_power_of_welch_on_all() -> None:
    rng = np.random.default_rng(2)
    shares = false_or_right(rng, (2, 8, 8), studies=4000, correlation=0.3, difference=1.2, ratio=1.0)
    assert shares[estimator_for(2, 8, 8)] >= shares["welch"] - 5
    assert shares["welch"] > 3 * shares["paired"]


def test_the_prescribed_test_is_computed(rng: np.random.Generator) -> None:
    pairs, a, b = rng.normal(size=(2, 8)), rng.normal(size=2), rng.normal(size=2)
    assert deciding_test(pairs, [], []).p == pytest.approx(stats.ttest_rel(*pairs).pvalue, rel=1e-12)
    assert deciding_test(pairs, a, b) == partially_paired(pairs, a, b).test
    assert deciding_test(pairs[:, :4], a, b) == partially_paired(pairs[:, :4], a, b, conservative=True).test
    few = deciding_test(pairs[:, :1], a, b)
    expected = stats.ttest_ind([pairs[0, 0], *a], [pairs[1, 0], *b], equal_var=False)
    assert few.p == pytest.approx(expected.pvalue, rel=1e-12)
