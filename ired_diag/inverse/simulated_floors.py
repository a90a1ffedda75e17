"""What predictors without a network reach at inverting random matrices: simulated and fitted, in numpy.

With R of independent U(-1, 1) entries, A = w R Rᵀ + ε I, answers Ŷ to A are fitted by least squares on one
half of the matrices, and their mean squared error per entry is taken on the other:

    zero           Ŷ = 0
    mean_inverse   Ŷ = c I
    linear         Ŷ_ij = a A_ij for i ≠ j,   Ŷ_ii = b A_ii + c tr A + d

They may be fitted on matrices of another ε than those that they answer: a model that was trained in
distribution is compared out of distribution with predictors that were fitted in distribution.

A and P A Pᵀ have the same law for every signed permutation P, so that no linear map of all entries is better
than the last one. ``ired_diag.inverse.floors`` has the same and more, for checkpoints; this needs no torch.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ired_diag.stats.arrays import Array

SEED = 20_261_121
ENTRIES = 8_000_000  # of all matrices drawn
MOST = 20_000  # matrices
FEWEST = 1_000
CHUNK = 1_000

Drawn = tuple[Array, Array]  # matrices and their inverses, each of shape (CHUNK, rank, rank)


@dataclass(frozen=True)
class Floor:
    """A reference predictor's error.

    Attributes:
        name: ``zero``, ``mean_inverse`` or ``linear``.
        mse: Mean squared error per entry.
        standard_error: Standard error of the mean squared error.
    """

    name: str
    mse: float
    standard_error: float


@dataclass(frozen=True)
class Fitted:
    """Predictors that were fitted on one half of the matrices.

    Attributes:
        mean_inverse: Coefficients (a, b, c, d) of the best multiple of I.
        linear: Those of the best equivariant linear map.
        generator: The state of the generator that draws the other half.
    """

    mean_inverse: Array
    linear: Array
    generator: Mapping[str, Any]


@functools.lru_cache(maxsize=16)
def inverse_floors(
    rank: int,
    *,
    epsilon: float,
    weight: float,
    fitted_epsilon: float | None = None,
) -> tuple[Floor, ...]:
    """Return the floors, the best last.

    Args:
        rank: Rows of A.
        epsilon: ε of the matrices that are answered.
        weight: w.
        fitted_epsilon: ε of the matrices that the predictors are fitted on. Default: the same.
    """
    if fitted_epsilon is None:
        fitted_epsilon = epsilon
    fitted = _fitted(rank, epsilon=fitted_epsilon, weight=weight)
    rng = np.random.default_rng()
    rng.bit_generator.state = fitted.generator
    test = []
    for _ in range(_chunks(rank)):
        drawn = _drawn(rank, epsilon=epsilon, weight=weight, rng=rng)
        test.append(drawn)
    return (
        _scored("zero", np.zeros(4), test),
        _scored("mean_inverse", fitted.mean_inverse, test),
        _scored("linear", fitted.linear, test),
    )


def _chunks(rank: int) -> int:
    """Return in how many chunks the matrices of each half are drawn."""
    affordable = ENTRIES // rank**2
    matrices = min(MOST, max(FEWEST, affordable))
    return math.ceil(matrices / (2 * CHUNK))


@functools.lru_cache(maxsize=16)
def _fitted(rank: int, *, epsilon: float, weight: float) -> Fitted:
    """Return the predictors of one half of the matrices, and where the other half begins."""
    rng = np.random.default_rng(SEED)
    train = []
    for _ in range(_chunks(rank)):
        drawn = _drawn(rank, epsilon=epsilon, weight=weight, rng=rng)
        train.append(drawn)
    return Fitted(_mean_inverse(train), _linear(train), rng.bit_generator.state)


def _drawn(
    rank: int,
    *,
    epsilon: float,
    weight: float,
    rng: np.random.Generator,
) -> Drawn:
    root = rng.uniform(-1, 1, (CHUNK, rank, rank))
    transposed = root.transpose(0, 2, 1)
    product = root @ transposed
    a = weight * product + epsilon * np.eye(rank)
    inverse = np.linalg.inv(a)
    return a, inverse.astype(np.float64)


def _mean_inverse(train: list[Drawn]) -> Array:
    """Return the coefficients (a, b, c, d) of the best multiple of I."""
    means = []
    for _, y in train:
        trace = np.trace(y, axis1=1, axis2=2)
        rank = y.shape[1]
        means.append(trace.mean() / rank)
    multiple = float(np.mean(means))
    return np.array([0.0, 0.0, 0.0, multiple])


def _linear(train: list[Drawn]) -> Array:
    """Return the coefficients of the best equivariant linear map."""
    product = 0.0
    square = 0.0
    normal = np.zeros((3, 3))
    right = np.zeros(3)
    for a, y in train:
        rank = a.shape[1]
        off = ~np.eye(rank, dtype=bool)
        a_off = a[:, off]
        y_off = y[:, off]
        product += float(np.sum(a_off * y_off))
        square += float(np.sum(a_off**2))
        x = _diagonal(a)
        target = np.einsum("nii->ni", y).ravel()
        normal += x.T @ x
        right += x.T @ target
    (b, c, d), *_ = np.linalg.lstsq(normal, right, rcond=None)
    slope = 0.0
    if square:
        slope = product / square
    return np.array([slope, b, c, d])


def _diagonal(a: Array) -> Array:
    """Return what enters the diagonal of an answer, of shape (count · rank, 3)."""
    diagonal = np.einsum("nii->ni", a)
    trace = diagonal.sum(axis=1, keepdims=True)
    traces = np.broadcast_to(trace, diagonal.shape)
    ones = np.ones(diagonal.size)
    return np.stack([diagonal.ravel(), traces.ravel(), ones], axis=1)


def _scored(name: str, answer: Array, test: list[Drawn]) -> Floor:
    errors = []
    for a, y in test:
        n = len(a)
        rank = a.shape[1]
        places = np.arange(rank)
        predicted = answer[0] * a
        diagonal = _diagonal(a) @ answer[1:4]
        predicted[:, places, places] = diagonal.reshape(n, rank)
        squares = (predicted - y) ** 2
        errors.append(squares.mean(axis=(1, 2)))
    each = np.concatenate(errors)
    spread = each.std(ddof=1)
    standard_error = spread / math.sqrt(len(each))
    return Floor(
        name,
        mse=float(each.mean()),
        standard_error=float(standard_error),
    )
