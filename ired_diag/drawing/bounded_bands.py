"""Bands of learning curves that end where the metric does: no MSE is below 0, no cosine above 1.

A t interval and a standard deviation know no bounds. Where a metric's name says between which values it lies
(``runs.metric_limits``), and all its values do, the band is cut there. A share in percent ends at 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.over_seeds import OverSeeds
from ired_diag.runs.history import Series
from ired_diag.runs.metric_limits import PERCENT, in_percent, limits_of, outside, share_of

Limits = tuple[float, float]


def limits_of_curves(metric: str, curves: Sequence[Series]) -> Limits | None:
    """Return between which values a metric lies; None where its name or its values do not say."""
    if not curves:
        return None
    return limits_of_values(metric, np.concatenate([curve.values for curve in curves]))


def limits_of_values(metric: str, values: NDArray[Any]) -> Limits | None:
    """Return between which values a metric lies of which there are these; None where nothing says so."""
    limits = limits_of(metric)
    if limits is None or not len(values):
        return None
    values = values.astype(np.float64)
    low, high = limits
    if share_of(metric) is not None and in_percent(values):
        high *= PERCENT
    if outside(values, low, high).any():
        return None
    return low, high


def within(curve: OverSeeds, limits: Limits | None) -> OverSeeds:
    """Return a curve whose band is cut at limits.

    >>> import numpy as np
    >>> one = np.ones(1)
    >>> wide = OverSeeds(steps=np.array([5]), mean=one, low=-one, high=3 * one, n=np.array([3]))
    >>> within(wide, (0.0, np.inf)).low.tolist(), within(wide, None).low.tolist()
    ([0.0], [-1.0])
    """
    if limits is None:
        return curve
    return replace(curve, low=np.clip(curve.low, *limits), high=np.clip(curve.high, *limits))


def cut_in_words(limits: Limits | None) -> str:
    """Return where bands are cut, as a caption says it; empty without limits."""
    if limits is None:
        return ""
    ends = [f"{end:g}" for end in limits if np.isfinite(end)]
    return f" Bands end at {' and '.join(ends)}, beyond which the metric cannot be."
