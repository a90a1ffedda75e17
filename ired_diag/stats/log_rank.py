"""Do two groups reach a target at different times? The log-rank test, exact at few runs.

At each time at which d of y runs that still could reach a target do, y₁ of them in the first group, d y₁ / y
are expected in that group. With O the number that did,

    z = Σ (O - d y₁ / y) / √Σ d (y - d) / (y - 1) · (y₁ / y) (1 - y₁ / y).

Its normal p is wrong at few runs. Here runs exchange their group, or, of pairs, the two of a pair do; p is
the share of exchanges with |z| as large. It is exact where runs of both groups are watched equally long, so
both are watched up to one horizon.

Reference: Mantel (1966); Peto & Peto (1972), JRSS A 135:185; Heimann & Neuhaus (1998) on permutation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.stats.exchanges import DRAWN, in_parts, regroupings, sign_flips
from ired_diag.stats.smallest_p import smallest_paired_p, smallest_two_sample_p

Array = NDArray[np.float64]
Booleans = NDArray[np.bool_]
SMALLER = 1 - 1e-9


@dataclass(frozen=True)
class LogRank:
    """A log-rank test.

    Attributes:
        z: Above 0 where the first group reaches the target earlier; 0 where nothing can be compared.
        p: Share of exchanges with |z| as large.
        smallest_p: Smallest p that this number of runs allows.
        is_exact: Whether all exchanges were made.
    """

    z: float
    p: float
    smallest_p: float
    is_exact: bool


def log_rank_of_groups(
    a: Array,
    a_observed: Booleans,
    b: Array,
    b_observed: Booleans,
    *,
    seed: int = 0,
) -> LogRank:
    """Return the test of two groups that are not pairs.

    Args:
        a: Times of the first group, of shape (n,).
        a_observed: Whether each of its runs reached the target.
        b: Times of the second group.
        b_observed: Whether each of its runs reached it.
        seed: Random seed of exchanges, where they are drawn.
    """
    first = len(a)
    second = len(b)
    is_first, is_exact = regroupings(first + second, first, seed)
    smallest = 1 / (DRAWN + 1)
    if is_exact:
        smallest = smallest_two_sample_p(first, second)
    return _test(
        np.concatenate([a, b]),
        np.concatenate([a_observed, b_observed]),
        is_first,
        smallest=smallest,
        is_exact=is_exact,
    )


def log_rank_of_pairs(
    a: Array,
    a_observed: Booleans,
    b: Array,
    b_observed: Booleans,
    *,
    seed: int = 0,
) -> LogRank:
    """Return the test of pairs of runs, in equal order; the arguments are those of ``log_rank_of_groups``."""
    signs, is_exact = sign_flips(len(a), seed)
    in_first = (signs + 1) / 2
    is_first = np.concatenate([in_first, 1 - in_first], axis=1)
    smallest = 1 / (DRAWN + 1)
    if is_exact:
        smallest = smallest_paired_p(len(a))
    return _test(
        np.concatenate([a, b]),
        np.concatenate([a_observed, b_observed]),
        is_first,
        smallest=smallest,
        is_exact=is_exact,
    )


def _test(
    times: Array,
    observed: Booleans,
    is_first: Array,
    *,
    smallest: float,
    is_exact: bool,
) -> LogRank:
    parts = []
    for part in in_parts(is_first, len(times)):
        parts.append(_z_of_exchanges(times, observed, part))
    z = np.concatenate(parts)
    as_they_are = float(z[0])  # the first exchange leaves all as it is
    least = SMALLER * abs(as_they_are)
    is_as_large = np.abs(z) >= least
    return LogRank(
        z=as_they_are,
        p=float(is_as_large.mean()),
        smallest_p=smallest,
        is_exact=is_exact,
    )


def _z_of_exchanges(times: Array, observed: Booleans, is_first: Array) -> Array:
    """Return z of each exchange, of shape (exchanges,)."""
    events = np.unique(times[observed])
    ends = times[:, None]
    could = ends >= events
    did = ends == events
    did &= observed[:, None]
    y = could.sum(axis=0)
    d = did.sum(axis=0)
    share = is_first @ could / y
    d_first = is_first @ did
    expected = d * share
    surplus = (d_first - expected).sum(axis=1)
    others = np.maximum(y - 1, 1)
    spread = d * (y - d) / others
    terms = spread * share * (1 - share)
    variance = terms.sum(axis=1)
    is_open = variance > 0
    z = np.zeros(len(is_first))
    z[is_open] = surplus[is_open] / np.sqrt(variance[is_open])
    return z
