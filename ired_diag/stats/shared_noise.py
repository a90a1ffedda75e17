"""Do runs of equal seed share evaluation noise, so that their difference is less noisy than either?

Runs whose seed also drew the evaluation samples are up and down together. With a_i and b_j the residuals of
two groups' plateau curves about their least-squares lines, and r_ij Pearson's correlation of a_i and b_j,

    same = mean of r_ii,    different = mean of r_ij, i ≠ j.

Were the seeds' labels of no account, every assignment π of the b to the a would be as likely as the true
one: p is the share of assignments whose mean of r_iπ(i) is at least ``same``. It is one-sided: samples in
common make curves alike, never opposite. Up to 7 seeds all assignments are taken; beyond, drawn ones with p
= (1 + hits) / (1 + draws), once for π of the b and once of the a, and the larger p is reported: swapping
the groups then changes nothing.

Why lines, and why Pearson. What all runs have in common, as the end of a descent, correlates unequal seeds as
well: each run's line is taken off, and unequal seeds show what is left of it. Pearson's r is the one that the
variance of a difference holds, var(a - b) = var a + var b - 2 r sd_a sd_b, and so shows what pairing gains.
Spikes count in it as they do in means: those that one run has alone lower it (in the study's none and random
groups it is 0.49, and 0.62 between ranks).

References: Lehmann & Romano (2005), Testing Statistical Hypotheses, section 15.2 (permutation tests); Phipson
& Smyth (2010), Permutation P-values should never be zero.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.noise_split import detrended

EXACT_UP_TO = 7  # seeds: 5,040 assignments
DRAWS = 10_000
FEWEST = 4  # evaluations: residuals of three about a line are one pattern
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, kw_only=True)
class SharedNoise:
    """Whether two groups' runs fluctuate together.

    Attributes:
        same: Mean correlation of runs of equal seed.
        different: Mean correlation of runs of unequal seeds.
        p: That equal seeds are no more alike than any assignment; one-sided.
        exact: Whether all assignments were taken.
        n: Seeds that entered.
        by_seed: The correlation of each of them, in their order.
        reason: Why something is NaN or left out.
    """

    same: float
    different: float
    p: float
    exact: bool
    n: int
    by_seed: tuple[float, ...] = field(default=())
    reason: str = ""


def shared_noise(
    a: ArrayLike, b: ArrayLike, *, seed: int = 0, draws: int = DRAWS, least: float = -math.inf
) -> SharedNoise:
    """Return how alike the fluctuations of equal seeds are, next to those of unequal seeds.

    Args:
        a: Plateau curves of shape (seeds, evaluations), evenly spaced.
        b: Values of the second group, of the same shape; row i has the seed of row i of ``a``, column j its
            step. Seeds with a curve that is not finite, or without noise, are left out and said in
            ``reason``.
        seed: Random seed of the drawn assignments.
        draws: How many, where there are too many to take all.
        least: Where equal seeds are less alike than this, no assignment is drawn, and ``p`` is NaN.
    """
    x = as_floats(a)
    y = as_floats(b)
    if x.shape != y.shape or x.ndim != 2:
        raise ValueError(f"expected two groups of (seeds, evaluations), found {x.shape} and {y.shape}")
    if x.shape[1] < FEWEST:
        return no_shared_noise(len(x), f"{x.shape[1]} evaluations: at least {FEWEST} are needed")
    u, v, reason = _usable(x, y)
    n = len(u)
    if n == 0:
        return no_shared_noise(0, reason or "no seeds")
    table = u @ v.T
    by_seed = np.diag(table)
    same = float(by_seed.mean())
    if n == 1:
        alone = no_shared_noise(1, reason or "1 seed has no others")
        return replace(
            alone,
            same=same,
            exact=True,
            by_seed=(same,),
        )
    of_different = table.sum() - by_seed.sum()
    different = float(of_different / (n * (n - 1)))
    exact = n <= EXACT_UP_TO
    p = math.nan
    if same >= least:
        orders = _all_orders(n) if exact else _drawn_orders(n, draws, seed)
        by_row = _share_as_alike(table, orders, exact)
        by_column = _share_as_alike(table.T, orders, exact)
        p = max(by_row, by_column)
    return SharedNoise(
        same=same,
        different=different,
        p=p,
        exact=exact,
        n=n,
        by_seed=tuple(by_seed.tolist()),
        reason=reason,
    )


def _usable(x: Array, y: Array) -> tuple[Array, Array, str]:
    """Return the residuals of both groups, each row of length 1, where both curves of a seed have any."""
    finite = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    residuals_x, lengths_x = _residuals(x[finite])
    residuals_y, lengths_y = _residuals(y[finite])
    rounding = 16 * np.finfo(np.float64).eps * math.sqrt(x.shape[1])
    shorter = np.minimum(lengths_x, lengths_y)
    noisy = (shorter > rounding).ravel()
    u = residuals_x[noisy] / lengths_x[noisy]
    v = residuals_y[noisy] / lengths_y[noisy]
    reason = ""
    seeds = len(x)
    lost = seeds - len(u)
    if lost:
        reason = f"{lost} of {seeds} seeds have a curve that is not finite or has no noise"
    return u, v, reason


def _residuals(curves: Array) -> tuple[Array, Array]:
    """Return the detrended curves, scaled to a largest value of 1, and their lengths."""
    largest = np.abs(curves).max(axis=1, keepdims=True)
    scaled = curves / np.maximum(largest, TINY)
    residuals = detrended(scaled)
    lengths = np.linalg.norm(residuals, axis=1, keepdims=True)
    return residuals, lengths


@lru_cache(maxsize=16)  # many pairs of groups have as many seeds
def _all_orders(n: int) -> NDArray[np.intp]:
    orders = list(itertools.permutations(range(n)))
    return np.array(orders, dtype=np.intp)


@lru_cache(maxsize=16)
def _drawn_orders(n: int, draws: int, seed: int) -> NDArray[np.intp]:
    rng = np.random.default_rng(seed)
    in_order = np.tile(np.arange(n), (draws, 1))
    return rng.permuted(in_order, axis=1)


def _share_as_alike(table: Array, orders: NDArray[np.intp], exact: bool) -> float:
    """Return the share of assignments that are at least as alike as the true one."""
    n = len(table)
    rows = n * np.arange(n)
    assigned = table.ravel()[orders + rows]
    alike = assigned.mean(axis=1)
    observed = np.diag(table).mean()
    hits = int(np.sum(alike >= observed - 1e-12))  # 1e-12: rounding of numbers near 1
    count = len(orders)
    if exact:
        return hits / count
    return (1 + hits) / (1 + count)


def no_shared_noise(n: int, reason: str) -> SharedNoise:
    """Return the answer where there is none, and why."""
    return SharedNoise(
        same=math.nan,
        different=math.nan,
        p=math.nan,
        exact=False,
        n=n,
        by_seed=(),
        reason=reason,
    )
