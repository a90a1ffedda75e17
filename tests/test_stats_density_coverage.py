"""Density and coverage: a double loop, ties, the expectation for equal distributions, planted sets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from ired_diag.stats.density_coverage import density_and_coverage, split_half_overlap


def naive(reference: np.ndarray, candidates: np.ndarray, k: int) -> tuple[float, float]:
    """Density and coverage as the paper's text says them."""
    inside, covered = 0, 0
    for i, x in enumerate(reference):
        others = sorted(math.dist(x, other) for j, other in enumerate(reference) if j != i)
        near = [math.dist(x, y) <= others[k - 1] for y in candidates]
        inside += sum(near)
        covered += any(near)
    return inside / (k * len(candidates)), covered / len(reference)


def measured(reference: np.ndarray, candidates: np.ndarray, k: int) -> tuple[float, float]:
    return density_and_coverage(cdist(reference, reference), cdist(reference, candidates), k=k)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_numbers_equal_a_double_loop(k: int, rng: np.random.Generator) -> None:
    x, y = rng.standard_normal((14, 3)), 0.7 * rng.standard_normal((9, 3)) + 0.4
    assert measured(x, y, k) == pytest.approx(naive(x, y, k), rel=1e-12)


def test_ties_on_a_lattice_equal_a_double_loop_and_count_as_inside(rng: np.random.Generator) -> None:
    x, y = (rng.integers(0, 3, (20, 2)).astype(float) for _ in "xy")
    assert measured(x, y, 5) == pytest.approx(naive(x, y, 5), rel=1e-12)
    line = np.arange(4.0)[:, None]
    assert measured(line, np.array([[4.0]]), 1) == (1.0, 0.25)  # 4 lies at the rim of the ball around 3


def test_reference_as_its_own_candidates_has_k_plus_1_points_in_each_ball(rng: np.random.Generator) -> None:
    x = rng.standard_normal((40, 6))
    assert measured(x, x, 5) == (6 / 5, 1.0)


def test_candidates_drawn_as_the_reference_have_the_expected_density_and_coverage() -> None:
    rng = np.random.default_rng(3)
    pairs = (rng.standard_normal((2, 16, 4)) for _ in range(1500))
    found = np.array([measured(x, y, 5) for x, y in pairs])
    error = found.std(axis=0, ddof=1) / math.sqrt(len(found))
    assert abs(found[:, 0].mean() - 1) < 3.5 * error[0]
    nearest = np.arange(1, 6)  # the chance that all five nearest points are of the reference
    expected = 1 - np.prod((16 - nearest) / (32 - nearest))
    assert abs(found[:, 1].mean() - expected) < 3.5 * error[1]


def test_far_candidates_have_neither_and_too_few_points_are_refused(rng: np.random.Generator) -> None:
    x = rng.standard_normal((8, 3))
    assert measured(x, x + 1e3, 5) == (0.0, 0.0)
    with pytest.raises(ValueError, match="more than k = 5"):
        measured(x[:5], x, 5)
    with pytest.raises(ValueError, match="got 8 and 0"):
        measured(x, x[:0], 5)


def test_collapse_to_the_middle_is_seen_by_the_reverse_coverage_and_not_by_coverage(
    rng: np.random.Generator,
) -> None:
    reference = rng.standard_normal((128, 60))
    overlap = split_half_overlap(reference, 0.01 * rng.standard_normal((128, 60)))
    assert (overlap.coverage, overlap.reverse_coverage) == (1.0, 0.0)
    assert overlap.density > 10


def test_halves_equal_a_double_loop_and_no_point_is_held_against_its_match(rng: np.random.Generator) -> None:
    x, y = rng.standard_normal((21, 3)), 0.8 * rng.standard_normal((21, 3))
    overlap = split_half_overlap(x, y)
    there, back = naive(x[:10], y[10:20], 5), naive(x[10:20], y[:10], 5)
    assert (overlap.density, overlap.coverage) == pytest.approx(np.mean([there, back], axis=0))
    reverse = naive(y[10:20], x[:10], 5)[1] + naive(y[:10], x[10:20], 5)[1]
    assert overlap.reverse_coverage == pytest.approx(reverse / 2)
    assert split_half_overlap(x, x + 1e-12) == split_half_overlap(x, x)  # else coverage would be 1


def test_order_within_the_halves_rotation_and_scale_change_nothing(rng: np.random.Generator) -> None:
    x, y = rng.standard_normal((40, 4)), rng.standard_normal((40, 4))
    rotation = 3.0 * np.linalg.qr(rng.standard_normal((4, 4)))[0]
    order = np.concatenate([rng.permutation(20), 20 + rng.permutation(20)])
    assert split_half_overlap(x @ rotation, y @ rotation) == split_half_overlap(x, y)
    assert split_half_overlap(x[order], y[order]) == split_half_overlap(x, y)
