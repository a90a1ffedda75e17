"""Errors of answers to the frozen set of matrices: of each final answer, and of groups after each level.

Each solver answers the same matrices from the same starts (``frozen_set``). Of each final answer the three
errors of ``answer_errors`` are kept, next to the condition number of its matrix. After each noise level only
the mean errors of groups of matrices are kept (``stats.grouped_mean``): all of them would make a large table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.inverse.answer_errors import AnswerErrors, answer_errors
from ired_diag.inverse.frozen_set import BLOCK, FrozenChunk, Solver, frozen_set
from ired_diag.inverse.matrices import MatrixData
from ired_diag.side_by_side import side_by_side
from ired_diag.stats.grouped_mean import GroupMeans
from ired_diag.table import Table, concatenate

ERRORS = ("mse", "relative", "residual")
FINAL = -1  # in the column level
GROUPS = 200  # of matrices, at most, whose mean errors are kept for each level

Errors = NDArray[np.float64]  # of shape (3, count) or (3, levels, count)


@dataclass(frozen=True)
class _Scored:
    """What a chunk's answers are worth, by the steps of inner optimisation.

    Attributes:
        first: Number of the chunk's first problem.
        cond: Condition numbers of its matrices.
        final: Errors of the final answers, each of shape (3, count).
        held: Errors after each level, each of shape (3, levels, count).
    """

    first: int
    cond: NDArray[np.float64]
    final: Mapping[int, Errors]
    held: Mapping[int, Errors]


def score(
    solvers: Mapping[int, Solver],
    data: MatrixData,
    samples: int,
    *,
    chunk: int = BLOCK,
    at_once: bool = False,
) -> Table:
    """Return the errors of what answers.

    Args:
        solvers: What answers, by its steps of inner optimisation.
        data: Which data set and rank.
        samples: Matrices of the frozen set, in distribution and out of it.
        chunk: Matrices answered at a time.
        at_once: Whether several chunks may be put to the solvers at once.
    """
    tables: list[Table] = []
    for name, ood in (("id", False), ("ood", True)):
        chunks = frozen_set(replace(data, ood=ood), samples, chunk=chunk)
        scored = side_by_side(
            partial(_score_chunk, solvers=solvers),
            chunks,
            at_once=at_once,
        )
        tables += _tables_of(name, scored, samples)
    return concatenate(tables)


def _score_chunk(chunk: FrozenChunk, *, solvers: Mapping[int, Solver]) -> _Scored:
    final = {}
    held = {}
    for steps, solve in solvers.items():
        solution = solve(chunk.problem, chunk.start)
        final[steps] = _stacked(answer_errors(chunk.problem, chunk.inverse, solution.answer))
        held[steps] = _stacked(answer_errors(chunk.problem, chunk.inverse, solution.trajectory))
    return _Scored(
        chunk.first,
        condition_numbers(chunk.problem),
        final,
        held,
    )


def _tables_of(data: str, scored: Iterable[_Scored], samples: int) -> Iterator[Table]:
    """Yield the errors of final answers, chunk by chunk, then those of groups after each level."""
    after: dict[int, GroupMeans] = {}
    for chunk in scored:
        for steps, errors in chunk.final.items():
            yield _rows(
                data,
                steps,
                level=FINAL,
                sample=chunk.first + np.arange(len(chunk.cond)),
                count=1,
                cond=chunk.cond,
                errors=errors,
            )
            held = chunk.held[steps]
            quantities = len(ERRORS) * held.shape[1]
            if steps not in after:
                after[steps] = GroupMeans(samples, quantities, groups=GROUPS)
            after[steps].add(chunk.first, held.reshape(quantities, -1))
    for steps, means in after.items():
        yield from _level_rows(data, steps, means)


def condition_numbers(problem: Tensor) -> NDArray[np.float64]:
    """Return λ_max / λ_min of flattened symmetric positive definite matrices, of shape (count,).

    They are computed in float64: in float32 the rounding of λ_min grows with the condition number.
    """
    rank = round(problem.shape[-1] ** 0.5)
    matrices = problem.double().reshape(-1, rank, rank)
    values = torch.linalg.eigvalsh(matrices)
    cond: NDArray[np.float64] = (values[:, -1] / values[:, 0]).numpy()
    return cond


def _stacked(errors: AnswerErrors) -> Errors:
    columns = [getattr(errors, name) for name in ERRORS]
    stacked: Errors = torch.stack(columns).numpy()
    return stacked


def _level_rows(data: str, steps: int, means: GroupMeans) -> Iterator[Table]:
    """Yield a row for each group after each level; in a trajectory the noisiest level comes first."""
    groups = len(means.first)
    mean = means.means().reshape(len(ERRORS), -1, groups)
    count = means.counts().reshape(len(ERRORS), -1, groups)
    levels = mean.shape[1]
    for place in range(levels):
        yield _rows(
            data,
            steps,
            level=levels - 1 - place,
            sample=means.first,
            count=count[0, place],
            cond=np.full(groups, math.nan),
            errors=mean[:, place],
        )


def _rows(
    data: str,
    steps: int,
    *,
    level: int,
    sample: NDArray[np.int64],
    count: int | NDArray[np.int64],
    cond: NDArray[np.float64],
    errors: Errors,
) -> Table:
    rows = len(sample)
    table = {
        "data": np.full(rows, data),
        "inner_steps": np.full(rows, steps),
        "level": np.full(rows, level),
        "sample": sample,
        "count": np.broadcast_to(count, rows),
        "cond": cond,
    }
    return table | dict(zip(ERRORS, errors, strict=True))
