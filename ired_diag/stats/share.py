"""A share, averaged over subjects that each gave several answers: its interval holds at 0 and 1 too.

With p the mean of the subjects' shares and s² their variance, as many independent answers as would give the
same standard error are n' = p (1 - p) / (s²/n). Wilson's interval is taken as if there were n' of them:

    (p + z²/2n' ± z √(p(1-p)/n' + z²/4n'²)) / (1 + z²/n')

Where the subjects show no spread, as at p = 0 or 1, n' = n: a t interval would have no width there, and say
that what never happened cannot. n' is never taken larger than the number of answers.

References: Wilson (1927), Probable Inference, the Law of Succession, and Statistical Inference; Korn &
Graubard (1998), Confidence Intervals for Proportions with Small Expected Number of Positive Counts (n').
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import as_floats
from ired_diag.stats.defects import left_out
from ired_diag.stats.quantiles import normal_quantile
from ired_diag.stats.summary import CONFIDENCE


@dataclass(frozen=True)
class Share:
    """A share with its interval.

    Attributes:
        mean: Between 0 and 1; NaN without subjects.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Subjects.
        reason: Why something is NaN or left out.
    """

    mean: float
    low: float
    high: float
    n: int
    reason: str = ""


def share_of(values: ArrayLike, *, answers: int = 1, confidence: float = CONFIDENCE) -> Share:
    """Return the mean share of subjects with its interval.

    Args:
        values: Of shape (n,), each subject's share, between 0 and 1; NaN is left out and said.
        answers: How many answers each share is the mean of.
        confidence: Confidence level of the interval.

    >>> share = share_of([1.0] * 10)
    >>> share.mean, round(share.low, 3), round(share.high, 3)
    (1.0, 0.722, 1.0)
    """
    shares = as_floats(values)
    x = shares[~np.isnan(shares)]
    n = len(x)
    reason = left_out(len(shares) - n, len(shares), "values are not numbers")
    if n == 0:
        nan = math.nan
        return Share(mean=nan, low=nan, high=nan, n=0, reason=reason or "no values")
    p = float(x.mean())
    size: float = n
    spread = float(x.var(ddof=1)) / n if n > 1 else 0.0
    if spread > 0:
        size = min(p * (1 - p) / spread, n * answers)
    z = normal_quantile(confidence)
    stretch = 1 + z**2 / size
    centre = (p + z**2 / (2 * size)) / stretch
    half = z * math.sqrt(p * (1 - p) / size + z**2 / (4 * size**2)) / stretch
    return Share(
        mean=p,
        low=max(0.0, min(p, centre - half)),
        high=min(1.0, max(p, centre + half)),
        n=n,
        reason=reason,
    )
