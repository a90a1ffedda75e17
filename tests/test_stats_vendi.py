"""Vendi score: closed forms, the matrix logarithm, invariances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.linalg import logm
from scipy.spatial.distance import cdist

from ired_diag.stats.vendi import gaussian_kernel, vendi_score


def test_identical_samples_score_1_and_orthogonal_ones_their_number() -> None:
    for n in (1, 2, 17, 128):
        assert vendi_score(np.ones((n, n))) == pytest.approx(1, rel=1e-12)
        assert vendi_score(np.eye(n)) == pytest.approx(n, rel=1e-12)


def test_distinct_groups_score_their_number_and_unequal_ones_the_exponential_of_their_entropy() -> None:
    equal = np.repeat(np.arange(5), 12)
    assert vendi_score(np.equal.outer(equal, equal)) == pytest.approx(5, rel=1e-12)
    sizes = np.array([30, 10, 5, 5])
    unequal = np.repeat(np.arange(4), sizes)
    shares = sizes / sizes.sum()
    expected = math.exp(-(shares * np.log(shares)).sum())
    assert vendi_score(np.equal.outer(unequal, unequal)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("s", [0.0, 0.3, 0.999])
def test_two_samples_score_the_entropy_of_their_two_eigenvalues(s: float) -> None:
    high, low = (1 + s) / 2, (1 - s) / 2
    expected = math.exp(-high * math.log(high) - low * math.log(low))
    assert vendi_score(np.array([[1, s], [s, 1]])) == pytest.approx(expected, rel=1e-12)


def test_score_is_the_von_neumann_entropy_by_the_matrix_logarithm(rng: np.random.Generator) -> None:
    x = rng.standard_normal((12, 4))
    state = gaussian_kernel(cdist(x, x), 1.3) / 12
    expected = math.exp(-np.trace(state @ logm(state)).real)
    assert vendi_score(12 * state) == pytest.approx(expected, rel=1e-9)


def test_order_rotation_shift_and_duplication_of_all_samples_change_nothing(rng: np.random.Generator) -> None:
    x = rng.standard_normal((30, 6))
    rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    score = vendi_score(gaussian_kernel(cdist(x, x), 2.0))
    for other in (rng.permutation(x), x @ rotation, x + 7.0, np.repeat(x, 2, axis=0)):
        assert vendi_score(gaussian_kernel(cdist(other, other), 2.0)) == pytest.approx(score, rel=1e-10)


def test_gaussian_kernel_is_e_to_minus_half_at_one_bandwidth_and_exactly_0_far_away() -> None:
    kernel = gaussian_kernel(np.array([0.0, 3.0, 1e4]), 3.0)
    assert kernel.tolist() == [1.0, math.exp(-0.5), 0.0]


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, math.nan])
def test_bandwidth_that_is_not_above_0_is_refused(bandwidth: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        gaussian_kernel(np.zeros(2), bandwidth)
