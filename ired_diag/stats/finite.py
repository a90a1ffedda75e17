"""The mean of what is finite, saying what was left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.summary import CONFIDENCE, Summary, summarise


def summarise_finite(values: ArrayLike, *, confidence: float = CONFIDENCE) -> Summary:
    """Return mean, sd and t interval of the finite values.

    Args:
        values: Of shape (n,); those that are not finite are left out, and ``reason`` says how many.
        confidence: Of the interval.

    >>> summarise_finite([1.0, 3.0, float("nan")]).reason
    '1 of 3 are not finite'
    """
    x = np.asarray(values, dtype=np.float64)
    finite = x[np.isfinite(x)]
    told, left_out = summarise(finite, confidence=confidence), len(x) - len(finite)
    return replace(told, reason=f"{left_out} of {len(x)} are not finite") if left_out else told
