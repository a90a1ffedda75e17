"""Bootstrap intervals of a mean, of a difference and of a ratio of means: BCa and studentised.

BCa takes quantiles of the resampled estimates θ*, at levels that correct bias and changing spread:

    z₀ = Φ⁻¹(share of θ* below θ),      level(α) = Φ(z₀ + (z₀ + z_α) / (1 - a (z₀ + z_α)))

with a the acceleration. The studentised interval (bootstrap-t) takes quantiles of (θ* - θ)/se*,

    θ - q_{1-α} se  to  θ - q_α se,

se* the standard error in the resample itself. At few values BCa is too short: resamples have (n - 1)/n of the
variance they should have, and no Student's t to make up for it. The studentised one holds far better, and may
have no end: at n = 3 one resample in nine repeats a single value, and has no se*. Ratios are treated on the
logarithm, so both means must keep their sign in all resamples. ``coverage`` knows which hold at which n.

Swapping a and b mirrors the interval: see ``resampling``.

References: Efron (1987), Better Bootstrap Confidence Intervals; Efron & Tibshirani (1993), An Introduction to
the Bootstrap, sections 12.5 and 14.3; Davison & Hinkley (1997), Bootstrap Methods, section 5.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ired_diag.stats.defects import ROUNDING, Sample, as_sample, defect_of
from ired_diag.stats.resampling import (
    Array,
    Resampled,
    resampled_difference,
    resampled_log_ratio,
    resampled_log_ratio_of_pairs,
    resampled_mean,
)
from ired_diag.stats.summary import CONFIDENCE

Method = Literal["bca", "studentised"]
DRAWS = 10_000
CLOSE = 1e-9  # standard errors; what is nearer than this differs by rounding only


@dataclass(frozen=True)
class BootstrapInterval:
    """An estimate and its bootstrap interval.

    Attributes:
        value: The estimate, from the data as they are.
        low: Lower end of the interval.
        high: Its upper end.
        method: How it was found.
        draws: Number of resamples.
        reason: Why something is NaN.
    """

    value: float
    low: float
    high: float
    method: Method
    draws: int
    reason: str = ""


def bootstrap_mean(
    values: ArrayLike,
    *,
    seed: int,
    method: Method = "bca",
    draws: int = DRAWS,
    confidence: float = CONFIDENCE,
) -> BootstrapInterval:
    """Return the mean of values of shape (n,) and its interval.

    >>> bootstrap_mean([1.0, 2.0, 4.0, 9.0], seed=0).value
    4.0
    """
    x = as_sample(values)
    if defect := defect_of(x):
        return _undefined(method, draws, defect)
    return _interval(resampled_mean(x[:, None], draws=draws, seed=seed), method, confidence, np.abs(x).max())


def bootstrap_difference(
    a: ArrayLike,
    b: ArrayLike,
    *,
    paired: bool,
    seed: int,
    method: Method = "bca",
    draws: int = DRAWS,
    confidence: float = CONFIDENCE,
) -> BootstrapInterval:
    """Return mean(a) - mean(b) and its interval.

    Args:
        a: Of shape (n_a,).
        b: Of shape (n_b,).
        paired: Whether the i-th values belong together; pairs are then drawn as pairs.
        seed: Of the resamples.
        method: Of the interval.
        draws: Number of resamples.
        confidence: Of the interval.
    """
    x, y = as_sample(a), as_sample(b)
    if defect := defect_of(x, y, paired=paired):
        return _undefined(method, draws, defect)
    if paired:
        resampled = resampled_mean((x - y)[:, None], draws=draws, seed=seed)
    else:
        resampled = resampled_difference(x[:, None], y[:, None], draws=draws, seed=seed)
    return _interval(resampled, method, confidence, max(np.abs(x).max(), np.abs(y).max()))


def bootstrap_ratio(
    a: ArrayLike,
    b: ArrayLike,
    *,
    paired: bool,
    seed: int,
    method: Method = "bca",
    draws: int = DRAWS,
    confidence: float = CONFIDENCE,
) -> BootstrapInterval:
    """Return mean(a) / mean(b) and its interval; arguments as in ``bootstrap_difference``."""
    x, y = as_sample(a), as_sample(b)
    if defect := defect_of(x, y, paired=paired) or _ratio_defect(x, y):
        return _undefined(method, draws, defect)
    draw = resampled_log_ratio_of_pairs if paired else resampled_log_ratio
    log = _interval(draw(x[:, None], y[:, None], draws=draws, seed=seed), method, confidence, 1.0)
    value = float(x.mean() / y.mean())
    return BootstrapInterval(value, math.exp(log.low), math.exp(log.high), method, draws, log.reason)


def bca_ends(resampled: Resampled, confidence: float = CONFIDENCE) -> Array:
    """Return both ends of the BCa interval of each of k sets of data, of shape (2, k)."""
    close = CLOSE * resampled.error
    below, above = resampled.deviations < -close, resampled.deviations > close
    share = (1 + below.mean(axis=0) - above.mean(axis=0)) / 2
    bias = special.ndtri(share)
    z = special.ndtri(np.array([[(1 - confidence) / 2], [(1 + confidence) / 2]]))
    with np.errstate(invalid="ignore"):
        levels = special.ndtr(bias + (bias + z) / (1 - resampled.acceleration * (bias + z)))
    return resampled.value + _quantiles(resampled.deviations, levels)


def studentised_ends(resampled: Resampled, confidence: float = CONFIDENCE) -> Array:
    """Return both ends of the studentised interval of each of k sets of data, of shape (2, k)."""
    close = CLOSE * resampled.error
    with np.errstate(divide="ignore", invalid="ignore"):
        t = resampled.deviations / np.where(resampled.errors > close, resampled.errors, 0.0)
    t = np.where(np.abs(resampled.deviations) <= close, 0.0, t)
    levels = np.array([[(1 + confidence) / 2], [(1 - confidence) / 2]])
    return resampled.value - _quantiles(t, levels) * resampled.error


ENDS: dict[Method, Callable[[Resampled, float], Array]] = {"bca": bca_ends, "studentised": studentised_ends}


def _quantiles(drawn: Array, levels: Array) -> Array:
    """Return quantiles of each column at its own levels, linear between draws."""
    ordered = np.sort(drawn, axis=0)
    position = np.broadcast_to(levels, (len(levels), drawn.shape[1])) * (len(drawn) - 1)
    known = np.nan_to_num(position)
    floor = np.minimum(np.floor(known).astype(int), len(drawn) - 2)
    columns = np.arange(drawn.shape[1])
    lower, upper = ordered[floor, columns], ordered[floor + 1, columns]
    with np.errstate(invalid="ignore"):
        between: Array = lower + (position - floor) * (upper - lower)
        return np.where(lower == upper, lower, between)


def _interval(resampled: Resampled, method: Method, confidence: float, scale: float) -> BootstrapInterval:
    value, draws = float(resampled.value[0]), len(resampled.deviations)
    low, high = math.nan, math.nan
    if resampled.error[0] <= ROUNDING * scale:
        reason = "no spread to draw from"
    elif not np.isfinite(resampled.deviations).all():
        reason = "a mean changes its sign in resamples: a ratio says little"
    else:
        low, high = (float(end) for end in ENDS[method](resampled, confidence)[:, 0])
        reason = ""
    if not reason and not (math.isfinite(low) and math.isfinite(high)):
        low, high, reason = math.nan, math.nan, "too few values: the interval has no end"
    return BootstrapInterval(value, low, high, method, draws, reason)


def _ratio_defect(x: Sample, y: Sample) -> str:
    return "" if x.mean() * y.mean() > 0 else "a ratio is drawn only of means of one sign"


def _undefined(method: Method, draws: int, reason: str) -> BootstrapInterval:
    return BootstrapInterval(math.nan, math.nan, math.nan, method, draws, reason)
