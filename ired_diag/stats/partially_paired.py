"""Partially paired: two groups that share a part of their seeds, compared by the means of all their seeds.

Number j of seed i is y_ij = μ_j + b_i + e_ij, where seeds that both groups have share b_i (compound
symmetry). With v the variance of one number and ρ the correlation within a pair, m pairs, n_a seeds that only
a has and n_b that only b has, the difference of the plain means of all numbers has the variance

    var(ȳ_a - ȳ_b) = v h(ρ),    h = (n_a + n_b + 2 m (1 - ρ)) / ((m + n_a) (m + n_b)),

and v and ρ are estimated by restricted maximum likelihood (REML). Pairs split into differences and sums,
var(d) = 2 v (1 - ρ), var(s) = 2 v (1 + ρ), cov(d, s) = 0. The seed variance, ρ v, may go down to minus half
of the error variance (1 - ρ) v, which is ρ = -1: the covariance of a pair is still a covariance, and a
negative correlation is not cut off at 0. With Q(ρ) the generalised sum of squares about the generalised least
squares (GLS) means and I(ρ) the information of the means at v = 1, the restricted likelihood of N numbers,
with v profiled out, is

    -2 log L = (N - 2) log Q(ρ) + m log(1 - ρ²) + log det I(ρ),    v = Q / (N - 2),

a function of z = artanh ρ alone. Its best value on a grid is refined by Newton's method. The squared standard
error C = v h is an estimate; by the delta method on the REML information, as lmerTest does it, its degrees of
freedom are 2 C² / var(C) (Satterthwaite; Giesbrecht & Burns), which in this model is

    1 / df = 1 / (N - 2) + (∂ log C / ∂z)² / (∂² (-2 log L) / ∂z²).

On complete pairs all of this has a closed form, the paired t test. The GLS estimate of the difference would
have the smaller variance if ρ were known. But it takes its weights from the estimated ρ, and its standard
error does not count what that costs: with 2 to 5 pairs of 10 its level at 5% nominal reaches 8%. Plain means
have weights that the design fixes, and the level holds from 3 pairs on (``stats.pairing_design``). The price
is paid where pairs are almost equal: the seeds that only one group has keep their full weight, so that at
ρ = 0.99 and with 9 of 10 seeds shared the standard error is 3 times that of the pairs alone.

The model takes both groups to have the same variance. Where they do not, groups of equal size are little
affected, but the level is wrong where the smaller group has the larger variance: at a ratio of standard
deviations of 2 it is 7 to 10% with 6 or 7 seeds against 10, and up to 24% with 3 seeds against 20. Groups of
unequal size are therefore compared by ``stats.partial_unequal``.

References: Satterthwaite (1946), An approximate distribution of estimates of variance components; Giesbrecht
& Burns (1985), Two-stage analysis based on a mixed model, Biometrics 41; Patterson & Thompson (1971),
Recovery of inter-block information when block sizes are unequal, Biometrika 58 (REML).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.defects import SAME_AMOUNT, is_constant
from ired_diag.stats.summary import CONFIDENCE
from ired_diag.stats.t_tests import TTest, paired, undefined_test

GRID = np.linspace(-9.0, 9.0, 73)  # of z: |ρ| up to 1 - 3e-8
NEWTON_STEPS = 8
STEP = 1e-4  # of z, for the second derivative


@dataclass(frozen=True, kw_only=True)
class PartialPairs:
    """A comparison of two groups that share a part of their seeds.

    Attributes:
        difference: Mean of all numbers of a minus mean of all numbers of b.
        standard_error: Standard error of the difference.
        correlation: Correlation of the two numbers of a seed, ρ.
        shared: Seeds that both groups have.
        only_a: Seeds that only a has.
        only_b: Seeds that only b has.
        test: Test of the difference; its n counts each seed once.
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
        squares_s: The same for the sums of the pairs.
        squares: The same for the other seeds, about their groups' means.
        mean_d: Mean difference of the pairs.
        mean_s: Mean sum of the pairs.
        mean_a: Mean of the seeds that only a has; 0 without any.
        mean_b: Mean of the seeds that only b has; 0 without any.
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
        difference: Difference of the plain means.
        variance: The square of its standard error, C.
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

    quadratic: Array  # Q
    quadratic_slope: Array  # ∂ log Q / ∂z
    objective: Array  # -2 log L
    score: Array  # its derivative in z


