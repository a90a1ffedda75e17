"""The slope at the end of a learning curve: what would as much training again bring?

A straight line through the last third of the evaluations (in nats, spikes cut) has the slope s a step, and
the standard error of a line's slope, widened for correlated noise (the larger of what ``valley`` and what a
parabola through the same evaluations leaves),

    gain = -s · (last step - first step),    se = σ √((1 + φ) / (1 - φ)) / √Σ (t - t̄)² · (the same span).

Where a third is too noisy to tell, the last half speaks for it, provided that the third gains more than half
as much; where that is too noisy, the last two thirds, provided that the half gains more than half as much and
the third more than a quarter. A longer line is surer of what was, and less of what is: a curve that dropped
and rests since must not be called improving. That is the bargain of Lepski's method.

Reference: Lepski (1990), On a problem of adaptive estimation in Gaussian white noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ired_diag.curves.nats import Curve
from ired_diag.curves.valley import Valley, noise_of, widening
from ired_diag.stats.arrays import Array

FEWEST = 4
FEWEST_BENT = 12  # of fewer evaluations, a parabola leaves too little of the noise
CLEAR = 4.0  # standard errors: a gain that is no chance, on a window that was chosen by no test


@dataclass(frozen=True)
class Pace:
    """How fast a curve still improves.

    Attributes:
        gain: Nats that as many steps again would win at the pace of the end; negative while it rises.
        error: The standard error of the gain.
        clear: Whether the gain is positive beyond chance.
    """

    gain: float
    error: float
    clear: bool


def pace_of(curve: Curve, valley: Valley) -> Pace:
    """Return how fast a curve improves at its end, its valley being known."""
    n = len(curve)
    steps = curve.steps
    third = _line(steps, valley, n // 3)
    if third.clear or third.gain <= 0:
        return third
    half = _line(steps, valley, n // 2)
    if half.clear and third.gain > half.gain / 2:
        return half
    longest = _line(steps, valley, 2 * n // 3)
    half_is_fast = half.gain > longest.gain / 2
    third_is_fast = third.gain > longest.gain / 4
    if longest.clear and half_is_fast and third_is_fast:
        return longest
    return third


def pace_at_rest(curve: Curve, valley: Valley, start: int) -> Pace:
    """Return how fast a curve improves by the evaluations from ``start`` on alone."""
    return _line(curve.steps, valley, len(curve) - start)


def _line(steps: Array, valley: Valley, wanted: int) -> Pace:
    size = min(len(steps), max(FEWEST, wanted))
    if size < 2:
        return Pace(0.0, np.inf, clear=False)
    last_steps = steps[-size:]
    t = last_steps - last_steps.mean()
    y = valley.y[-size:]
    span = steps[-1] - steps[0]
    squares = float((t**2).sum())
    products = float((t * y).sum())
    gain = -products / squares * span
    noise = valley.sigma * valley.inflation
    error = noise / np.sqrt(squares) * span
    if gain > CLEAR * error:
        # The larger noise can only make it less clear.
        other_noise = _noise_about_parabola(t, y)
        other_error = other_noise / np.sqrt(squares) * span
        error = max(error, other_error)
    return Pace(
        gain=float(gain),
        error=float(error),
        clear=bool(gain > CLEAR * error),
    )


def _noise_about_parabola(t: Array, y: Array) -> float:
    """Return the widened noise of what a parabola leaves; a line leaves the bend of a smooth curve too."""
    if len(t) < FEWEST_BENT:
        return 0.0
    t = t / np.abs(t).max()
    powers = np.stack([np.ones_like(t), t, t**2], axis=1)
    basis, _ = np.linalg.qr(powers)
    coefficients = basis.T @ y
    parabola = basis @ coefficients
    sigma, correlation = noise_of(y - parabola, levels=basis.shape[1])
    return sigma * widening(correlation)
