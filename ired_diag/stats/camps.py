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


def camps_p(values: Sequence[float], labels: Sequence[object], *, draws: int = DRAWS, seed: int = 0) -> float:
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
    names = [repr(label) for label in labels]
    code = np.unique(names, return_inverse=True)[1]
    sizes = np.bincount(code)
    if len(sizes) < 2:
        return 1.0
    observed = _between(x, code, sizes)
    least = observed * (1 - len(x) * ROUNDING) - np.finfo(float).tiny
    first_size = int(sizes[0])
    if len(sizes) == 2 and math.comb(len(x), first_size) <= MOST_EXACT:
        return float(np.mean(_of_two(x, first_size) >= least))
    rng = np.random.default_rng(seed)
    as_far = 0
    for _ in range(draws):
        as_far += int(_between(x, rng.permutation(code), sizes) >= least)
    return float((1 + as_far) / (1 + draws))


def _between(x: Array, code: NDArray[np.intp], sizes: NDArray[np.intp]) -> float:
    """Return the sum of squares between the groups of centred values."""
    sums = np.bincount(code, weights=x)
    return float((sums**2 / sizes).sum())


def _of_two(x: Array, size: int) -> Array:
    """Return the statistic of every split of centred values in two, the first of some size."""
    combinations = itertools.combinations(range(len(x)), size)
    chosen = itertools.chain.from_iterable(combinations)
    places = np.fromiter(chosen, dtype=np.int64).reshape(-1, size)
    sums = x[places].sum(axis=1)
    return np.asarray(sums**2 / size + sums**2 / (len(x) - size))