def partially_paired(
    pairs: ArrayLike,
    only_a: ArrayLike,
    only_b: ArrayLike,
    *,
    confidence: float = CONFIDENCE,
) -> PartialPairs:
    """Return the comparison of two groups by all of their seeds.

    Args:
        pairs: Numbers of the shared seeds, of shape (2, shared): those of a, then those of b.
        only_a: Numbers of the seeds that only a has, of shape (n,), which may be empty.
        only_b: Numbers of the seeds that only b has, likewise.
        confidence: Confidence level of the interval of the difference.

    >>> result = partially_paired([[1.0, 2.0, 4.0], [2.0, 3.5, 5.0]], [2.5], [])
    >>> round(result.difference, 3), round(result.test.df, 2)
    (-1.125, 3.96)
    """
    shared, x, y = arrays_of_design(pairs, only_a, only_b)
    if reason := defect_of_pairs(shared, x, y):
        return without_comparison(shared, x, y, reason=reason)
    numbers = np.concatenate([shared.ravel(), x, y])
    centre = float(numbers.mean())
    scale = float(np.abs(numbers - centre).max())
    sums = sums_of(
        (shared - centre) / scale,
        (x - centre) / scale,
        (y - centre) / scale,
    )
    fit = fit_reml(sums)
    difference = scale * float(fit.difference)
    error = scale * math.sqrt(float(fit.variance))
    m = shared.shape[1]
    if len(x) or len(y):
        test = t_test_of_estimate(
            difference,
            error,
            float(fit.df),
            n=m + len(x) + len(y),
            confidence=confidence,
        )
    else:
        of_a, of_b = shared
        test = paired(of_a, of_b, confidence=confidence)
    return PartialPairs(
        difference=difference,
        standard_error=error,
        correlation=float(fit.correlation),
        shared=m,
        only_a=len(x),
        only_b=len(y),
        test=test,
    )


def sums_of(pairs: Array, only_a: Array, only_b: Array) -> Sums:
    """Return what the likelihood needs.

    Args:
        pairs: Numbers of the shared seeds, of shape (..., 2, shared).
        only_a: Numbers of the seeds that only a has, of shape (..., n_a).
        only_b: Numbers of the seeds that only b has, of shape (..., n_b).
    """
    a = pairs[..., 0, :]
    b = pairs[..., 1, :]
    mean_d, squares_d = _mean_and_squares(a - b)
    mean_s, squares_s = _mean_and_squares(a + b)
    mean_a, squares_a = _mean_and_squares(only_a)
    mean_b, squares_b = _mean_and_squares(only_b)
    return Sums(
        m=pairs.shape[-1],
        n_a=only_a.shape[-1],
        n_b=only_b.shape[-1],
        squares_d=squares_d,
        squares_s=squares_s,
        squares=squares_a + squares_b,
        mean_d=mean_d,
        mean_s=mean_s,
        mean_a=mean_a,
        mean_b=mean_b,
    )


def fit_reml(sums: Sums) -> Fit:
    """Return the REML estimates of one study or of many at once."""
    z = _best_z(sums)
    best = _profile(z, sums)
    curvature = _curvature(z, sums)
    factor, factor_slope = _factor(z, sums)
    free = 2 * sums.m + sums.n_a + sums.n_b - 2
    slope = best.quadratic_slope + factor_slope
    usable_curvature = np.where(curvature > 0, curvature, math.nan)
    from_correlation = slope**2 / usable_curvature
    df = 1 / (1 / free + from_correlation)
    df_of_pairs = sums.m - 1.0
    return Fit(
        difference=_difference_of_means(sums),
        variance=best.quadratic / free * factor,
        correlation=np.tanh(z),
        df=np.where(np.isnan(df), df_of_pairs, df),
    )


