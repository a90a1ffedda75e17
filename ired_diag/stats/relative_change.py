"""Changes of results relative to their size, and how many are beyond a tolerance.

Of results r_i with entries of root mean square s_i, that change by c_i (root mean square over the entries):

    relative change = c_i / s_i;   0 where nothing changed, infinite where there was nothing that could.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.defects import left_out
from ired_diag.stats.summary import summarise


@dataclass(frozen=True, kw_only=True)
class Change:
    """How much results changed.

    Attributes:
        relative: Mean relative change of those that are finite.
        relative_low: Lower end of its 95% t interval.
        relative_high: Upper end of the interval.
        median: Median of the finite relative changes.
        worst: Largest finite relative change.
        rms: Root mean square of all changes.
        size_ratio: Root mean square of the results after over that before.
        beyond: Share of results beyond the tolerance; one that became no number is.
        n: Number of results.
        reason: Why something is NaN or left out.
    """

    relative: float
    relative_low: float
    relative_high: float
    median: float
    worst: float
    rms: float
    size_ratio: float
    beyond: float
    n: int
    reason: str = ""


def change_of(change: ArrayLike, size: ArrayLike, size_after: ArrayLike, *, tolerance: float) -> Change:
    """Return how much results changed.

    Args:
        change: c_i, of shape (n,).
        size: s_i before, of the same shape.
        size_after: s_i after.
        tolerance: Largest relative change that is accepted.

    >>> change = change_of([0.0, 1.0], [0.0, 4.0], [0.0, 5.0], tolerance=0.1)
    >>> change.relative, change.worst, change.size_ratio, change.beyond
    (0.125, 0.25, 1.25, 0.5)
    """
    c = as_floats(change)
    s = as_floats(size)
    after = as_floats(size_after)
    n = len(c)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(c == 0, 0.0, c / s)
        ratio = np.float64(root_mean_square(after)) / root_mean_square(s)
    finite = relative[np.isfinite(relative)]
    mean = summarise(finite)
    lost = left_out(n - len(finite), n, "changes are not finite")
    lost_result = np.isnan(relative) & np.isfinite(s)
    beyond = (relative > tolerance) | lost_result
    return Change(
        relative=mean.mean,
        relative_low=mean.low,
        relative_high=mean.high,
        median=float(np.median(finite)) if len(finite) else math.nan,
        worst=mean.maximum,
        rms=root_mean_square(c),
        size_ratio=float(ratio),
        beyond=float(beyond.mean()) if n else math.nan,
        n=n,
        reason=lost or mean.reason,
    )


def root_mean_square(values: Array) -> float:
    """Return √(mean of squares); NaN of none.

    >>> root_mean_square(np.array([3.0, 4.0, 5.0, 0.0])) == 12.5**0.5
    True
    """
    if not len(values):
        return math.nan
    with np.errstate(over="ignore"):
        return math.sqrt(np.mean(values**2))
