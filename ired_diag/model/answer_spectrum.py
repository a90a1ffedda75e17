"""The outermost eigenvalues of an energy's Hessian in y at the right answers, level by level.

They are taken at the noiseless points √ᾱ_t y*, where an exact denoiser has its minimum at level t. The whole
Hessian is made and its eigenvalues computed in float64. By Weyl's inequality an eigenvalue of the symmetrised
matrix is wrong by no more than ½ ‖H - Hᵀ‖, if the asymmetry is what is wrong with H.

Reference: Golub & Van Loan (2013), Matrix Computations, theorem 8.1.5 (Weyl).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.model.energy import Energy
from ired_diag.model.energy_hessian import EnergyHessian, energy_hessian
from ired_diag.model.schedule import Schedule
from ired_diag.side_by_side import side_by_side

CHUNK = 2**23  # entries of Hessians held at a time by one thread


@dataclass(frozen=True, kw_only=True)
class AnswerSpectrum:
    """Numbers of the Hessian at each level and problem, each (levels, problems); NaN where H is not finite.

    Attributes:
        lowest: The smallest eigenvalue.
        highest: The largest.
        error: ½ ‖H - Hᵀ‖ (Frobenius), which bounds the error of both by asymmetry.
        asymmetry: ‖H - Hᵀ‖ / ‖H‖.
        slope: ‖∇_yE‖ there.
        differenced: Whether H came from central differences of the gradient.
    """

    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    error: NDArray[np.float64]
    asymmetry: NDArray[np.float64]
    slope: NDArray[np.float64]
    differenced: NDArray[np.float64]


def answer_spectrum(
    energy: Energy,
    schedule: Schedule,
    x: Tensor,
    answer: Tensor,
    *,
    generator: torch.Generator,
    at_once: bool = False,
) -> AnswerSpectrum:
    """Return the spectrum at the right answers.

    Args:
        energy: E, on the device of ``x``.
        schedule: Its noise schedule, likewise.
        x: Problems, of shape (problems, …).
        answer: y*, of shape (problems, dim).
        generator: Random stream on the CPU, of the directions along which differentiation is checked.
        at_once: Whether several pieces may be put to the energy at once.
    """
    count, dim = answer.shape
    level = torch.arange(schedule.levels, device=answer.device).repeat_interleave(count)
    problem = torch.arange(count, device=answer.device).repeat(schedule.levels)
    pieces = max(1, math.ceil(len(level) * dim**2 / CHUNK))

    def numbers_at(piece: tuple[Tensor, Tensor, int]) -> Tensor:
        rows, t, seed = piece
        y = schedule.q_sample(answer[rows], t, torch.zeros_like(answer[rows]))
        own_generator = torch.Generator().manual_seed(seed)
        hessian = energy_hessian(energy.landscape(x[rows], t), y, generator=own_generator)
        return _numbers_of(hessian)

    # A random stream for each piece: several may be at work at once.
    seeds = torch.randint(2**62, (pieces,), generator=generator)
    cut = zip(
        torch.tensor_split(problem, pieces),
        torch.tensor_split(level, pieces),
        seeds.tolist(),
        strict=True,
    )
    parts = list(side_by_side(numbers_at, cut, at_once=at_once))
    numbers = torch.cat(parts, dim=1).cpu().numpy()
    by_level = numbers.reshape(len(fields(AnswerSpectrum)), -1, count)
    lowest, highest, error, asymmetry, slope, differenced = by_level
    return AnswerSpectrum(
        lowest=lowest,
        highest=highest,
        error=error,
        asymmetry=asymmetry,
        slope=slope,
        differenced=differenced,
    )


def _numbers_of(hessian: EnergyHessian) -> Tensor:
    """Return the numbers of ``AnswerSpectrum`` in its order, of shape (6, batch)."""
    matrices = hessian.matrices
    finite = matrices.isfinite().flatten(1).all(dim=1)
    # One NaN would make eigvalsh raise for the whole batch.
    values = torch.linalg.eigvalsh(torch.where(finite[:, None, None], matrices, 0.0))
    differenced = hessian.method == "central differences"
    numbers = torch.stack(
        [
            values[:, 0],
            values[:, -1],
            hessian.defect * torch.linalg.matrix_norm(matrices) / 2,
            hessian.defect,
            hessian.gradient.double().norm(dim=1),
            torch.full_like(hessian.defect, differenced),
        ]
    )
    return torch.where(finite, numbers, math.nan)