def _best_z(sums: Sums) -> Array:
    """Return z of the largest likelihood: the best of the grid, moved by Newton's steps."""
    ones = [1] * sums.mean_d.ndim
    grid = GRID.reshape(-1, *ones)
    table = _profile(grid, sums).objective
    best_places = np.argmin(table, axis=0)
    start = GRID[best_places]
    spacing = GRID[1] - GRID[0]
    lowest = start - spacing
    highest = start + spacing
    z: Array = start
    for _ in range(NEWTON_STEPS):
        curvature = _curvature(z, sums)
        rises = curvature > 0
        score = _profile(z, sums).score
        divisor = np.where(rises, curvature, 1.0)
        step = np.where(rises, score / divisor, 0.0)
        z = np.clip(z - step, lowest, highest)
    return z


def _difference_of_means(sums: Sums) -> Array:
    """Return the mean of all numbers of a minus that of b."""
    m = sums.m
    pairs_of_a = m * (sums.mean_s + sums.mean_d) / 2
    pairs_of_b = m * (sums.mean_s - sums.mean_d) / 2
    total_a = pairs_of_a + sums.n_a * sums.mean_a
    total_b = pairs_of_b + sums.n_b * sums.mean_b
    mean_a = total_a / (m + sums.n_a)
    mean_b = total_b / (m + sums.n_b)
    difference: Array = mean_a - mean_b
    return difference


def _factor(z: Array, sums: Sums) -> tuple[Array, Array]:
    """Return h and ∂ log h / ∂z, with 1 - ρ = 2 / (1 + u) at u = exp 2z."""
    m = sums.m
    minus = 2 / (1 + np.exp(2 * z))
    plus = 2 / (1 + np.exp(-2 * z))
    spread = sums.n_a + sums.n_b + 2 * m * minus
    seeds_a = m + sums.n_a
    seeds_b = m + sums.n_b
    factor = spread / (seeds_a * seeds_b)
    slope = -2 * m * minus * plus / spread
    return factor, slope


def _profile(z: Array, sums: Sums) -> _Profile:
    """Return the profile likelihood, with 1/(1 - ρ) = (1 + u)/2 and 1/(1 + ρ) = (1 + 1/u)/2 at u = exp 2z."""
    m = sums.m
    n_a = sums.n_a
    n_b = sums.n_b
    free = 2 * m + n_a + n_b - 2
    u = np.exp(2 * z)
    means = _gls_means(u, sums)
    delta = means.difference
    total = means.sum
    mean_a = (total + delta) / 2
    mean_b = (total - delta) / 2
    about_d = sums.squares_d + m * (sums.mean_d - delta) ** 2
    about_s = sums.squares_s + m * (sums.mean_s - total) ** 2
    about_a = n_a * (sums.mean_a - mean_a) ** 2
    about_b = n_b * (sums.mean_b - mean_b) ** 2
    of_differences = about_d * (1 + u) / 4
    of_sums = about_s * (1 + 1 / u) / 4
    of_pairs = of_differences + of_sums
    q = of_pairs + sums.squares + about_a + about_b
    q_slope = (about_d * u - about_s / u) / (2 * q)
    log_q = free * np.log(q)
    log_pairs = 2 * m * np.log(np.cosh(z))
    slope_of_pairs = 2 * m * np.tanh(z)
    return _Profile(
        quadratic=q,
        quadratic_slope=q_slope,
        objective=log_q - log_pairs + np.log(means.determinant),
        score=free * q_slope - slope_of_pairs + means.determinant_slope,
    )


@dataclass(frozen=True)
class _Means:
    """The GLS means at one z: difference and sum of the two, and the determinant of their information."""

    difference: Array
    sum: Array
    determinant: Array
    determinant_slope: Array  # of its logarithm, in z


