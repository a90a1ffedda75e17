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

Columns = dict[str, NDArray[np.float64]]  # each of shape (count,)


def describe(candidates: Tensor, rank: int, *, problem: Tensor | None = None) -> Columns:
    """Return the measures of flattened matrices, in float64, on all of a CPU's threads.

    Args:
        candidates: Of shape (count, rank²). One with NaN or infinite entries gets NaN.
        rank: Rows of each.
        problem: Flattened A, of the same shape; without it residuals are NaN.
    """
    if problem is None:
        problem = torch.full_like(candidates, math.nan)
    threads = 1
    size = len(candidates)
    if candidates.device.type == "cpu":
        threads = torch.get_num_threads()
    if threads > 1:
        share = math.ceil(len(candidates) / threads)
        size = max(1, min(AT_A_TIME, share))
    candidate_pieces = torch.split(candidates, size)
    problem_pieces = torch.split(problem, size)
    # A thread that starts without memory would be waited for for ever: a single piece needs none.
    if len(candidate_pieces) == 1:
        return _describe(candidates, problem, rank)
    ranks = [rank] * len(candidate_pieces)
    with ThreadPoolExecutor(threads) as pool:  # LAPACK takes small matrices one by one, on one thread
        pieces = list(pool.map(_describe, candidate_pieces, problem_pieces, ranks))
    columns = {}
    for name in pieces[0]:
        columns[name] = np.concatenate([piece[name] for piece in pieces])
    return columns


def singular_values(square: Tensor) -> Tensor:
    """Return the singular values of each matrix, descending, to a relative 1e-9.

    They are the roots of the eigenvalues of Y Yᵀ, which are found faster; their relative error is ε cond²,
    so that a matrix of a larger cond than ``WELL_CONDITIONED`` is decomposed itself.

    Args:
        square: Finite, in float64, of shape (count, n, n).
    """
    squares = torch.linalg.eigvalsh(_product(square, square.mT))
    values: Tensor = squares.clamp(min=0).sqrt().flip(-1)
    ill = values[:, -1] * WELL_CONDITIONED < values[:, 0]
    if ill.any():
        values[ill] = torch.linalg.svdvals(square[ill])
    return values


def _describe(candidates: Tensor, problem: Tensor, rank: int) -> Columns:
    square = candidates.double().reshape(-1, rank, rank)
    largest_entry = square.flatten(1).abs().amax(1)
    finite = torch.isfinite(largest_entry)
    unit = torch.eye(rank, device=square.device, dtype=torch.float64)
    # One NaN would make the decompositions raise for the whole batch.
    square = torch.where(finite[:, None, None], square, unit)
    values = singular_values(square)
    largest = values[:, 0]
    smallest = values[:, -1]
    rounding = rank * torch.finfo(torch.float64).eps
    singular = smallest <= rounding * largest
    log_abs_det = values.log().sum(-1)
    transposed = square.mT.contiguous()
    symmetric = (square + transposed) / 2
    asymmetry = _frobenius_norm(square - transposed)
    _, not_definite = torch.linalg.cholesky_ex(symmetric)
    product = _product(problem.double().view_as(square), square)
    numbers = {
        "log_abs_det": torch.where(singular, -math.inf, log_abs_det),
        "sign": torch.where(singular, 0.0, _sign_of_det(square)),
        "cond": torch.where(singular, math.inf, largest / smallest),
        "sigma_min": torch.where(singular, 0.0, smallest),
        "residual": _frobenius_norm(product - unit),
        "asymmetry": asymmetry / _frobenius_norm(square),
        "positive_definite": (not_definite == 0).double(),
    }
    columns = {}
    for name, value in numbers.items():
        where_finite = torch.where(finite, value, math.nan)
        columns[name] = where_finite.cpu().numpy()
    return columns


def _frobenius_norm(square: Tensor) -> Tensor:
    """Return the Frobenius norm of each matrix."""
    norm: Tensor = torch.linalg.vector_norm(square.flatten(1), dim=1)
    return norm


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Return a b of each pair; on a CPU by numpy, which multiplies small matrices faster than torch."""
    if a.device.type != "cpu":
        return a @ b
    product = a.numpy() @ b.numpy()
    return torch.from_numpy(product)


def _sign_of_det(square: Tensor) -> Tensor:
    """Return the sign of each determinant, in the same way."""
    if square.device.type == "cpu":
        signs, _ = np.linalg.slogdet(square.numpy())
        return torch.from_numpy(signs)
    sign: Tensor = torch.linalg.slogdet(square)[0]
    return sign
