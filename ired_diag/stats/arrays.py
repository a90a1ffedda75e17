"""Arrays of numbers: the type that statistics take and return, in double precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def as_floats(values: ArrayLike) -> Array:
    """Return values as an array of their own shape.

    >>> as_floats([1, 2]).tolist()
    [1.0, 2.0]
    """
    return np.asarray(values, dtype=np.float64)


def finite_part(values: Array) -> Array:
    """Return the finite values of an array of shape (n,): itself where all are finite.

    >>> finite_part(np.array([1.0, np.nan, 2.0])).tolist()
    [1.0, 2.0]
    """
    is_finite = np.isfinite(values)
    if is_finite.all():  # of long curves a copy is large
        return values
    return values[is_finite]
