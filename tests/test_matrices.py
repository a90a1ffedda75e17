"""The data sets: closed forms of the matrices and of their moments."""

from __future__ import annotations

import pytest
import torch

from ired_diag.inverse.matrices import DatasetName, MatrixData, draw_matrices

DATA = [
    MatrixData(name, rank, ood) for name in ("ired", "design") for rank in (1, 7, 20) for ood in (False, True)
]


@pytest.mark.parametrize("data", DATA)
def test_inverse_is_the_inverse(data: MatrixData, generator: torch.Generator) -> None:
    a, inverse = draw_matrices(data, 64, generator=generator, dtype=torch.float64)
    product = a.view(64, data.rank, data.rank) @ inverse.view(64, data.rank, data.rank)
    torch.testing.assert_close(
        product, torch.eye(data.rank, dtype=torch.float64).expand_as(product), atol=1e-10, rtol=0
    )


@pytest.mark.parametrize("data", DATA)
def test_matrices_are_symmetric_and_no_eigenvalue_is_below_epsilon(
    data: MatrixData, generator: torch.Generator
) -> None:
    a, _ = draw_matrices(data, 64, generator=generator, dtype=torch.float64)
    square = a.view(64, data.rank, data.rank)
    assert torch.equal(square, square.mT)
    assert torch.linalg.eigvalsh(square).min() >= data.epsilon - 1e-12


@pytest.mark.parametrize(("name", "weight"), [("ired", 2.0), ("design", 1.0)])
@pytest.mark.parametrize(("ood", "epsilon"), [(False, 0.5), (True, 0.1)])
def test_mean_matrix_is_a_multiple_of_the_identity(
    name: DatasetName, weight: float, ood: bool, epsilon: float, generator: torch.Generator
) -> None:
    # E[r²] = 1/3 for r ~ U(-1, 1), so E[A] = (weight · rank / 3 + ε) I; the sd of a diagonal entry is
    # weight · √(rank · (1/5 - 1/9)), of another one weight · √(rank / 9).
    rank, count = 6, 20_000
    a, _ = draw_matrices(MatrixData(name, rank, ood), count, generator=generator)
    mean = a.mean(0).view(rank, rank)
    error = 5 * weight * (rank / 9) ** 0.5 / count**0.5
    torch.testing.assert_close(mean, (weight * rank / 3 + epsilon) * torch.eye(rank), atol=error, rtol=0)


def test_same_seed_gives_the_same_matrices_and_global_state_is_untouched() -> None:
    before = torch.random.get_rng_state()
    draws = [draw_matrices(MatrixData(), 3, generator=torch.Generator().manual_seed(5))[0] for _ in "ab"]
    assert torch.equal(*draws)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_float32_is_the_rounded_float64() -> None:
    wide, narrow = (
        draw_matrices(MatrixData(), 5, generator=torch.Generator().manual_seed(1), dtype=dtype)[1]
        for dtype in (torch.float64, torch.float32)
    )
    assert torch.equal(wide.float(), narrow)


def test_mean_of_the_studys_reference_matrices_fits_the_ired_data(shared: object) -> None:
    import numpy as np

    reference = np.load(f"{shared}/ired_checkpoint/reference.npz")
    a = reference["matrix"].reshape(-1, 20, 20)
    diagonal = np.einsum("bii->bi", a)
    expected, sd = 2 * 20 / 3 + 0.5, 2 * (20 * (1 / 5 - 1 / 9)) ** 0.5
    assert abs(diagonal.mean() - expected) < 5 * sd / diagonal.size**0.5
    assert np.linalg.eigvalsh(a).min() >= 0.5 - 1e-4
