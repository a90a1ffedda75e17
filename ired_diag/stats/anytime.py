"""Intervals of a mean that hold at every number of seeds at once, so that one may look after each and stop.

A t interval holds at a number of seeds that was fixed beforehand. Whoever looks after each new seed and
stops at the first that is significant finds an effect of nothing in one study of four by seed 20. The
intervals here hold together, at all numbers of seeds: the chance that the mean ever lies outside one of
them is at most α.

With t = √n (x̄ - μ)/s of n values, and a normal prior of variance 1/g on the effect in standard deviations,

    e_n(μ) = √(g/(n + g)) · [(1 + t²/(n - 1)) / (1 + g/(n + g) · t²/(n - 1))]^(n/2)

is the ratio of the likelihoods of the t values with and without that effect. Where μ is the mean it is a
martingale of mean 1, so by Ville's inequality it ever reaches 1/α with a probability of at most α. All μ
with e_n(μ) < 1/α make an interval, x̄ ± s √((n - 1)/n · (A - 1)/(1 - A g/(n + g))) with A = ((n + g)/(g
α²))^(1/n); where A g/(n + g) ≥ 1 nothing can be excluded yet, however far the values lie.

Values that are all equal are no sample of a normal distribution: a seed changes nothing, or too few digits
are printed. How far another value would lie is then unknown, and nothing is excluded.

e_n(μ) does not depend on the order of the values, so the interval of all values holds after each new one in
whatever order a reader finds them (``look_at_mean``). What all looks exclude together is narrower, and needs
the order in which the values came (``looks_at_mean``): sorted by another key, each new value makes looks that
nobody took, and the level is lost.

What is assumed: values of seeds are independent, and normal. Symmetric values with heavy tails keep the level
(``benchmarks/gate_levels.py``), strongly skewed ones do not.

Two unpaired groups share α between two intervals of the difference, of which both hold. Four fifths go to the
pairs of the first seeds, of the second seeds and so on, as far as both groups reach: in their order, which
the values do not change. One fifth goes to the interval of each group, at half of it: the difference lies
between their ends, however unequal the groups are in number. Both hold whatever the two variances are, which
a pooled variance does not.

References: Lai (1976), On confidence sequences, Annals of Statistics 4:265; Wang & Ramdas (2025),
Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance, Sequential
Analysis, arXiv 2310.03722; Ville (1939).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

PRIOR = 1.0  # g: an effect of one standard deviation is expected
SHARE_OF_PAIRS = 0.8  # of α, where groups are not pairs: what the pairs of their order may err
EQUAL = 1e-9  # range over the largest size, up to which values are one value but for rounding


@dataclass(frozen=True)
class Look:
    """What is known after so many values.

    Attributes:
        n: Values so far.
        mean: Their mean.
        low: Lower end of the interval; of several looks, the largest that any had; -inf where none had one.
        high: Upper end of the interval.
    """

    n: int
    mean: float
    low: float
    high: float

    @property
    def is_empty(self) -> bool:
        """Whether no mean is left: the values contradict the assumptions."""
        return self.low > self.high


def half_width(n: int, sd: float, alpha: float, prior: float = PRIOR) -> float:
    """Return half of the width of the interval after n values; infinity where nothing can be excluded yet.

    Args:
        n: Number of values.
        sd: Their standard deviation.
        alpha: Chance that the mean ever lies outside, of all intervals together.
        prior: g, the inverse variance of the expected effect in standard deviations.

    >>> half_width(3, 1.0, 0.05)
    inf
    >>> round(half_width(10, 1.0, 0.05), 3)
    1.224
    """
    if n < 2:
        return math.inf
    share = prior / (n + prior)
    # As a logarithm: the square of a tiny α is 0.
    growth = math.exp(-(math.log(share) + 2 * math.log(alpha)) / n)
    left = 1 - growth * share
    if left <= 0:
        return math.inf
    return sd * math.sqrt((n - 1) / n * (growth - 1) / left)


def are_equal(values: Sequence[float] | NDArray[np.float64]) -> bool:
    """Say whether values are one value, but for the rounding of their last digits.

    >>> are_equal([0.3, 0.1 + 0.2, 0.3]), are_equal([0.3, 0.3001])
    (True, False)
    """
    array = np.asarray(values, dtype=np.float64)
    return bool(np.ptp(array) <= EQUAL * np.abs(array).max())


def spread(values: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the standard deviation of at least two values of any size.

    >>> spread([1e-300, 3e-300, 2e-300])
    1e-300
    """
    array = np.asarray(values, dtype=np.float64)
    # The square of a deviation of 1e-200 is 0, and such an interval would have no width.
    deviations = array - array.mean()
    largest = float(np.abs(deviations).max())
    if largest == 0:
        return 0.0
    return largest * float(np.std(deviations / largest, ddof=1))


def earliest(alpha: float, prior: float = PRIOR) -> int:
    """Return the first number of values at which anything can be excluded.

    >>> earliest(0.05), earliest(0.1)
    (5, 4)
    """
    n = 2
    while math.isinf(half_width(n, 1.0, alpha, prior)):
        n += 1
    return n


