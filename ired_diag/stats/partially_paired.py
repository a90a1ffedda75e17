"""Partially paired: two groups that share a part of their seeds, compared by all of their seeds.

Number j of seed i is y_ij = μ_j + b_i + e_ij, where seeds that both groups have share b_i (compound
symmetry). With v the variance of one number and ρ the correlation within a pair, m pairs split into
differences and sums,

    var(d) = 2 v (1 - ρ),    var(s) = 2 v (1 + ρ),    cov(d, s) = 0,

and the seeds that only one group has are numbers of variance v. The seed variance, ρ v, may go down to minus
half of the error variance (1 - ρ) v, which is ρ = -1: the covariance of a pair is still a covariance, and a
negative correlation is not cut off at 0. With δ = μ_a - μ_b, Q(ρ) the generalised sum of squares about the
GLS estimate and I(ρ) the information of the means at v = 1, the restricted likelihood (REML) over N numbers,
with v profiled out, is

    -2 log L = (N - 2) log Q(ρ) + m log(1 - ρ²) + log det I(ρ),    v = Q / (N - 2),

a function of z = artanh ρ alone. Its best value on a grid is refined by Newton's method. The squared standard
error C = v [I⁻¹]_δδ is an estimate; by the delta method on the REML information, as lmerTest does it, its
degrees of freedom are 2 C² / var(C) (Satterthwaite; Giesbrecht & Burns), which in this model is

    1 / df = 1 / (N - 2) + (∂ log C / ∂z)² / (∂² (-2 log L) / ∂z²).

On complete pairs all of this has a closed form, the paired t test. Few pairs tell little of ρ, and its
uncertainty enters the standard error to first order only: with 2 to 5 pairs of 10 the level at 5% nominal
reaches 8%, and shared - 1 degrees of freedom (``conservative``) keep it at 5.6% or less. The model takes
both groups to have the same variance. Where they do not, groups of equal size are little affected, but the
level is wrong where the smaller group has the larger variance: up to 20% at a ratio of standard deviations
of 2.

References: Satterthwaite (1946), An approximate distribution of estimates of variance components; Giesbrecht
& Burns (1985), Two-stage analysis based on a mixed model, Biometrics 41; Patterson & Thompson (1971),
Recovery of inter-block information when block sizes are unequal, Biometrika 58 (REML).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ired_diag.stats.defects import is_constant
from ired_diag.stats.summary import CONFIDENCE
from ired_diag.stats.t_tests import TTest, paired

Array = NDArray[np.float64]
GRID = np.linspace(-9.0, 9.0, 73)  # of z: |ρ| up to 1 - 3e-8
NEWTON_STEPS = 8
STEP = 1e-4  # of z, for the second derivative


@dataclass(frozen=True, kw_only=True)
class PartialPairs:
    """A comparison of two groups that share a part of their seeds.

    Attributes:
        difference: GLS estimate of the mean of a less that of b.
        standard_error: Of the difference.
        correlation: Of the two numbers of a seed, ρ.
        shared: Seeds that both groups have.
        only_a: Seeds that only a has.
        only_b: Seeds that only b has.
        test: Of the difference; its n counts each seed once.
    """

    difference: float
    standard_error: float
    correlation: float
    shared: int
    only_a: int
    only_b: int
    test: TTest


@dataclass(frozen=True, kw_only=True)
class Sums:
    """What the likelihood needs of the numbers. Each array has shape (...,), one entry a study.

    Attributes:
        m: Pairs.
        n_a: Seeds that only a has.
        n_b: Seeds that only b has.
        squares_d: Σ (d - d̄)², d the differences of the pairs.
        squares_s: Of their sums.
        squares: Of the other seeds about their groups' means.
        mean_d: Mean difference of the pairs.
        mean_s: Mean sum.
        mean_a: Mean of the seeds that only a has; 0 without any.
        mean_b: Of b.
    """

    m: int
    n_a: int
    n_b: int
    squares_d: Array
    squares_s: Array
    squares: Array
    mean_d: Array
    mean_s: Array
    mean_a: Array
    mean_b: Array


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The REML estimates. Each array has shape (...,), one entry a study.

    Attributes:
        difference: δ.
        variance: Its squared standard error, C.
        correlation: ρ.
        df: Degrees of freedom after Satterthwaite.
    """

    difference: Array
    variance: Array
    correlation: Array
    df: Array


