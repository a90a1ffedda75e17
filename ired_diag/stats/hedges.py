"""Standardised differences: how many standard deviations two means are apart.

    two samples:  d = (x̄_a - x̄_b) / s_p, s_p the pooled sd,   df = n_a + n_b - 2,  m = n_a n_b / (n_a + n_b)
    pairs:        d = x̄_{a-b} / s_{a-b}, of the differences,   df = n - 1,          m = n

d is too large on average, by a factor that the gamma function knows; g is without it:

    g = J(df) d,    J(df) = Γ(df/2) / (√(df/2) Γ((df - 1)/2))

For Gaussian data (of equal variance, for two samples) √m d follows the noncentral t distribution with
noncentrality √m δ, so the interval of the true δ is exact; being of δ and not of d, it takes no J. With
df = 1 the mean of |d| is infinite: there is no g.

The d of pairs is in units of the spread of differences: where pairs have much in common it is far larger than
that of two samples, and the two must not be compared.

Reference: Hedges (1981), Distribution Theory for Glass's Estimator of Effect Size, equations 6 and 17.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ired_diag.stats.defects import CONSTANT, SAME_AMOUNT, as_sample, defect_of, is_constant
from ired_diag.stats.noncentral import noncentrality_interval
from ired_diag.stats.summary import CONFIDENCE


@dataclass(frozen=True, kw_only=True)
class StandardisedDifference:
    """A difference a - b in units of a standard deviation.

    Attributes:
        d: The difference over the sd of the sample.
        g: The same without bias; NaN where there is one degree of freedom.
        low: Lower end of the interval of the true δ.
        high: Upper end of the interval.
        n_a: Size of a.
        n_b: Size of b.
        reason: Why something is NaN.
    """

    d: float
    g: float
    low: float
    high: float
    n_a: int
    n_b: int
    reason: str = ""


def two_sample_effect(
    a: ArrayLike, b: ArrayLike, *, confidence: float = CONFIDENCE
) -> StandardisedDifference:
    """Return Hedges' g of two samples of shapes (n_a,) and (n_b,).

    >>> round(two_sample_effect([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]).g, 6)
    -0.797885
    """
    x, y = as_sample(a), as_sample(b)
    n_a, n_b = len(x), len(y)
    if defect := defect_of(x, y):
        return _undefined(n_a, n_b, defect)
    if is_constant(x, scale=np.abs(x).max()) and is_constant(y, scale=np.abs(y).max()):
        return _undefined(n_a, n_b, CONSTANT)
    df = n_a + n_b - 2
    squares = (n_a - 1) * x.var(ddof=1) + (n_b - 1) * y.var(ddof=1)
    pooled = math.sqrt(squares / df)
    d = float(x.mean() - y.mean()) / pooled
    effect = _undefined(n_a, n_b, "")
    return _with_interval(effect, d, df=df, m=n_a * n_b / (n_a + n_b), confidence=confidence)


def paired_samples_effect(
    a: ArrayLike, b: ArrayLike, *, confidence: float = CONFIDENCE
) -> StandardisedDifference:
    """Return the effect in pairs of shape (n,), in units of the spread of their differences."""
    x, y = as_sample(a), as_sample(b)
    n = len(x)
    if defect := defect_of(x, y, paired=True):
        return _undefined(n, len(y), defect)
    difference = x - y
    scale = max(np.abs(x).max(), np.abs(y).max())
    if is_constant(difference, scale=scale):
        return _undefined(n, n, SAME_AMOUNT)
    d = float(difference.mean() / difference.std(ddof=1))
    return _with_interval(_undefined(n, n, ""), d, df=n - 1, m=n, confidence=confidence)


def bias_correction(df: int) -> float:
    """Return J(df); NaN where the mean of d does not exist.

    >>> round(bias_correction(18), 6)
    0.957646
    """
    if df < 2:
        return math.nan
    log_ratio = special.gammaln(df / 2) - special.gammaln((df - 1) / 2)
    return math.exp(log_ratio - math.log(df / 2) / 2)


def _with_interval(
    effect: StandardisedDifference, d: float, *, df: int, m: float, confidence: float
) -> StandardisedDifference:
    """Return the effect of d, with g and the interval of δ, of √m times a noncentral t."""
    root = math.sqrt(m)
    low, high = noncentrality_interval(d * root, df, confidence=confidence)
    return replace(
        effect,
        d=d,
        g=bias_correction(df) * d,
        low=low / root,
        high=high / root,
        reason="two pairs: the bias of d is infinite" if df == 1 else "",
    )


def _undefined(n_a: int, n_b: int, reason: str) -> StandardisedDifference:
    return StandardisedDifference(
        d=math.nan,
        g=math.nan,
        low=math.nan,
        high=math.nan,
        n_a=n_a,
        n_b=n_b,
        reason=reason,
    )
