"""Do values fall into camps by a label? A permutation test of the spread between labels.

With labels that mean nothing, every assignment of the same labels to the values is as likely as the observed
one. The statistic is the sum of squares between the labels, Σ nᵢ (x̄ᵢ - x̄)², which orders assignments as the F
of one-way analysis of variance does; p is the share of assignments with at least the observed one. Two labels
are enumerated where they are few enough, which is exact; else assignments are drawn, and b of m of them give
(b + 1)/(m + 1).

Reference: Pitman (1938), Significance Tests Which May be Applied to Samples from Any Populations, III.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.defects import ROUNDING

MOST_EXACT = 200_000  # assignments
DRAWS = 19_999


def camps_p(
    values: Sequence[float],
    labels: Sequence[object],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> float:
    """Return how likely labels without meaning separate values as well as the observed ones; 1 for one label.

    Args:
        values: Values of shape (n,), finite.
        labels: Label of each value.
        draws: How many assignments are drawn where they are not enumerated.
        seed: Random seed of the draws.

    >>> camps_p([1, 2, 3, 11, 12, 13], list("aaabbb"))
    0.1
    """
    x = as_floats(values)
    x = x - x.mean()
    n = len(x)
    names = [repr(label) for label in labels]
    _, code = np.unique(names, return_inverse=True)
    sizes = np.bincount(code)
    if len(sizes) < 2:
        return 1.0
    observed = _between(x, code, sizes)
    rounding = 1 - n * ROUNDING
    least = observed * rounding - np.finfo(float).tiny
    first_size = int(sizes[0])
    if len(sizes) == 2 and math.comb(n, first_size) <= MOST_EXACT:
        is_as_far = _of_two(x, first_size) >= least
        return float(np.mean(is_as_far))
    rng = np.random.default_rng(seed)
    as_far = 0
    for _ in range(draws):
        shuffled = rng.permutation(code)
        as_far += int(_between(x, shuffled, sizes) >= least)
    return float((1 + as_far) / (1 + draws))


def _between(x: Array, code: NDArray[np.intp], sizes: NDArray[np.intp]) -> float:
    """Return the sum of squares between the groups of centred values."""
    sums = np.bincount(code, weights=x)
    squares = sums**2 / sizes
    return float(squares.sum())


def _of_two(x: Array, size: int) -> Array:
    """Return the statistic of every split of centred values in two, the first of some size."""
    n = len(x)
    combinations = itertools.combinations(range(n), size)
    chosen = itertools.chain.from_iterable(combinations)
    places = np.fromiter(chosen, dtype=np.int64)
    of_splits = places.reshape(-1, size)
    squares = x[of_splits].sum(axis=1) ** 2
    return np.asarray(squares / size + squares / (n - size))
