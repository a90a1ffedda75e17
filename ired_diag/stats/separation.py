"""From which step on are two groups of curves apart?

At each step s the groups differ by t_s, of pairs of seeds or of two groups (Welch). Tested step by step,
one in twenty steps differs by chance alone, and curves are smooth, so that chance differences come in
stretches. Here whole seeds are exchanged: each pair's difference changes its sign over all steps at once,
or seeds change their group with their whole curve, which keeps whatever a curve does along its steps. With
M the largest |t_s| of an exchange, c is the smallest bound that at most a share α of all exchanges reaches.
Steps with |t_s| ≥ c are apart; the chance that any step is called so where no step differs is at most α,
however the curves are correlated.

Up to 2¹² exchanges are all made, and the level is exact; else they are drawn. With n pairs the smallest p is
2/2ⁿ: of five pairs nothing can be told apart at 5%.

Two groups that are not pairs are assumed to scatter alike where their means are equal: of five against six
seeds with three times the spread, 15% of studies without a difference were called apart.

References: Nichols & Holmes (2002), Nonparametric permutation tests, Human Brain Mapping 15:1; Westfall &
Young (1993), Resampling-based multiple testing; Sassenhagen & Draschkow (2019), Psychophysiology 56:e13335,
on why a test of whole stretches says nothing of where they begin.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOST_EXACT = 4096  # exchanges that are all made
DRAWN = 4999  # exchanges that are drawn, beside the one at hand


@dataclass(frozen=True)
class Separation:
    """Where two groups of curves are apart.

    Attributes:
        t: t_s of each step, of shape (steps,); NaN where neither group varies and the means are equal.
        bound: c, which |t_s| must reach; infinity where no bound is reached by few enough exchanges.
        p: Share of the exchanges whose largest |t_s| is at least that of the data.
        smallest_p: Smallest p that this number of seeds allows.
        is_exact: Whether all exchanges were made.
        since: Index of the first step of the stretch, up to the last step, in which the groups are apart in
            one direction; None where they are not apart at the end.
    """

    t: Array
    bound: float
    p: float
    smallest_p: float
    is_exact: bool
    since: int | None

    @property
    def is_apart(self) -> NDArray[np.bool_]:
        """At which steps the groups are apart, of shape (steps,)."""
        apart: NDArray[np.bool_] = np.abs(np.nan_to_num(self.t)) >= self.bound
        return apart


def separation_of_pairs(differences: Array, *, alpha: float = 0.05, seed: int = 0) -> Separation:
    """Return where the mean of pairs of curves is away from 0.

    Args:
        differences: Of shape (pairs, steps): one curve minus the other.
        alpha: Chance that any step is called apart where none is.
        seed: Random seed of the exchanges, where they are drawn.
    """
    pairs = len(differences)
    t = _t_of_pairs(differences)
    is_exact = 2**pairs <= MOST_EXACT
    signs = _all_signs(pairs) if is_exact else _drawn_signs(pairs, seed)
    largest = [_largest(_t_of_pairs(sign[:, None] * differences)) for sign in signs]
    smallest_p = 2 / 2**pairs if is_exact else 1 / (DRAWN + 1)
    return _separation(t, np.array(largest), alpha, smallest_p=smallest_p, is_exact=is_exact)


def separation_of_groups(a: Array, b: Array, *, alpha: float = 0.05, seed: int = 0) -> Separation:
    """Return where the means of two groups of curves differ.

    Args:
        a: Curves of the first group, of shape (seeds, steps).
        b: Curves of the second group.
        alpha: Chance that any step is called apart where none is.
        seed: Random seed of the exchanges, where they are drawn.
    """
    pooled = np.concatenate([a, b])
    t = _t_of_groups(a, b)
    ways = math.comb(len(pooled), len(a))
    is_exact = ways <= MOST_EXACT
    chosen = _all_groups(len(pooled), len(a)) if is_exact else _drawn_groups(len(pooled), len(a), seed)
    largest = []
    for is_first in chosen:
        largest.append(_largest(_t_of_groups(pooled[is_first], pooled[~is_first])))
    twins = 2 if len(a) == len(b) else 1  # the groups exchanged as a whole give the same |t|
    smallest_p = twins / ways if is_exact else 1 / (DRAWN + 1)
    return _separation(t, np.array(largest), alpha, smallest_p=smallest_p, is_exact=is_exact)


def _separation(t: Array, largest: Array, alpha: float, *, smallest_p: float, is_exact: bool) -> Separation:
    bound = _bound(largest, alpha)
    return Separation(
        t=t,
        bound=bound,
        p=float((largest >= _largest(t) * (1 - 1e-12)).mean()),
        smallest_p=smallest_p,
        is_exact=is_exact,
        since=_since(t, bound),
    )


def _bound(largest: Array, alpha: float) -> float:
    """Return the smallest value that at most a share alpha of the exchanges reaches; infinity without one."""
    ordered = np.sort(largest)[::-1]
    reached = 0
    bound = math.inf
    for value in np.unique(ordered)[::-1]:
        reached = int((ordered >= value * (1 - 1e-12)).sum())
        if reached > alpha * len(ordered):
            break
        bound = float(value) * (1 - 1e-12)
    return bound


def _since(t: Array, bound: float) -> int | None:
    """Return the first step of the last stretch in which t reaches the bound on one side."""
    if not len(t) or not abs(t[-1]) >= bound:
        return None
    sign = np.sign(t[-1])
    index = len(t) - 1
    while index > 0 and t[index - 1] * sign >= bound:
        index -= 1
    return index


def _largest(t: Array) -> float:
    return float(np.abs(np.nan_to_num(t)).max(initial=0.0))


def _t_of_pairs(differences: Array) -> Array:
    n = len(differences)
    means = differences.mean(axis=0)
    return _ratio(means, differences.std(axis=0, ddof=1) / math.sqrt(n))


def _t_of_groups(a: Array, b: Array) -> Array:
    means = a.mean(axis=0) - b.mean(axis=0)
    errors = np.sqrt(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
    return _ratio(means, errors)


def _ratio(means: Array, errors: Array) -> Array:
    """Return means over errors; NaN where both are 0, infinite where only the error is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(means / errors)


def _all_signs(pairs: int) -> Iterator[Array]:
    for signs in itertools.product((1.0, -1.0), repeat=pairs):
        yield np.array(signs)


def _drawn_signs(pairs: int, seed: int) -> Iterator[Array]:
    generator = np.random.default_rng(seed)
    yield np.ones(pairs)  # the data themselves are one of the exchanges
    for _ in range(DRAWN):
        yield generator.choice([1.0, -1.0], size=pairs)


def _all_groups(count: int, first: int) -> Iterator[NDArray[np.bool_]]:
    for members in itertools.combinations(range(count), first):
        is_first = np.zeros(count, dtype=bool)
        is_first[list(members)] = True
        yield is_first


def _drawn_groups(count: int, first: int, seed: int) -> Iterator[NDArray[np.bool_]]:
    generator = np.random.default_rng(seed)
    is_first = np.arange(count) < first
    yield is_first
    for _ in range(DRAWN):
        yield generator.permutation(is_first)
