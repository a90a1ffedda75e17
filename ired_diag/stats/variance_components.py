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
in the directions of the residual, U_e' (evaluations): what runs of one initialisation, of one data order, or
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
        no_noise: Why the noise of evaluations is not told from the rest; empty where it is.
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


def mean_squares(values: ArrayLike, design: CrossedDesign) -> dict[Term, tuple[float, int]]:
    """Return mean square and degrees of freedom of each term, and of the residual under ``REST``."""
    y = as_floats(values)
    squares = {}
    for contrasts in design.contrasts:
        u = contrasts.basis.T @ (y - y.mean())
        squares[contrasts.term] = (float(u @ u) / max(1, contrasts.df), contrasts.df)
    return squares


def estimates(values: ArrayLike, design: CrossedDesign) -> dict[Term, float]:
    """Return the estimate of each component, which may be negative; the residual under ``REST``."""
    squares = mean_squares(values, design)
    solved = {REST: squares[REST][0]}
    for contrasts in reversed(design.contrasts[:-1]):
        square, df = squares[contrasts.term]
        left = square - solved[REST]
        for term, effect in contrasts.effects.items():
            if term != contrasts.term:
                left -= float(np.trace(effect)) / df * solved[term]
        solved[contrasts.term] = left / (float(np.trace(contrasts.effects[contrasts.term])) / df)
    return solved


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
        return Components(mean=float(y.mean()) if len(y) else math.nan, confidence=confidence, reason=reason)
    variances = estimates(y, design)
    drawn = draw_components(y, design, rng=rng, draws=draws)
    dfs: dict[Term, float] = {contrasts.term: contrasts.df for contrasts in design.contrasts}
    noise, no_noise = _noise_of(evaluations, design, readout_count)
    if noise is not None:
        square = noise.standard_error**2
        variances[EVALUATIONS] = square
        variances[REST] -= square
        dfs[EVALUATIONS] = noise.df
        drawn[EVALUATIONS] = _draw_noise(evaluations, design, readout_count, rng=rng, draws=draws)
        drawn[REST] = drawn[REST] - drawn[EVALUATIONS]
    kept = {term: np.maximum(of_term, 0.0) for term, of_term in drawn.items()}
    return Components(
        components=_components(_in_order(variances, design), kept, dfs, confidence),
        draws=kept,
        mean=float(y.mean()),
        confidence=confidence,
        noise=noise,
        no_noise=no_noise,
    )


def _lacking(y: Array, design: CrossedDesign) -> str:
    if not np.isfinite(y).all():
        return "a run has no finite result"
    if len(y) < 3:
        return f"{len(y)} runs: at least 3 are needed"
    if design.residual.df == 0:
        return "no degree of freedom is left for the residual: there are too few runs for so many levels"
    spread = float(np.abs(y - y.mean()).max())
    if spread <= 16 * float(np.finfo(np.float64).eps) * float(np.abs(y).max()):
        return "all runs have the same result, so nothing is known of their spread"
    return ""


def _components(
    variances: Mapping[Term, float], draws: Mapping[Term, Array], dfs: Mapping[Term, float], confidence: float
) -> tuple[Component, ...]:
    outside = TAIL * (1 - confidence)
    tails = [outside / 2, 1 - outside / 2]
    total = sum(max(0.0, variance) for variance in variances.values())
    drawn_total = np.maximum(sum(draws.values()), np.finfo(np.float64).tiny)
    components = []
    for term in variances:
        low, high = np.quantile(draws[term], tails)
        share_low, share_high = np.quantile(draws[term] / drawn_total, tails)
        component = Component(
            term=term,
            variance=variances[term],
            low=float(low),
            high=float(high),
            df=dfs[term],
            share=max(0.0, variances[term]) / total if total > 0 else math.nan,
            share_low=float(share_low),
            share_high=float(share_high),
        )
        components.append(component)
    return tuple(components)


