"""The onset of a lasting rise: since when has a curve been leaving its best level, and how surely?

The last evaluation that is back at the floor (``valley``) shows it only as well as noise allows: that can be
deep in a slow rise, or a lucky low before it. So a hinge is fitted from the arrival on the floor up to half
of the rise (or 1.5 times or 8σ, whichever is more, if that is less), over every evaluation τ as its bend,

    yᵢ = a + s · max(0, tᵢ - τ),    onset = the first evaluation after τ,

with τ neither before the best evaluation nor after the last one that noise could put where it is. Without
noise that leaves the best evaluation alone.

The interval holds every τ whose residual sum of squares is within 4 σ² (1 + φ) / (1 - φ) of the least
(profile likelihood, about 95%): from the first of them, still on the floor, to the evaluation after the last.

Reference: Hudson (1966), Fitting segmented curves whose join points have to be estimated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.curves.nats import FACTOR, Curve
from ired_diag.curves.valley import Valley
from ired_diag.stats.arrays import Array

WITHIN = 4.0  # σ²: the 95% point of χ² with one degree of freedom, 3.84, rounded up
MOST = 400  # evaluations under a hinge: more of them say nothing new of the floor


@dataclass(frozen=True)
class Onset:
    """Since when a curve has been rising.

    Attributes:
        index: The first evaluation of the rise.
        step: Step of that evaluation.
        low: The earliest step at which the rise may have begun.
        high: The latest step at which it may have begun.
    """

    index: int
    step: float
    low: float
    high: float


def onset_in(curve: Curve, valley: Valley) -> Onset | None:
    """Return the onset of a curve whose valley is known."""
    if valley.left >= len(curve):
        return None
    bends, sums = _hinges(curve, valley)
    is_late = bends >= valley.best
    closest = np.argmin(sums[is_late])
    bend = int(bends[is_late][closest])
    noise = valley.sigma * valley.inflation
    likely_sum = sums.min() + WITHIN * noise**2
    likely = bends[sums <= likely_sum]
    first = int(likely[0])
    last = int(likely[-1])
    return _onset(
        curve,
        bend + 1,
        low=min(first, bend),
        high=max(bend, last) + 1,
    )


def at_evaluation(curve: Curve, index: int) -> Onset:
    """Return the onset where nothing is finite from one evaluation on: between that and the one before."""
    before = max(0, index - 1)
    return _onset(curve, index, low=before, high=index)


def _onset(curve: Curve, index: int, *, low: int, high: int) -> Onset:
    """Return the onset at an evaluation, between two others."""
    steps = curve.steps
    return Onset(
        index=index,
        step=float(steps[index]),
        low=float(steps[low]),
        high=float(steps[high]),
    )


def _hinges(curve: Curve, valley: Valley) -> tuple[NDArray[np.intp], Array]:
    """Return the places of possible bends, and the residual sum of squares of the hinge at each."""
    start, end = _under_hinge(curve, valley)
    t = curve.steps[start:end]
    y = valley.y[start:end]
    deviations = y - y.mean()
    last_bend = min(valley.last_near, end - 2)
    bends = np.arange(start, last_bend + 1)
    after_bend = t - curve.steps[bends, None]
    ramps = np.maximum(0.0, after_bend)
    ramps -= ramps.mean(axis=1, keepdims=True)
    squares = np.sum(ramps**2, axis=1)
    slopes = ramps @ deviations / squares
    slopes = np.maximum(0.0, slopes)
    hinges = slopes[:, None] * ramps
    residuals = deviations - hinges
    return bends, np.sum(residuals**2, axis=1)


def _under_hinge(curve: Curve, valley: Valley) -> tuple[int, int]:
    """Return the first evaluation that the hinge is fitted to, and the one after the last."""
    clear_rise = max(FACTOR, valley.sigma * 8)
    height = min(valley.rise / 2, clear_rise)
    last_near = valley.last_near
    climb = valley.fit[last_near:]
    above = np.flatnonzero(climb >= valley.floor + height)
    climbed = 0
    if len(above):
        climbed = int(above[0])
    end = min(len(curve), last_near + climbed + 2)
    start = max(valley.arrival, end - MOST)
    return start, end
