"""How far correlated noise wanders, by neighbours: a fit takes away the slow part of the noise, and hides it.

What a fit leaves has too small a standard deviation and too small a correlation, for the fit follows the
wandering. Differences of evaluations on one level of the fit keep both. Of noise xᵢ = φ xᵢ₋₁ + eᵢ with the
variance γ,

    D₁ = E (xᵢ - xᵢ₋₁)² = 2γ (1 - φ),    D₂ = E (xᵢ - xᵢ₋₂)² = 2γ (1 - φ²),

so φ = D₂ / D₁ - 1 and γ = D₁ / (2 (1 - φ)). The mean of m values has the variance

    γ / m · [(1 + φ) / (1 - φ) - 2φ (1 - φᵐ) / (m (1 - φ)²)].

Reference: Hall & Van Keilegom (2003), Using difference-based methods for inference in nonparametric
regression with time series errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ired_diag.curves.order_statistics import mean, usual_size
from ired_diag.stats.arrays import Array

FEWEST = 8  # pairs: of fewer, a mean square is not known to 50%
MOST_CORRELATED = 0.95
OUTLYING = 5.0  # usual sizes: what is left of spikes is cut there

Count = TypeVar("Count", float, Array)


@dataclass(frozen=True)
class Wander:
    """The noise of one evaluation: its standard deviation, and its correlation with the next one's."""

    sd: float
    correlation: float

    def error_of_mean(self, count: int) -> float:
        """Return the standard error of the mean of ``count`` ≥ 1 neighbouring evaluations.

        >>> Wander(0.2, 0.0).error_of_mean(4)
        0.1
        """
        times = _times_of_mean(self.correlation, float(count))
        return self.sd * math.sqrt(times / count)

    def errors_of_means(self, counts: NDArray[np.intp]) -> Array:
        """Return the standard errors of means of so many neighbouring evaluations each."""
        m = counts.astype(np.float64)
        times = _times_of_mean(self.correlation, m)
        errors = self.sd * np.sqrt(times / m)
        return np.asarray(errors, dtype=np.float64)


def _times_of_mean(phi: float, m: Count) -> Count:
    """Return by how much correlation φ multiplies the variance of a mean of m."""
    long_run = (1 + phi) / (1 - phi)
    fading = 1 - phi**m
    times: Count = long_run - 2 * phi * fading / (m * (1 - phi) ** 2)
    return times


def wander_of(y: Array, fit: Array) -> Wander:
    """Return how the noise of a curve wanders; none where too few neighbours share a level.

    Args:
        y: Curve of shape (n,), finite.
        fit: Its levels, of shape (n,).
    """
    first = _mean_square(y, fit, 1)
    second = _mean_square(y, fit, 2)
    if first == 0 or second == 0:
        return Wander(0.0, 0.0)
    phi = second / first - 1
    phi = min(max(phi, 0.0), MOST_CORRELATED)
    variance = first / (2 * (1 - phi))
    sd = np.sqrt(variance)
    return Wander(float(sd), phi)


def _mean_square(y: Array, fit: Array, lag: int) -> float:
    """Return the mean square of the differences at a lag, within levels; 0 where they are too few."""
    share_level = fit[lag:] == fit[:-lag]
    all_differences = y[lag:] - y[:-lag]
    differences = all_differences[share_level]
    if len(differences) < FEWEST:
        return 0.0
    usual = usual_size(differences[differences != 0])
    most = OUTLYING * usual
    cut = np.clip(differences, -most, most)
    return mean(cut**2)
