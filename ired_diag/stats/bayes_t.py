"""Bayesian t: how probable is a difference below, inside and above a region of practical equivalence (ROPE)?

Under the reference (Jeffreys) prior p(μ, σ) ∝ 1/σ the mean μ of a normal sample is, given the data,

    μ = x̄ + s/√n · T_{n-1},

so the mean of paired differences follows exactly this scaled t. Of two samples with variances of their own,
μ_a - μ_b is the difference of two such, the Behrens-Fisher distribution. It has no closed form; with W the
cdf of the wider part, q the quantile function of the narrower one and Φ the normal cdf,

    P(μ_a - μ_b ≤ c) = ∫ W(c - (x̄_a - x̄_b) - q(Φ(z))) φ(z) dz

is smooth in z, and the trapezoid rule finds it to 1e-7 with two values a sample, to 1e-10 from four on: no
draws, no seed. The credible interval is both equal-tailed and the one of highest density, because the
posterior is symmetric.

For pairs the probabilities outside the ROPE are the p values of the two one-sided tests (``equivalence``):
the data say nothing new, they answer another question.

The correlated t of Benavoli et al. (2017), Time for a Change, is not wanted: it corrects for the shared
training data of cross-validation folds. Seeds are runs of their own and have no folds.

References: Box & Tiao (1973), Bayesian Inference in Statistical Analysis, sections 2.4 and 2.5; Kruschke
(2013), Bayesian Estimation Supersedes the t Test (the ROPE).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import ArrayLike
from scipy import special

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.standard_error import (
    MeanDifference,
    mean_variance,
    paired_difference,
    welch_difference,
)
from ired_diag.stats.summary import CONFIDENCE

NODES = 2001  # a step of 0.0085 in z


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """What is known of a difference of means a - b.

    Attributes:
        difference: Posterior median, the difference of the sample means.
        rope: Half-width of the region of practical equivalence, in the unit of the data.
        below: Probability of a difference below -rope.
        inside: Probability of a difference between -rope and rope.
        above: Probability of a difference above rope.
        low: Lower end of the credible interval.
        high: Upper end of the interval.
        n: Number of pairs, or of both samples together.
        reason: Why something is NaN.
    """

    difference: float
    rope: float
    below: float
    inside: float
    above: float
    low: float
    high: float
    n: int
    reason: str = ""


@dataclass(frozen=True)
class _ScaledT:
    """The distribution of scale · T_df; a scale of 0 is a point at 0."""

    scale: float
    df: float


def paired_posterior(a: ArrayLike, b: ArrayLike, *, rope: float, confidence: float = CONFIDENCE) -> Posterior:
    """Return the posterior of the mean of paired differences.

    Args:
        a: Values of the first group, of shape (n,).
        b: Values of the second group, of the same shape, the i-th belonging to a's i-th.
        rope: Half-width of the region of practical equivalence, in the unit of the data, positive.
        confidence: Probability of the credible interval.
    """
    return posterior_of_mean(paired_difference(a, b), rope=rope, confidence=confidence)


def posterior_of_mean(mean: MeanDifference, *, rope: float, confidence: float = CONFIDENCE) -> Posterior:
    """Return the posterior of a difference of means with one standard error: a scaled t around it."""
    if mean.reason:
        return _undefined(difference=mean.difference, rope=rope, n=mean.n, reason=mean.reason)
    wide = _ScaledT(mean.standard_error, mean.df)
    narrow = _ScaledT(0.0, 1.0)
    return _posterior(
        difference=mean.difference,
        wide=wide,
        narrow=narrow,
        rope=rope,
        n=mean.n,
        confidence=confidence,
    )


def two_sample_posterior(
    a: ArrayLike, b: ArrayLike, *, rope: float, confidence: float = CONFIDENCE
) -> Posterior:
    """Return the Behrens-Fisher posterior of a difference of means.

    Args:
        a: Values of the first group, of shape (n_a,).
        b: Values of the second group, of shape (n_b,).
        rope: Half-width of the region of practical equivalence, in the unit of the data, positive.
        confidence: Probability of the credible interval.
    """
    mean = welch_difference(a, b)
    if mean.reason:
        return _undefined(difference=mean.difference, rope=rope, n=mean.n, reason=mean.reason)
    parts = []
    for sample in (a, b):
        x = as_floats(sample)
        parts.append(_ScaledT(math.sqrt(mean_variance(x)), len(x) - 1))
    narrow, wide = sorted(parts, key=lambda part: (part.scale, part.df))
    return _posterior(
        difference=mean.difference,
        wide=wide,
        narrow=narrow,
        rope=rope,
        n=mean.n,
        confidence=confidence,
    )


def _posterior(
    difference: float,
    *,
    wide: _ScaledT,
    narrow: _ScaledT,
    rope: float,
    n: int,
    confidence: float,
) -> Posterior:
    half = _half_width(wide, narrow, confidence)
    posterior = replace(
        _undefined(
            difference, rope=rope, n=n, reason=f"the ROPE must be positive and finite, found {rope:g}"
        ),
        low=difference - half,
        high=difference + half,
    )
    if not 0 < rope < math.inf:
        return posterior
    below = _below(-rope - difference, wide, narrow)
    above = _below(difference - rope, wide, narrow)  # symmetric: above c is below -c
    inside = max(0.0, 1 - (below + above))
    return replace(posterior, below=below, inside=inside, above=above, reason="")


def _below(c: float, wide: _ScaledT, narrow: _ScaledT) -> float:
    """Return P(wide - narrow ≤ c)."""
    if narrow.scale == 0:
        return float(special.stdtr(wide.df, c / wide.scale))
    weight, q = _quantiles(narrow.df)
    t = (c - narrow.scale * q) / wide.scale
    return float(weight @ special.stdtr(wide.df, t))


@functools.cache
def _quantiles(df: float) -> tuple[Array, Array]:
    """Return weights and quantiles of T at the nodes of the integral over z."""
    z = np.linspace(-8.5, 8.5, NODES)
    # The upper half by symmetry: near 1, Φ has no digits left for the quantile.
    half = special.stdtrit(df, special.ndtr(z[: NODES // 2]))
    weight = np.exp(-(z**2) / 2)
    return weight / weight.sum(), np.concatenate([half, [0.0], -half[::-1]])


def _half_width(wide: _ScaledT, narrow: _ScaledT, confidence: float) -> float:
    """Return how far the credible interval reaches from its centre."""
    tail = (1 - confidence) / 2
    of_wide = wide.scale * float(-special.stdtrit(wide.df, tail))
    of_narrow = narrow.scale * float(-special.stdtrit(narrow.df, tail))
    if narrow.scale == 0:
        return of_wide
    unit = of_wide + of_narrow

    def excess(share: float) -> float:
        return _below(-share * unit, wide, narrow) - tail

    # In units of the sum of both reaches, which is never exceeded.
    share = scipy.optimize.brentq(excess, 0.0, 1.01, xtol=1e-14)
    return float(share) * unit


def _undefined(difference: float, *, rope: float, n: int, reason: str) -> Posterior:
    return Posterior(
        difference=difference,
        rope=rope,
        below=math.nan,
        inside=math.nan,
        above=math.nan,
        low=math.nan,
        high=math.nan,
        n=n,
        reason=reason,
    )
