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
    scaled = differences / _largest_of_step(differences)
    sums = scaled.sum(axis=0) if signs is None else signs @ scaled
    squares = (scaled**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip(sums**2 / (n * squares), 0.0, 1.0)
        t = np.sign(sums) * np.sqrt((n - 1) * share / (1 - share))
    t = np.where(1 - share < ROUNDING, np.sign(sums) * FAR, t)
    return np.where(squares == 0, 0.0, t)


def t_of_groups(pooled: Array, is_first: Array) -> Array:
    """Return Welch's t at each step, of each exchange, of shape (exchanges, steps).

    Args:
        pooled: Curves of both groups, of shape (seeds, steps).
        is_first: 1 for a seed of the first group, else 0, of shape (exchanges, seeds).
    """
    count = len(pooled)
    first = is_first[0].sum()
    second = count - first
    centred = pooled - pooled.mean(axis=0)
    centred = centred / _largest_of_step(centred)
    all_squares = (centred**2).sum(axis=0)
    sums = is_first @ centred
    squares = is_first @ centred**2
    mean_a = sums / first
    mean_b = -sums / second
    within_a = squares - first * mean_a**2
    within_b = all_squares - squares - second * mean_b**2
    variance_a = within_a / ((first - 1) * first)
    variance_b = within_b / ((second - 1) * second)
    variance = variance_a + variance_b
    return _over_error(mean_a - mean_b, variance, all_squares)


def _over_error(difference: Array, variance: Array, squares: Array) -> Array:
    """Return a difference over its error: 0 where nothing differs, ``FAR`` where only the error is 0."""
    none = ROUNDING * squares
    with np.errstate(divide="ignore", invalid="ignore"):
        t = difference / np.sqrt(np.maximum(variance, 0.0))
    is_equal = difference**2 <= none
    without_error = np.where(is_equal, 0.0, np.sign(difference) * FAR)
    return np.where(variance <= none, without_error, t)


def _largest_of_step(curves: Array) -> Array:
    """Return the largest size at each step, 1 where all is 0: squares of tiny numbers would be 0."""
    largest = np.abs(curves).max(axis=0)
    return np.where(largest == 0, 1.0, largest)


def sign_flips(pairs: int, seed: int) -> tuple[Array, bool]:
    """Return signs of pairs, of shape (exchanges, pairs), and whether they are all that there are.

    Args:
        pairs: Number of pairs.
        seed: Random seed, where they are drawn.
    """
    if 2**pairs <= MOST_EXACT:
        return np.array(list(itertools.product((1.0, -1.0), repeat=pairs))), True
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
    if math.comb(count, first) <= MOST_EXACT:
        ways = list(itertools.combinations(range(count), first))
        members = np.array(ways)
        is_first = np.zeros((len(ways), count))
        np.put_along_axis(is_first, members, 1.0, axis=1)
        return is_first, True
    generator = np.random.default_rng(seed)
    as_they_are = np.where(np.arange(count) < first, 1.0, 0.0)
    rows = np.tile(as_they_are, (DRAWN, 1))
    drawn = generator.permuted(rows, axis=1)
    return np.concatenate([as_they_are[None], drawn]), False


def in_parts(exchanges: Array, steps: int) -> Iterator[Array]:
    """Yield exchanges in parts whose t at each step need little memory."""
    rows = max(1, CELLS // max(1, steps))
    for start in range(0, len(exchanges), rows):
        yield exchanges[start : start + rows]
