"""How large does t become at some step by chance, if curves are normal and groups scatter differently?

An exchange of seeds between groups assumes that equal means come with equal spreads: where one of two groups
has three times the spread of the other, it calls 15 to 35% of studies without a difference apart (5 against 6
and 5 against 10 seeds, 40 steps). So curves without a difference are drawn that have each group's own spread
at each step, and the correlations along the steps of all seeds together. With z_j the residual curves over
their norm at each step, each drawn curve is

    y = √(1 - λ) Σ_j g_j z_j + √λ e,         g_j, e standard normal,

and its group's spread times that. Correlations that are estimated from few seeds are too large in size, which
makes the largest |t| too small; λ = 2 / (degrees of freedom) shrinks them towards independence, where it is
largest. A stretch of steps is the heavier the more they are correlated: for those λ is 0. The same drawn
curves give the band around the mean of pairs its width: an exchange holds its level where nothing differs,
but a band must hold where something does.

References: Chung & Romano (2013), Exact and asymptotically robust permutation tests, Annals of Statistics 41;
Schäfer & Strimmer (2005) on shrinkage; Šidák (1967) on independence as the worst case.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DRAWN = 999  # studies without a difference
CELLS = 1_000_000  # numbers that are drawn at once


def t_of_drawn_pairs(
    differences: Array, *, seed: int, drawn: int = DRAWN, shrunk: bool = True
) -> Iterator[Array]:
    """Yield t at each step of drawn pairs without a difference, in parts of shape (studies, steps).

    Args:
        differences: One curve minus the other, of shape (pairs, steps).
        seed: Random seed.
        drawn: Number of studies.
        shrunk: Whether correlations along the steps are shrunk.
    """
    n = len(differences)
    shapes = _over_norm(_standardised(differences))
    shrinkage = _shrinkage(n - 1) if shrunk else 0.0
    for curves in _drawn(shapes, n, shrinkage=shrinkage, seed=seed, drawn=drawn):
        error = curves.std(axis=1, ddof=1) / np.sqrt(n)
        yield _quotient(curves.mean(axis=1), error)


def t_of_drawn_groups(
    a: Array, b: Array, *, seed: int, drawn: int = DRAWN, shrunk: bool = True
) -> Iterator[Array]:
    """Yield Welch's t at each step of drawn groups without a difference, in parts of shape (studies, steps).

    Args:
        a: Curves of the first group, of shape (seeds, steps).
        b: Curves of the second group.
        seed: Random seed.
        drawn: Number of studies.
        shrunk: Whether correlations along the steps are shrunk.
    """
    first = len(a)
    count = first + len(b)
    shapes = _over_norm(np.concatenate([_standardised(a), _standardised(b)]))
    variance_a = a.var(axis=0, ddof=1)
    variance_b = b.var(axis=0, ddof=1)
    shrinkage = _shrinkage(count - 2) if shrunk else 0.0
    for curves in _drawn(shapes, count, shrinkage=shrinkage, seed=seed, drawn=drawn):
        of_a = curves[:, :first]
        of_b = curves[:, first:]
        mean = np.sqrt(variance_a) * of_a.mean(axis=1) - np.sqrt(variance_b) * of_b.mean(axis=1)
        square_a = variance_a * of_a.var(axis=1, ddof=1) / first
        square_b = variance_b * of_b.var(axis=1, ddof=1) / len(b)
        yield _quotient(mean, np.sqrt(square_a + square_b))


def _shrinkage(degrees: int) -> float:
    return min(1.0, 2 / max(1, degrees))


def _drawn(shapes: Array, count: int, *, shrinkage: float, seed: int, drawn: int) -> Iterator[Array]:
    """Yield drawn curves of unit spread, in parts of shape (studies, count, steps)."""
    generator = np.random.default_rng(seed)
    seeds, steps = shapes.shape
    at_once = max(1, CELLS // (count * steps))
    for start in range(0, drawn, at_once):
        studies = min(at_once, drawn - start)
        weights = generator.standard_normal((studies * count, seeds), dtype=np.float32)
        smooth = (weights @ shapes.astype(np.float32)).reshape(studies, count, steps)
        curves = smooth.astype(np.float64)
        if shrinkage > 0:
            rough = generator.standard_normal((studies, count, steps), dtype=np.float32)
            curves = np.sqrt(1 - shrinkage) * curves + np.sqrt(shrinkage) * rough
        yield curves


def _standardised(curves: Array) -> Array:
    """Return residual curves over the standard deviation at each step."""
    residuals = curves - curves.mean(axis=0)
    return _over_norm(residuals) * np.sqrt(max(1, len(curves) - 1))


def _over_norm(curves: Array) -> Array:
    """Return curves over their norm across seeds; 0 where all of a step is 0."""
    largest = np.abs(curves).max(axis=0)
    scaled = curves / np.where(largest == 0, 1.0, largest)
    norm = np.sqrt((scaled**2).sum(axis=0))
    unit: Array = scaled / np.where(norm == 0, 1.0, norm)
    return unit


def _quotient(mean: Array, error: Array) -> Array:
    """Return a mean over its error; 0 where neither group varies."""
    safe = np.where(error == 0, 1.0, error)
    quotient: Array = np.where(error == 0, 0.0, mean / safe)
    return quotient
