"""A running median, for curves too noisy to follow; the raw curve always stays beneath."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import DiagError

Array = NDArray[np.float64]


def running_median(values: Array, window: int | None) -> Array:
    """Return a centred running median; at the ends of what is there.

    Args:
        values: Of shape (n,); what is not finite stays, and counts for no neighbour.
        window: Over how many values, odd; None for none.

    Raises:
        DiagError: The window is no odd number from 3.

    >>> running_median(np.array([1.0, 9.0, 2.0, 3.0]), 3).tolist()
    [5.0, 2.0, 3.0, 2.5]
    """
    if window is None:
        return values
    if window < 3 or window % 2 == 0:
        raise DiagError(f"A running median is over an odd number of evaluations from 3, found {window}.")
    half = window // 2
    padded = np.pad(np.where(np.isfinite(values), values, np.nan), half, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, window)
    known = np.isfinite(values)
    found = values.copy()
    if known.any():
        found[known] = np.nanmedian(around[known], axis=1)
    return found
