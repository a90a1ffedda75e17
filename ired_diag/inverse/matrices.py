"""The data: random symmetric positive definite matrices and their inverses.

Two data sets, with R a square matrix of independent U(-1, 1) entries:

    ired:    A = R Rᵀ + (R Rᵀ)ᵀ + ε I = 2 R Rᵀ + ε I      (what the public code draws)
    design:  A = R Rᵀ + ε I                               (what the study's design text says)

with ε = 0.5 in distribution and ε = 0.1 out of distribution. Every eigenvalue of A is at least ε, so
every entry of A⁻¹ is at most 1/ε in absolute value.

Reference: Du et al. (2024), section 4.1 (matrix inverse); the public code's ``dataset.Inverse``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ired_diag.side_by_side import side_by_side

MatrixBlock = tuple[Tensor, Tensor]  # matrices and their inverses, each of shape (count, rank²)
MatrixJob = Callable[[], MatrixBlock]
DatasetName = Literal["ired", "design"]

MATRICES = "problems that are matrices"  # what probes of this task need, in words
EPSILON_IN_DISTRIBUTION = 0.5
EPSILON_OUT_OF_DISTRIBUTION = 0.1

BLOCK = 128  # matrices drawn at a time on a CPU: what one step leaves is still in its cache for the next


@dataclass(frozen=True)
class MatrixData:
    """Which matrices are drawn; it travels with every run.

    Attributes:
        name: ``ired`` (A = 2 R Rᵀ + ε I) or ``design`` (A = R Rᵀ + ε I).
        rank: Rows of A.
        ood: Out of distribution, ε = 0.1 in place of 0.5.
    """

    name: DatasetName = "ired"
    rank: int = 20
    ood: bool = False
    offers: ClassVar[tuple[str, ...]] = (MATRICES,)

    @property
    def epsilon(self) -> float:
        """The weight of the identity, the smallest eigenvalue that A can have."""
        return EPSILON_OUT_OF_DISTRIBUTION if self.ood else EPSILON_IN_DISTRIBUTION

    @property
    def gram_weight(self) -> float:
        """The weight of R Rᵀ in A."""
        return 2.0 if self.name == "ired" else 1.0

    def draw(self, count: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return matrices and their inverses, as ``draw_matrices`` does in float32."""
        return draw_matrices(self, count, generator=generator)


def draw_matrices(
    data: MatrixData,
    count: int,
    *,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """Return ``count`` matrices and their inverses, each flattened to shape (count, rank²).

    Both are computed in float64 and rounded once, as the public code does; A is symmetric to the last bit.

    Args:
        data: Which data set, rank and ε.
        count: Number of matrices.
        generator: Source of randomness; its device is where the matrices are drawn.
        dtype: Type of what is returned.
    """
    jobs = matrix_jobs(
        data=data,
        count=count,
        generator=generator,
        dtype=dtype,
    )
    if count <= BLOCK:
        return joined([job() for job in jobs])  # threads cost more than one block does
    return joined(list(side_by_side(_done, jobs, at_once=generator.device.type == "cpu")))


def matrix_jobs(
    data: MatrixData,
    count: int,
    *,
    generator: torch.Generator,
    dtype: torch.dtype,
) -> Iterator[MatrixJob]:
    """Yield what is left to do for each block of ``draw_matrices`` once its random numbers are drawn.

    The numbers are drawn as the jobs are taken, in order; the jobs may then be done in any thread.
    """
    n, device = data.rank, generator.device
    size = count if device.type == "cuda" else BLOCK
    for first in range(0, count, size):
        rows = min(size, count - first)
        root = torch.empty(rows, n, n, device=device, dtype=torch.float64)
        root.uniform_(-1, 1, generator=generator)
        yield partial(_block_of, data, root, dtype)


def joined(blocks: Sequence[MatrixBlock]) -> MatrixBlock:
    """Return the matrices of all blocks, and their inverses."""
    if len(blocks) == 1:
        return blocks[0]
    a, inverse = (torch.cat(parts) for parts in zip(*blocks, strict=True))
    return a, inverse


def _done(job: MatrixJob) -> MatrixBlock:
    return job()


def _block_of(data: MatrixData, r: Tensor, dtype: torch.dtype) -> MatrixBlock:
    """Return the matrices that come of R, of shape (count, rank, rank), and their inverses."""
    count, n = r.shape[:2]
    gram = r @ r.mT
    a = gram + gram.mT  # a blocked product need not be symmetric to the last bit; this sum is
    if data.gram_weight != 2.0:
        a *= data.gram_weight / 2.0
    a.diagonal(dim1=-2, dim2=-1).add_(data.epsilon)
    # A = L Lᵀ; A⁻¹ = (L⁻¹)ᵀ L⁻¹. The triangular solve is batched; LAPACK's inverse of a factor is not.
    unit = torch.eye(n, device=r.device, dtype=torch.float64).expand(count, n, n)
    root = torch.linalg.solve_triangular(torch.linalg.cholesky_ex(a)[0], unit, upper=False)
    inverse = root.mT @ root
    return a.flatten(1).to(dtype), inverse.flatten(1).to(dtype)