def _gls_means(u: Array, sums: Sums) -> _Means:
    m = sums.m
    n_a = sums.n_a
    n_b = sums.n_b
    weight_d = m * (1 + u) / 4
    weight_s = m * (1 + 1 / u) / 4
    weight_alone = (n_a + n_b) / 4
    of_difference = weight_d + weight_alone
    of_sum = weight_s + weight_alone
    mixed = (n_a - n_b) / 4
    determinant = of_difference * of_sum - mixed**2
    total_a = n_a * sums.mean_a
    total_b = n_b * sums.mean_b
    right_d = weight_d * sums.mean_d + (total_a - total_b) / 2
    right_s = weight_s * sums.mean_s + (total_a + total_b) / 2
    slope = m / 2 * (u * of_sum - of_difference / u)
    return _Means(
        difference=(of_sum * right_d - mixed * right_s) / determinant,
        sum=(of_difference * right_s - mixed * right_d) / determinant,
        determinant=determinant,
        determinant_slope=slope / determinant,
    )


def _curvature(z: Array, sums: Sums) -> Array:
    """Return the second derivative of -2 log L."""
    above = _profile(z + STEP, sums).score
    below = _profile(z - STEP, sums).score
    curvature: Array = (above - below) / (2 * STEP)
    return curvature


def _mean_and_squares(numbers: Array) -> tuple[Array, Array]:
    """Return means along the last axis, 0 of no numbers, and the sums of squares about them."""
    count = max(numbers.shape[-1], 1)
    mean: Array = numbers.sum(axis=-1) / count
    deviations = numbers - mean[..., None]
    squares: Array = np.sum(deviations**2, axis=-1)
    return mean, squares


def t_test_of_estimate(
    difference: float,
    error: float,
    df: float,
    *,
    n: int,
    confidence: float,
) -> TTest:
    """Return the two-sided t test of an estimate with its standard error and degrees of freedom."""
    t = difference / error
    upper_tail = (1 + confidence) / 2
    quantile = float(special.stdtrit(df, upper_tail))
    half = quantile * error
    tail = float(special.stdtr(df, -abs(t)))
    return TTest(
        t=t,
        df=df,
        p=2 * tail,
        low=difference - half,
        high=difference + half,
        n=n,
    )


def arrays_of_design(
    pairs: ArrayLike,
    only_a: ArrayLike,
    only_b: ArrayLike,
) -> tuple[Array, Array, Array]:
    """Return the numbers of two groups as arrays of shape (2, shared), (n_a,) and (n_b,)."""
    shared = as_floats(pairs).reshape(2, -1)
    x = as_floats(only_a).reshape(-1)
    y = as_floats(only_b).reshape(-1)
    return shared, x, y


def without_comparison(
    pairs: Array,
    only_a: Array,
    only_b: Array,
    *,
    reason: str,
) -> PartialPairs:
    """Return the result for two groups that cannot be compared: NaN, with the reason."""
    shared = pairs.shape[1]
    n = shared + len(only_a) + len(only_b)
    return PartialPairs(
        difference=math.nan,
        standard_error=math.nan,
        correlation=math.nan,
        shared=shared,
        only_a=len(only_a),
        only_b=len(only_b),
        test=undefined_test(n, reason),
    )


def defect_of_pairs(pairs: Array, only_a: Array, only_b: Array) -> str:
    """Say why the groups cannot be compared."""
    shared = pairs.shape[1]
    if shared < 2:
        plural = "s" if shared != 1 else ""
        return f"{shared} shared seed{plural}: at least 2 are needed"
    numbers = np.concatenate([pairs.ravel(), only_a, only_b])
    finite = np.isfinite(numbers)
    lost = int((~finite).sum())
    if lost:
        return f"{lost} of {len(numbers)} values are not finite"
    of_a, of_b = pairs
    scale = float(np.abs(pairs).max())
    if is_constant(of_a - of_b, scale=scale):
        return SAME_AMOUNT
    return ""
