"""The density of eigenvalues: its integral, mean and variance, and the exact density of small matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ired_diag.model.hutchinson import random_signs
from ired_diag.model.lanczos import lanczos
from ired_diag.stats.spectral_density import spectral_density


def matrix(n: int, generator: torch.Generator) -> torch.Tensor:
    a = torch.randn(n, n, generator=generator, dtype=torch.float64)
    return (a + a.T) / 2 + torch.diag(torch.linspace(0, 5, n, dtype=torch.float64))


def test_its_integral_is_1_and_its_mean_the_mean_of_the_start_vectors(generator: torch.Generator) -> None:
    h, n = matrix(80, generator), 80
    starts = [random_signs(h[0], generator) for _ in range(4)]
    quadratures = [lanczos(lambda v: h @ v, z, 12).quadrature() for z in starts]
    x, density, width = spectral_density(quadratures)
    step = x[1] - x[0]
    assert density.sum() * step == pytest.approx(1.0, abs=2e-6)
    mean = float(np.mean([float(z @ h @ z) / n for z in starts]))
    assert (x * density).sum() * step == pytest.approx(mean, abs=1e-4 * float(h.norm()))
    second = float(np.mean([float((h @ z) @ (h @ z)) / n for z in starts])) + width**2
    assert (x**2 * density).sum() * step == pytest.approx(second, rel=1e-4)


def test_its_mean_is_the_trace_over_n_within_the_error_of_the_starts(generator: torch.Generator) -> None:
    h, n = matrix(60, generator), 60
    starts = [random_signs(h[0], generator) for _ in range(200)]
    x, density, _ = spectral_density([lanczos(lambda v: h @ v, z, 6).quadrature() for z in starts])
    error = math.sqrt(2 * float(h.square().sum() - h.diagonal().square().sum()) / 200) / n
    assert (x * density).sum() * (x[1] - x[0]) == pytest.approx(float(h.trace()) / n, abs=4 * error)


def test_every_unit_vector_once_gives_the_exact_blurred_density(generator: torch.Generator) -> None:
    h, n = matrix(15, generator), 15
    quadratures = [lanczos(lambda v: h @ v, unit, n).quadrature() for unit in torch.eye(n).double()]
    x, density, width = spectral_density(quadratures)
    exact = np.zeros(len(x))
    for value in np.linalg.eigvalsh(h.numpy()):
        exact += np.exp(-((x - value) ** 2) / (2 * width**2)) / (n * width * math.sqrt(2 * math.pi))
    np.testing.assert_allclose(density, exact, atol=1e-9 * exact.max())


def test_a_matrix_with_one_eigenvalue_is_one_peak_there() -> None:
    for value in (3.0, 0.0):
        x, density, width = spectral_density([(np.array([value]), np.array([1.0]))])
        assert width > 0
        assert x[np.argmax(density)] == pytest.approx(value)
