"""Lanczos: against numpy's and scipy's eigenvalues, the theory of Gauss quadrature, and what breaks it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import eigsh
from torch import Tensor

from ired_diag.model.lanczos import extreme_pairs, lanczos


def symmetric(eigenvalues: Tensor, generator: torch.Generator) -> Tensor:
    n = len(eigenvalues)
    q = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))[0]
    h: Tensor = q @ torch.diag(eigenvalues) @ q.T
    return h


def start(n: int, generator: torch.Generator) -> Tensor:
    return torch.randn(n, generator=generator, dtype=torch.float64)


def test_as_many_steps_as_dimensions_give_every_eigenvalue(generator: torch.Generator) -> None:
    values = torch.linspace(-3.0, 8.0, 30, dtype=torch.float64) ** 3
    h = symmetric(values, generator)
    found, _ = lanczos(lambda v: h @ v, start(30, generator), 30).eigenpairs()
    np.testing.assert_allclose(found, np.linalg.eigvalsh(h.numpy()), atol=1e-10 * 512)


def test_extreme_pairs_are_scipys_and_an_eigenvalue_lies_within_each_residual(
    generator: torch.Generator,
) -> None:
    bulk = 0.1 * torch.randn(300, generator=generator, dtype=torch.float64)
    bulk[:3], bulk[3] = torch.tensor([40.0, 20.0, 10.0]).double(), -2.0
    h = symmetric(bulk, generator)
    for steps in (4, 8, 30):
        low, high = extreme_pairs(lambda v: h @ v, lanczos(lambda v: h @ v, start(300, generator), steps))
        for pair in (low, high):
            assert float((bulk - pair.value).abs().min()) <= pair.residual + 1e-12
            assert pair.residual == pytest.approx(float((h @ pair.vector - pair.value * pair.vector).norm()))
    assert high.value == pytest.approx(eigsh(h.numpy(), 1, which="LA")[0][0], rel=1e-10)
    assert low.value == pytest.approx(eigsh(h.numpy(), 1, which="SA")[0][0], rel=1e-10)


def test_the_quadrature_has_the_moments_of_the_start_up_to_degree_2k_minus_1_and_no_further(
    generator: torch.Generator,
) -> None:
    h = symmetric(torch.linspace(-1.0, 1.3, 40, dtype=torch.float64), generator)
    q = start(40, generator)
    q = q / q.norm()
    nodes, weights = lanczos(lambda v: h @ v, q, 5).quadrature()
    image, moments = q, []
    for _ in range(11):
        moments.append(float(q @ image))
        image = h @ image
    found = [float(weights @ nodes**degree) for degree in range(11)]
    np.testing.assert_allclose(found[:10], moments[:10], atol=1e-14)
    assert abs(found[10] - moments[10]) > 1e-6


def test_the_basis_stays_orthonormal_where_the_bare_recurrence_loses_it(generator: torch.Generator) -> None:
    values = torch.logspace(-8, 4, 120, dtype=torch.float64)
    h = symmetric(values, generator)
    basis = lanczos(lambda v: h @ v, start(120, generator), 60).basis
    np.testing.assert_allclose((basis @ basis.T).numpy(), np.eye(len(basis)), atol=1e-12)


def test_it_stops_where_the_krylov_space_is_exhausted() -> None:
    v = torch.ones(9, dtype=torch.float64)
    for h in (torch.zeros(9, 9).double(), 3 * torch.eye(9).double(), torch.ones(9, 9).double()):
        run = lanczos(lambda x, h=h: h @ x, v, 9)  # type: ignore[misc]
        assert len(run.diagonal) == len(run.basis) == 1
        assert run.diagonal[0] == pytest.approx(float((h @ v)[0]))
    alone = lanczos(lambda x: 5 * x, torch.ones(1), 40)
    assert alone.diagonal.tolist() == [5.0]
