"""Long run: how precise is the mean of evaluations that resemble their neighbours?

Where evaluation t of a level stretch is eₜ = φ eₜ₋₁ + noise, with standard deviation σ, the mean of k of them
is worth fewer than k independent ones (exactly, for each k):

    var(mean) = σ² / k_eff,      k_eff = k / (1 + 2 Σ_{j=1}^{k-1} (1 - j/k) φʲ)  →  k (1 - φ) / (1 + φ).

φ is estimated by the lag-1 correlation of the residuals, r₁ = Σ rₜ rₜ₊₁ / Σ rₜ², summed over all series. What
was taken off each series (its mean, or its line) took a part of φ with it: to first order by (1 + 4φ) / k for
a mean (Marriott & Pope; Kendall 1954). Here the correction is exact in expectation at every length. With
A the matrix of the products of neighbours, Σ(φ) = (φ^|s-t|) and M the projection that took mean or line off,

    ρ(φ) = tr(M A M Σ) / tr(M Σ)

is computed, and φ is the value with ρ(φ) = r₁. Also σ² = Σ rₜ² / tr(M Σ). φ is kept between 0 and ``CAP``:
negative estimates are mostly chance, and to believe them would make the mean more precise than k independent
evaluations make it. Beyond the cap the stretch is too short to tell its noise from a drift.

The squared standard error is itself an estimate. With N the number of evaluations in all series less the
coefficients taken off, its logarithm has to first order the variance (2 + 4 (1 + φ) / (1 - φ) / ρ'(φ)²) / N,
where the slope ρ'(φ) is what the correction costs; that of χ² with ν degrees of freedom has 2 / ν. ``df`` is
the ν that makes them equal.

The model is of first order: noise whose correlation falls more slowly than φʲ has larger errors than these.

References: Kendall (1954), Note on bias in the estimation of autocorrelation, Biometrika 41; Marriott & Pope
(1954), Bias in the estimation of autocorrelations, Biometrika 41; Satterthwaite (1946), An approximate
distribution of estimates of variance components.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import fft

from ired_diag.stats.arrays import Array, as_floats

CAP = 0.98  # of the correlation: 100 evaluations are then worth about 1.6
GRID = np.linspace(0.0, CAP, 197)
REACH = 1400  # lags: 0.98^1400 is below the rounding of 1
BY_FOURIER = 2381  # values, from which on a sum over all lags is faster by Fourier's transform
FEWEST = 8  # residuals less coefficients: with fewer, r₁ has a standard error above 0.35


@dataclass(frozen=True, kw_only=True)
class LongRun:
    """The precision of a mean over evaluations that resemble their neighbours.

    Attributes:
        sd: Standard deviation of one evaluation, σ.
        correlation: φ, from 0 to ``CAP``.
        effective: How many independent evaluations the mean is worth, k_eff.
        standard_error: Standard error of the mean, σ / √k_eff.
        df: Degrees of freedom of its square.
        reason: Why the numbers are NaN, where they are.
    """

    sd: float
    correlation: float
    effective: float
    standard_error: float
    df: float
    reason: str = ""


def standard_error_of_mean(
    residual_series: Sequence[Array],
    count: int,
    *,
    coefficients: int = 1,
    correlation: float | None = None,
) -> LongRun:
    """Return how precise the mean of ``count`` successive evaluations is.

    Args:
        residual_series: Series of like noise, each of shape (k_i,), evenly spaced, of which the mean or the
            least-squares line was taken off.
        count: How many evaluations the mean is over. 1: one evaluation.
        coefficients: What was taken off each series: 1, its mean; 2, its line.
        correlation: φ where it is known (0: independent evaluations). Default: estimated.

    >>> noise = np.repeat([1.0, -1.0, 1.0, -1.0], 5)
    >>> round(standard_error_of_mean([noise], 20).effective, 2)
    2.71
    """
    series = [as_floats(residuals) for residuals in residual_series]
    total = sum(map(len, series)) - coefficients * len(series)
    if reason := _defect(series, total):
        return LongRun(
            sd=math.nan,
            correlation=math.nan,
            effective=math.nan,
            standard_error=math.nan,
            df=math.nan,
            reason=reason,
        )
    products = np.zeros_like(GRID)
    squares = np.zeros_like(GRID)
    product = 0.0
    square = 0.0
    for residuals in series:
        expected_products, expected_squares = expected_sums(len(residuals), coefficients)
        products = products + expected_products
        squares = squares + expected_squares
        product += float(residuals[1:] @ residuals[:-1])
        square += float(residuals @ residuals)
    ratios = products / squares
    phi = correlation
    df = float(total)
    if phi is None:
        phi = float(np.interp(product / square, ratios, GRID))
        slopes = np.gradient(ratios, GRID)
        slope = float(np.interp(phi, GRID, slopes))
        df = _df(total, phi, slope)
    expected_square = float(np.interp(phi, GRID, squares))
    sd = math.sqrt(square / expected_square)
    effective = effective_count(count, phi)
    return LongRun(
        sd=sd,
        correlation=phi,
        effective=effective,
        standard_error=sd / math.sqrt(effective),
        df=df,
    )


def effective_count(count: int, correlation: float) -> float:
    """Return how many independent evaluations the mean of ``count`` successive ones is worth.

    >>> effective_count(2, 0.5), effective_count(7, 0.0)
    (1.3333333333333333, 7.0)
    """
    k = count
    phi = correlation
    if phi == 0.0 or k == 1:
        return float(k)
    decay = 1 - phi
    lags = phi * (k * decay - (1 - phi**k)) / (k * decay**2)  # Σ (1 - j/k) φʲ
    return k / (1 + 2 * lags)


def _df(total: int, phi: float, slope: float) -> float:
    """Return the degrees of freedom of a squared standard error whose correlation was estimated."""
    inflation = (1 + phi) / (1 - phi)
    return total / (1 + 2 * inflation / slope**2)


@functools.lru_cache(maxsize=256)
def expected_sums(k: int, coefficients: int) -> tuple[Array, Array]:
    """Return tr(M A M Σ) and tr(M Σ) for each φ of ``GRID``: expected Σ rₜ rₜ₊₁ and Σ rₜ², where σ = 1."""
    products = (k - 1) * GRID
    squares = np.full_like(GRID, float(k))
    for q in _orthonormal(k, coefficients):
        neighbours = np.zeros(k)
        neighbours[1:] += q[:-1] / 2
        neighbours[:-1] += q[1:] / 2
        own = _form(q, q)
        mixed = _form(neighbours, q)
        squares = squares - own
        products = products - 2 * mixed + float(neighbours @ q) * own
    return products, squares


def _form(x: Array, y: Array) -> Array:
    """Return x'Σ(φ)y for each φ of ``GRID``, for x and y that are both even or both odd about the middle."""
    k = len(x)
    reach = min(k, REACH)
    every_lag = _at_every_lag(x, y)
    from_zero = every_lag[k - 1 :]
    by_lag = from_zero[:reach]
    by_lag[1:] *= 2
    lags = np.arange(reach)
    powers = GRID[:, None] ** lags
    form: Array = powers @ by_lag
    return form


