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
from ired_diag.model.energy_hessian import energy_hessian
from ired_diag.model.schedule import Schedule

CHUNK = 2**22  # entries of Hessians held at a time


@dataclass(frozen=True)
class AnswerSpectrum:
    """Numbers of the Hessian at each level and problem, each of shape (levels, problems); NaN where it is.

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
    energy: Energy, schedule: Schedule, x: Tensor, answer: Tensor, *, generator: torch.Generator
) -> AnswerSpectrum:
    """Return the spectrum at the right answers.

    Args:
        energy: E, on the device of ``x``.
        schedule: Its noise schedule, likewise.
        x: Problems, of shape (problems, …).
        answer: y*, of shape (problems, dim).
        generator: Of the directions along which differentiation is checked, on the CPU.
    """
    count, dim = answer.shape
    level = torch.arange(schedule.levels, device=answer.device).repeat_interleave(count)
    problem = torch.arange(count, device=answer.device).repeat(schedule.levels)
    size = max(1, CHUNK // dim**2)
    parts = [
        _spectrum(energy, schedule, x[some], answer[some], t, generator)
        for some, t in zip(torch.split(problem, size), torch.split(level, size), strict=True)
    ]
    whole = torch.cat(parts, dim=1).cpu().numpy().reshape(len(fields(AnswerSpectrum)), -1, count)
    return AnswerSpectrum(*whole)


def _spectrum(
    energy: Energy, schedule: Schedule, x: Tensor, answer: Tensor, t: Tensor, generator: torch.Generator
) -> Tensor:
    """Return the numbers of ``AnswerSpectrum`` in its order, of shape (6, batch)."""
    y = schedule.q_sample(answer, t, torch.zeros_like(answer))
    found = energy_hessian(energy.landscape(x, t), y, generator=generator)
    whole = found.matrices.isfinite().flatten(1).all(dim=1)
    values = torch.linalg.eigvalsh(torch.where(whole[:, None, None], found.matrices, 0.0))
    numbers = torch.stack(
        [
            values[:, 0],
            values[:, -1],
            found.defect * torch.linalg.matrix_norm(found.matrices) / 2,
            found.defect,
            found.gradient.double().norm(dim=1),
            torch.full_like(found.defect, found.method == "central differences"),
        ]
    )
    return torch.where(whole, numbers, math.nan)
