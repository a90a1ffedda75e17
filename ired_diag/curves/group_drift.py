"""A drift too small for one curve: what it does to the mean of a group, and to a difference of means.

Where the level still moves along a line over the window, the window's mean is off from the level at its end
by b, half of the way. For the runs of a group, with the slope β̂ᵢ of each run's least-squares line over a
window of length T,

    b = mean of -β̂ᵢ T / 2,    e = √3 · (standard error of the mean of the window) / √runs,

the second under autoregressive noise, whose standard deviation and correlation are pooled over the runs and
corrected for what the lines take away. Of two groups b is the difference, e by Pythagoras. Which drift does
harm, ``lasting_drift`` says.

References: Kendall (1954), Note on bias in the estimation of autocorrelation; Marriott & Pope (1954), Bias in
the estimation of autocorrelations (the bias about a line).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.curves.order_statistics import median, usual_size
from ired_diag.curves.valley import MOST_CORRELATED, OUTLYING
from ired_diag.curves.wander import Wander
from ired_diag.stats.arrays import Array

SPIKE = 8.0
ROUNDING = 1e-12  # of the largest value: a line through equal numbers has a slope of rounding
MOST_LOST = 0.7  # of the variance, to the lines: of short windows with strong correlation


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How the runs of one group drift over a window, or how two groups drift apart.

    Attributes:
        bias: b, in the unit of the metric: mean of the window less level at its end.
        error: e, its standard error.
        spread: Standard error of the mean over runs, or of the difference of two; 0 of one run.
        level: Size of the mean over runs.
        length: Evaluations of a run in the window, mean over runs.
        runs: Number of runs; of two groups, of the smaller one.
    """

    bias: float
    error: float
    spread: float
    level: float
    length: float
    runs: int

    def apart_from(self, other: Drift) -> Drift:
        """Return how this group drifts apart from another one."""
        return Drift(
            bias=self.bias - other.bias,
            error=float(np.hypot(self.error, other.error)),
            spread=float(np.hypot(self.spread, other.spread)),
            level=(self.level + other.level) / 2,
            length=(self.length + other.length) / 2,
            runs=min(self.runs, other.runs),
        )


def group_drift(windows: Sequence[Array]) -> Drift:
    """Return how the runs of a group drift.

    Args:
        windows: The finite evaluations of each run in the window, evenly spaced, 3 and more of each.
    """
    cut = [_without_spikes(window) for window in windows]
    noise = pooled_noise(cut)
    runs = len(cut)
    sizes = []
    means = []
    biases = []
    errors = []
    for window in cut:
        sizes.append(len(window))
        means.append(window.mean())
        biases.append(_bias(window))
        errors.append(np.sqrt(3) * noise.error_of_mean(len(window)))
    spread = 0.0
    if runs > 1:
        spread = float(np.std(means, ddof=1) / np.sqrt(runs))
    error_of_run = np.mean(np.square(errors))
    return Drift(
        bias=float(np.mean(biases)),
        error=float(np.sqrt(error_of_run / runs)),
        spread=spread,
        level=float(abs(np.mean(means))),
        length=float(np.mean(sizes)),
        runs=runs,
    )


def _bias(window: Array) -> float:
    """Return half of what the line through a window comes down over it; 0 where that is rounding."""
    backwards = np.linspace(0.5, -0.5, len(window))
    products = float(backwards @ window)
    squares = float(backwards @ backwards)
    bias = products / squares / 2
    rounding = ROUNDING * np.abs(window).max()
    if abs(bias) > rounding:
        return bias
    return 0.0


def _without_spikes(window: Array) -> Array:
    """Return a window with what is far from its median cut there: one spike is no drift."""
    middle = median(window)
    far = SPIKE * usual_size(window - middle)
    if far == 0:
        return window
    return np.clip(window, middle - far, middle + far)


def pooled_noise(windows: Sequence[Array]) -> Wander:
    """Return the noise of one evaluation about each run's line, pooled over runs.

    Args:
        windows: Evenly spaced evaluations of each run, 3 and more of each.
    """
    squares = products = 0.0
    for window in windows:
        residuals = _about_line(window)
        squares += float(residuals @ residuals)
        products += float(residuals[1:] @ residuals[:-1])
    if squares == 0:
        return Wander(0.0, 0.0)
    total = sum(map(len, windows))
    length = total / len(windows)
    correlation = products / squares
    correlation += (2 + 4 * correlation) / length
    correlation = min(max(correlation, 0.0), MOST_CORRELATED)
    lost = 2 * (1 + correlation) / (1 - correlation) / length
    kept = 1 - min(lost, MOST_LOST)
    variance = squares / total / kept
    return Wander(float(np.sqrt(variance)), correlation)


def _about_line(window: Array) -> Array:
    """Return what a window differs by from its line, cut at five usual sizes."""
    t = np.arange(len(window)) - (len(window) - 1) / 2
    residuals = window - window.mean()
    slope_by_squares = float(t @ residuals)
    residuals = residuals - t * slope_by_squares / float(t @ t)
    most = OUTLYING * usual_size(residuals[residuals != 0])
    cut: Array = np.clip(residuals, -most, most)
    return cut
