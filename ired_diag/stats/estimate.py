"""An estimate: a value over problems, its 95% interval, how many problems, and why something is missing.

Means have Student's interval (``stats.summary``), shares Wilson's (``stats.share``). As a tuple an estimate
has the parts of a row of values (``table.VALUE``) in their order.
"""

from __future__ import annotations

from typing import NamedTuple

from numpy.typing import ArrayLike

from ired_diag.stats.finite import summarise_finite
from ired_diag.stats.share import Share, share_of
from ired_diag.stats.summary import Summary


class Estimate(NamedTuple):
    """A value with its interval.

    Attributes:
        value: The value.
        low: Lower end of its interval.
        high: Upper end.
        n: Number of problems.
        reason: Why something is NaN or left out.
    """

    value: float
    low: float
    high: float
    n: int
    reason: str = ""


def estimate_of(summary: Summary | Share) -> Estimate:
    """Return the estimate of a mean or of a share."""
    return Estimate(summary.mean, summary.low, summary.high, summary.n, summary.reason)


def mean_estimate(values: ArrayLike) -> Estimate:
    """Return the mean of the values that are finite.

    Args:
        values: One value for each problem, of shape (n,).

    >>> mean_estimate([1.0, 3.0, float("inf")]).reason
    '1 of 3 are not finite'
    """
    return estimate_of(summarise_finite(values))


def share_estimate(values: ArrayLike, *, answers: int = 1) -> Estimate:
    """Return the mean share.

    Args:
        values: Share of each problem, of shape (n,).
        answers: How many answers each share is the mean of.
    """
    return estimate_of(share_of(values, answers=answers))
