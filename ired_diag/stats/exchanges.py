"""Exchanges of whole seeds: what t would be at each step if names of groups meant nothing.

Of n pairs each difference of curves changes its sign over all steps at once: 2ⁿ exchanges. With e the signs,

    u_s = (Σ eᵢ dᵢₛ)² / (n Σ dᵢₛ²),     t_s² = (n - 1) u_s / (1 - u_s),

where the sum of squares is the same in every exchange. Of two groups that are not pairs, seeds change their
group with their whole curve: C(n_a + n_b, n_a) exchanges, with Welch's t at each step. Either way a curve
keeps whatever it does along its steps.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_EXACT = 4096  # exchanges that are all made
DRAWN = 4999  # exchanges that are drawn, in addition to the one at hand
CELLS = 2_000_000  # numbers in one part of the exchanges, so that memory stays small
FAR = 1e150  # t without an error: finite, so that it reaches no infinite bound
ROUNDING = 1e-12  # a variance below this share of the squares is one of rounding


def t_of_pairs(differences: Array, signs: Array | None = None) -> Array:
    """Return t at each step, of shape (steps,), or of each exchange, of shape (exchanges, steps).

    Args:
        differences: One curve minus the other, of shape (pairs, steps).
        signs: Signs of the pairs, of shape (exchanges, pairs). Default: the data as they are.
    """
    n = len(differences)
    largest = _largest_of_step(differences)
    scaled = differences / largest
    sums = scaled.sum(axis=0)
    if signs is not None:
        sums = signs @ scaled
    squares = (scaled**2).sum(axis=0)
    is_zero = squares == 0
    squares[is_zero] = 1.0  # t is 0 there, because the sums are
    share = sums**2 / (n * squares)
    rest = 1 - share
    # Without noise all is shared, up to rounding.
    is_far = rest < ROUNDING
    rest[is_far] = 1.0
    size = np.sqrt((n - 1) * share / rest)
    size[is_far] = FAR
    t: Array = np.sign(sums) * size
    return t


def t_of_groups(pooled: Array, is_first: Array) -> Array:
    """Return Welch's t at each step, of each exchange, of shape (exchanges, steps).

    Args:
        pooled: Curves of both groups, of shape (seeds, steps).
        is_first: 1 for a seed of the first group, else 0, of shape (exchanges, seeds).
    """
    first = is_first[0].sum()
    second = len(pooled) - first
    centred = pooled - pooled.mean(axis=0)
    centred /= _largest_of_step(centred)
    squared = centred**2
    sums = is_first @ centred
    squares_a = is_first @ squared
    squares_all = squared.sum(axis=0)
    squares_b = squares_all - squares_a
    mean_a = sums / first
    mean_b = -sums / second
    within_a = squares_a - first * mean_a**2
    within_b = squares_b - second * mean_b**2
    variance = within_a / (first * (first - 1))
    variance += within_b / (second * (second - 1))
    difference = mean_a - mean_b
    return _over_error(difference, variance, squares_all)


def _over_error(difference: Array, variance: Array, squares: Array) -> Array:
    """Return a difference over its error: 0 where nothing differs, ``FAR`` where only the error is 0."""
    rounding = ROUNDING * squares
    is_equal = difference**2 <= rounding
    is_far = variance <= rounding
    variance[is_far] = 1.0
    size = np.abs(difference)
    t: Array = size / np.sqrt(variance)
    t[is_far] = FAR
    t *= np.sign(difference)
    t[is_far & is_equal] = 0.0
    return t


def _largest_of_step(curves: Array) -> Array:
    """Return the largest size at each step, 1 where all is 0: squares of tiny numbers would be 0."""
    sizes = np.abs(curves)
    largest: Array = sizes.max(axis=0)
    largest[largest == 0] = 1.0
    return largest


def sign_flips(pairs: int, seed: int) -> tuple[Array, bool]:
    """Return signs of pairs, of shape (exchanges, pairs), and whether they are all that there are.

    Args:
        pairs: Number of pairs.
        seed: Random seed, where they are drawn.
    """
    if 2**pairs <= MOST_EXACT:
        every = itertools.product((1.0, -1.0), repeat=pairs)
        signs = np.array(list(every))
        return signs, True
    generator = np.random.default_rng(seed)
    drawn = generator.choice([1.0, -1.0], size=(DRAWN, pairs))
    as_they_are = np.ones((1, pairs))  # the data themselves are one of the exchanges
    return np.concatenate([as_they_are, drawn]), False


def regroupings(count: int, first: int, seed: int) -> tuple[Array, bool]:
    """Return who is in the first group, of shape (exchanges, seeds), and whether these are all ways.

    Args:
        count: Number of seeds of both groups, those of the first group before the others.
        first: Number of seeds of the first group.
        seed: Random seed, where they are drawn.
    """
    ways = math.comb(count, first)
    if ways <= MOST_EXACT:
        every = itertools.combinations(range(count), first)
        members = np.array(list(every))
        is_first = np.zeros((ways, count))
        np.put_along_axis(is_first, members, 1.0, axis=1)
        return is_first, True
    generator = np.random.default_rng(seed)
    as_they_are = np.zeros((1, count))
    as_they_are[0, :first] = 1.0
    rows = np.repeat(as_they_are, DRAWN, axis=0)
    drawn = generator.permuted(rows, axis=1)
    is_first = np.concatenate([as_they_are, drawn])
    return is_first, False


def in_parts(exchanges: Array, steps: int) -> Iterator[Array]:
    """Yield exchanges in parts whose t at each step need little memory."""
    rows = CELLS // max(1, steps)
    rows = max(1, rows)
    for start in range(0, len(exchanges), rows):
        end = start + rows
        yield exchanges[start:end]
