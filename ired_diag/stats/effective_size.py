"""Effective sample size: how many equally weighted observations a weighted sum is worth.

    ESS = (Σ w)² / Σ w²,    between 1 (one weight has all) and N (all are equal)

It is taken from the logarithms of the weights, scaled by the largest: weights of e^-1000 have an effective
size too. The interval of ESS/N is the delta method's on its logarithm, with subjects as units: with a and b
a subject's sums of w and w², the logarithm 2 log ā - log b̄ has the standard error sd(2 a/ā - b/b̄) / √n.

Reference: Kish (1965), Survey Sampling, section 11.7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import as_floats
from ired_diag.stats.defects import joined, left_out
from ired_diag.stats.quantiles import normal_quantile
from ired_diag.stats.summary import CONFIDENCE

FEWEST = (
    30  # effective observations, for an interval: below, a few weights decide and their spread is unknown
)


@dataclass(frozen=True, kw_only=True)
class EffectiveSize:
    """An effective sample size.

    Attributes:
        size: ESS.
        share: ESS over the number of weights.
        low: Lower end of the share's interval.
        high: Upper end of the interval.
        n: Number of subjects.
        reason: Why something is NaN or left out.
    """

    size: float
    share: float
    low: float
    high: float
    n: int
    reason: str = ""


def effective_size(log_weights: ArrayLike, *, confidence: float = CONFIDENCE) -> EffectiveSize:
    """Return the effective sample size of weights given by their logarithms.

    Args:
        log_weights: Of shape (n,) or (strata, n), each column a subject; -inf for a weight of 0. A NaN is
            left out and said in ``reason``.
        confidence: Confidence level of the interval.

    >>> round(effective_size([-1000.0, -1000.0, -2000.0]).size, 12)
    2.0
    """
    logs = np.atleast_2d(as_floats(log_weights))
    valid = ~np.isnan(logs)
    subjects = valid.any(axis=0)
    count = int(valid.sum())
    n = int(subjects.sum())
    reason = left_out(logs.size - count, logs.size, "weights are not numbers")
    largest = float(np.max(logs, where=valid, initial=-math.inf))
    nan = math.nan
    if not math.isfinite(largest):
        reason = reason or "no weight is above 0"
        return EffectiveSize(size=nan, share=nan, low=nan, high=nan, n=n, reason=reason)
    w = np.exp(np.where(valid, logs, -math.inf) - largest)[:, subjects]
    a = w.sum(axis=0)
    b = (w**2).sum(axis=0)
    size = float(a.sum() ** 2 / b.sum())
    share = size / count
    if size < FEWEST or n < 2:
        few = f"{size:.3g} effective observations are too few for an interval"
        return EffectiveSize(size=size, share=share, low=nan, high=nan, n=n, reason=joined(reason, few))
    influence = 2 * a / a.mean() - b / b.mean()
    error = float(influence.std(ddof=1)) / math.sqrt(n)
    z = normal_quantile(confidence)
    factor = math.exp(z * error)
    return EffectiveSize(
        size=size,
        share=share,
        low=share / factor,
        high=min(1.0, share * factor),
        n=n,
        reason=reason,
    )
