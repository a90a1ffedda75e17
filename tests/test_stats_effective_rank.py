"""Effective rank: known spectra, a loop, bounds, invariances."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ired_diag.stats.effective_rank import effective_rank


def of_spectrum(singular: list[float], rng: np.random.Generator) -> np.ndarray:
    """Samples of mean 0 with the given singular values, times √2, in random directions."""
    directions = np.linalg.qr(rng.standard_normal((9, len(singular))))[0]
    half = np.diag(singular) @ directions.T
    return np.concatenate([half, -half])


def test_equal_singular_values_count_one_each(rng: np.random.Generator) -> None:
    for m in (1, 3, 9):
        assert effective_rank(of_spectrum([2.0] * m, rng)) == pytest.approx(m, rel=1e-12)


def test_known_spectrum_gives_the_exponential_of_its_entropy_by_a_loop(rng: np.random.Generator) -> None:
    spectrum = [5.0, 2.0, 1.0, 1e-3]
    entropy = 0.0
    for value in spectrum:
        share = value / sum(spectrum)
        entropy -= share * math.log(share)
    assert effective_rank(of_spectrum(spectrum, rng)) == pytest.approx(math.exp(entropy), rel=1e-10)


def test_few_samples_have_a_small_effective_rank_however_they_spread(rng: np.random.Generator) -> None:
    assert effective_rank(rng.standard_normal((2, 50))) == pytest.approx(1, rel=1e-12)
    simplex = np.eye(7)  # its centred rows have six equal singular values
    assert effective_rank(simplex) == pytest.approx(6, rel=1e-12)
    assert effective_rank(rng.standard_normal((500, 1))) == 1.0


def test_scale_shift_rotation_order_and_empty_dimensions_change_nothing(rng: np.random.Generator) -> None:
    x = rng.standard_normal((20, 5)) * [9, 4, 1, 1, 0.1]
    rotation = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    rank = effective_rank(x)
    padded = np.concatenate([x, np.full((20, 3), 4.0)], axis=1)
    for other in (1e-9 * x, x + 100.0, x @ rotation, rng.permutation(x), padded):
        assert effective_rank(other) == pytest.approx(rank, rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 + 0.1])
@pytest.mark.parametrize("n", [1, 2, 127])
def test_equal_samples_have_none_however_their_mean_is_rounded(value: float, n: int) -> None:
    assert math.isnan(effective_rank(np.full((n, 13), value)))
