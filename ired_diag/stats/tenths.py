"""Observations in ten parts of equal size, in the order of a quantity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ired_diag.stats.arrays import Array

TENTHS = 10


def tenths(order_by: Array) -> tuple[list[NDArray[np.intp]], str]:
    """Return the places of the observations in each tenth, the smallest first, and why there are none.

    Args:
        order_by: The quantity, of shape (n,), without NaN. Sizes of tenths differ by one at most.

    >>> tenths(np.arange(20.0)[::-1])[0][0].tolist()
    [19, 18]
    """
    nothing = [np.zeros(0, dtype=np.intp)] * TENTHS
    if len(order_by) < TENTHS:
        return nothing, f"{len(order_by)} are too few for tenths"
    if np.ptp(order_by) == 0:
        return nothing, "all have the same value"
    return np.array_split(np.argsort(order_by, kind="stable"), TENTHS), ""
