"""Variance components of crossed runs: how much of the spread does each source of randomness make?

With the directions U_t of each term (``crossed_design``), MS_t = ‖U_t' y‖² / df_t has the expectation

    E MS_t = σ_e² + Σ_{s ⊇ t} c_ts σ_s²,      c_ts = tr(U_t' Z_s Z_s' U_t) / df_t,

and the estimates solve these equations from the largest set of factors down. In a balanced design this is the
analysis of variance (two factors of a and b levels, r runs in each cell: σ_a² = (MS_a - MS_ab) / (b r)); else
Henderson's method III. An estimate may be negative: then it is reported so, and counts as 0.

Intervals are generalized ones (Weerahandi): σ_e²* = SS_e / χ²_e, and σ_t²* is the value at which

    Q(σ_t²) = u' (σ_t² A_t + Σ_{s ⊃ t} σ_s²* A_s + σ_e²* I)⁻¹ u,      u = U_t' y,  A_s = U_t' Z_s Z_s' U_t,

is a draw of χ² with df_t degrees of freedom, its distribution at the true values. The 2.5% and 97.5%
quantiles of many draws are the ends; below 0 they are 0. Where A is a multiple of the identity this is σ_t²*
= (SS_t / χ²_t - …) / c_tt. Any function of the components has an interval by the same draws.

What is left in the residual is split where evaluations of a run along its steps are known: with SE² the
squared standard error of the mean of k of them (``long_run``: successive evaluations resemble each other),
the residual is σ_rest² + SE², and SE²* is drawn as ``long_run_draws`` says. The noise that counts is the one
in the directions of the residual, U_e' (evaluations): what runs of one initialisation, of one data seed, or
all runs have in common along the steps is no noise of a single run.

Effects and noise are taken to be normal.

References: Searle, Casella & McCulloch (1992), Variance Components, chapters 4 and 5; Weerahandi (1993),
Generalized confidence intervals, JASA 88; Burdick, Borror & Montgomery (2005), Design and Analysis of Gauge
R&R Studies, chapter 3 (their coverage in crossed designs).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.crossed_design import Contrasts, CrossedDesign, Term, is_multiple_of_identity
from ired_diag.stats.long_run import LongRun, standard_error_of_mean
from ired_diag.stats.long_run_draws import draw_squared_errors
from ired_diag.stats.noise_split import detrended
from ired_diag.stats.summary import CONFIDENCE

DRAWS = 10_000
REST: Term = ()  # the residual, without the noise of evaluations where that is known
EVALUATIONS: Term = ("evaluations",)
TAIL = 0.85  # of the probability outside: the pivots of small or unbalanced designs miss up to 6% of the time
TINY = float(np.finfo(np.float64).tiny)
SMALLEST, LARGEST = 1e-140, 1e140  # spread whose square, and small parts of it, are floating-point numbers
BISECTIONS = 60  # of an interval that doubles until it holds the root: 1e-18 of it


@dataclass(frozen=True, kw_only=True)
class Component:
    """The variance that a term adds to the result of one run.

    Attributes:
        term: Its factors; ``REST`` for the residual, ``EVALUATIONS`` for the noise of evaluations in it.
        variance: The estimate, which may be negative.
        low: Lower end of its interval, 0 or more.
        high: Upper end of its interval.
        df: Degrees of freedom of the mean square that it is read off.
        share: Its part of the variance of one run, with negative estimates as 0.
        share_low: Lower end of the interval of that share.
        share_high: Upper end of the interval of that share.
    """

    term: Term
    variance: float
    low: float
    high: float
    df: float
    share: float = math.nan
    share_low: float = math.nan
    share_high: float = math.nan

    @property
    def sd(self) -> float:
        """The standard deviation that it makes; 0 where the estimate is negative."""
        return math.sqrt(max(0.0, self.variance))


@dataclass(frozen=True, kw_only=True)
class Components:
    """The variance of the result of one run, by source.

    Attributes:
        components: One for each term, the rest, and the noise of evaluations where that is known.
        draws: Draws of each component for intervals, each of shape (draws,), 0 or more.
        mean: Mean of all runs.
        confidence: Confidence level of the intervals.
        noise: The noise of evaluations along the steps; None where there are none.
        no_noise: Why the noise of evaluations is unknown; empty where it is known.
        reason: Why there are no components; empty where there are.
    """

    components: tuple[Component, ...] = ()
    draws: Mapping[Term, Array] = field(default_factory=dict)
    mean: float = math.nan
    confidence: float = CONFIDENCE
    noise: LongRun | None = None
    no_noise: str = ""
    reason: str = ""

    @property
    def by_term(self) -> dict[Term, Component]:
        """The components by their term."""
        return {component.term: component for component in self.components}

    @property
    def variances(self) -> dict[Term, float]:
        """The estimates by their term, 0 where they are negative."""
        return {component.term: max(0.0, component.variance) for component in self.components}


def mean_squares(
    values: ArrayLike,
    design: CrossedDesign,
) -> dict[Term, float]:
    """Return the mean square of each term, and that of the residual under ``REST``."""
    y = as_floats(values)
    centred = y - y.mean()
    squares = {}
    for contrasts in design.contrasts:
        u = contrasts.basis.T @ centred
        squares[contrasts.term] = float(u @ u) / contrasts.df
    return squares


def estimates(values: ArrayLike, design: CrossedDesign) -> dict[Term, float]:
    """Return the estimate of each component, which may be negative; the residual under ``REST``."""
    squares = mean_squares(values, design)
    solved = {REST: squares[REST]}
    # From the largest sets of factors down: E MS_t holds no term but those that contain t.
    for contrasts in reversed(design.contrasts[:-1]):
        own = contrasts.term
        left = squares[own] - solved[REST]
        for term, effect in contrasts.effects.items():
            if term != own:
                left -= _coefficient(effect) * solved[term]
        solved[own] = left / _coefficient(contrasts.effects[own])
    return solved


def _coefficient(effect: Array) -> float:
    """Return c_ts: the mean of the diagonal."""
    return float(np.trace(effect)) / len(effect)


def variance_components(
    values: ArrayLike,
    design: CrossedDesign,
    *,
    rng: np.random.Generator,
    evaluations: ArrayLike | None = None,
    readout_count: int = 1,
    confidence: float = CONFIDENCE,
    draws: int = DRAWS,
) -> Components:
    """Return how much of the variance of a run's result each source makes.

    Args:
        values: The result of each run, of shape (runs,).
        design: Their levels.
        rng: Draws of the intervals.
        evaluations: Evaluations of each run where it rests, evenly spaced and at the same steps, of shape
            (runs, k). None: the noise of evaluations stays in the rest.
        readout_count: How many successive evaluations a result is the mean of.
        confidence: Confidence level of the intervals.
        draws: How many draws.
    """
    y = as_floats(values)
    reason = _lacking(y, design)
    if reason:
        return Components(mean=_mean_of(y), confidence=confidence, reason=reason)
    variances = estimates(y, design)
    drawn = draw_components(y, design, rng=rng, draws=draws)
    dfs: dict[Term, float] = {contrasts.term: contrasts.df for contrasts in design.contrasts}
    noise = _noise_of(evaluations, design, readout_count)
    known_noise = None
    if not noise.reason:
        known_noise = noise
        square = noise.standard_error**2
        of_noise = _draw_noise(
            evaluations,
            design,
            readout_count,
            rng=rng,
            draws=draws,
        )
        variances[EVALUATIONS] = square
        variances[REST] -= square
        dfs[EVALUATIONS] = noise.df
        drawn[EVALUATIONS] = of_noise
        drawn[REST] = drawn[REST] - of_noise
    kept = {}
    for term in _in_order(design):
        if term in drawn:
            kept[term] = np.maximum(drawn[term], 0.0)
    return Components(
        components=_components(variances, kept, dfs, confidence),
        draws=kept,
        mean=float(y.mean()),
        confidence=confidence,
        noise=known_noise,
        no_noise=noise.reason,
    )


def _mean_of(y: Array) -> float:
    if len(y) == 0:
        return math.nan
    return float(y.mean())


def _lacking(y: Array, design: CrossedDesign) -> str:
    if not np.isfinite(y).all():
        return "a run has no finite result"
    if len(y) < 3:
        runs = "1 run" if len(y) == 1 else f"{len(y)} runs"
        return f"{runs}: at least 3 are needed"
    if design.residual.df == 0:
        return "no degree of freedom is left for the residual: there are too few runs for so many levels"
    spread = float(np.abs(y - y.mean()).max())
    if spread <= 16 * float(np.finfo(np.float64).eps) * float(np.abs(y).max()):
        return "all runs have the same result, so nothing is known of their spread"
    if not SMALLEST < spread < LARGEST:
        return (
            f"results differ by {spread:.3g}, whose square is out of the range of floating-point numbers: "
            "log the metric in another unit"
        )
    return ""


def _components(
    variances: Mapping[Term, float],
    draws: Mapping[Term, Array],
    dfs: Mapping[Term, float],
    confidence: float,
) -> tuple[Component, ...]:
    outside = TAIL * (1 - confidence)
    tails = [outside / 2, 1 - outside / 2]
    total = sum(max(0.0, variance) for variance in variances.values())
    drawn_total = np.sum(list(draws.values()), axis=0)
    # Where all components are drawn as 0 their shares are 0 as well.
    drawn_total = np.maximum(drawn_total, TINY)
    components = []
    for term, of_term in draws.items():
        variance = variances[term]
        low, high = np.quantile(of_term, tails)
        share_low, share_high = np.quantile(of_term / drawn_total, tails)
        share = math.nan
        if total > 0:
            share = max(0.0, variance) / total
        component = Component(
            term=term,
            variance=variance,
            low=float(low),
            high=float(high),
            df=dfs[term],
            share=share,
            share_low=float(share_low),
            share_high=float(share_high),
        )
        components.append(component)
    return tuple(components)


def _in_order(design: CrossedDesign) -> list[Term]:
    """Return the terms in the order of the design, the rest and the noise of evaluations last."""
    return [*design.terms, REST, EVALUATIONS]


def draw_components(
    values: ArrayLike, design: CrossedDesign, *, rng: np.random.Generator, draws: int = DRAWS
) -> dict[Term, Array]:
    """Return draws of each component's generalized pivotal quantity, which may be negative.

    Args:
        values: The result of each run, of shape (runs,).
        design: Their levels.
        rng: Where the draws come from.
        draws: How many.
    """
    y = as_floats(values)
    centred = y - y.mean()
    residual = design.residual
    u = residual.basis.T @ centred
    drawn: dict[Term, Array] = {}
    drawn[REST] = float(u @ u) / rng.chisquare(residual.df, draws)
    for contrasts in reversed(design.contrasts[:-1]):
        u = contrasts.basis.T @ centred
        pivots = rng.chisquare(contrasts.df, draws)
        is_balanced = all(map(is_multiple_of_identity, contrasts.effects.values()))
        solve = _balanced if is_balanced else _unbalanced
        drawn[contrasts.term] = solve(u, contrasts, pivots, drawn)
    return drawn


def _balanced(
    u: Array,
    contrasts: Contrasts,
    pivots: Array,
    drawn: Mapping[Term, Array],
) -> Array:
    left = float(u @ u) / pivots
    left = left - drawn[REST]
    for term, effect in contrasts.effects.items():
        if term != contrasts.term:
            left = left - _coefficient(effect) * drawn[term]
    own = _coefficient(contrasts.effects[contrasts.term])
    scaled: Array = left / own
    return scaled


def _unbalanced(
    u: Array,
    contrasts: Contrasts,
    pivots: Array,
    drawn: Mapping[Term, Array],
) -> Array:
    """Solve Q(σ²) = χ² for each draw, in coordinates in which both matrices are diagonal."""
    noise = _times(drawn[REST], np.eye(contrasts.df))
    for term, effect in contrasts.effects.items():
        if term != contrasts.term:
            # A negative draw could make the covariance indefinite.
            at_least_0 = np.maximum(drawn[term], 0.0)
            noise = noise + _times(at_least_0, effect)
    factor = np.linalg.cholesky(noise)
    inverse = np.linalg.inv(factor)
    transposed = inverse.transpose(0, 2, 1)
    own = contrasts.effects[contrasts.term]
    sizes, axes = np.linalg.eigh(inverse @ own @ transposed)
    whitened = inverse @ u
    coordinates = np.einsum("dji,dj->di", axes, whitened)
    return _root(sizes, coordinates**2, pivots)


def _times(numbers: Array, matrix: Array) -> Array:
    """Return a matrix for each number: the number times the matrix."""
    multiples: Array = numbers[:, None, None] * matrix
    return multiples


def _root(sizes: Array, squares: Array, pivots: Array) -> Array:
    """Return the x with Σ squares / (1 + x sizes) = pivot, which falls in x, for each draw."""
    low: Array = -1 / sizes.max(axis=1)
    span = np.abs(low)

    def is_above(x: Array) -> NDArray[np.bool_]:
        denominators = 1 + x[:, None] * sizes
        terms = squares / np.maximum(denominators, TINY)
        above: NDArray[np.bool_] = terms.sum(axis=1) > pivots
        return above

    while True:
        is_too_short = is_above(low + span)
        if not is_too_short.any():
            break
        span = np.where(is_too_short, 4 * span, span)
    for _ in range(BISECTIONS):
        span = span / 2
        middle = low + span
        low = np.where(is_above(middle), middle, low)
    return low


def _noise_of(
    evaluations: ArrayLike | None,
    design: CrossedDesign,
    readout_count: int,
) -> LongRun:
    """Return the noise of evaluations in the directions of the residual; a reason where it is unknown."""
    if evaluations is None:
        return _unknown_noise("no evaluations along the steps where the runs rest")
    curves = as_floats(evaluations)
    if not np.isfinite(curves).all():
        return _unknown_noise("an evaluation is not finite")
    count = curves.shape[1]
    if count < readout_count:
        return _unknown_noise(f"{count} evaluations, fewer than a result is the mean of")
    series = _series_of(curves, design)
    return standard_error_of_mean(
        series,
        readout_count,
        coefficients=2,
    )


def _unknown_noise(reason: str) -> LongRun:
    nan = math.nan
    return LongRun(
        sd=nan,
        correlation=nan,
        effective=nan,
        standard_error=nan,
        df=nan,
        reason=reason,
    )


def _series_of(evaluations: ArrayLike, design: CrossedDesign) -> list[Array]:
    """Return what evaluations differ by from their line, in each direction of the residual."""
    residuals = detrended(evaluations)
    return list(design.residual.basis.T @ residuals)


def _draw_noise(
    evaluations: ArrayLike | None,
    design: CrossedDesign,
    readout_count: int,
    *,
    rng: np.random.Generator,
    draws: int,
) -> Array:
    if evaluations is None:
        raise ValueError("expected evaluations")
    series = _series_of(evaluations, design)
    return draw_squared_errors(
        series,
        readout_count,
        coefficients=2,
        rng=rng,
        draws=draws,
    )
