"""From which step on are two groups of curves apart?

At each step s the groups differ by t_s, of pairs of seeds or of two groups (Welch). Tested step by step,
one in twenty steps differs by chance alone, and curves are smooth, so that chance differences come in
stretches. Here whole seeds are exchanged (``exchanges``), and with M the largest |t_s| of an exchange, c is
the smallest bound that at most a share α of all exchanges reaches. Curves without a difference are drawn too
(``normal_curves``), and the larger of the two bounds counts. Steps with |t_s| ≥ c are apart; the chance that
any step is called so where no step differs is at most α, however curves are correlated along their steps. The
band mean difference ± c · standard error holds at all steps together, and excludes 0 exactly where they are
apart.

The same exchanges weigh stretches of steps (``step_clusters``). A heavy one says that the groups differ, not
where that begins.

Up to 2¹² exchanges are all made, and their p is exact: of pairs, where their differences are symmetric. With
n pairs the smallest p is 2/2ⁿ: of five pairs nothing can be told apart at 5%. Where two groups that are not
pairs scatter differently, exchanges alone err (5 against 6 seeds with three times the spread: 29%), and
the drawn curves set the bound.

References: Nichols & Holmes (2002), Nonparametric permutation tests, Human Brain Mapping 15:1; Westfall &
Young (1993), Resampling-based multiple testing; Phipson & Smyth (2010), Permutation P-values Should Never Be
Zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import NDArray

from ired_diag.stats.exchanges import (
    DRAWN,
    in_parts,
    regroupings,
    sign_flips,
    t_of_groups,
    t_of_pairs,
)
from ired_diag.stats.normal_curves import DRAWN as DRAWN_STUDIES
from ired_diag.stats.normal_curves import t_of_drawn_groups, t_of_drawn_pairs
from ired_diag.stats.step_clusters import Stretch, heaviest, stretches_of

Array = NDArray[np.float64]
SMALLER = 1 - 1e-12  # equal up to rounding counts as reached
OF_A_STRETCH = 0.05  # two-sided p of the single steps of which a stretch is made


@dataclass(frozen=True)
class Cluster:
    """A stretch of steps with one sign, and how often chance makes one as heavy anywhere.

    Attributes:
        first: Index of its first step.
        last: Index of its last step.
        sign: 1 where the first group is higher, -1 where it is lower.
        p: Share of the exchanges (or of the drawn curves, if that is larger) with one as heavy.
    """

    first: int
    last: int
    sign: int
    p: float


@dataclass(frozen=True, kw_only=True)
class Separation:
    """Where two groups of curves are apart.

    Attributes:
        difference: Mean of the first minus mean of the second at each step, of shape (steps,).
        low: Lower end of the band of that difference at all steps together.
        high: Upper end of that band.
        t: t_s of each step; 0 where neither group varies and the means are equal.
        bound: c, which |t_s| must reach; infinity where no bound is reached by few enough exchanges.
        p: Share of the exchanges (or of the drawn curves, if that is larger) whose largest |t_s| is at least
            that of the data.
        p_of_exchanges: That share of the exchanges alone.
        smallest_p: Smallest p that this number of seeds allows.
        is_exact: Whether all exchanges were made.
        exchanges: How many exchanges were made.
        stretches: Stretches of steps that are apart, in their order.
        since: Index of the first step of the stretch, up to the last step, in which the groups are apart in
            one direction; None where they are not apart at the end.
        clusters: Stretches of steps that differ one by one, tested as a whole, in their order.
    """

    difference: Array
    low: Array
    high: Array
    t: Array
    bound: float
    p: float
    p_of_exchanges: float
    smallest_p: float
    is_exact: bool
    exchanges: int
    stretches: Sequence[Stretch]
    since: int | None
    clusters: Sequence[Cluster]

    @property
    def is_apart(self) -> NDArray[np.bool_]:
        """At which steps the groups are apart, of shape (steps,)."""
        apart: NDArray[np.bool_] = np.abs(self.t) >= self.bound
        return apart


@dataclass(frozen=True)
class _Chance:
    """What chance does: of each study the largest |t| and the mass of the heaviest stretch.

    The data themselves are one of the exchanges; next to drawn studies they are one more (Phipson & Smyth).
    """

    largest: Array
    mass: Array
    data_apart: int = 0

    def p_of_t(self, t: float) -> float:
        """Return the share of studies whose largest |t| is as large."""
        return self._share(self.largest >= t * SMALLER)

    def p_of_mass(self, mass: float) -> float:
        """Return the share of studies with a stretch as heavy."""
        return self._share(self.mass >= mass * SMALLER)

    def _share(self, reaches: NDArray[np.bool_]) -> float:
        count = int(reaches.sum()) + self.data_apart
        return count / (len(reaches) + self.data_apart)


def separation_of_pairs(
    differences: Array,
    *,
    alpha: float = 0.05,
    seed: int = 0,
    drawn: int = DRAWN_STUDIES,
) -> Separation:
    """Return where the mean of pairs of curves is away from 0.

    Args:
        differences: One curve minus the other, of shape (pairs, steps); two pairs or more.
        alpha: Chance that any step is called apart where none is.
        seed: Random seed of what is drawn.
        drawn: Number of studies of normal curves that are drawn.
    """
    pairs, steps = differences.shape
    signs, is_exact = sign_flips(pairs, seed)
    bound = _bound_of_a_stretch(pairs - 1)

    def exchanged(part: Array) -> Array:
        return t_of_pairs(differences, part)

    def draw(*, shrunk: bool) -> Iterator[Array]:
        return t_of_drawn_pairs(differences, seed=seed, drawn=drawn, shrunk=shrunk)

    return _separation(
        t_of_pairs(differences),
        differences.mean(axis=0),
        differences.std(axis=0, ddof=1) / math.sqrt(pairs),
        by_exchange=_chance(map(exchanged, in_parts(signs, steps)), bound),
        by_drawing=_drawn_chance(draw(shrunk=True), draw(shrunk=False), bound),
        alpha=alpha,
        stretch_bound=bound,
        smallest_p=2 / 2**pairs if is_exact else 1 / (DRAWN + 1),
        is_exact=is_exact,
    )


def separation_of_groups(
    a: Array,
    b: Array,
    *,
    alpha: float = 0.05,
    seed: int = 0,
    drawn: int = DRAWN_STUDIES,
) -> Separation:
    """Return where the means of two groups of curves differ.

    Args:
        a: Curves of the first group, of shape (seeds, steps); two seeds or more.
        b: Curves of the second group.
        alpha: Chance that any step is called apart where none is.
        seed: Random seed of what is drawn.
        drawn: Number of studies of normal curves that are drawn.
    """
    pooled = np.concatenate([a, b])
    count, steps = pooled.shape
    first = len(a)
    is_first, is_exact = regroupings(count, first, seed)
    ways = math.comb(count, first)
    twins = 2 if first == len(b) else 1  # the groups exchanged as a whole give the same |t|
    bound = _bound_of_a_stretch(count - 2)

    def exchanged(part: Array) -> Array:
        return t_of_groups(pooled, part)

    def draw(*, shrunk: bool) -> Iterator[Array]:
        return t_of_drawn_groups(a, b, seed=seed, drawn=drawn, shrunk=shrunk)

    as_they_are = np.where(np.arange(count) < first, 1.0, 0.0)[None]
    square_a = a.var(axis=0, ddof=1) / first
    square_b = b.var(axis=0, ddof=1) / len(b)
    return _separation(
        t_of_groups(pooled, as_they_are)[0],
        a.mean(axis=0) - b.mean(axis=0),
        np.sqrt(square_a + square_b),
        by_exchange=_chance(map(exchanged, in_parts(is_first, steps)), bound),
        by_drawing=_drawn_chance(draw(shrunk=True), draw(shrunk=False), bound),
        alpha=alpha,
        stretch_bound=bound,
        smallest_p=twins / ways if is_exact else 1 / (DRAWN + 1),
        is_exact=is_exact,
    )


def _bound_of_a_stretch(degrees: int) -> float:
    return float(scipy.stats.t.isf(OF_A_STRETCH / 2, max(1, degrees)))


def _chance(studies: Iterable[Array], stretch_bound: float) -> _Chance:
    """Return what studies do at their largest step and heaviest stretch."""
    largest = []
    masses = []
    for t in studies:
        largest.append(np.abs(t).max(axis=1, initial=0.0))
        masses.append(heaviest(t, stretch_bound))
    return _Chance(np.concatenate(largest), np.concatenate(masses))


def _drawn_chance(shrunk: Iterable[Array], as_estimated: Iterable[Array], stretch_bound: float) -> _Chance:
    """Return what drawn curves do: shrunk ones at their largest step, the others in their stretches."""
    largest = [np.abs(t).max(axis=1, initial=0.0) for t in shrunk]
    masses = [heaviest(t, stretch_bound) for t in as_estimated]
    return _Chance(np.concatenate(largest), np.concatenate(masses), data_apart=1)


def _separation(
    t: Array,
    difference: Array,
    error: Array,
    *,
    by_exchange: _Chance,
    by_drawing: _Chance,
    alpha: float,
    stretch_bound: float,
    smallest_p: float,
    is_exact: bool,
) -> Separation:
    bounds = [_bound(chance.largest, alpha) for chance in (by_exchange, by_drawing)]
    bound = max(bounds)
    largest = float(np.abs(t).max(initial=0.0))
    p_of_exchanges = by_exchange.p_of_t(largest)
    p_of_drawn = by_drawing.p_of_t(largest)
    # Where the bound is infinite no step reaches it: t is finite even without an error.
    stretches = stretches_of(t, bound)
    width = _width(bound, error)
    return Separation(
        difference=difference,
        low=difference - width,
        high=difference + width,
        t=t,
        bound=bound,
        p=max(p_of_exchanges, p_of_drawn),
        p_of_exchanges=p_of_exchanges,
        smallest_p=max(smallest_p, 1 / (len(by_drawing.largest) + 1)),
        is_exact=is_exact,
        exchanges=len(by_exchange.largest),
        stretches=stretches,
        since=_since(stretches, len(t)),
        clusters=list(_clusters(stretches_of(t, stretch_bound), (by_exchange, by_drawing))),
    )


def _clusters(stretches: Sequence[Stretch], chances: Sequence[_Chance]) -> Iterator[Cluster]:
    for stretch in stretches:
        shares = [chance.p_of_mass(stretch.mass) for chance in chances]
        yield Cluster(stretch.first, stretch.last, stretch.sign, p=max(shares))


def _width(bound: float, error: Array) -> Array:
    """Return half the width of the band: 0 where neither group varies."""
    safe = np.where(error == 0, 1.0, error)
    return np.where(error == 0, 0.0, bound * safe)


def _bound(largest: Array, alpha: float) -> float:
    """Return the smallest bound that at most a share alpha of the studies reaches; infinity without one.

    It lies just above the largest |t| that too many studies reach: of few exchanges the next larger one may
    be that of the data themselves, at the step that differs most, and far above.
    """
    ordered = np.sort(largest)
    most = math.floor(alpha * len(ordered) * (1 + 1e-12))
    if most == 0:
        return math.inf
    too_often = float(ordered[len(ordered) - most - 1])
    bound = too_often / SMALLER
    # Exchanges that give the same value up to rounding are reached together.
    return bound if np.any(ordered >= bound) else math.inf


def _since(stretches: Sequence[Stretch], steps: int) -> int | None:
    """Return the first step of the stretch that reaches the last step."""
    if not stretches or stretches[-1].last != steps - 1:
        return None
    return stretches[-1].first
