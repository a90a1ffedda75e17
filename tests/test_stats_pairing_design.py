"""The choice of the estimator: by the design alone, at a level that holds, with power where few pair."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.partial_pairs import false_or_right
from ired_diag.stats.pairing_design import Estimator, estimator_for


@pytest.mark.parametrize(
    ("design", "estimator"),
    [
        ((0, 5, 5), "welch"),
        ((1, 4, 4), "welch"),
        ((2, 1, 1), "welch"),
        ((2, 8, 2), "welch"),
        ((2, 3, 3), "partial"),
        ((2, 8, 8), "partial"),
        ((3, 1, 0), "partial_unequal"),
        ((2, 8, 3), "partial_unequal"),
        ((3, 7, 0), "partial_unequal"),
        ((3, 7, 7), "partial"),
        ((4, 16, 16), "partial"),
        ((10, 10, 0), "partial_unequal"),
        ((10, 0, 1), "partial_unequal"),
        ((2, 0, 0), "paired"),
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
    "design",
    [(2, 8, 8), (2, 3, 3), (2, 1, 1), (3, 2, 2), (3, 7, 7), (6, 1, 1), (7, 3, 3), (3, 7, 0), (14, 6, 6)],
)
def test_the_level_of_the_prescribed_test_is_at_most_six_percent(
    design: tuple[int, int, int], correlation: float
) -> None:
    rng, studies = np.random.default_rng(design), 4000
    shares = false_or_right(rng, design, studies=studies, correlation=correlation, difference=0.0, ratio=1.0)
    assert shares[estimator_for(*design)] <= 6 + 2 * 100 * np.sqrt(0.06 * 0.94 / studies)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.6])
@pytest.mark.parametrize(
    "design",
    [(2, 8, 3), (3, 1, 0), (3, 7, 0), (3, 17, 0), (4, 6, 0), (4, 1, 6), (7, 3, 0), (10, 10, 0), (5, 0, 1)],
)
def test_the_level_holds_where_a_group_of_another_size_has_another_spread(
    design: tuple[int, int, int], correlation: float, ratio: float
) -> None:
    rng, studies = np.random.default_rng([*design, int(10 * ratio)]), 4000
    shares = false_or_right(
        rng, design, studies=studies, correlation=correlation, difference=0.0, ratio=ratio
    )
    assert estimator_for(*design) == "partial_unequal"
    assert shares["partial_unequal"] <= 6 + 2 * 100 * np.sqrt(0.06 * 0.94 / studies)


@pytest.mark.parametrize("shared", [2, 3, 4, 5, 8])
def test_ten_seeds_lose_no_power_to_welch_where_pairs_are_correlated(shared: int) -> None:
    rng, design = np.random.default_rng(shared), (shared, 10 - shared, 10 - shared)
    assert estimator_for(*design) == "partial"
    for correlation, loss in ((0.0, 6.0), (0.3, 1.0), (0.6, 0.0), (0.9, 0.0)):
        shares = false_or_right(rng, design, studies=4000, correlation=correlation, difference=1.2, ratio=1.0)
        assert shares["partial"] >= shares["welch"] - loss
        assert shares["welch"] > 60
