"""A running median, for curves too noisy to follow; the raw curve always stays beneath."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import DiagError

Array = NDArray[np.float64]


def running_median(values: Array, window: int | None) -> Array:
    """Return a centred running median; near the ends it is over the values that are there.

    Args:
        values: Values, of shape (n,); one that is not finite stays, and counts for no neighbour.
        window: Number of values that each median is over, odd; None returns the values as they are.

    Raises:
        DiagError: The window is not an odd number from 3.

    >>> running_median(np.array([1.0, 9.0, 2.0, 3.0]), 3).tolist()
    [5.0, 2.0, 3.0, 2.5]
    """
    if window is None:
        return values
    if window < 3 or window % 2 == 0:
        raise DiagError(f"A running median is over an odd number of evaluations from 3, found {window}.")
    half = window // 2
    is_finite = np.isfinite(values)
    finite_or_nan = np.where(is_finite, values, np.nan)
    padded = np.pad(finite_or_nan, half, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, window)
    medians = values.copy()
    if is_finite.any():
        medians[is_finite] = np.nanmedian(windows[is_finite], axis=1)
    return medians
