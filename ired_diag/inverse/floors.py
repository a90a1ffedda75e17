"""Reference predictors of the inverse: what an answer is worth is seen against those that need no network.

Fitted by least squares on matrices of a data set, in float64, in the order of what they can express:

    zero           Ŷ = 0
    mean_inverse   Ŷ = c I
    linear         Ŷ_ij = a A_ij for i ≠ j,   Ŷ_ii = b A_ii + c tr A + d
    degree_k       Ŷ = Σ_{m ≤ k} c_m Aᵐ, for k = 2, 4, 8

and, not fitted, k steps of Newton and Schulz:

    newton_k       X_0 = Aᵀ / (‖A‖_1 ‖A‖_∞),   X_{m+1} = X_m (2 I - A X_m),   Ŷ = X_k

R has independent entries with a symmetric law, so A and P A Pᵀ have the same law for every signed permutation
P. The best constant and the best linear map are then equivariant under these: of constants that leaves the
multiples of I (c I / tr A is no better), of the 160 400 numbers of an affine map at rank 20 the four above.

A polynomial acts on eigenvalues, ‖p(A) - A⁻¹‖_F² = Σ (p(λ_i) - 1/λ_i)²: it is fitted to these in Chebyshev's
basis on their range, where powers of A would lose digits, and applied by Clenshaw's recurrence. Beyond that
range it grows fast: at high degree a few matrices with large eigenvalues decide its error, in distribution.

References: Schulz (1933), ZAMM 13, p. 57; Ben-Israel & Cohen (1966), SIAM J. Numer. Anal. 3, p. 410 (X_0);
Clenshaw (1955), Math. Tables Aids Comput. 9, p. 118.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.polynomial import Chebyshev
from numpy.polynomial.chebyshev import chebvander
from numpy.polynomial.polyutils import mapdomain
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.inverse.matrices import MatrixData, draw_matrices
from ired_diag.side_by_side import side_by_side

DEGREES = (2, 4, 8)
NEWTON_STEPS = (5, 10, 15)
FIT_SEED = 20_261_122  # of the matrices that references are fitted on; none of them is scored
FIT_SAMPLES = 65_536  # at rank 20 they settle the MSE of degree 8 to 1%, that of the others to 0.1%
CHUNK = 1024

TITLES = {
    "zero": "zero",
    "mean_inverse": "the mean inverse",
    "linear": "linear regression",
}
TITLES |= {f"degree_{k}": f"the polynomial of degree {k}" for k in DEGREES}
TITLES |= {f"newton_{k}": f"{k} Newton-Schulz steps" for k in NEWTON_STEPS}

Map = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Reference:
    """A reference predictor.

    Attributes:
        name: As tables write it.
        answer: Matrices in, of shape (count, rank, rank), in float64, answers of that shape out.
    """

    name: str
    answer: Map


@dataclass(frozen=True)
class FitData:
    """What the references are fitted on: of each matrix and its inverse, what enters a fit.

    Attributes:
        eigenvalues: λ of A, of shape (count, rank).
        diagonal: Of A, of the same shape.
        inverse_diagonal: Of A⁻¹.
        off_square: Σ_{i≠j} A_ij², over all matrices.
        off_product: Σ_{i≠j} A_ij (A⁻¹)_ij.
    """

    eigenvalues: NDArray[np.float64]
    diagonal: NDArray[np.float64]
    inverse_diagonal: NDArray[np.float64]
    off_square: float
    off_product: float


@functools.lru_cache(maxsize=16)
def references(data: MatrixData) -> tuple[Reference, ...]:
    """Return the reference predictors fitted on a data set, once in a process."""
    fit = fit_data(data)
    mean = float(fit.inverse_diagonal.mean())
    predictors = [
        Reference("zero", torch.zeros_like),
        Reference("mean_inverse", lambda a: mean * _unit(a).expand_as(a)),
        Reference("linear", fit_linear(fit)),
    ]
    for degree in DEGREES:
        polynomial = fit_polynomial(fit, degree)
        predictors.append(Reference(f"degree_{degree}", polynomial))
    for steps in NEWTON_STEPS:
        iterate = functools.partial(newton_schulz, steps=steps)
        predictors.append(Reference(f"newton_{steps}", iterate))
    return tuple(predictors)


def fit_data(data: MatrixData, samples: int = FIT_SAMPLES) -> FitData:
    """Return what the fits need of freshly drawn matrices, the same at every call."""
    parts = list(side_by_side(_fit_data_of, _drawn_to_fit(data, samples)))
    return FitData(
        eigenvalues=np.concatenate([part.eigenvalues for part in parts]),
        diagonal=np.concatenate([part.diagonal for part in parts]),
        inverse_diagonal=np.concatenate([part.inverse_diagonal for part in parts]),
        off_square=sum(part.off_square for part in parts),
        off_product=sum(part.off_product for part in parts),
    )


def _drawn_to_fit(data: MatrixData, samples: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield matrices and their inverses, each of shape (count, rank, rank), some at a time."""
    generator = torch.Generator().manual_seed(FIT_SEED)
    square = (-1, data.rank, data.rank)
    for first in range(0, samples, CHUNK):
        problem, answer = draw_matrices(
            data,
            min(CHUNK, samples - first),
            generator=generator,
            dtype=torch.float64,
        )
        yield problem.reshape(square), answer.reshape(square)


