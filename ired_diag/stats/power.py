"""Power: which difference could these seeds have shown, and how many seeds would show it?

A two-sided t test of a true difference Δ has t = d̂ / se distributed as a noncentral t, so with the critical
value c = t_{df, 1 - α/2}

    power = P(T'_{df, Δ/se} > c) + P(T'_{df, Δ/se} < -c).

    pairs:        se = s_d / √n,                  df = n - 1
    two samples:  se = √(s_a²/n_a + s_b²/n_b),    df after Satterthwaite (Welch; an approximation)

The smallest detectable difference is the Δ at which the power is 80%: it depends on the spread alone, not on
the difference that was seen. The number of seeds n is that of pairs, or of each of two samples of one size.

"Seeds needed at the observed difference" goes in a circle: its power is a function of the p value, and the
difference that was noticed is mostly too large. So it comes with the numbers at both ends of the 95%
interval of the difference (infinite where that holds 0), and next to it the number needed to show a
difference as large as the margin, which is chosen and not observed, with the 95% χ² interval of the spread.
Read the second.

References: Cohen (1988), Statistical Power Analysis, section 2; Hoenig & Heisey (2001), The Abuse of Power.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import ArrayLike
from scipy import special

from ired_diag.stats.arrays import as_floats
from ired_diag.stats.standard_error import MeanDifference, paired_difference, welch_difference

POWER = 0.8
ALPHA = 0.05
MOST_SEEDS = 1_000_000  # more are reported as infinitely many
CONFIDENCE = 0.95
LARGEST = 1e6  # noncentrality up to which scipy's series holds; the power is 1 long before


@dataclass(frozen=True, kw_only=True)
class SeedsNeeded:
    """Seeds that a t test needs for a power, and what it could show with those at hand.

    Attributes:
        detectable: Smallest true difference shown with that power by the seeds at hand, in units of the data.
        power_at_margin: Power of the seeds at hand where the true difference is the margin.
        at_margin: Seeds needed to show a true difference as large as the margin.
        at_margin_low: The same where the spread is as small as its interval allows.
        at_margin_high: The same where the spread is as large as its interval allows.
        at_observed: Seeds needed where the observed difference is the true one; circular, see above.
        at_observed_low: The same at the end of the difference's interval farther from 0.
        at_observed_high: At the nearer end; infinite where the interval holds 0.
        n: Number of pairs at hand, or of both samples together.
        reason: Why something is NaN.
    """

    detectable: float
    power_at_margin: float
    at_margin: float
    at_margin_low: float
    at_margin_high: float
    at_observed: float
    at_observed_low: float
    at_observed_high: float
    n: int
    reason: str = ""


@dataclass(frozen=True)
class _Noise:
    """What n seeds leave: se = sd / √n with df = share · (n - 1); share is 1 of pairs, 1 to 2 of samples."""

    sd: float
    share: float = 1.0


def power_of(noncentrality: float, df: float, *, alpha: float = ALPHA) -> float:
    """Return the power of a two-sided t test.

    Args:
        noncentrality: True difference in standard errors, Δ/se.
        df: Degrees of freedom of the standard error.
        alpha: Level of the test.

    >>> round(power_of(0.0, 9.0), 12)
    0.05
    """
    delta = min(abs(noncentrality), LARGEST)
    critical = float(-special.stdtrit(df, alpha / 2))
    if delta == 0:
        return alpha
    upper = float(scipy.stats.nct.sf(critical, df, delta))
    lower = float(scipy.stats.nct.cdf(-critical, df, delta))
    # NaN where so little is left of the far tail that the series has no digits for it.
    if math.isnan(lower):
        return upper
    return upper + lower


def seeds_for(
    difference: float, sd: float, *, df_share: float = 1.0, power: float = POWER, alpha: float = ALPHA
) -> float:
    """Return the smallest number of seeds, 2 or more, that reaches a power; infinite beyond a million.

    Args:
        difference: True difference, in the unit of ``sd``.
        sd: Standard deviation of one seed's difference: that of pairs, or √(s_a² + s_b²) of two samples.
        df_share: Degrees of freedom over n - 1: 1 of pairs, 2 of samples with equal variances.
        power: Power to reach.
        alpha: Level of the two-sided test.

    >>> seeds_for(1.0, 1.0), seeds_for(0.0, 1.0)
    (10.0, inf)
    """
    if not (math.isfinite(difference) and 0 < sd < math.inf):
        return math.nan
    effect = abs(difference) / sd

    def enough(n: int) -> bool:
        noncentrality = effect * math.sqrt(n)
        return power_of(noncentrality, df_share * (n - 1), alpha=alpha) >= power

    z = float(special.ndtri(power) - special.ndtri(alpha / 2))
    by_normal = math.inf
    if effect:
        by_normal = (z / effect) ** 2  # t needs a little more than the normal distribution, never less
    high = max(2, math.ceil(min(MOST_SEEDS, by_normal)))
    low = max(1, high - 2)
    while not enough(high):
        if high >= MOST_SEEDS:
            return math.inf
        low = high
        high = min(MOST_SEEDS, high + 4)
    while high - low > 1:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle
    return float(high)


def paired_seeds_needed(
    a: ArrayLike, b: ArrayLike, *, margin: float, power: float = POWER, alpha: float = ALPHA
) -> SeedsNeeded:
    """Return what pairs could show and how many are needed.

    Args:
        a: Values of the first group, of shape (n,).
        b: Values of the second group, of the same shape, the i-th belonging to a's i-th.
        margin: True difference that matters, in the unit of the data, positive.
        power: Power to reach.
        alpha: Level of the two-sided test.
    """
    mean = paired_difference(a, b)
    sd = mean.standard_error * math.sqrt(max(mean.n, 1))
    return _needed(mean, _Noise(sd), margin=margin, power=power, alpha=alpha)


def seeds_needed(
    mean: MeanDifference, sd: float, *, margin: float, power: float = POWER, alpha: float = ALPHA
) -> SeedsNeeded:
    """Return what a difference of means could show, and how many pairs are needed.

    Args:
        mean: With its standard error.
        sd: Standard deviation of the difference of a pair of seeds, in the unit of the data.
        margin: True difference that matters, in the same unit, positive.
        power: Power to reach.
        alpha: Level of the two-sided test.
    """
    return _needed(mean, _Noise(sd), margin=margin, power=power, alpha=alpha)


def two_sample_seeds_needed(
    a: ArrayLike, b: ArrayLike, *, margin: float, power: float = POWER, alpha: float = ALPHA
) -> SeedsNeeded:
    """Return what two samples could show and how many seeds each needs, their variances unequal.

    Args:
        a: Values of the first group, of shape (n_a,).
        b: Values of the second group, of shape (n_b,).
        margin: True difference that matters, in the unit of the data, positive.
        power: Power to reach.
        alpha: Level of the two-sided test.
    """
    mean = welch_difference(a, b)
    if mean.reason:
        return _unknown(mean.n, mean.reason)
    sd_a = np.std(as_floats(a), ddof=1)
    sd_b = np.std(as_floats(b), ddof=1)
    sds = np.array([sd_a, sd_b])
    shares = sds / sds.max()
    share = float((shares**2).sum() ** 2 / (shares**4).sum())
    noise = _Noise(float(np.hypot(sd_a, sd_b)), share)
    return _needed(mean, noise, margin=margin, power=power, alpha=alpha)


def _needed(mean: MeanDifference, noise: _Noise, *, margin: float, power: float, alpha: float) -> SeedsNeeded:
    d, error, df = mean.difference, mean.standard_error, mean.df
    if mean.reason:
        return _unknown(mean.n, mean.reason)

    def seeds(difference: float, stretch: float = 1.0) -> float:
        sd = noise.sd * stretch
        return seeds_for(difference, sd, df_share=noise.share, power=power, alpha=alpha)

    half = float(-special.stdtrit(df, (1 - CONFIDENCE) / 2)) * error
    needed = replace(
        _unknown(mean.n, f"the margin must be positive and finite, found {margin:g}"),
        detectable=detectable(df, power, alpha) * error,
        at_observed=seeds(d),
        at_observed_low=seeds(abs(d) + half),
        at_observed_high=seeds(max(0.0, abs(d) - half)),
    )
    if not 0 < margin < math.inf:
        return needed
    # The ends of the χ² interval of the spread, as factors.
    least = math.sqrt(df / float(special.chdtri(df, (1 - CONFIDENCE) / 2)))
    most = math.sqrt(df / float(special.chdtri(df, (1 + CONFIDENCE) / 2)))
    return replace(
        needed,
        power_at_margin=power_of(margin / error, df, alpha=alpha),
        at_margin=seeds(margin),
        at_margin_low=seeds(margin, least),
        at_margin_high=seeds(margin, most),
        reason="",
    )


def _unknown(n: int, reason: str) -> SeedsNeeded:
    return SeedsNeeded(
        detectable=math.nan,
        power_at_margin=math.nan,
        at_margin=math.nan,
        at_margin_low=math.nan,
        at_margin_high=math.nan,
        at_observed=math.nan,
        at_observed_low=math.nan,
        at_observed_high=math.nan,
        n=n,
        reason=reason,
    )


@lru_cache(maxsize=4096)  # pairs of groups with as many seeds have the same degrees of freedom
def detectable(df: float, power: float = POWER, alpha: float = ALPHA) -> float:
    """Return the true difference, in standard errors, that a two-sided t test shows with a power.

    Args:
        df: Degrees of freedom; the more, the smaller the difference.
        power: Power to reach.
        alpha: Level of the test.
    """

    def missing(delta: float) -> float:
        return power_of(delta, df, alpha=alpha) - power

    far = float(-special.stdtrit(df, alpha / 2))
    while missing(far) < 0:
        far *= 2
    return float(scipy.optimize.brentq(missing, 0.0, far))
