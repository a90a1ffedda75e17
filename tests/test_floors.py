"""Reference predictors: known floors, optimality, the symmetry of the data, closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ired_diag.inverse.floors import (
    FIT_SAMPLES,
    FIT_SEED,
    NEWTON_STEPS,
    Reference,
    fit_data,
    matrix_polynomial,
    newton_schulz,
    references,
)
from ired_diag.inverse.frozen_set import frozen_set
from ired_diag.inverse.matrices import MatrixData, draw_matrices

SMALL = MatrixData(rank=3)
# Measured by the project that ired-diag studies, on the `ired` data at rank 20: value and tolerance.
FLOORS = {
    "zero": (0.0207, 0.01),
    "mean_inverse": (0.0141, 0.01),
    "linear": (0.00956, 0.01),
    "degree_2": (0.0065, 0.05),
    "degree_4": (0.0032, 0.05),
    "degree_8": (0.00084, 0.05),
}
FLOORS_OUT = {
    "mean_inverse": (0.228, 0.02),
    "linear": (0.208, 0.02),
    "degree_2": (0.191, 0.02),
    "degree_4": (0.166, 0.02),
    "degree_8": (0.134, 0.02),
}


def drawn(data: MatrixData, count: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    flat = draw_matrices(data, count, generator=generator, dtype=torch.float64)
    a, inverse = (matrices.reshape(-1, data.rank, data.rank) for matrices in flat)
    return a, inverse


def by_name(data: MatrixData) -> dict[str, Reference]:
    return {reference.name: reference for reference in references(data)}


@pytest.mark.parametrize(("ood", "floors"), [(False, FLOORS), (True, FLOORS_OUT)])
def test_floors_at_rank_20_are_those_that_were_measured(
    ood: bool, floors: dict[str, tuple[float, float]]
) -> None:
    data, samples = MatrixData(rank=20), 20_000
    known = by_name(data)
    totals = dict.fromkeys(floors, 0.0)
    for chunk in frozen_set(replace(data, ood=ood), samples):
        a, inverse = (matrices.reshape(-1, 20, 20) for matrices in (chunk.problem, chunk.inverse))
        for name in floors:
            totals[name] += float((known[name].answer(a) - inverse).square().mean()) * len(a) / samples
    for name, (value, tolerance) in floors.items():
        assert totals[name] == pytest.approx(value, rel=tolerance), name


def test_linear_map_is_the_least_squares_solution_of_all_entries_at_once() -> None:
    a, inverse = drawn_as_fitted()
    unit = torch.eye(3, dtype=torch.float64)
    trace = a.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]
    design = torch.stack([a * (1 - unit), a * unit, trace * unit, unit.expand_as(a)], dim=-1).reshape(-1, 4)
    solution, *_ = np.linalg.lstsq(design.numpy(), inverse.reshape(-1).numpy(), rcond=None)
    fresh, _ = drawn(SMALL, 5, seed=2)
    answer = by_name(SMALL)["linear"].answer(fresh)
    for matrix, found in zip(fresh.numpy(), answer.numpy(), strict=True):
        expected = np.zeros((3, 3))
        for i in range(3):
            for j in range(3):
                told = [0, matrix[i, i], np.trace(matrix), 1] if i == j else [matrix[i, j], 0, 0, 0]
                expected[i, j] = np.dot(told, solution)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_no_affine_map_of_all_entries_does_better_than_the_equivariant_one() -> None:
    a, inverse = drawn_as_fitted()
    design = torch.cat([a.flatten(1), torch.ones(len(a), 1, dtype=torch.float64)], dim=1)
    solution, *_ = np.linalg.lstsq(design.numpy(), inverse.flatten(1).numpy(), rcond=None)
    fresh, truth = drawn(SMALL, 20_000, seed=3)
    free = torch.cat([fresh.flatten(1), torch.ones(20_000, 1, dtype=torch.float64)], 1) @ torch.from_numpy(
        solution
    )
    unconstrained = float((free - truth.flatten(1)).square().mean())
    equivariant = float((by_name(SMALL)["linear"].answer(fresh) - truth).square().mean())
    assert equivariant == pytest.approx(unconstrained, rel=2e-3)
    assert equivariant < unconstrained  # it has fewer numbers to get wrong


def drawn_as_fitted() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(FIT_SEED)
    parts = [
        draw_matrices(SMALL, 1024, generator=generator, dtype=torch.float64)
        for _ in range(FIT_SAMPLES // 1024)
    ]
    a, inverse = (torch.cat(part).reshape(-1, 3, 3) for part in zip(*parts, strict=True))
    return a, inverse


def test_every_reference_goes_along_with_signed_permutations(generator: torch.Generator) -> None:
    a, _ = drawn(SMALL, 10, seed=4)
    signs = torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64)
    move = torch.eye(3, dtype=torch.float64)[[2, 0, 1]] * signs
    for reference in references(SMALL):
        moved = reference.answer(move @ a @ move.T)
        torch.testing.assert_close(moved, move @ reference.answer(a) @ move.T, rtol=1e-9, atol=1e-12)


def test_errors_of_a_polynomial_are_orthogonal_to_every_power_it_has() -> None:
    a, inverse = drawn_as_fitted()
    for degree in (2, 4, 8):
        off = by_name(SMALL)[f"degree_{degree}"].answer(a) - inverse
        power = torch.eye(3, dtype=torch.float64).expand_as(a)
        for _ in range(degree + 1):
            alike = (off * power).sum() / (off.norm() * power.norm())
            assert abs(float(alike)) < 1e-8
            power = power @ a / 10
        assert abs(float((off * power).sum() / (off.norm() * power.norm()))) > 1e-5


def test_polynomial_of_a_matrix_is_the_polynomial_of_its_eigenvalues() -> None:
    a, _ = drawn(SMALL, 7, seed=5)
    series = np.polynomial.Chebyshev([0.3, -1.0, 0.5, 0.2], domain=[0.5, 9.0])
    values, vectors = torch.linalg.eigh(a)
    of_values = torch.from_numpy(series(values.numpy()))
    expected = vectors @ torch.diag_embed(of_values) @ vectors.mT
    torch.testing.assert_close(matrix_polynomial(series, a), expected, rtol=1e-12, atol=1e-12)
    constant = np.polynomial.Chebyshev([2.0], domain=[0.5, 9.0])
    torch.testing.assert_close(matrix_polynomial(constant, a), 2 * torch.eye(3).double().expand_as(a))


@pytest.mark.parametrize("steps", [0, 1, 3, 6])
def test_residual_of_newton_schulz_is_squared_at_every_step(steps: int) -> None:
    a, _ = drawn(MatrixData(rank=6), 20, seed=6)
    unit = torch.eye(6, dtype=torch.float64)
    start = torch.stack([m.T / (torch.linalg.norm(m, 1) * torch.linalg.norm(m, torch.inf)) for m in a])
    expected = torch.linalg.matrix_power(unit - a @ start, 2**steps)
    torch.testing.assert_close(unit - a @ newton_schulz(a, steps=steps), expected, rtol=1e-9, atol=1e-12)


def test_newton_schulz_ends_at_the_inverse() -> None:
    a, inverse = drawn(MatrixData(rank=6, ood=True), 20, seed=7)
    torch.testing.assert_close(newton_schulz(a, steps=40), inverse, rtol=1e-9, atol=1e-9)


def test_references_are_fitted_once_for_each_data_set() -> None:
    assert references(SMALL) is references(MatrixData(rank=3))
    assert references(SMALL) is not references(replace(SMALL, name="design"))
    assert len(references(SMALL)) == 6 + len(NEWTON_STEPS)


def test_fit_at_rank_one_is_finite_and_its_first_newton_step_exact() -> None:
    data = MatrixData(rank=1)
    a, inverse = drawn(data, 50, seed=8)
    for reference in references(data):
        assert torch.isfinite(reference.answer(a)).all(), reference.name
    torch.testing.assert_close(newton_schulz(a, steps=0), inverse)


def test_fits_see_other_matrices_than_those_that_are_scored() -> None:
    scored = next(frozen_set(SMALL, 1000))
    fitted = fit_data(SMALL, 1024).diagonal[:, 0]
    assert not np.isin(scored.problem[:, 0].numpy(), fitted).any()
