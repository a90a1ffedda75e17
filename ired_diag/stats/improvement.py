"""Probability of improvement: how often is a better than b?

    unpaired:  P = mean over all n_a n_b pairs of [aᵢ better] + ½ [aᵢ = bⱼ],    the Mann-Whitney U / (n_a n_b)
    paired:    P = (wins + ½ ties) / n,    seed by seed

The two differ: the first asks about any run against any other, the second about the same seed. Agarwal et al.
average the first over tasks and take a percentile bootstrap. With one task and few seeds that has no width
where all of a are better, so the intervals are those of ``dominance`` for the first, and Wilson's for the
second,

    (P + z²/2n ± z √(P(1 - P)/n + z²/4n²)) / (1 + z²/n),

which is a little too wide where there are ties.

References: Agarwal et al. (2021), Deep Reinforcement Learning at the Edge of the Statistical Precipice,
section 4.3; Wilson (1927), Probable Inference, the Law of Succession, and Statistical Inference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.defects import as_sample, defect_of
from ired_diag.stats.dominance import dominance
from ired_diag.stats.quantiles import normal_quantile
from ired_diag.stats.summary import CONFIDENCE


@dataclass(frozen=True, kw_only=True)
class Improvement:
    """How often a is better than b.

    Attributes:
        probability: Ties count half.
        low: Lower end of the interval.
        high: Upper end of the interval.
        wins: In how many pairs a is better.
        losses: In how many pairs b is better.
        ties: In how many pairs they are equal.
        confidence: Confidence level of the interval.
        reason: Why something is NaN, or says little.
    """

    probability: float
    low: float
    high: float
    wins: int
    losses: int
    ties: int
    confidence: float = CONFIDENCE
    reason: str = ""


def improvement_unpaired(
    a: ArrayLike, b: ArrayLike, *, lower_is_better: bool = True, confidence: float = CONFIDENCE
) -> Improvement:
    """Return the probability that a run of a is better than a run of b.

    Args:
        a: One sample, of shape (n_a,).
        b: The other, of shape (n_b,).
        lower_is_better: Whether the smaller value is the better one.
        confidence: Confidence level of the interval.

    >>> improvement_unpaired([1.0, 2.0], [2.0, 3.0]).probability
    0.875
    """
    x, y = as_sample(a), as_sample(b)
    if lower_is_better:
        x, y = y, x
    effect = dominance(x, y, confidence=confidence)
    if math.isnan(effect.a12):
        return _undefined(confidence, effect.reason)
    wins, losses, ties = _count(x[:, None] - y)
    return Improvement(
        probability=effect.a12,
        low=effect.a12_low,
        high=effect.a12_high,
        wins=wins,
        losses=losses,
        ties=ties,
        confidence=confidence,
        reason=effect.reason,
    )


def improvement_paired(
    a: ArrayLike, b: ArrayLike, *, lower_is_better: bool = True, confidence: float = CONFIDENCE
) -> Improvement:
    """Return the wins per seed and the probability that a is better than b on the same seed.

    Args:
        a: One sample, of shape (n,).
        b: The other, of the same shape, the i-th of each belonging together.
        lower_is_better: Whether the smaller value is the better one.
        confidence: Confidence level of the interval.

    >>> result = improvement_paired([1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 4.0])
    >>> result.wins, result.losses, result.ties, result.probability
    (3, 0, 1, 0.875)
    """
    x, y = as_sample(a), as_sample(b)
    if defect := defect_of(x, y, fewest=1, paired=True):
        return _undefined(confidence, defect)
    gains = y - x if lower_is_better else x - y
    wins, losses, ties = _count(gains)
    probability = (wins + ties / 2) / len(x)
    low, high = _wilson(probability, len(x), confidence)
    return Improvement(
        probability=probability,
        low=low,
        high=high,
        wins=wins,
        losses=losses,
        ties=ties,
        confidence=confidence,
    )


def _count(gains: np.ndarray) -> tuple[int, int, int]:
    """Return how many are above, below and at 0."""
    wins = int((gains > 0).sum())
    losses = int((gains < 0).sum())
    return wins, losses, int((gains == 0).sum())


def _wilson(p: float, n: int, confidence: float) -> tuple[float, float]:
    z = normal_quantile(confidence)
    stretch = 1 + z**2 / n
    centre = (p + z**2 / (2 * n)) / stretch
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / stretch
    # At 0 and 1 the formula gives them exactly, but for rounding.
    low = 0.0 if p == 0 else centre - half
    high = 1.0 if p == 1 else centre + half
    return low, high


def _undefined(confidence: float, reason: str) -> Improvement:
    return Improvement(
        probability=math.nan,
        low=math.nan,
        high=math.nan,
        wins=0,
        losses=0,
        ties=0,
        confidence=confidence,
        reason=reason,
    )
