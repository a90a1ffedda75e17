"""By which factor does one group need less time than another, where some times are only bounds?

Times are compared as logarithms, so that a difference is a factor. Where every time is known, pairs of runs
have the t interval of their mean log ratio, and two groups that are not pairs Welch's. A t interval has no
place for "more than": there, and where times are known to lie between two evaluations only, each log time is
an interval [l, u], u infinite for a run that ended first. Ranks have a place for it:

    pairs:   averages (r_i + r_j) / 2, i ≤ j, of log ratios (Walsh)         Wilcoxon's signed ranks
             log ratios r_i, where any is unbounded: one such spoils         signs
             n averages, but only one ratio
    groups:  differences log a_i - log b_j                                  Mann & Whitney

The interval of the complete data reaches from the k-th smallest to the k-th largest of these numbers, k by
the exact distribution of ranks. With every number at its lower end the k-th smallest is no larger than that
of the complete data, and with every number at its upper end the k-th largest no smaller: the interval holds
that of the complete data, whatever the unknown times are, and so covers at least as often. It is infinite
where the runs do not bound the factor. It assumes log ratios that are symmetric, or groups whose log times
differ by a shift. Ends of 6 pairs or of 4 and 4 runs exist at 95%; of fewer none do.

References: Hodges & Lehmann (1963), Annals of Mathematical Statistics 34:598; Hollander, Wolfe & Chicken
(2014), Nonparametric Statistical Methods, sections 3.3 and 4.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ired_diag.stats.quantiles import t_quantile

ROUNDING = 1e-12  # of a logarithm

Array = NDArray[np.float64]
Method = Literal["paired t", "Welch", "signed ranks", "signs", "ranks"]


@dataclass(frozen=True, kw_only=True)
class TimeRatio:
    """A factor between the times of two groups, first over second.

    Attributes:
        ratio: The factor; NaN where bounds leave it open.
        low: Lower end of its interval; 0 without one.
        high: Upper end; infinity without one.
        confidence: Level of the interval.
        method: How it was computed.
        n: Numbers of runs of both groups.
        least: Smallest factor that the unknown times allow for the estimate.
        most: Largest such factor.
    """

    ratio: float
    low: float
    high: float
    confidence: float
    method: Method
    n: tuple[int, int]
    least: float
    most: float


def ratio_of_pairs(a: Array, b: Array, *, confidence: float = 0.95) -> TimeRatio:
    """Return the factor between the times of pairs of runs.

    Args:
        a: Lower and upper end of each time of the first group, of shape (n, 2), above 0; equal where the time
            is known, infinite where the run never reached the target.
        b: The same of the second group, in the order of the pairs.
        confidence: Level of the interval.
    """
    low, high = _log_ratios(a, b)
    n = len(low)
    if _all_known(a, b) and n > 1:
        error = low.std(ddof=1) / math.sqrt(n)
        return _from_t(low.mean(), error, n - 1, confidence=confidence, method="paired t", n=(n, n))
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        k = _rank_of_signs(n, 1 - confidence)
        return _from_ranks(low, high, k, confidence=confidence, method="signs", n=(n, n))
    k = _rank_of_pairs(n, 1 - confidence)
    i, j = np.triu_indices(n)
    lows = (low[i] + low[j]) / 2
    highs = (high[i] + high[j]) / 2
    return _from_ranks(lows, highs, k, confidence=confidence, method="signed ranks", n=(n, n))


def ratio_of_groups(a: Array, b: Array, *, confidence: float = 0.95) -> TimeRatio:
    """Return the factor between the times of two groups; the arguments are those of ``ratio_of_pairs``."""
    n = (len(a), len(b))
    if _all_known(a, b) and min(n) > 1:
        return _welch(np.log(a[:, 0]), np.log(b[:, 0]), confidence=confidence, n=n)
    i, j = np.indices(n)
    low, high = _log_ratios(a[i.ravel()], b[j.ravel()])
    k = _rank_of_groups(*n, 1 - confidence)
    return _from_ranks(low, high, k, confidence=confidence, method="ranks", n=n)


def _log_ratios(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the ends of log a - log b; infinite where neither reached the target, which bounds nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.log(a[:, 0]) - np.log(b[:, 1])
        high = np.log(a[:, 1]) - np.log(b[:, 0])
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


def _all_known(*times: Array) -> bool:
    for ends in times:
        is_known = np.isfinite(ends) & (ends > 0) & (ends == ends[:, :1])
        if not is_known.all():
            return False
    return True


def _welch(a: Array, b: Array, *, confidence: float, n: tuple[int, int]) -> TimeRatio:
    square_a = a.var(ddof=1) / n[0]
    square_b = b.var(ddof=1) / n[1]
    error = math.sqrt(square_a + square_b)
    degrees = float(sum(n) - 2)
    if error > 0:
        degrees = error**4 / (square_a**2 / (n[0] - 1) + square_b**2 / (n[1] - 1))
    return _from_t(
        a.mean() - b.mean(),
        error,
        degrees,
        confidence=confidence,
        method="Welch",
        n=n,
    )


def _from_t(
    mean: float, error: float, degrees: float, *, confidence: float, method: Method, n: tuple[int, int]
) -> TimeRatio:
    width = t_quantile(confidence, degrees) * error
    ratio = math.exp(mean)
    if error <= ROUNDING:
        width = math.inf  # equal factors in all runs tell nothing of the noise
    return TimeRatio(
        ratio=ratio,
        low=math.exp(mean - width),
        high=math.exp(mean + width) if math.isfinite(width) else math.inf,
        confidence=confidence,
        method=method,
        n=n,
        least=ratio,
        most=ratio,
    )


def _from_ranks(
    lows: Array, highs: Array, k: int, *, confidence: float, method: Method, n: tuple[int, int]
) -> TimeRatio:
    lows = np.sort(lows)
    highs = np.sort(highs)
    low, high = -math.inf, math.inf
    if k >= 1:
        low = float(lows[k - 1])
        high = float(highs[len(highs) - k])
    least = _exp(_median(lows))
    most = _exp(_median(highs))
    return TimeRatio(
        ratio=least if math.isclose(least, most) else math.nan,
        low=_exp(low),
        high=_exp(high),
        confidence=confidence,
        method=method,
        n=n,
        least=least,
        most=most,
    )


def _median(ordered: Array) -> float:
    """Return the median of sorted numbers, which may be infinite."""
    middle = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    if middle[0] == middle[1]:
        return float(middle[0])
    return float(sum(middle) / 2)


def _exp(value: float) -> float:
    return math.inf if value == math.inf else math.exp(value)


def _rank_of_signs(n: int, alpha: float) -> int:
    """Return k of the signs: the largest with P(B < k) ≤ α/2; 0 where even k = 1 is too likely."""
    counts = np.array([math.comb(n, positive) for positive in range(n + 1)], dtype=np.float64)
    return _rank(counts / 2.0**n, alpha)


def _rank_of_pairs(n: int, alpha: float) -> int:
    """Return k of the signed ranks: the largest with P(W < k) ≤ α/2; 0 where even k = 1 is too likely."""
    ways = np.array([1.0])
    for rank in range(1, n + 1):
        longer = np.zeros(len(ways) + rank)
        longer[: len(ways)] += ways
        longer[rank:] += ways
        ways = longer
    return _rank(ways / 2.0**n, alpha)


def _rank_of_groups(first: int, second: int, alpha: float) -> int:
    """Return k of the rank sums: the largest with P(U < k) ≤ α/2; 0 where even k = 1 is too likely.

    The largest of all m + n values is of the first group with probability m / (m + n), and then exceeds n:
    P(m, n; u) = m P(m - 1, n; u - n) / (m + n) + n P(m, n - 1; u) / (m + n).
    """
    size = first * second + 1
    certain = np.zeros(size)
    certain[0] = 1.0
    row = [certain] * (second + 1)  # of m = 0, by n
    for m in range(1, first + 1):
        longer = [certain]
        for n in range(1, second + 1):
            shifted = np.zeros(size)
            shifted[n:] = row[n][: size - n]
            longer.append((m * shifted + n * longer[n - 1]) / (m + n))
        row = longer
    return _rank(row[second], alpha)


def _rank(probabilities: Array, alpha: float) -> int:
    below = np.cumsum(probabilities)
    k = 0
    while k < len(below) and below[k] <= alpha / 2 * (1 + 1e-9):
        k += 1
    return k
