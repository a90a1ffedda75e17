"""Where does the plateau of a learning curve start: found, not assumed.

The warm-up of a simulation is found by the marginal standard error rule. Cut the first d of n values; the
standard error of the mean of the rest, squared and up to a constant, is

    MSER(d) = Σ_{i ≥ d} (rᵢ - r̄)² / (n - d)²,    d* the first d of 0 … n - 10 where it is smallest.

A value to cut makes the sum fall faster than the square. Here rᵢ are ranks, not values: a spike, however
high, is then one rank among many. A curve that never rests has its d* in the second half: no plateau.

At d* the curve has come down into the noise of one evaluation, but a mean of k evaluations is √k times
finer, and what is left of the descent biases it. So as much time again is waited as the curve took to
arrive, the first time, between Tukey's fences of what follows d*:

    start = max(d*, 2 · arrival),    fences  Q₁ - 1.5 IQR, Q₃ + 1.5 IQR.

Where the distance to the plateau shrinks exponentially from A to some s at the arrival, it is s²/A at twice
its time: nothing. A drift after the start that is larger than the noise of one evaluation, and no chance, is
no plateau; a smaller one stays unseen.

References: White (1997), An effective truncation heuristic for bias reduction in simulation output; White,
Cobb & Spratt (2000), A comparison of five steady-state truncation heuristics for simulation; Tukey (1977),
Exploratory Data Analysis, chapter 2 (fences); Mann (1945), Nonparametric tests against trend.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

FEWEST = 10  # evaluations on a plateau: the sd of fewer is not known to 25%
TREND_P = 0.01
FENCE = 1.5  # interquartile ranges beyond the quartiles: Tukey's inner fences

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Plateau:
    """Where a curve comes to rest.

    Attributes:
        index: The first evaluation on the plateau; None without a plateau.
        step: Its step.
        reason: Why there is no plateau.
    """

    index: int | None
    step: float | None
    reason: str = ""


@dataclass(frozen=True)
class CommonPlateau:
    """Where several curves have all come to rest.

    Attributes:
        step: The latest of their plateaus' starts; None where a curve has no plateau.
        indices: For each curve its first evaluation at that step or later.
        reason: Why there is none, naming the curve by its place from 0.
    """

    step: float | None
    indices: tuple[int, ...] = ()
    reason: str = ""


def plateau_start(steps: ArrayLike, values: ArrayLike, *, lower_is_better: bool = True) -> Plateau:
    """Return where a curve's plateau starts.

    Args:
        steps: Of shape (n,), increasing.
        values: Of shape (n,); what is not finite counts as worse than all others.
        lower_is_better: The direction in which the curve improves.

    >>> curve = [9.0, 3.0, 2.0] + [0.9, 1.1] * 20
    >>> plateau_start(range(43), curve)
    Plateau(index=6, step=6.0, reason='')
    """
    at, given = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if at.shape != given.shape:
        raise ValueError(f"a curve needs as many steps as values, found {len(at)} and {len(given)}")
    n = len(given)
    if n < 2 * FEWEST:
        return _none(f"{n} evaluation{'s' if n != 1 else ''}: at least {2 * FEWEST} are needed")
    x = np.where(np.isfinite(given), given if lower_is_better else -given, np.inf)
    cut = truncation(x)
    low, high = _fences(x[cut:])
    if not np.isfinite(high):
        return _none("diverging: too many of the last evaluations are not finite")
    if _was_better(x[:cut], low):
        return _none("diverged: it ends where it is worse than before")
    if cut > n / 2:
        return _none("still improving, or at rest too late: no rest begins in the first half")
    arrival = int(np.argmax((x >= low) & (x <= high)))
    waited = int(np.searchsorted(at, 2 * at[arrival] - at[0]))
    index = max(cut, waited)
    if n - index < FEWEST:
        late = f"it arrives at step {at[arrival]:g}"
        return _none(f"{late}: fewer than {FEWEST} evaluations remain after as long again")
    reason = _trend(x[index:])
    return _none(reason) if reason else Plateau(index, float(at[index]))


def common_plateau(
    curves: Iterable[tuple[ArrayLike, ArrayLike]], *, lower_is_better: bool = True
) -> CommonPlateau:
    """Return the latest start among curves, so that all of them are read in one window.

    Args:
        curves: Of each the steps and values, as ``plateau_start`` takes them.
        lower_is_better: The direction in which the curves improve.

    >>> common_plateau([(range(30), [1.0, 2.0] * 15), (range(5), [1.0] * 5)]).reason
    'curve 1: 5 evaluations: at least 20 are needed'
    """
    given = list(curves)
    if not given:
        return CommonPlateau(None, (), "no curves")
    found = [plateau_start(steps, values, lower_is_better=lower_is_better) for steps, values in given]
    lacking = [f"curve {i}: {plateau.reason}" for i, plateau in enumerate(found) if plateau.reason]
    if lacking:
        return CommonPlateau(None, (), "; ".join(lacking))
    latest = max(plateau.step for plateau in found if plateau.step is not None)
    indices = [int(np.searchsorted(np.asarray(steps, dtype=np.float64), latest)) for steps, _ in given]
    short = [i for i, (steps, _) in enumerate(given) if len(np.asarray(steps)) - indices[i] < FEWEST]
    if short:
        return CommonPlateau(None, (), f"curve {short[0]} has too few evaluations after step {latest:g}")
    return CommonPlateau(latest, tuple(indices))


def truncation(values: ArrayLike) -> int:
    """Return d*, the number of values to cut by the marginal standard error rule on ranks.

    Args:
        values: Of shape (n,), n ≥ 10, no NaN.
    """
    ranks = stats.rankdata(np.asarray(values, dtype=np.float64))
    n = len(ranks)
    left = np.arange(n, 0, -1)
    sums, squares = (np.cumsum(r[::-1])[::-1] for r in (ranks, ranks**2))
    return int(np.argmin(((squares - sums**2 / left) / left**2)[: n - FEWEST + 1]))


def _fences(x: Array) -> tuple[float, float]:
    """Return Tukey's fences, the quartiles taken as values of the sample: infinities do not mix."""
    q1, q3 = np.sort(x)[[len(x) // 4, (3 * len(x)) // 4]]
    if not np.isfinite(q3):
        return -np.inf, np.inf
    return float(q1 - FENCE * (q3 - q1)), float(q3 + FENCE * (q3 - q1))


def _trend(x: Array) -> str:
    """Say what drifts by more than the sd of one evaluation, and not by chance (Mann's test)."""
    p = stats.kendalltau(np.arange(len(x)), x).pvalue
    half = len(x) // 2
    drift = float(np.median(x[half:]) - np.median(x[:half]))
    sd = float(stats.median_abs_deviation(x, scale="normal"))
    if not (p < TREND_P and abs(drift) > sd):
        return ""
    return f"{'diverging' if drift > 0 else 'still improving'}: it drifts by more than its noise"


def _was_better(before: Array, low: float) -> bool:
    """Say whether a curve was below its plateau: by a median of three, lest one evaluation be luck."""
    if len(before) < 3:
        return False
    threes = np.lib.stride_tricks.sliding_window_view(before, 3)
    return bool(np.median(threes, axis=1).min() < low)


def _none(reason: str) -> Plateau:
    return Plateau(None, None, reason)
