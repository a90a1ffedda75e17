"""Studentised bootstrap interval of a difference of means.

The studentised interval (bootstrap-t) takes quantiles of (θ* - θ)/se* over resamples,

    θ - q_{1-α} se  to  θ - q_α se,

where θ* is the estimate in a resample and se* its standard error there. With few values this interval holds
far better than BCa (Efron 1987), which is too short: resamples have (n - 1)/n of the variance that they
should have, and no Student's t makes up for it. It may have no end: at n = 3 one resample in nine repeats a
single value, and has no se*. ``coverage`` says at which n an interval holds.

Swapping a and b mirrors the interval: see ``resampling``.

Reference: Davison & Hinkley (1997), Bootstrap Methods, section 5.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array
from ired_diag.stats.defects import ROUNDING, as_sample, defect_of
from ired_diag.stats.resampling import Resampled, resampled_difference, resampled_mean
from ired_diag.stats.summary import CONFIDENCE

Method = Literal["studentised"]
DRAWS = 10_000
CLOSE = 1e-9  # standard errors; a smaller deviation is rounding


@dataclass(frozen=True, kw_only=True)
class BootstrapInterval:
    """An estimate and its bootstrap interval.

    Attributes:
        value: The estimate, from the data as they are.
        low: Lower end of the interval.
        high: Upper end of the interval.
        method: Name of the method.
        draws: Number of resamples.
        reason: Why something is NaN.
    """

    value: float
    low: float
    high: float
    method: Method = "studentised"
    draws: int
    reason: str = ""


def bootstrap_difference(
    a: ArrayLike,
    b: ArrayLike,
    *,
    paired: bool,
    seed: int,
    draws: int = DRAWS,
    confidence: float = CONFIDENCE,
) -> BootstrapInterval:
    """Return mean(a) - mean(b) and its interval.

    Args:
        a: Values of the first group, of shape (n_a,).
        b: Values of the second group, of shape (n_b,).
        paired: Whether the i-th values belong together; pairs are then drawn as pairs.
        seed: Random seed of the resamples.
        draws: Number of resamples.
        confidence: Confidence level of the interval.
    """
    x, y = as_sample(a), as_sample(b)
    if defect := defect_of(x, y, paired=paired):
        return without_bootstrap(defect, draws=draws)
    if paired:
        resampled = resampled_mean((x - y)[:, None], draws=draws, seed=seed)
    else:
        resampled = resampled_difference(x[:, None], y[:, None], draws=draws, seed=seed)
    scale = max(np.abs(x).max(), np.abs(y).max())
    return _interval(resampled, confidence=confidence, scale=scale)


def without_bootstrap(reason: str, *, draws: int = 0, value: float = math.nan) -> BootstrapInterval:
    """Return an interval without ends, and the reason why it has none."""
    return BootstrapInterval(value=value, low=math.nan, high=math.nan, draws=draws, reason=reason)


def studentised_ends(resampled: Resampled, confidence: float = CONFIDENCE) -> Array:
    """Return both ends of the studentised interval of each of k sets of data, of shape (2, k)."""
    close = CLOSE * resampled.error
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.where(resampled.errors > close, resampled.errors, 0.0)
        t = resampled.deviations / errors
    t = np.where(np.abs(resampled.deviations) <= close, 0.0, t)
    levels = np.array([[(1 + confidence) / 2], [(1 - confidence) / 2]])
    return resampled.value - column_quantiles(t, levels) * resampled.error


def column_quantiles(drawn: Array, levels: Array) -> Array:
    """Return quantiles of each column at its own levels, linear between draws."""
    ordered = np.sort(drawn, axis=0)
    last = len(drawn) - 1
    position = np.broadcast_to(levels, (len(levels), drawn.shape[1])) * last
    floor = np.floor(np.nan_to_num(position)).astype(int)
    floor = np.minimum(floor, last - 1)
    columns = np.arange(drawn.shape[1])
    lower = ordered[floor, columns]
    upper = ordered[floor + 1, columns]
    with np.errstate(invalid="ignore"):
        between: Array = lower + (position - floor) * (upper - lower)
        return np.where(lower == upper, lower, between)


def _interval(resampled: Resampled, *, confidence: float, scale: float) -> BootstrapInterval:
    value = float(resampled.value[0])
    draws = len(resampled.deviations)
    if resampled.error[0] <= ROUNDING * scale:
        return without_bootstrap("no spread to draw from", draws=draws, value=value)
    low, high = studentised_ends(resampled, confidence)[:, 0].tolist()
    if not (math.isfinite(low) and math.isfinite(high)):
        return without_bootstrap("too few values: the interval has no end", draws=draws, value=value)
    return BootstrapInterval(value=value, low=low, high=high, draws=draws)
