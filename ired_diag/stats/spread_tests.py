"""Do two samples spread alike? Tests of equal variances, and the ratio of the sds with an interval.

    Brown-Forsythe:   one-way ANOVA of |xᵢ - median of its sample|; about means it is Levene's test, which
                      does not keep its level for skewed data

The ratio ρ of the sds has an interval by Bonett's test: it holds all ρ for which a/ρ and b, with variances
s² and one kurtosis γ, do not differ,

    |ln(c s_a²/ρ²s_b²)| ≤ z √((γ - k_a)/(n_a - 1) + (γ - k_b)/(n_b - 1)),      k = (n - 3)/n,
    c = [n_a/(n_a - z)] / [n_b/(n_b - z)],
    γ = (n_a + n_b) Σ (x - m)⁴ / (Σ (x - x̄)²)²      over a/ρ and b together,

m the mean of a sample without a share 1/(2√(n - 4)) at each end. With γ of a and b as they are, the interval
would be too short or too long where the sds differ. The textbook's F interval holds for normal data only.
Simulated coverage of nominal 95%, two samples of one shape, 20,000 draws, whatever the true ratio:

    n, n       F: normal, Laplace, exponential     Bonett: normal, Laplace, exponential
    5, 5          95%       88%       83%               98%       96%       96%
    10, 10        95%       84%       77%               96%       95%       95%
    20, 20        95%       82%       74%               96%       95%       95%

Where one sample is normal and the other exponential, so that they share no kurtosis, Bonett's covers 92% at
10 and 90% at 20. With 4 values it covers 85% for exponential samples: 5 are needed.

References: Levene (1960), Robust Tests for Equality of Variances; Brown & Forsythe (1974), Robust Tests for
the Equality of Variances; Bonett (2006), Robust Confidence Interval for a Ratio of Standard Deviations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import ArrayLike

from ired_diag.stats.defects import Sample, as_sample, defect_of, is_constant
from ired_diag.stats.quantiles import normal_quantile
from ired_diag.stats.summary import CONFIDENCE

SMALLEST = 5  # values a sample that Bonett's interval needs to hold


@dataclass(frozen=True)
class SpreadTest:
    """One test that samples have equal variances.

    Attributes:
        f: The statistic; does not say which sample spreads more.
        df: Degrees of freedom above and below the line.
        p: The p value.
        reason: Why the numbers are NaN.
    """

    f: float
    df: tuple[int, int]
    p: float
    reason: str = ""


@dataclass(frozen=True)
class SdRatio:
    """A ratio of standard deviations, sd(a)/sd(b).

    Attributes:
        value: The ratio.
        low: Lower end of Bonett's interval.
        high: Upper end of the interval.
        confidence: Confidence level of the interval.
        reason: Why something is NaN.
    """

    value: float
    low: float
    high: float
    confidence: float = CONFIDENCE
    reason: str = ""


def brown_forsythe(*samples: ArrayLike) -> SpreadTest:
    """Return the Brown-Forsythe test, about the medians, of two or more samples, each of shape (n,)."""
    arrays = [as_sample(sample) for sample in samples]
    groups = len(arrays)
    n = sum(map(len, arrays))
    df = (groups - 1, n - groups)
    if defect := _defect_of_spreads(arrays):
        return SpreadTest(
            f=math.nan,
            df=df,
            p=math.nan,
            reason=defect,
        )
    result = scipy.stats.levene(*arrays, center="median")
    return SpreadTest(
        f=float(result.statistic),
        df=df,
        p=float(result.pvalue),
    )


def sd_ratio(a: ArrayLike, b: ArrayLike, *, confidence: float = CONFIDENCE) -> SdRatio:
    """Return sd(a)/sd(b) with Bonett's interval.

    Args:
        a: One sample, of shape (n_a,).
        b: The other, of shape (n_b,).
        confidence: Confidence level of the interval.

    >>> sd_ratio([2.0, 4.0, 6.0, 8.0, 12.0], [1.0, 2.0, 3.0, 4.0, 6.0]).value
    2.0
    """
    x = as_sample(a)
    y = as_sample(b)
    if defect := defect_of(x, y) or _constant_sample(x, y):
        return _no_ratio(math.nan, confidence, defect)
    sd_x = x.std(ddof=1)
    sd_y = y.std(ddof=1)
    value = float(sd_x / sd_y)
    z = normal_quantile(confidence)
    more_than_z = math.floor(z) + 1
    fewest = max(SMALLEST, more_than_z)
    if defect := defect_of(x, y, fewest=fewest):
        return _no_ratio(value, confidence, defect)
    low, high = _log_ends(x / sd_x, y / sd_y, z)
    return SdRatio(
        value=value,
        low=value * math.exp(low),
        high=value * math.exp(high),
        confidence=confidence,
    )


def _constant_sample(*samples: Sample) -> str:
    for sample in samples:
        if is_constant(sample, scale=np.abs(sample).max()):
            return "a sample is constant"
    return ""


def _no_ratio(value: float, confidence: float, reason: str) -> SdRatio:
    return SdRatio(
        value=value,
        low=math.nan,
        high=math.nan,
        confidence=confidence,
        reason=reason,
    )


def _log_ends(x: Sample, y: Sample, z: float) -> tuple[float, float]:
    """Return the ends of ln ρ that Bonett's test leaves for two samples of sd 1."""
    n_x = len(x)
    n_y = len(y)
    fourth_x = _fourth_moment(x)
    fourth_y = _fourth_moment(y)
    centre = math.log(n_x / (n_x - z) * (n_y - z) / n_y) / 2

    def distance(log_ratio: float) -> float:
        square = math.exp(-2 * log_ratio)
        fourth = fourth_x * square**2 + fourth_y
        squares = (n_x - 1) * square + n_y - 1
        kurtosis = (n_x + n_y) * fourth / squares**2
        error_x = (kurtosis - (n_x - 3) / n_x) / (n_x - 1)
        error_y = (kurtosis - (n_y - 3) / n_y) / (n_y - 1)
        error = math.sqrt(error_x + error_y)
        return abs(log_ratio - centre) - z * error / 2

    reach = 1.0
    while min(distance(centre - reach), distance(centre + reach)) < 0:
        reach += 1.0
    lowest = centre - reach
    highest = centre + reach
    low = scipy.optimize.brentq(distance, centre, lowest, xtol=1e-13)
    high = scipy.optimize.brentq(distance, centre, highest, xtol=1e-13)
    return float(low), float(high)