def log_evidence(values: Sequence[float], mean: float, prior: float = PRIOR) -> float:
    """Return the logarithm of e_n(μ): how much better the values suit another mean than this one.

    Args:
        values: At least two values, not all equal.
        mean: μ, the mean in question.
        prior: g.
    """
    array = np.asarray(values, dtype=np.float64)
    n = len(array)
    if n < 2 or not np.ptp(array) > 0:
        return math.nan
    sd = spread(array)
    share = prior / (n + prior)
    ratio = n * ((array.mean() - mean) / sd) ** 2 / (n - 1)
    likelihoods = math.log1p(ratio) - math.log1p(share * ratio)
    return 0.5 * math.log(share) + n / 2 * likelihoods


def look_at_mean(values: Sequence[float], *, alpha: float, prior: float = PRIOR) -> Look:
    """Return what all values tell of a mean, whatever their order.

    Args:
        values: At least one value.
        alpha: Chance that the mean ever lies outside, where one looks after each value.
        prior: g.
    """
    array = np.asarray(values, dtype=np.float64)
    n = len(array)
    mean = float(array.mean())
    width = math.inf
    if n > 1 and not are_equal(array):
        width = half_width(n, spread(array), alpha, prior)
    return Look(n=n, mean=mean, low=mean - width, high=mean + width)


def look_at_difference(
    values: Sequence[float], base: Sequence[float], *, alpha: float, prior: float = PRIOR
) -> Look:
    """Return what all values of two groups tell of the difference of their means.

    The first values of both make pairs. A reader may find the values in an order that they did not come in:
    then pairs change from look to look, which costs next to nothing of the level (``tests/test_gate.py``).

    Args:
        values: Values of the new group.
        base: Values that they are compared with.
        alpha: Chance that the difference ever lies outside, where one looks after each value.
        prior: g.
    """
    alpha_of_one = alpha * (1 - SHARE_OF_PAIRS) / 2
    of_new = look_at_mean(values, alpha=alpha_of_one, prior=prior)
    of_base = look_at_mean(base, alpha=alpha_of_one, prior=prior)
    low = of_new.low - of_base.high
    high = of_new.high - of_base.low
    shared = min(len(values), len(base))
    if not are_equal(values[:shared]) and not are_equal(base[:shared]):
        differences = [new - old for new, old in zip(values, base, strict=False)]
        of_pairs = look_at_mean(differences, alpha=alpha * SHARE_OF_PAIRS, prior=prior)
        low = max(low, of_pairs.low)
        high = min(high, of_pairs.high)
    return Look(n=of_new.n, mean=of_new.mean - of_base.mean, low=low, high=high)


def looks_at_mean(values: Sequence[float], *, alpha: float, prior: float = PRIOR) -> Iterator[Look]:
    """Yield what is known of a mean after each value, in the order of the values.

    Args:
        values: Values in the order in which they were seen.
        alpha: Chance that the mean ever lies outside.
        prior: g.
    """
    low, high = -math.inf, math.inf
    for n in range(1, len(values) + 1):
        look = look_at_mean(values[:n], alpha=alpha, prior=prior)
        low = max(low, look.low)
        high = min(high, look.high)
        yield replace(look, low=low, high=high)


def looks_at_difference(
    values: Sequence[float], base: Sequence[float], *, alpha: float, prior: float = PRIOR
) -> Iterator[Look]:
    """Yield what is known of the difference of two means after each value, all of the base being known.

    Args:
        values: Values of the new group in the order in which they were seen.
        base: Values that they are compared with, in their order.
        alpha: Chance that the difference ever lies outside.
        prior: g.
    """
    of_pairs = _looks_at_pairs(values, base, alpha=alpha * SHARE_OF_PAIRS, prior=prior)
    alpha_of_one = alpha * (1 - SHARE_OF_PAIRS) / 2
    *_, of_base = looks_at_mean(base, alpha=alpha_of_one, prior=prior)
    for look in looks_at_mean(values, alpha=alpha_of_one, prior=prior):
        paired = of_pairs[min(look.n, len(of_pairs)) - 1]
        yield Look(
            n=look.n,
            mean=look.mean - of_base.mean,
            low=max(look.low - of_base.high, paired.low),
            high=min(look.high - of_base.low, paired.high),
        )


def _looks_at_pairs(
    values: Sequence[float], base: Sequence[float], *, alpha: float, prior: float
) -> list[Look]:
    """Return what the pairs of first values, of second values and so on tell, after each pair.

    As long as the values of one group are all equal its noise is unknown, and its pairs are not used.
    """
    differences = [new - old for new, old in zip(values, base, strict=False)]
    looks = []
    for look in looks_at_mean(differences, alpha=alpha, prior=prior):
        if are_equal(values[: look.n]) or are_equal(base[: look.n]):
            look = replace(look, low=-math.inf, high=math.inf)
        looks.append(look)
    return looks


def half_width_of_difference(
    n: int, sd: float, n_base: int, sd_base: float, alpha: float, prior: float = PRIOR
) -> float:
    """Return half of the narrower of both intervals of the difference of two groups that are not pairs.

    Args:
        n: Number of values of the new group.
        sd: Their standard deviation.
        n_base: Number of values of the old group.
        sd_base: Their standard deviation.
        alpha: Chance that the difference ever lies outside.
        prior: g.
    """
    alpha_of_one = alpha * (1 - SHARE_OF_PAIRS) / 2
    of_groups = half_width(n, sd, alpha_of_one, prior) + half_width(n_base, sd_base, alpha_of_one, prior)
    of_pairs = half_width(min(n, n_base), math.hypot(sd, sd_base), alpha * SHARE_OF_PAIRS, prior)
    return min(of_groups, of_pairs)