def _at_every_lag(x: Array, y: Array) -> Array:
    """Return the sum of x shifted against y at every lag, of shape (2 k - 1,), for x and y of shape (k,)."""
    if len(x) < BY_FOURIER:
        return np.correlate(x, y, "full")
    length = 2 * len(x) - 1
    padded = fft.next_fast_len(length, real=True)
    spectrum = fft.rfft(x, padded) * fft.rfft(y[::-1], padded)
    lags: Array = fft.irfft(spectrum, padded)[:length]
    return lags


def _orthonormal(k: int, coefficients: int) -> list[Array]:
    """Return what was taken off, as vectors of length 1: a constant, and a slope."""
    constant: Array = np.ones(k)
    slope: Array = np.arange(k, dtype=np.float64) - (k - 1) / 2
    vectors = []
    for vector in [constant, slope][:coefficients]:
        length = math.sqrt(float(vector @ vector))
        vectors.append(vector / length)
    return vectors


def _defect(series: Sequence[Array], total: int) -> str:
    """Say why no standard error can be given."""
    if total < FEWEST:
        return f"{max(total, 0)} residuals less what was taken off: at least {FEWEST} are needed"
    if min(len(residuals) for residuals in series) < 3:
        return "a series has fewer than 3 evaluations"
    if not all(np.isfinite(residuals).all() for residuals in series):
        return "an evaluation is not finite"
    if not any(residuals.any() for residuals in series):
        return "no noise: all residuals are 0"
    return ""