def _in_order(variances: Mapping[Term, float], design: CrossedDesign) -> dict[Term, float]:
    """Return estimates in the order of the design, the rest and the noise of evaluations last."""
    terms = [*design.terms, REST, EVALUATIONS]
    return {term: variances[term] for term in terms if term in variances}


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
    of_residual = residual.basis.T @ centred
    drawn = {REST: float(of_residual @ of_residual) / rng.chisquare(residual.df, draws)}
    for contrasts in reversed(design.contrasts[:-1]):
        u = contrasts.basis.T @ centred
        pivots = rng.chisquare(contrasts.df, draws)
        if all(map(is_multiple_of_identity, contrasts.effects.values())):
            drawn[contrasts.term] = _balanced(u, contrasts, pivots, drawn)
        else:
            drawn[contrasts.term] = _unbalanced(u, contrasts, pivots, drawn)
    return drawn


def _balanced(u: Array, contrasts: Contrasts, pivots: Array, drawn: Mapping[Term, Array]) -> Array:
    left = float(u @ u) / pivots - drawn[REST]
    for term, effect in contrasts.effects.items():
        if term != contrasts.term:
            left = left - effect[0, 0] * drawn[term]
    scaled: Array = left / contrasts.effects[contrasts.term][0, 0]
    return scaled


def _unbalanced(u: Array, contrasts: Contrasts, pivots: Array, drawn: Mapping[Term, Array]) -> Array:
    """Solve Q(σ²) = χ² for each draw, in coordinates in which both matrices are diagonal."""
    identity = np.eye(contrasts.df)
    noise = drawn[REST][:, None, None] * identity
    for term, effect in contrasts.effects.items():
        if term != contrasts.term:
            # A negative draw could make the covariance indefinite.
            noise = noise + np.maximum(drawn[term], 0.0)[:, None, None] * effect
    factor = np.linalg.cholesky(noise)
    inverse = np.linalg.inv(factor)
    own = contrasts.effects[contrasts.term]
    whitened = inverse @ own @ inverse.transpose(0, 2, 1)
    sizes, axes = np.linalg.eigh(whitened)
    coordinates = np.einsum("dji,djk,k->di", axes, inverse, u)
    return _root(sizes, coordinates**2, pivots)


def _root(sizes: Array, squares: Array, pivots: Array) -> Array:
    """Return the x with Σ squares / (1 + x sizes) = pivot, which falls in x, for each draw."""
    low: Array = -1 / sizes.max(axis=1)
    span = np.abs(low)

    def is_above(x: Array) -> NDArray[np.bool_]:
        denominators = np.maximum(1 + x[:, None] * sizes, np.finfo(np.float64).tiny)
        above: NDArray[np.bool_] = (squares / denominators).sum(axis=1) > pivots
        return above

    while True:
        too_short = is_above(low + span)
        if not too_short.any():
            break
        span = np.where(too_short, 4 * span, span)
    for _ in range(BISECTIONS):
        span = span / 2
        low = np.where(is_above(low + span), low + span, low)
    return low


def _noise_of(
    evaluations: ArrayLike | None, design: CrossedDesign, readout_count: int
) -> tuple[LongRun | None, str]:
    """Return the noise of evaluations in the directions of the residual, and why it is unknown."""
    if evaluations is None:
        return None, "no evaluations along the steps where the runs rest"
    curves = as_floats(evaluations)
    if not np.isfinite(curves).all():
        return None, "an evaluation is not finite"
    if curves.shape[1] < readout_count:
        return None, f"{curves.shape[1]} evaluations, fewer than a result is the mean of"
    noise = standard_error_of_mean(_series_of(curves, design), readout_count, coefficients=2)
    if noise.reason:
        return None, noise.reason
    return noise, ""


def _series_of(evaluations: ArrayLike, design: CrossedDesign) -> list[Array]:
    """Return what evaluations differ by from their line, in each direction of the residual."""
    return list(design.residual.basis.T @ detrended(evaluations))


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
    return draw_squared_errors(series, readout_count, coefficients=2, rng=rng, draws=draws)
