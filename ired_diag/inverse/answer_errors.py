"""How far an answer Ŷ is from the inverse Y of a matrix A of n rows: three measures.

    mse       ‖Ŷ - Y‖_F² / n²      what validation logs; the large inverses of ill-conditioned A rule it
    relative  ‖Ŷ - Y‖_F / ‖Y‖_F    1 for the answer zero, whatever A
    residual  ‖A Ŷ - I‖_F          √n for the answer zero; errors along large eigenvalues of A weigh most

Reference: Golub & Van Loan (2013), Matrix Computations, section 2.6 (relative error and residual).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class AnswerErrors:
    """The three errors of answers, each of shape (…, batch)."""

    mse: Tensor
    relative: Tensor
    residual: Tensor


def answer_errors(problem: Tensor, inverse: Tensor, answer: Tensor) -> AnswerErrors:
    """Return the errors of answers to flattened matrices.

    Args:
        problem: Matrices A, of shape (batch, rank²).
        inverse: Their inverses, of the same shape.
        answer: Answers Ŷ, of shape (…, batch, rank²).
    """
    rank = round(problem.shape[-1] ** 0.5)
    off = answer - inverse
    product = problem.reshape(-1, rank, rank) @ answer.reshape(*answer.shape[:-1], rank, rank)
    unit = torch.eye(rank, dtype=product.dtype, device=product.device)
    return AnswerErrors(
        off.square().mean(-1),
        off.norm(dim=-1) / inverse.norm(dim=-1),
        (product - unit).flatten(-2).norm(dim=-1),
    )
