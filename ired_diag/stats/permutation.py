"""Permutation tests of a difference of means: exact without assuming any distribution.

    sign flips:    p = share of sign vectors s with |Σ sᵢ dᵢ| ≥ |Σ dᵢ|,    d = a - b seed by seed
    two samples:   p = twice the share of splits of the pooled values, in sizes n_a and n_b, whose
                   difference of means is at least as far on the observed side, or the other if fewer

The null hypothesis is that d is symmetric about 0, or that all values are exchangeable. Both are two-sided.
All arrangements are counted where they are few; else b of m random arrangements become (b + 1)/(m + 1), which
is never 0 and keeps the level. No p can be below ``smallest_p``: with 5 pairs it is 2/2⁵ = 0.0625, so that no
effect, however large, is significant at 5%.

References: Fisher (1935), The Design of Experiments, section 21; Pitman (1937), Significance Tests Which May
be Applied to Samples from Any Populations; Phipson & Smyth (2010), Permutation P-values Should Never Be Zero.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.defects import ROUNDING, Sample, as_sample, defect_of
from ired_diag.stats.smallest_p import smallest_paired_p, smallest_two_sample_p

EXACT_PAIRS = 14  # 2¹⁴ = 16,384 sign vectors
EXACT_SPLITS = 200_000  # C(20, 10) = 184,756: ten seeds against ten
DRAWS = 19_999
BATCH = 2_000_000  # values drawn at once


@dataclass(frozen=True, kw_only=True)
class PermutationTest:
    """One permutation test of a - b.

    Attributes:
        difference: Mean difference, in the unit of the data; positive where a is larger.
        p: Two-sided p value; never 0.
        smallest_p: The smallest p that samples of these sizes can reach with this method.
        n: Number of pairs, or of values of both samples.
        arrangements: How many were counted or drawn.
        method: How p was found.
        reason: Why the numbers are NaN.
    """

    difference: float
    p: float
    smallest_p: float
    n: int
    arrangements: int
    method: Literal["exact", "Monte Carlo", "none"]
    reason: str = ""


def sign_flip(a: ArrayLike, b: ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> PermutationTest:
    """Return the sign-flip test of two samples of shape (n,), the i-th of each belonging together.

    Args:
        a: One sample.
        b: The other.
        draws: Random sign vectors for more than 14 pairs.
        seed: Random seed.

    >>> test = sign_flip([2.0, 3.0, 4.0], [1.0, 1.0, 1.0])
    >>> test.difference, test.p, test.smallest_p
    (2.0, 0.25, 0.25)
    """
    x, y = as_sample(a), as_sample(b)
    n = len(x)
    if defect := defect_of(x, y, fewest=1, paired=True):
        return _undefined(min(n, len(y)), defect)
    d = x - y
    smallest = smallest_paired_p(n)
    shared = _Observed(sum=d.sum(), rounding=_rounding(x, y), mirrored=True)
    if n <= EXACT_PAIRS:
        return PermutationTest(
            difference=float(d.mean()),
            p=_as_far(_all_signs(n) @ d, shared) / 2**n,
            smallest_p=smallest,
            n=n,
            arrangements=2**n,
            method="exact",
        )

    def flip(count: int, rng: np.random.Generator) -> Sample:
        signs = 1 - 2 * rng.integers(0, 2, size=(count, n))
        return signs @ d

    return PermutationTest(
        difference=float(d.mean()),
        p=_monte_carlo(flip, shared, draws=draws, n=n, seed=seed),
        smallest_p=max(smallest, 1 / (draws + 1)),
        n=n,
        arrangements=draws,
        method="Monte Carlo",
    )


def two_samples(a: ArrayLike, b: ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> PermutationTest:
    """Return the permutation test of the difference of two samples' means, of shapes (n_a,) and (n_b,).

    Args:
        a: One sample.
        b: The other.
        draws: Random splits where there are more than 200,000.
        seed: Random seed.

    >>> test = two_samples([4.0, 5.0, 6.0], [1.0, 2.0, 3.0])
    >>> test.difference, test.p, test.smallest_p
    (3.0, 0.1, 0.1)
    """
    x, y = as_sample(a), as_sample(b)
    n = len(x) + len(y)
    k = min(len(x), len(y))
    if defect := defect_of(x, y, fewest=1):
        return _undefined(n, defect)
    # About the pooled mean the difference is proportional to the smaller sample's sum. Sorting makes random
    # splits the same whichever sample is called a.
    pooled = np.sort(np.concatenate([x, y]))
    mean = pooled.mean()
    pooled = pooled - mean
    smaller = x if len(x) <= len(y) else y
    equal_sizes = len(x) == len(y)
    observed = _Observed(
        sum=float((smaller - mean).sum()),
        rounding=_rounding(x, y),
        mirrored=equal_sizes,
    )
    difference = float(x.mean() - y.mean())
    smallest = smallest_two_sample_p(len(x), len(y))
    splits = math.comb(n, k)
    if splits <= EXACT_SPLITS:
        p = _as_far(_all_splits(n, k) @ pooled, observed) / splits
        return PermutationTest(
            difference=difference,
            p=min(1.0, p),
            smallest_p=smallest,
            n=n,
            arrangements=splits,
            method="exact",
        )

    def split(count: int, rng: np.random.Generator) -> Sample:
        shuffled = rng.permuted(np.broadcast_to(pooled, (count, n)), axis=1)
        sums: Sample = shuffled[:, :k].sum(axis=1)
        return sums

    fewest_drawn = 1 if equal_sizes else 2
    return PermutationTest(
        difference=difference,
        p=_monte_carlo(split, observed, draws=draws, n=n, seed=seed),
        smallest_p=max(smallest, fewest_drawn / (draws + 1)),
        n=n,
        arrangements=draws,
        method="Monte Carlo",
    )


def _rounding(x: Sample, y: Sample) -> float:
    """Return by how much equal sums of the values may differ."""
    scale = max(np.abs(x).max(), np.abs(y).max())
    return float(ROUNDING * scale * (len(x) + len(y)))


@functools.lru_cache(maxsize=4)
def _all_signs(n: int) -> Sample:
    """Return all vectors of n signs, of shape (2ⁿ, n)."""
    bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    return (1 - 2 * bits).astype(np.float64)


@functools.lru_cache(maxsize=2)
def _all_splits(n: int, k: int) -> Sample:
    """Return all choices of k out of n, one per row, 1 where chosen."""
    chosen = np.array(list(itertools.combinations(range(n), k)))
    splits = np.zeros((len(chosen), n))
    np.put_along_axis(splits, chosen, 1.0, axis=1)
    return splits


@dataclass(frozen=True)
class _Observed:
    """The observed sum, how far equal sums may differ, and whether each arrangement has its mirror image."""

    sum: float
    rounding: float
    mirrored: bool


def _as_far(sums: Sample, observed: _Observed) -> int:
    """Return how many sums are as far out: on both sides if ``mirrored``, else twice the smaller tail."""
    if observed.mirrored:
        return int((np.abs(sums) >= abs(observed.sum) - observed.rounding).sum())
    above = (sums >= observed.sum - observed.rounding).sum()
    below = (sums <= observed.sum + observed.rounding).sum()
    return 2 * int(min(above, below))


def _monte_carlo(
    draw: Callable[[int, np.random.Generator], Sample],
    observed: _Observed,
    *,
    draws: int,
    n: int,
    seed: int,
) -> float:
    rng = np.random.default_rng(seed)
    sums = np.concatenate([draw(count, rng) for count in _batches(draws, n)])
    # The observed arrangement is one more draw; it counts twice where a tail is doubled.
    own = 1 if observed.mirrored else 2
    as_far = _as_far(sums, observed) + own
    return min(1.0, as_far / (draws + 1))


def _batches(draws: int, n: int) -> Iterator[int]:
    size = max(1, BATCH // n)
    for start in range(0, draws, size):
        yield min(size, draws - start)


def _undefined(n: int, reason: str) -> PermutationTest:
    return PermutationTest(
        difference=math.nan,
        p=math.nan,
        smallest_p=math.nan,
        n=n,
        arrangements=0,
        method="none",
        reason=reason,
    )
