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
    studies = _drawn(
        shapes,
        n,
        shrinkage=_shrinkage(n - 1, shrunk=shrunk),
        seed=seed,
        drawn=drawn,
    )
    for curves in studies:
        means = curves.mean(axis=1)
        spread = curves.std(axis=1, ddof=1)
        error = spread / np.sqrt(n)
        yield _quotient(means, error)


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
    shapes = np.concatenate([_standardised(a), _standardised(b)])
    spread_a = a.std(axis=0, ddof=1)
    spread_b = b.std(axis=0, ddof=1)
    studies = _drawn(
        _over_norm(shapes),
        count,
        shrinkage=_shrinkage(count - 2, shrunk=shrunk),
        seed=seed,
        drawn=drawn,
    )
    for curves in studies:
        of_a = spread_a * curves[:, :first]
        of_b = spread_b * curves[:, first:]
        difference = of_a.mean(axis=1) - of_b.mean(axis=1)
        square_a = of_a.var(axis=1, ddof=1) / len(a)
        square_b = of_b.var(axis=1, ddof=1) / len(b)
        error = np.sqrt(square_a + square_b)
        yield _quotient(difference, error)


def _shrinkage(degrees: int, *, shrunk: bool) -> float:
    if not shrunk:
        return 0.0
    if degrees <= 2:
        return 1.0
    return 2 / degrees


def _drawn(
    shapes: Array,
    count: int,
    *,
    shrinkage: float,
    seed: int,
    drawn: int,
) -> Iterator[Array]:
    """Yield drawn curves of unit spread, in parts of shape (studies, count, steps)."""
    generator = np.random.default_rng(seed)
    seeds, steps = shapes.shape
    # Single precision halves the time, and moves a bound by less than the draws do.
    single = shapes.astype(np.float32)
    at_once = CELLS // (count * steps)
    at_once = max(1, at_once)
    for start in range(0, drawn, at_once):
        studies = min(at_once, drawn - start)
        size = (studies, count, seeds)
        weights = generator.standard_normal(size, dtype=np.float32)
        smooth = weights @ single
        curves: Array = smooth.astype(np.float64)
        if shrinkage > 0:
            size = (studies, count, steps)
            rough = generator.standard_normal(size, dtype=np.float32)
            curves *= np.sqrt(1 - shrinkage)
            curves += np.sqrt(shrinkage) * rough
        yield curves


def _standardised(curves: Array) -> Array:
    """Return residual curves over the standard deviation at each step."""
    residuals = curves - curves.mean(axis=0)
    degrees = max(1, len(curves) - 1)
    return _over_norm(residuals) * float(np.sqrt(degrees))


def _over_norm(curves: Array) -> Array:
    """Return curves over their norm across seeds; 0 where all of a step is 0."""
    sizes = np.abs(curves)
    largest = sizes.max(axis=0)
    largest[largest == 0] = 1.0
    scaled = curves / largest  # squares of tiny numbers would be 0
    squares = (scaled**2).sum(axis=0)
    squares[squares == 0] = 1.0
    unit: Array = scaled / np.sqrt(squares)
    return unit


def _quotient(mean: Array, error: Array) -> Array:
    """Return a mean over its error; 0 where neither group varies."""
    varies = error > 0
    error[~varies] = 1.0
    quotient: Array = mean / error
    quotient[~varies] = 0.0
    return quotient
