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
import scipy  # its parts are imported when they are first used
from numpy.typing import NDArray

from ired_diag.stats.quantiles import t_quantile

ROUNDING = 1e-12  # of a logarithm
MOST = 700.0  # the exponential of a larger number overflows

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
    if n > 1 and _are_exact(a, b):
        spread = low.std(ddof=1)
        return _from_t(
            low.mean(),
            spread / math.sqrt(n),
            n - 1,
            confidence=confidence,
            method="paired t",
            n=(n, n),
        )
    method: Method = "signs"
    k = _rank_of_signs(n, 1 - confidence)
    # One unbounded ratio is in n of the averages: more than the k - 1 that may be unbounded.
    if np.isfinite([low, high]).all():
        method = "signed ranks"
        k = _rank_of_pairs(n, 1 - confidence)
        i, j = np.triu_indices(n)
        low = (low[i] + low[j]) / 2
        high = (high[i] + high[j]) / 2
    return _from_ranks(
        low,
        high,
        k,
        confidence=confidence,
        method=method,
        n=(n, n),
    )


def ratio_of_groups(a: Array, b: Array, *, confidence: float = 0.95) -> TimeRatio:
    """Return the factor between the times of two groups; the arguments are those of ``ratio_of_pairs``."""
    n = (len(a), len(b))
    if min(n) > 1 and _are_exact(a, b):
        log_a = np.log(a[:, 0])
        log_b = np.log(b[:, 0])
        return _welch(log_a, log_b, confidence=confidence, n=n)
    each_a = np.repeat(a, n[1], axis=0)
    each_b = np.tile(b, (n[0], 1))
    low, high = _log_ratios(each_a, each_b)
    return _from_ranks(
        low,
        high,
        _rank_of_groups(*n, 1 - confidence),
        confidence=confidence,
        method="ranks",
        n=n,
    )


def _log_ratios(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the ends of log a - log b; infinite where neither reached the target, which bounds nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        log_a = np.log(a)
        log_b = np.log(b)
        low = log_a[:, 0] - log_b[:, 1]
        high = log_a[:, 1] - log_b[:, 0]
    low[np.isnan(low)] = -np.inf
    high[np.isnan(high)] = np.inf
    return low, high


def _are_exact(*times: Array) -> bool:
    for ends in times:
        is_finite = np.isfinite(ends) & (ends > 0)
        is_one_number = ends[:, 0] == ends[:, 1]
        if not (is_finite.all() and is_one_number.all()):
            return False
    return True


def _welch(a: Array, b: Array, *, confidence: float, n: tuple[int, int]) -> TimeRatio:
    square_a = a.var(ddof=1) / n[0]
    square_b = b.var(ddof=1) / n[1]
    square = square_a + square_b
    degrees = float(sum(n) - 2)
    if square > 0:
        share_a = square_a / square
        share_b = square_b / square
        inverse = share_a**2 / (n[0] - 1) + share_b**2 / (n[1] - 1)
        degrees = 1 / inverse
    return _from_t(
        a.mean() - b.mean(),
        math.sqrt(square),
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
    low = 0.0
    high = math.inf
    # Equal factors in all runs tell nothing of the noise.
    if error > ROUNDING:
        low = _exp(mean - width)
        high = _exp(mean + width)
    return TimeRatio(
        ratio=ratio,
        low=low,
        high=high,
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
    low = 0.0
    high = math.inf
    if k >= 1:
        low = _exp(lows[k - 1])
        high = _exp(highs[-k])
    least = _exp(_median(lows))
    most = _exp(_median(highs))
    ratio = math.nan
    if math.isclose(least, most):
        ratio = least
    return TimeRatio(
        ratio=ratio,
        low=low,
        high=high,
        confidence=confidence,
        method=method,
        n=n,
        least=least,
        most=most,
    )


def _median(ordered: Array) -> float:
    """Return the median of sorted numbers, which may be infinite."""
    half = len(ordered) // 2
    upper = float(ordered[half])
    lower = float(ordered[-half - 1])
    if lower == upper:
        return upper
    return (lower + upper) / 2


def _exp(value: float) -> float:
    if value > MOST:
        return math.inf
    return math.exp(value)


def _rank_of_signs(n: int, alpha: float) -> int:
    """Return k of the signs: the largest with P(B < k) ≤ α/2; 0 where even k = 1 is too likely."""
    positive = np.arange(n + 1)
    probabilities = scipy.stats.binom.pmf(positive, n, 0.5)
    return _rank(probabilities, alpha)


def _rank_of_pairs(n: int, alpha: float) -> int:
    """Return k of the signed ranks: the largest with P(W < k) ≤ α/2; 0 where even k = 1 is too likely."""
    probabilities = np.array([1.0])
    for rank in range(1, n + 1):
        nothing = np.zeros(rank)
        negative = np.concatenate([probabilities, nothing])
        positive = np.concatenate([nothing, probabilities])
        probabilities = (negative + positive) / 2
    return _rank(probabilities, alpha)


def _rank_of_groups(first: int, second: int, alpha: float) -> int:
    """Return k of the rank sums: the largest with P(U < k) ≤ α/2; 0 where even k = 1 is too likely.

    The largest of all m + n values is of the first group with probability m / (m + n), and then exceeds n:
    P(m, n; u) = m P(m - 1, n; u - n) / (m + n) + n P(m, n - 1; u) / (m + n).
    """
    size = first * second + 1
    certain = np.zeros(size)
    certain[0] = 1.0
    # Probabilities, not counts: the counts of 100 and 100 values overflow.
    row = [certain] * (second + 1)  # of m = 0, by n
    for m in range(1, first + 1):
        longer = [certain]
        for n in range(1, second + 1):
            shifted = np.zeros(size)
            shifted[n:] = row[n][: size - n]
            of_first = m * shifted
            of_second = n * longer[n - 1]
            mixed = (of_first + of_second) / (m + n)
            longer.append(mixed)
        row = longer
    return _rank(row[second], alpha)


def _rank(probabilities: Array, alpha: float) -> int:
    below = np.cumsum(probabilities)
    most = alpha / 2
    is_rare = below <= most * (1 + ROUNDING)
    return int(is_rare.sum())
