"""Mean, standard deviation and t interval of a sample.

    sd = √(Σ (xᵢ - x̄)² / (n - 1)),    x̄ ± t_{n-1, (1+c)/2} · sd / √n

The interval takes Student's t, not the normal's 1.96, and the sd is that of a sample (n - 1), not of a
population: at n = 10 the two together make the interval 22% wider. Values that differ by no more than the
rounding of their mean have an sd of 0.

Reference: Student (1908), The Probable Error of a Mean; Moore, McCabe (2017), section 7.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import as_floats
from ired_diag.stats.defects import is_constant
from ired_diag.stats.quantiles import t_quantile

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A sample in brief.

    Attributes:
        n: Number of values.
        mean: Mean of the values.
        sd: Standard deviation, n - 1 in the denominator; NaN for one value.
        low: Lower end of the t interval of the mean; NaN for one value.
        high: Upper end of the interval.
        minimum: The smallest value.
        maximum: The largest.
        confidence: Confidence level of the interval.
        reason: Why something is NaN.
    """

    n: int
    mean: float
    sd: float
    low: float
    high: float
    minimum: float
    maximum: float
    confidence: float = CONFIDENCE
    reason: str = ""


def summarise(values: ArrayLike, *, confidence: float = CONFIDENCE) -> Summary:
    """Return mean, sd and t interval of a sample.

    Args:
        values: Values of shape (n,), finite.
        confidence: Confidence level of the interval, between 0 and 1.

    >>> summary = summarise([1.0, 2.0, 3.0])
    >>> summary.mean, summary.sd
    (2.0, 1.0)
    """
    x = as_floats(values)
    n = len(x)
    if n == 0:
        return no_summary("no values", confidence=confidence)
    summary = replace(
        no_summary("one value has no spread", confidence=confidence),
        n=n,
        mean=float(x.mean()),
        minimum=float(x.min()),
        maximum=float(x.max()),
    )
    if n == 1:
        return summary
    sd = 0.0
    if not is_constant(x, scale=float(np.abs(x).max())):
        sd = float(x.std(ddof=1))
    half = t_quantile(confidence, n - 1) * sd / math.sqrt(n)
    return replace(summary, sd=sd, low=summary.mean - half, high=summary.mean + half, reason="")


def no_summary(reason: str, *, confidence: float) -> Summary:
    """Return the summary of no values, and the reason why its numbers are NaN."""
    return Summary(
        n=0,
        mean=math.nan,
        sd=math.nan,
        low=math.nan,
        high=math.nan,
        minimum=math.nan,
        maximum=math.nan,
        confidence=confidence,
        reason=reason,
    )