@dataclass(frozen=True, kw_only=True)
class _Profile:
    """The profile likelihood at one z."""

    difference: Array
    quadratic: Array  # Q
    objective: Array  # -2 log L
    score: Array  # its derivative in z
    log_factor: Array  # log [I⁻¹]_δδ
    slope: Array  # ∂ log C / ∂z at the v that Q has there


def partially_paired(
    pairs: ArrayLike,
    only_a: ArrayLike,
    only_b: ArrayLike,
    *,
    conservative: bool = False,
    confidence: float = CONFIDENCE,
) -> PartialPairs:
    """Return the comparison of two groups by all of their seeds.

    Args:
        pairs: Numbers of the shared seeds, of shape (2, shared): those of a, then those of b.
        only_a: Numbers of the seeds that only a has, of shape (n,), which may be empty.
        only_b: Of b.
        conservative: Whether to use shared - 1 degrees of freedom instead of Satterthwaite's.
        confidence: Of the interval of the difference.

    >>> result = partially_paired([[1.0, 2.0, 4.0], [2.0, 3.5, 5.0]], [2.5], [])
    >>> round(result.difference, 3), round(result.test.df, 2)
    (-1.166, 2.04)
    """
    both = np.asarray(pairs, dtype=np.float64).reshape(2, -1)
    x, y = (np.asarray(only, dtype=np.float64).reshape(-1) for only in (only_a, only_b))
    sizes = {"shared": both.shape[1], "only_a": len(x), "only_b": len(y)}
    if reason := _defect(both, x, y):
        nan = math.nan
        test = TTest(nan, nan, nan, nan, nan, sum(sizes.values()), reason)
        return PartialPairs(difference=nan, standard_error=nan, correlation=nan, test=test, **sizes)
    centre = float(np.concatenate([both.ravel(), x, y]).mean())
    scale = float(np.abs(np.concatenate([both.ravel(), x, y]) - centre).max())
    fit = fit_reml(sums_of((both - centre) / scale, (x - centre) / scale, (y - centre) / scale))
    difference, error = scale * float(fit.difference), scale * math.sqrt(float(fit.variance))
    if len(x) or len(y):
        df = float(sizes["shared"] - 1) if conservative else float(fit.df)
        test = _test(difference, error, df, n=sum(sizes.values()), confidence=confidence)
    else:
        test = paired(both[0], both[1], confidence=confidence)
    return PartialPairs(
        difference=difference,
        standard_error=error,
        correlation=float(fit.correlation),
        test=test,
        **sizes,
    )


def sums_of(pairs: Array, only_a: Array, only_b: Array) -> Sums:
    """Return what the likelihood needs.

    Args:
        pairs: Of shape (..., 2, shared).
        only_a: Of shape (..., n_a).
        only_b: Of shape (..., n_b).
    """
    differences, sums = pairs[..., 0, :] - pairs[..., 1, :], pairs[..., 0, :] + pairs[..., 1, :]
    means = [_mean(numbers) for numbers in (differences, sums, only_a, only_b)]
    squares = [
        np.sum((numbers - mean[..., None]) ** 2, axis=-1)
        for numbers, mean in zip((differences, sums, only_a, only_b), means, strict=True)
    ]
    return Sums(
        m=pairs.shape[-1],
        n_a=only_a.shape[-1],
        n_b=only_b.shape[-1],
        squares_d=squares[0],
        squares_s=squares[1],
        squares=squares[2] + squares[3],
        mean_d=means[0],
        mean_s=means[1],
        mean_a=means[2],
        mean_b=means[3],
    )


