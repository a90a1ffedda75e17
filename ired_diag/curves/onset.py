"""The onset of a lasting rise: since when has a curve been leaving its best level, and how surely?

The last evaluation that is back at the floor (``valley``) tells it only as well as noise allows: that can be
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

WITHIN = 4.0  # σ²: the 95% point of χ² with one degree of freedom, 3.84, rounded up
MOST = 400  # evaluations under a hinge: more than that only tell the same of the floor

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Onset:
    """Since when a curve has been rising.

    Attributes:
        index: The first evaluation of the rise.
        step: Its step.
        low: The earliest step at which the rise may have begun.
        high: The latest.
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
    late = bends >= valley.best
    index = int(bends[late][np.argmin(sums[late])]) + 1
    room = WITHIN * (valley.sigma * valley.inflation) ** 2
    likely = bends[sums <= sums.min() + room]
    low = min(int(likely[0]), index - 1)
    high = max(index, int(likely[-1]) + 1)
    return Onset(index, *(float(curve.steps[i]) for i in (index, low, high)))


def at_evaluation(curve: Curve, index: int) -> Onset:
    """Return the onset that is sure to be at one evaluation: from there on nothing is finite."""
    step = float(curve.steps[index])
    return Onset(index=index, step=step, low=float(curve.steps[max(0, index - 1)]), high=step)


def _hinges(curve: Curve, valley: Valley) -> tuple[NDArray[np.intp], Array]:
    """Return the places of possible bends, and the residual sum of squares of the hinge at each."""
    half = valley.floor + min(valley.rise / 2, max(FACTOR, valley.sigma * 8))
    above = np.flatnonzero(valley.fit[valley.last_near :] >= half)
    end = min(len(curve), valley.last_near + (int(above[0]) if len(above) else 0) + 2)
    start = max(valley.arrival, end - MOST)
    t, y = curve.steps[start:end], valley.y[start:end]
    bends = np.arange(start, min(valley.last_near + 1, end - 1))
    ramps = np.maximum(0.0, t - curve.steps[bends, None])
    ramps -= ramps.mean(axis=1, keepdims=True)
    y = y - y.mean()
    slopes = np.maximum(0.0, ramps @ y / np.sum(ramps**2, axis=1))
    return bends, np.sum((y - slopes[:, None] * ramps) ** 2, axis=1)
