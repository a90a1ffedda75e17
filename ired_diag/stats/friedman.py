"""Do several groups differ, and which? Friedman's test, Kendall's W and Nemenyi's critical difference.

Within each of n seeds the k groups have ranks r, with rank sums Rⱼ. From S = Σ (Rⱼ - n(k + 1)/2)²,

    without ties:    χ² = 12 S / (n k (k + 1))
    tie-corrected:   χ² = (k - 1) S / (Σ (r - (k + 1)/2)²),            what scipy prints; equal without ties
    Iman-Davenport:  F = (n - 1) χ² / (n (k - 1) - χ²),                 df k - 1 and (k - 1)(n - 1)
    Kendall:         W = χ² / (n (k - 1)),                              1: all seeds rank alike; 0: by chance

Demšar's χ² and F have no correction for ties, so both forms are reported. χ² is rough for few seeds, F is
better. The exact p is that of S (so of either χ² and of W) when each seed's ranks are shuffled by
themselves: all outcomes are added up seed after seed where they are few, else shuffles are drawn and p = (b
+ 1)/(m + 1).

Nemenyi: two groups differ if their mean ranks do by at least CD = q √(k(k + 1)/6n), where q √2 is the upper
α point of the studentised range of k normals. It is meant for after a significant Friedman test.

References: Friedman (1937); Kendall & Babington Smith (1939), The Problem of m Rankings; Iman & Davenport
(1980); Nemenyi (1963); Demšar (2006), Statistical Comparisons of Classifiers, section 3.2.2.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import ArrayLike, NDArray

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.ranks import rank_groups

DRAWS = 19_999
BATCH = 2_000_000  # values drawn at once
OUTCOMES = 100_000  # of one more seed that are followed: all seeds together take some tenths of a second
SHUFFLED_GROUPS = 5  # 5! = 120 orders of one seed's ranks; 6! are too many to follow over seeds

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class ChiSquared:
    """Friedman's χ² in one of its forms.

    Attributes:
        chi2: The statistic, of k - 1 degrees of freedom.
        p: By the χ² distribution.
        f: Iman and Davenport's F of it; infinite where all seeds rank alike.
        f_p: By the F distribution; NaN where F is infinite.
    """

    chi2: float
    p: float
    f: float
    f_p: float


@dataclass(frozen=True, kw_only=True)
class Friedman:
    """Friedman's test of k groups over n seeds.

    Attributes:
        mean_ranks: Mean rank of each group, of shape (k,); 1 is the best.
        uncorrected: Friedman's own form, which Demšar uses.
        tie_corrected: The form that scipy prints.
        w: Kendall's W, tie-corrected.
        p: Exact p of S, and so of W.
        method: How ``p`` was found.
        n: Number of seeds.
        k: Number of groups.
        reason: Why the numbers are NaN.
    """

    mean_ranks: Array
    uncorrected: ChiSquared
    tie_corrected: ChiSquared
    w: float
    p: float
    method: Literal["exact", "Monte Carlo", "none"]
    n: int
    k: int
    reason: str = ""


@dataclass(frozen=True)
class Nemenyi:
    """Which of k groups differ in mean rank.

    Attributes:
        critical_difference: Mean ranks this far apart, or farther, differ.
        p: P value of each two groups, of shape (k, k), corrected for their number; 1 on the diagonal.
        differs: Whether two groups differ, of shape (k, k).
        alpha: Chance of any false alarm.
        reason: Why the numbers are NaN.
    """

    critical_difference: float
    p: Array
    differs: NDArray[np.bool_]
    alpha: float
    reason: str = ""


def friedman(
    values: ArrayLike,
    *,
    lower_is_better: bool = True,
    draws: int = DRAWS,
    seed: int = 0,
) -> Friedman:
    """Return Friedman's test and Kendall's W.

    Args:
        values: Results of shape (seeds, groups).
        lower_is_better: Whether rank 1 is the smallest value.
        draws: Random shuffles where the exact p is out of reach.
        seed: Random seed.

    >>> test = friedman([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    >>> test.w, round(test.uncorrected.chi2, 12), round(test.p, 12) == round(1 / 36, 12)
    (1.0, 6.0, True)
    """
    table = as_floats(values)
    n, k = table.shape if table.ndim == 2 else (0, 0)
    if n < 2 or k < 2:
        return _undefined(n, k, f"{n} seeds and {k} groups: at least 2 of each are needed")
    lost = int((~np.isfinite(table)).sum())
    if lost:
        return _undefined(n, k, f"{lost} of {table.size} values are not finite")
    ranked = rank_groups(table, lower_is_better=lower_is_better)
    # Twice the distance from the middle rank, so that ties stay integers.
    doubled = np.rint(2 * ranked.ranks - (k + 1)).astype(np.int64)
    rows = np.sort(doubled, axis=1)
    spread = float(np.sum(rows**2)) / 4
    if spread == 0:
        return _undefined(n, k, "in every seed all groups are equal")
    middle = (k + 1) / 2
    distances = ranked.ranks - middle
    sums = distances.sum(axis=0)
    s = float(np.sum(sums**2))
    observed = round(4 * s)
    uncorrected = _chi_squared(12 * s / (n * k * (k + 1)), n, k)
    corrected = _chi_squared((k - 1) * s / spread, n, k)
    method: Literal["exact", "Monte Carlo"] = "exact"
    p = _exact_p(rows, observed)
    if p is None:
        method = "Monte Carlo"
        p = _monte_carlo_p(
            rows,
            observed=observed,
            draws=draws,
            seed=seed,
        )
    return Friedman(
        mean_ranks=ranked.mean_ranks,
        uncorrected=uncorrected,
        tie_corrected=corrected,
        w=corrected.chi2 / (n * (k - 1)),
        p=p,
        method=method,
        n=n,
        k=k,
    )


def nemenyi(mean_ranks: ArrayLike, n: int, *, alpha: float = 0.05) -> Nemenyi:
    """Return Nemenyi's critical difference and verdicts.

    Args:
        mean_ranks: Mean rank of each group over ``n`` seeds, of shape (k,).
        n: Number of seeds.
        alpha: Chance of any false alarm among all pairs.

    >>> round(nemenyi([3.143, 2.000, 2.893, 1.964], 14).critical_difference, 2)
    1.25
    """
    means = as_floats(mean_ranks).reshape(-1)
    k = len(means)
    if n < 2 or k < 2 or not np.isfinite(means).all():
        nowhere = np.full((k, k), math.nan)
        reason = f"{n} seeds and {k} groups: mean ranks of at least 2 of each are needed"
        return Nemenyi(
            critical_difference=math.nan,
            p=nowhere,
            differs=np.zeros((k, k), dtype=np.bool_),
            alpha=alpha,
            reason=reason,
        )
    unit = math.sqrt(k * (k + 1) / (12 * n))
    apart = np.abs(means[:, None] - means)
    tails = scipy.stats.studentized_range.sf(apart / unit, k, np.inf)
    quantile = float(scipy.stats.studentized_range.isf(alpha, k, np.inf))
    difference = quantile * unit
    return Nemenyi(
        critical_difference=difference,
        p=np.clip(tails, 0.0, 1.0),
        differs=apart >= difference,
        alpha=alpha,
    )


def _chi_squared(chi2: float, n: int, k: int) -> ChiSquared:
    df = k - 1
    p = float(scipy.stats.chi2.sf(chi2, df))
    rest = n * df - chi2
    if rest <= 1e-12 * chi2:
        return ChiSquared(
            chi2=chi2,
            p=p,
            f=math.inf,
            f_p=math.nan,
        )
    f = (n - 1) * chi2 / rest
    df_below = df * (n - 1)
    f_p = float(scipy.stats.f.sf(f, df, df_below))
    return ChiSquared(
        chi2=chi2,
        p=p,
        f=f,
        f_p=f_p,
    )


def _exact_p(rows: Integers, observed: int) -> float | None:
    """Return the share of outcomes with Σ Rⱼ² ≥ ``observed``; None where they are too many."""
    if rows.shape[1] > SHUFFLED_GROUPS:
        return None
    canonical = tuple(sorted(map(tuple, rows.tolist())))
    distribution = _distribution(canonical)
    if distribution is None:
        return None
    squares, shares = distribution
    shares_as_far = shares[squares >= observed]
    return float(shares_as_far.sum())


@functools.lru_cache(maxsize=8)
def _distribution(rows: tuple[tuple[int, ...], ...]) -> tuple[Integers, Array] | None:
    """Return the values of Σ Rⱼ² and their probabilities when each row is shuffled by itself.

    Outcomes that are the same but for the names of the groups stay so in every later seed: only sorted sums
    are followed, which are k! times fewer.
    """
    first_row, *later_rows = rows
    k = len(first_row)
    largest_sum = sum(max(row) for row in rows)
    width = 2 * largest_sum + 1
    digits = np.arange(k - 1, dtype=np.int64)  # the last sum follows from the others
    places = width**digits
    sums: Integers = np.array([first_row], dtype=np.int64)
    shares: Array = np.ones(1)
    for row in later_rows:
        orders = _orders(row)
        count = len(orders)
        if len(sums) * count > OUTCOMES:
            return None
        next_sums = sums[:, None, :] + orders
        outcomes = np.sort(next_sums, axis=2).reshape(-1, k)
        codes = outcomes[:, :-1] @ places
        _, first, code = np.unique(codes, return_index=True, return_inverse=True)
        share_of_order = np.repeat(shares / count, count)
        shares = np.bincount(code, share_of_order).astype(np.float64)
        sums = outcomes[first]
    squares = np.sum(sums**2, axis=1)
    return squares, shares


def _orders(row: tuple[int, ...]) -> Integers:
    """Return the different orders of some ranks, of shape (orders, k)."""
    orders = sorted(set(itertools.permutations(row)))
    return np.array(orders, dtype=np.int64)


def _monte_carlo_p(rows: Integers, observed: int, draws: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    as_far = 0
    size = max(1, BATCH // rows.size)
    for start in range(0, draws, size):
        count = min(size, draws - start)
        copies = np.broadcast_to(rows, (count, *rows.shape))
        shuffled = rng.permuted(copies, axis=2)
        sums = shuffled.sum(axis=1)
        squares = np.sum(sums**2, axis=1)
        as_far += int(np.sum(squares >= observed))
    return (as_far + 1) / (draws + 1)


def _undefined(n: int, k: int, reason: str) -> Friedman:
    nowhere = ChiSquared(
        chi2=math.nan,
        p=math.nan,
        f=math.nan,
        f_p=math.nan,
    )
    return Friedman(
        mean_ranks=np.full(k, math.nan),
        uncorrected=nowhere,
        tie_corrected=nowhere,
        w=math.nan,
        p=math.nan,
        method="none",
        n=n,
        k=k,
        reason=reason,
    )
