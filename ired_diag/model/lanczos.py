"""Extreme eigenvalues, and quadrature, of a symmetric matrix that is known only by its products H v.

From a unit vector q₁, with everything earlier projected out once more, and again where little is left
(full reorthogonalisation),

    β_j q_{j+1} = H q_j - α_j q_j - β_{j-1} q_{j-1},      α_j = q_j·H q_j,

so that QᵀHQ is the tridiagonal T. The eigenpairs (θ, s) of T give

- Ritz pairs θ, v = Q s: the outermost θ approach the outermost eigenvalues of H from within, and an
  eigenvalue of H lies within the residual ‖H v - θ v‖ of θ;
- Gauss quadrature: with nodes θ_i and weights (first entry of s_i)², Σ w_i p(θ_i) = q₁·p(H) q₁ for every
  polynomial p of degree below twice the number of steps.

References: Golub & Van Loan (2013), Matrix Computations, sections 10.1 and 10.3; Golub & Meurant (2010),
Matrices, Moments and Quadrature, chapter 6; Parlett (1998), The Symmetric Eigenvalue Problem, theorem 4.5.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Product = Callable[[Tensor], Tensor]

# Roundings of the largest entry of T: a smaller β counts as 0, and Q spans an invariant subspace.
BREAKDOWN = 16

# Share of its length that a vector keeps when it is projected: above it, one projection is enough.
KEPT = 0.7071  # 1/√2: Daniel, Gragg, Kaufman, Stewart (1976), Reorthogonalization and Stable Algorithms


@dataclass(frozen=True)
class Tridiagonal:
    """The matrix T = QᵀHQ of k Lanczos steps.

    Attributes:
        diagonal: α, of shape (k,).
        off_diagonal: β, of shape (k - 1,).
        basis: The rows q_j, of shape (k, n).
    """

    diagonal: NDArray[np.float64]
    off_diagonal: NDArray[np.float64]
    basis: Tensor

    def eigenpairs(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the eigenvalues θ of T, ascending, and its eigenvectors s as columns."""
        dense = np.diag(self.diagonal)
        dense = dense + np.diag(self.off_diagonal, 1)
        dense = dense + np.diag(self.off_diagonal, -1)
        values, vectors = np.linalg.eigh(dense)
        return values, vectors

    def quadrature(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return nodes and weights of the measure q₁·f(H) q₁; the weights add up to 1."""
        values, vectors = self.eigenpairs()
        return values, vectors[0] ** 2


@dataclass(frozen=True)
class RitzPair:
    """An approximate eigenpair.

    Attributes:
        value: Its Rayleigh quotient v·H v.
        vector: v, of length 1 and shape (n,).
        residual: ‖H v - value · v‖, measured with a product of its own.
    """

    value: float
    vector: Tensor
    residual: float


def lanczos(product: Product, start: Tensor, steps: int) -> Tridiagonal:
    """Return T after ``steps`` products, or fewer where the Krylov space is exhausted before.

    Args:
        product: H v of a vector v, of shape (n,).
        start: Direction of q₁, of shape (n,), not zero; all is computed in its type, sums in float64.
        steps: Number of products, at least 1.
    """
    steps = min(steps, len(start))
    eps = torch.finfo(start.dtype).eps
    basis = torch.zeros(steps, len(start), dtype=start.dtype, device=start.device)
    diagonal: list[float] = []
    off_diagonal: list[float] = []
    q = start / _norm(start)
    for j in range(steps):
        basis[j] = q
        w = product(q)
        diagonal.append(dot(q, w))
        w = w - diagonal[j] * q
        if j:
            w = w.add(basis[j - 1], alpha=-off_diagonal[j - 1])
        w, beta = _without(w, basis[: j + 1])
        scale = max(map(abs, diagonal + off_diagonal))
        if beta <= BREAKDOWN * eps * scale:
            break
        off_diagonal.append(beta)
        q = w / beta
    k = len(diagonal)
    return Tridiagonal(
        diagonal=np.array(diagonal),
        off_diagonal=np.array(off_diagonal[: k - 1]),
        basis=basis[:k],
    )


def _without(w: Tensor, basis: Tensor) -> tuple[Tensor, float]:
    """Return w less its part in the span of orthonormal rows, and the length of the rest."""
    length = _norm(w)
    for _ in range(2):  # twice is enough: Parlett (1998), section 6.9
        before = length
        w = torch.addmv(w, basis.T, basis @ w, alpha=-1)
        length = _norm(w)
        if length > KEPT * before:
            break
    return w, length


def extreme_pairs(product: Product, tridiagonal: Tridiagonal) -> tuple[RitzPair, RitzPair]:
    """Return the lowest and the highest Ritz pair, at the price of a product each."""
    _, vectors = tridiagonal.eigenpairs()
    lowest = _ritz_pair(product, tridiagonal.basis, vectors[:, 0])
    highest = _ritz_pair(product, tridiagonal.basis, vectors[:, -1])
    return lowest, highest


def _ritz_pair(product: Product, basis: Tensor, s: NDArray[np.float64]) -> RitzPair:
    weights = torch.as_tensor(s, dtype=basis.dtype, device=basis.device)
    v = weights @ basis
    v = v / _norm(v)
    image = product(v)
    value = dot(v, image)
    residual = _norm(image - value * v)
    return RitzPair(value, v, residual)


def dot(a: Tensor, b: Tensor) -> float:
    """Return a·b: products in their type, whose roundings cancel, and their sum in float64."""
    return float((a * b).sum(dtype=torch.float64))


def _norm(a: Tensor) -> float:
    return float(torch.linalg.vector_norm(a, dtype=torch.float64))