def _fit_data_of(drawn: tuple[Tensor, Tensor]) -> FitData:
    """Return what the fits need of some matrices."""
    a, inverse = drawn
    off = ~torch.eye(a.shape[-1], dtype=torch.bool)
    squares = a[:, off].square()
    products = (a * inverse)[:, off]
    return FitData(
        eigenvalues=torch.linalg.eigvalsh(a).numpy(),
        diagonal=a.diagonal(dim1=-2, dim2=-1).numpy().copy(),
        inverse_diagonal=inverse.diagonal(dim1=-2, dim2=-1).numpy().copy(),
        off_square=float(squares.sum()),
        off_product=float(products.sum()),
    )


def fit_linear(fit: FitData) -> Map:
    """Return the best linear map that is equivariant under signed permutations.

    The numbers of the diagonal and the number off it have no entry in common: two regressions.
    """
    rank = fit.diagonal.shape[1]
    traces = fit.diagonal.sum(axis=1)
    trace_of_entry = np.repeat(traces, rank)
    design = np.column_stack(
        [
            fit.diagonal.ravel(),
            trace_of_entry,
            np.ones_like(trace_of_entry),
        ]
    )
    target = fit.inverse_diagonal.ravel()
    coefficients, *_ = np.linalg.lstsq(design, target, rcond=None)
    own, of_trace, constant = coefficients
    off = 0.0  # rank 1 has nothing off the diagonal
    if fit.off_square:
        off = fit.off_product / fit.off_square

    def answer(a: Tensor) -> Tensor:
        diagonal = a.diagonal(dim1=-2, dim2=-1)
        trace = diagonal.sum(-1, keepdim=True)
        on_it = (own - off) * diagonal + of_trace * trace + constant
        return off * a + torch.diag_embed(on_it)

    return answer


def fit_polynomial(fit: FitData, degree: int) -> Map:
    """Return the best polynomial in A with scalar coefficients.

    By the normal equations, part by part: in Chebyshev's basis they lose no digit that counts.
    """
    smallest = float(fit.eigenvalues.min())
    largest = float(fit.eigenvalues.max())
    domain = [smallest, largest]
    terms = degree + 1
    gram = np.zeros((terms, terms))
    moment = np.zeros(terms)
    for first in range(0, len(fit.eigenvalues), CHUNK):
        part = fit.eigenvalues[first : first + CHUNK].ravel()
        x = mapdomain(part, domain, [-1, 1])
        basis = chebvander(x, degree)
        gram += basis.T @ basis
        moment += basis.T @ (1 / part)
    coefficients = np.linalg.solve(gram, moment)
    series = Chebyshev(coefficients, domain=domain)
    return functools.partial(matrix_polynomial, series)


def matrix_polynomial(series: Chebyshev, a: Tensor) -> Tensor:
    """Return a Chebyshev series of symmetric matrices.

    Args:
        series: Σ c_k T_k(x), x the affine image of the eigenvalue that takes its domain to [-1, 1].
        a: Of shape (count, rank, rank).
    """
    offset, scale = series.mapparms()
    unit = _unit(a)
    x = float(offset) * unit + float(scale) * a
    first, *others = series.coef.tolist()
    above = torch.zeros_like(a)
    two_above = torch.zeros_like(a)
    for c in reversed(others):
        current = c * unit + 2 * x @ above - two_above
        two_above = above
        above = current
    answer: Tensor = first * unit + x @ above - two_above
    return answer


def newton_schulz(a: Tensor, *, steps: int) -> Tensor:
    """Return the iterate X_k after ``steps`` steps: I - A X_k = (I - A X_0)^(2ᵏ).

    Args:
        a: Of shape (count, rank, rank).
        steps: k.
    """
    size = a.abs()
    row_norm = size.sum(-1).amax(-1)
    column_norm = size.sum(-2).amax(-1)
    norms = row_norm * column_norm
    x = a.mT / norms[:, None, None]
    for _ in range(steps):
        x = 2 * x - x @ (a @ x)
    return x


def _unit(a: Tensor) -> Tensor:
    rank = a.shape[-1]
    return torch.eye(rank, dtype=a.dtype, device=a.device)
