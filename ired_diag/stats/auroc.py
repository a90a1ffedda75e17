"""Area under the ROC curve: how often a positive scores above a negative, with an interval.

    AUROC = P(x > y) + ½ P(x = y),    x a positive's score, y a negative's

which is Mann and Whitney's U over the number of pairs. The placement of a positive is the share of negatives
below it, V_i = mean over j of [x_i > y_j] + ½ [x_i = y_j]; that of a negative, the share of positives above
it, W_j. Both average to the area A, and DeLong's variance is that of their means:

    independent samples:               var A = var V / m + var W / n
    pairs (x_i, y_i) of one subject:   var A = var (V + W) / n

The second keeps the covariance that a pair's two scores have; with several strata (each with an area of its
own, the same subjects in all), A is the mean area and V + W the subject's mean over strata. The interval is
taken on the scale of log(A / (1 - A)) and so stays between 0 and 1. Where the samples do not overlap the
variance is 0 and says nothing; there it is Newcombe's: all θ with (A - θ)² ≤ z² V(θ),

    V(θ) = θ (1 - θ) [1 + N ((1 - θ)/(2 - θ) + θ/(1 + θ))] / (m n),    N = (m + n)/2 - 1.

References: DeLong, DeLong, Clarke-Pearson (1988), Comparing the Areas under Two or More Correlated ROC
Curves; Obuchowski (1997), Nonparametric Analysis of Clustered ROC Curve Data; Sun & Xu (2014), Fast
Implementation of DeLong's Algorithm (placements from ranks); Qin & Hotilovac (2008), Comparison of
Non-parametric Confidence Intervals for the Area under the ROC Curve (logit); Newcombe (2006), Confidence
Intervals for an Effect Size Measure Based on the Mann-Whitney Statistic, part 2, method 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import ArrayLike
from scipy import special

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.defects import joined, left_out
from ired_diag.stats.quantiles import normal_quantile
from ired_diag.stats.summary import CONFIDENCE

BOUNDARY = 1e-12  # how near to 0 or 1 an end of Newcombe's interval is looked for


@dataclass(frozen=True, kw_only=True)
class Auroc:
    """An area under the ROC curve.

    Attributes:
        area: Between 0 and 1; ½ where the scores say nothing.
        low: Lower end of the interval.
        high: Upper end of the interval.
        se: DeLong's standard error.
        n: Positives; of pairs, their number.
        reason: Why something is NaN, left out, or not by DeLong's formula.
    """

    area: float
    low: float
    high: float
    se: float
    n: int
    reason: str = ""


def placements(positive: ArrayLike, negative: ArrayLike) -> tuple[Array, Array]:
    """Return the share of negatives below each positive, and of positives above each negative; ties half.

    Args:
        positive: Scores, of shape (m,), infinite at most, not NaN.
        negative: Scores, of shape (n,).

    >>> [v.tolist() for v in placements([2.0, 3.0], [1.0, 2.0])]
    [[0.75, 1.0], [1.0, 0.75]]
    """
    x = as_floats(positive)
    y = as_floats(negative)
    m = len(x)
    n = len(y)
    ranks = scipy.stats.rankdata(np.concatenate([x, y]))
    negatives_below = ranks[:m] - scipy.stats.rankdata(x)
    positives_below = ranks[m:] - scipy.stats.rankdata(y)
    below = negatives_below / n
    above = 1 - positives_below / m
    return below, above


def paired_auroc(
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    confidence: float = CONFIDENCE,
) -> Auroc:
    """Return the mean area over strata, each comparing all positives with all negatives of that stratum.

    Args:
        positive: Scores, of shape (n,) or (strata, n): each column a subject, the unit of independence.
        negative: Scores of the same shape. A pair with a NaN is left out; ``reason`` says how many.
        confidence: Confidence level of the interval.

    >>> paired_auroc([2.0, 3.0, 4.0], [1.0, 2.0, 0.0]).area  # 8 of 9 pairs, and a tie
    0.9444444444444445
    """
    x = np.atleast_2d(as_floats(positive))
    y = np.atleast_2d(as_floats(negative))
    valid = ~(np.isnan(x) | np.isnan(y))
    lost = int((~valid).sum())
    reason = left_out(lost, valid.size, "pairs are not numbers")
    n = int(valid.any(axis=0).sum())
    if n < 2:
        return _undefined(n, reason or f"{n} pairs: at least 2 are needed")
    areas = []
    influences = []
    with_pairs = np.flatnonzero(valid.any(axis=1))
    for stratum in with_pairs.tolist():
        kept = valid[stratum]
        below, above = placements(x[stratum, kept], y[stratum, kept])
        area = float(below.mean())
        deviations = below + above - 2 * area
        influence = np.zeros(x.shape[1])
        influence[kept] = deviations * n / kept.sum()
        areas.append(area)
        influences.append(influence)
    mean = np.mean(influences, axis=0)
    squares = float(np.sum(mean**2))
    variance = squares / (n * (n - 1))
    estimate = _Estimate(
        area=float(np.mean(areas)),
        se=math.sqrt(variance),
        n=n,
    )
    return _with_interval(estimate, confidence, reason)


@dataclass(frozen=True)
class _Estimate:
    """An area of n pairs with its standard error."""

    area: float
    se: float
    n: int


def _with_interval(estimate: _Estimate, confidence: float, reason: str) -> Auroc:
    area = estimate.area
    se = estimate.se
    n = estimate.n
    z = normal_quantile(confidence)
    if 0 < area < 1 and se > BOUNDARY:
        centre = special.logit(area)
        half = z * se / (area * (1 - area))
        low = float(special.expit(centre - half))
        high = float(special.expit(centre + half))
    else:
        low, high = _newcombe(area, n, z)
        reason = joined(reason, "no overlap or no spread: Newcombe's interval")
    return Auroc(
        area=area,
        low=low,
        high=high,
        se=se,
        n=n,
        reason=reason,
    )


def _newcombe(area: float, n: int, z: float) -> tuple[float, float]:
    def distance(theta: float) -> float:
        shares = (1 - theta) / (2 - theta) + theta / (1 + theta)
        inner = 1 + (n - 1) * shares
        reach = z**2 * theta * (1 - theta) * inner / (n * n)
        return (area - theta) ** 2 - reach

    low = 0.0
    high = 1.0
    if area > 0:
        below_one = min(area, 1 - BOUNDARY)
        low = float(scipy.optimize.brentq(distance, 0.0, below_one))
    if area < 1:
        above_zero = max(area, BOUNDARY)
        high = float(scipy.optimize.brentq(distance, above_zero, 1.0))
    return low, high


def _undefined(n: int, reason: str) -> Auroc:
    return Auroc(
        area=math.nan,
        low=math.nan,
        high=math.nan,
        se=math.nan,
        n=n,
        reason=reason,
    )
