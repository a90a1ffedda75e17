"""Crossed design: which sources of variance runs can tell apart, and in which directions of the data.

Each run has a level of each factor (its initialisation, its data seed). A term is a set of factors, and has
a random effect for each combination of their levels that occurs:

    y = μ + Σ_t Z_t b_t + e,      b_t ~ N(0, σ_t² I),      e ~ N(0, σ_e² I).

The terms are all sets of factors, but for those whose cells hold one run each, which are the residual, and
those that part the runs as a smaller set does, which cannot be told from it. For each term t an orthonormal
basis U_t of the columns of Z_t is taken after all terms that do not contain t were projected out: what is
left depends on σ_t², on the terms that contain t, and on σ_e². The residual has what no term reaches. Where
every combination occurs equally often, these are the contrasts of the analysis of variance.

References: Searle, Casella & McCulloch (1992), Variance Components, chapter 4 (balanced designs) and section
5.3 (Henderson's method III, reductions in sums of squares).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ired_diag.stats.arrays import Array

Levels = NDArray[np.intp]
Term = tuple[str, ...]  # names of factors, in the order of the design
ROUNDING = 1e-9  # of singular values, next to the largest


@dataclass(frozen=True, kw_only=True)
class Contrasts:
    """The directions of the data in which a term shows.

    Attributes:
        term: Its factors; empty of the residual.
        basis: U_t, of shape (runs, df).
        effects: U_t' Z_s Z_s' U_t for each term s that shows in these directions, of shape (df, df).
    """

    term: Term
    basis: Array
    effects: Mapping[Term, Array] = field(default_factory=dict)

    @property
    def df(self) -> int:
        """Degrees of freedom."""
        return int(self.basis.shape[1])


@dataclass(frozen=True, kw_only=True)
class CrossedDesign:
    """The levels of each run, and the terms that they allow.

    Attributes:
        factors: Level of each run, 0 to levels - 1, by factor; each of shape (runs,).
        terms: Sets of factors that have a component of their own, mains first.
        in_residual: Sets of factors whose effect cannot be told from the residual.
        aliases: Sets of factors that part the runs exactly as a smaller one does, by that one.
        contrasts: One for each term that has a degree of freedom, in their order; the residual last.
    """

    factors: Mapping[str, Levels]
    terms: tuple[Term, ...]
    in_residual: tuple[Term, ...]
    aliases: Mapping[Term, Sequence[Term]]
    contrasts: tuple[Contrasts, ...]

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return int(self.contrasts[-1].basis.shape[0])

    @property
    def residual(self) -> Contrasts:
        """The directions that no term reaches."""
        return self.contrasts[-1]

    @property
    def is_balanced(self) -> bool:
        """Whether every effect is a multiple of the identity, as in the analysis of variance."""
        effects: list[Array] = []
        for contrasts in self.contrasts:
            effects += contrasts.effects.values()
        return all(map(is_multiple_of_identity, effects))

    def levels(self, factor: str) -> int:
        """Return how many levels a factor has."""
        return int(self.factors[factor].max()) + 1


def crossed_design(levels: Mapping[str, Sequence[object]], runs: int) -> CrossedDesign:
    """Return the design of runs.

    Args:
        levels: What each run has of each factor, in one order of the runs.
        runs: How many runs there are.
    """
    factors = {}
    for name, values in levels.items():
        factors[name] = numbered(values)
    in_residual: list[Term] = []
    aliases: dict[Term, list[Term]] = {}
    partitions: dict[Term, Levels] = {}
    for term in _sets_of(list(factors)):
        cells = cells_of(term, factors)
        count = _count(cells)
        twin = _equal_partition(cells, partitions)
        if count == runs:
            in_residual.append(term)
        elif twin is not None:
            of_twin = aliases.setdefault(twin, [])
            of_twin.append(term)
        elif count > 1:
            partitions[term] = cells
    contrasts = []
    for term in partitions:
        of_term = _contrasts_of(term, partitions, runs)
        if of_term.df > 0:
            contrasts.append(of_term)
    terms = []
    for of_term in contrasts:
        terms.append(of_term.term)
    contrasts.append(_residual(partitions, runs))
    return CrossedDesign(
        factors=factors,
        terms=tuple(terms),
        in_residual=tuple(in_residual),
        aliases=aliases,
        contrasts=tuple(contrasts),
    )


def numbered(values: Iterable[object]) -> Levels:
    """Return equal values as equal numbers, from 0 in the order of their first place.

    >>> numbered(["b", "a", "b"]).tolist()
    [0, 1, 0]
    """
    number_of: dict[object, int] = {}
    numbers = []
    for value in values:
        number = number_of.setdefault(value, len(number_of))
        numbers.append(number)
    return np.array(numbers, dtype=np.intp)


def cells_of(term: Term, factors: Mapping[str, Levels]) -> Levels:
    """Return the number of each run's combination of the levels of a term."""
    columns = [factors[name].tolist() for name in term]
    combinations = zip(*columns, strict=True)
    return numbered(combinations)


def _count(cells: Levels) -> int:
    return int(cells.max()) + 1


def _sets_of(names: Sequence[str]) -> Iterator[Term]:
    for size in range(1, len(names) + 1):
        yield from itertools.combinations(names, size)


def _equal_partition(cells: Levels, partitions: Mapping[Term, Levels]) -> Term | None:
    for term, others in partitions.items():
        if np.array_equal(cells, others):
            return term
    return None


def _indicators(cells: Levels) -> Array:
    """Return Z: a row for each run, with a 1 in the column of its cell."""
    identity = np.eye(_count(cells))
    indicators: Array = identity[cells]
    return indicators


def _contrasts_of(
    term: Term,
    partitions: Mapping[Term, Levels],
    runs: int,
) -> Contrasts:
    """Return a term's directions, with the effects of the terms that show in them."""
    outside = [np.ones((runs, 1))]
    containing = []
    for other, cells in partitions.items():
        if set(term) <= set(other):
            containing.append(other)
        else:
            outside.append(_indicators(cells))
    own = _indicators(partitions[term])
    reached = _basis_of(np.hstack(outside))
    projected = reached @ (reached.T @ own)
    basis = _basis_of(own - projected)
    effects = {}
    for other in containing:
        indicators = _indicators(partitions[other])
        loadings = basis.T @ indicators
        effects[other] = loadings @ loadings.T
    return Contrasts(
        term=term,
        basis=basis,
        effects=effects,
    )


def _residual(partitions: Mapping[Term, Levels], runs: int) -> Contrasts:
    reached = [np.ones((runs, 1))]
    reached += map(_indicators, partitions.values())
    left, values, _ = np.linalg.svd(np.hstack(reached))
    smallest = ROUNDING * values[0]
    rank = int(np.sum(values > smallest))
    return Contrasts(term=(), basis=left[:, rank:])


def _basis_of(columns: Array) -> Array:
    """Return an orthonormal basis of the columns; of no column where all are 0 but for rounding."""
    left, values, _ = np.linalg.svd(columns, full_matrices=False)
    # Columns of indicators have lengths of 1 and more: what is left of a column below this is rounding.
    basis: Array = left[:, values > ROUNDING]
    return basis


def is_multiple_of_identity(matrix: Array) -> bool:
    """Say whether a symmetric matrix is a number times the identity, but for rounding."""
    n = len(matrix)
    scale = float(np.trace(matrix)) / n
    difference = np.abs(matrix - scale * np.eye(n))
    bound = 1e-8 * scale
    return bool(np.all(difference <= bound))