def _fourth_moment(x: Sample) -> float:
    """Return the sum of fourth powers about the trimmed mean."""
    deviations = x - _trimmed_mean(x)
    return float(np.sum(deviations**4))


def _trimmed_mean(x: Sample) -> float:
    """Return the mean without 1/(2√(n - 4)) of the values at each end; of five values, the median."""
    n = len(x)
    share = int(n / (2 * math.sqrt(n - 4)))
    most = (n - 1) // 2
    cut = min(share, most)
    middle = np.sort(x)[cut : n - cut]
    return float(middle.mean())


def _defect_of_spreads(samples: Sequence[Sample]) -> str:
    if len(samples) < 2:
        return "at least 2 samples are needed"
    if defect := defect_of(*samples, fewest=3):
        return defect
    if _all_constant(samples, samples):
        return "all samples are constant"
    spreads = [np.abs(x - np.median(x)) for x in samples]
    if _all_constant(spreads, samples):
        return "in each sample all values lie equally far from the median"
    return ""


def _all_constant(arrays: Sequence[Sample], samples: Sequence[Sample]) -> bool:
    """Say whether each array varies only by the rounding of its sample's values."""
    for array, sample in zip(arrays, samples, strict=True):
        largest = float(np.abs(sample).max())
        if not is_constant(array, scale=largest):
            return False
    return True
