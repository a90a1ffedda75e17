"""What kind of matrix a candidate inverse is: its determinant, its conditioning, its form.

Of a matrix Y with singular values σ_1 ≥ … ≥ σ_n, a candidate for A⁻¹:

    log|det Y| = Σ log σ_i and the sign of det Y,    cond Y = σ_1 / σ_n,    σ_min = σ_n,
    residual = ‖A Y - I‖_F,                          asymmetry = ‖Y - Yᵀ‖_F / ‖Y‖_F,
    positive definite where (Y + Yᵀ)/2 has a Cholesky factor.

A matrix with σ_n ≤ n ε σ_1, ε the rounding of float64, in which all is computed, is singular: its cond is
infinite, its log|det| minus infinity.

Reference: Golub & Van Loan (2013), Matrix Computations, sections 2.6 (conditioning) and 4.2 (definite forms).
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

WELL_CONDITIONED = 1e3
AT_A_TIME = 512  # matrices: what is computed of them fits the cache of a core


def describe(
    candidates: Tensor, rank: int, *, problem: Tensor | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return what is measured of flattened matrices, in float64, on all of a CPU's threads.

    Args:
        candidates: Of shape (count, rank²). One with NaN or infinite entries gets NaN.
        rank: Rows of each.
        problem: Flattened A, of the same shape; without it residuals are NaN.
    """
    threads = torch.get_num_threads() if candidates.device.type == "cpu" else 1
    problem = torch.full_like(candidates, math.nan) if problem is None else problem
    size = max(1, min(AT_A_TIME, math.ceil(len(candidates) / threads))) if threads > 1 else len(candidates)
    pieces = list(zip(torch.split(candidates, size), torch.split(problem, size), strict=True))
    if len(pieces) == 1:  # no thread: one that starts without memory would be waited for for ever
        return _describe(*pieces[0], rank)
    with ThreadPoolExecutor(threads) as pool:  # LAPACK takes small matrices one by one, on one thread
        described = list(pool.map(lambda piece: _describe(piece[0], piece[1], rank), pieces))
    return {name: np.concatenate([one[name] for one in described]) for name in described[0]}


def singular_values(square: Tensor) -> Tensor:
    """Return the singular values of each matrix, descending, to a relative 1e-9.

    They are the roots of the eigenvalues of Y Yᵀ, which are found faster; their relative error is ε cond²,
    so that a matrix of a larger cond than ``WELL_CONDITIONED`` is decomposed itself.

    Args:
        square: Finite, in float64, of shape (count, n, n).
    """
    values: Tensor = torch.linalg.eigvalsh(_product(square, square.mT)).clamp(min=0).sqrt().flip(-1)
    ill = values[:, -1] * WELL_CONDITIONED < values[:, 0]
    if ill.any():
        values[ill] = torch.linalg.svdvals(square[ill])
    return values


def _describe(candidates: Tensor, problem: Tensor, rank: int) -> dict[str, NDArray[np.float64]]:
    square = candidates.double().reshape(-1, rank, rank)
    whole = torch.isfinite(square.flatten(1).abs().amax(1))
    unit = torch.eye(rank, device=square.device, dtype=torch.float64)
    square = torch.where(whole[:, None, None], square, unit)
    values = singular_values(square)
    largest, smallest = values[:, 0], values[:, -1]
    singular = smallest <= rank * torch.finfo(torch.float64).eps * largest
    transposed = square.mT.contiguous()
    _, not_definite = torch.linalg.cholesky_ex((square + transposed) / 2)
    numbers = {
        "log_abs_det": torch.where(singular, -math.inf, values.log().sum(-1)),
        "sign": torch.where(singular, 0.0, _sign_of_det(square)),
        "cond": torch.where(singular, math.inf, largest / smallest),
        "sigma_min": torch.where(singular, 0.0, smallest),
        "residual": _norm(_product(problem.double().view_as(square), square) - unit),
        "asymmetry": _norm(square - transposed) / _norm(square),
        "positive_definite": (not_definite == 0).double(),
    }
    return {name: torch.where(whole, value, math.nan).cpu().numpy() for name, value in numbers.items()}


def _norm(square: Tensor) -> Tensor:
    """Return the Frobenius norm of each matrix."""
    norm: Tensor = torch.linalg.vector_norm(square.flatten(1), dim=1)
    return norm


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Return a b of each pair; on a CPU by numpy, which multiplies small matrices faster than torch."""
    return torch.from_numpy(a.numpy() @ b.numpy()) if a.device.type == "cpu" else a @ b


def _sign_of_det(square: Tensor) -> Tensor:
    """Return the sign of each determinant, in the same way."""
    if square.device.type == "cpu":
        return torch.from_numpy(np.linalg.slogdet(square.numpy())[0])
    sign: Tensor = torch.linalg.slogdet(square)[0]
    return sign