def fit_reml(sums: Sums) -> Fit:
    """Return the REML estimates of one study or of many at once."""
    table = _profile(GRID.reshape(-1, *[1] * sums.mean_d.ndim), sums).objective
    start = GRID[np.argmin(table, axis=0)]
    z, spacing = start, GRID[1] - GRID[0]
    for _ in range(NEWTON_STEPS):
        curvature = _curvature(z, sums)
        step = np.where(curvature > 0, _profile(z, sums).score / np.where(curvature > 0, curvature, 1.0), 0.0)
        z = np.clip(z - step, start - spacing, start + spacing)
    best, curvature = _profile(z, sums), _curvature(z, sums)
    numbers = 2 * sums.m + sums.n_a + sums.n_b
    from_correlation = best.slope**2 / np.where(curvature > 0, curvature, math.nan)
    df = 1 / (1 / (numbers - 2) + from_correlation)
    return Fit(
        difference=best.difference,
        variance=best.quadratic / (numbers - 2) * np.exp(best.log_factor),
        correlation=np.tanh(z),
        df=np.where(np.isnan(df), sums.m - 1.0, df),
    )


def _profile(z: Array, sums: Sums) -> _Profile:
    """Return the profile likelihood, with 1/(1 - ρ) = (1 + u)/2 and 1/(1 + ρ) = (1 + 1/u)/2 at u = exp 2z."""
    m, singles, numbers = sums.m, sums.n_a + sums.n_b, 2 * sums.m + sums.n_a + sums.n_b
    u = np.exp(2 * z)
    weight_d, weight_s = m * (1 + u) / 4, m * (1 + 1 / u) / 4
    of_difference, of_sum, of_both = weight_d + singles / 4, weight_s + singles / 4, (sums.n_a - sums.n_b) / 4
    determinant = of_difference * of_sum - of_both**2
    right_d = weight_d * sums.mean_d + (sums.n_a * sums.mean_a - sums.n_b * sums.mean_b) / 2
    right_s = weight_s * sums.mean_s + (sums.n_a * sums.mean_a + sums.n_b * sums.mean_b) / 2
    delta = (of_sum * right_d - of_both * right_s) / determinant
    total = (of_difference * right_s - of_both * right_d) / determinant
    about_d = sums.squares_d + m * (sums.mean_d - delta) ** 2
    about_s = sums.squares_s + m * (sums.mean_s - total) ** 2
    about_a = sums.n_a * (sums.mean_a - (total + delta) / 2) ** 2
    about_b = sums.n_b * (sums.mean_b - (total - delta) / 2) ** 2
    q = about_d * (1 + u) / 4 + about_s * (1 + 1 / u) / 4 + sums.squares + about_a + about_b
    q_slope = (about_d * u - about_s / u) / (2 * q)
    determinant_slope = m / 2 * (u * of_sum - of_difference / u) / determinant
    return _Profile(
        difference=delta,
        quadratic=q,
        objective=(numbers - 2) * np.log(q) - 2 * m * np.log(np.cosh(z)) + np.log(determinant),
        score=(numbers - 2) * q_slope - 2 * m * np.tanh(z) + determinant_slope,
        log_factor=np.log(of_sum / determinant),
        slope=q_slope - m / (2 * u * of_sum) - determinant_slope,
    )


def _curvature(z: Array, sums: Sums) -> Array:
    """Return the second derivative of -2 log L."""
    curvature: Array = (_profile(z + STEP, sums).score - _profile(z - STEP, sums).score) / (2 * STEP)
    return curvature


def _mean(numbers: Array) -> Array:
    """Return means along the last axis; 0 of no numbers."""
    mean: Array = numbers.sum(axis=-1) / max(numbers.shape[-1], 1)
    return mean


def _test(difference: float, error: float, df: float, *, n: int, confidence: float) -> TTest:
    t = difference / error
    half = float(special.stdtrit(df, (1 + confidence) / 2)) * error
    p = 2 * float(special.stdtr(df, -abs(t)))
    return TTest(t, df, p, difference - half, difference + half, n)


def _defect(pairs: Array, only_a: Array, only_b: Array) -> str:
    """Say why the groups cannot be compared."""
    numbers = np.concatenate([pairs.ravel(), only_a, only_b])
    lost = int((~np.isfinite(numbers)).sum())
    shared = pairs.shape[1]
    if shared < 2:
        return f"{shared} shared seed{'s' if shared != 1 else ''}: at least 2 are needed"
    if lost:
        return f"{lost} of {len(numbers)} values are not finite"
    if is_constant(pairs[0] - pairs[1], scale=float(np.abs(pairs).max())):
        return "all pairs differ by the same amount"
    return ""
