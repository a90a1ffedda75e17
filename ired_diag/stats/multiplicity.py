"""Correction of p values for having asked several questions.

With m p values sorted, p₍₁₎ ≤ … ≤ p₍ₘ₎, the adjusted ones are

    Holm:                 max over j ≤ i of min(1, (m - j + 1) p₍ⱼ₎)      no false alarm at all, with 1 - α
    Benjamini-Hochberg:   min over j ≥ i of min(1, m p₍ⱼ₎ / j)            at most a share α of alarms false

Compare the adjusted p with α itself. Holm needs nothing about how the tests depend on each other; Benjamini
and Hochberg's needs independence or positive dependence. A NaN is a question without an answer: it stays
NaN and does not count in m.

References: Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure; Benjamini & Hochberg (1995),
Controlling the False Discovery Rate, section 3.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def holm(p: ArrayLike) -> Array:
    """Return Holm's adjusted p values.

    Args:
        p: P values, of any shape, between 0 and 1 or NaN.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """

    def from_the_smallest(ordered: Array) -> Array:
        factors = np.arange(len(ordered), 0, -1)
        return np.maximum.accumulate(factors * ordered)

    return _adjust(p, from_the_smallest)


def benjamini_hochberg(p: ArrayLike) -> Array:
    """Return Benjamini and Hochberg's adjusted p values.

    Args:
        p: P values, of any shape, between 0 and 1 or NaN.

    >>> benjamini_hochberg([0.25, 1.0, 0.25, 0.5]).tolist()
    [0.5, 1.0, 0.5, 0.6666666666666666]
    """

    def from_the_largest(ordered: Array) -> Array:
        count = len(ordered)
        ranks = np.arange(1, count + 1)
        scaled = ordered * count / ranks
        largest_first = np.minimum.accumulate(scaled[::-1])
        return largest_first[::-1]

    return _adjust(p, from_the_largest)


def _adjust(p: ArrayLike, adjust_ordered: Callable[[Array], Array]) -> Array:
    given = np.asarray(p, dtype=np.float64)
    answered = ~np.isnan(given)
    values = given[answered]
    is_outside = (values < 0) | (values > 1)
    if is_outside.any():
        raise ValueError(f"p values lie between 0 and 1, found {values.min()!r} to {values.max()!r}")
    order = np.argsort(values, kind="stable")
    in_order = adjust_ordered(values[order])
    result = np.empty_like(values)
    result[order] = np.minimum(in_order, 1.0)
    adjusted = given.copy()
    adjusted[answered] = result
    return adjusted
