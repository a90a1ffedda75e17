"""Draws of the squared standard error of a mean of successive evaluations, for intervals.

With φ the correlation of successive evaluations and N the residuals in all series less what was taken off
(``long_run``), the lag-1 correlation r₁ of the residuals has, to first order, the variance (1 - r₁²) / N, so
that arcsin r₁ has 1 / N at every φ. The variance of the innovations, s² = σ² (1 - φ²), is estimated nearly
independently of it, with N degrees of freedom. A draw is therefore

    r₁* = sin(arcsin r₁ + c z / √N),    φ* = the φ with ρ(φ) = r₁*,    s²* = s² N / χ²_N,
    SE²* = s²* / (1 - φ*²) / k_eff(φ*),

with z standard normal, and c such that intervals cover at least 95% in simulation (0.955 to 0.975 for 1 to 81
series of 12 to 100 evaluations and φ from 0 to 0.9; 0.93 to 0.95 at c = 1). The squared standard error is
steep in φ near 1, so that it is skewed: a χ² with as many degrees of freedom as its variance says covers too
rarely there (0.90 instead of 0.95 at φ = 0.8 and 16 series of 30).

Reference: Box, Jenkins & Reinsel (1994), Time Series Analysis, section 7.2 (the variance of the estimate, and
that of the innovations, of a first-order process).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.long_run import GRID, effective_count, expected_sums

LEAST = -0.5  # of a drawn φ
WIDE_GRID = np.concatenate([np.arange(LEAST, 0.0, 0.005), GRID])
WIDER = 1.15  # c: the variance of r₁ is larger than its first order, by what detrending takes


def draw_squared_errors(
    residual_series: Sequence[Array],
    count: int,
    *,
    coefficients: int,
    rng: np.random.Generator,
    draws: int,
) -> Array:
    """Return draws of the squared standard error of the mean of ``count`` successive evaluations.

    Args:
        residual_series: Series of like noise, each of shape (k_i,), evenly spaced, of which the mean or the
            least-squares line was taken off.
        count: How many evaluations the mean is over.
        coefficients: What was taken off each series: 1, its mean; 2, its line.
        rng: Where the draws come from.
        draws: How many.

    Returns:
        Of shape (draws,).
    """
    total = 0
    product = 0.0
    square = 0.0
    expected_product = np.zeros_like(GRID)
    expected_square = np.zeros_like(GRID)
    for values in residual_series:
        residuals = as_floats(values)
        k = len(residuals)
        products, squares = expected_sums(k, coefficients)
        total += k - coefficients
        product += float(residuals[1:] @ residuals[:-1])
        square += float(residuals @ residuals)
        expected_product = expected_product + products
        expected_square = expected_square + squares
    ratios = expected_product / expected_square
    r = product / square
    z = rng.standard_normal(draws)
    scatter = WIDER / math.sqrt(total)
    right_angle = math.pi / 2
    angles = math.asin(r) + scatter * z
    angles = np.clip(angles, -right_angle, right_angle)
    phi = _phi_of(np.sin(angles), ratios)
    phi_of_data = float(np.interp(r, ratios, GRID))
    variance = square / float(np.interp(phi_of_data, GRID, expected_square))
    innovations = variance * (1 - phi_of_data**2)
    drawn_innovations = innovations * total / rng.chisquare(total, draws)
    drawn_variances = drawn_innovations / (1 - phi**2)
    worth = np.interp(phi, WIDE_GRID, _worths(count))
    drawn: Array = drawn_variances / worth
    return drawn


def _phi_of(correlations: Array, ratios: Array) -> Array:
    """Return the φ with ρ(φ) = r₁; below ρ(0) on the tangent there, for φ < 0 is not on the grid."""
    at_0 = ratios[0]
    slope = (ratios[1] - at_0) / GRID[1]
    on_tangent = (correlations - at_0) / slope
    below = np.maximum(on_tangent, LEAST)
    on_grid = np.interp(correlations, ratios, GRID)
    phi: Array = np.where(correlations < at_0, below, on_grid)
    return phi


@functools.lru_cache(maxsize=64)
def _worths(count: int) -> Array:
    """Return how many independent evaluations ``count`` are worth, for each φ of ``WIDE_GRID``."""
    worths = []
    for phi in WIDE_GRID.tolist():
        worth = effective_count(count, phi)
        worths.append(worth)
    return np.array(worths)
