"""Two groups over several tasks: the mean effect, and whether the effect differs between tasks.

Number y_git of group g, seed i and task t is

    y_git = μ_gt + e_git,

with a mean for each group and task (tasks are fixed: nothing is said of other tasks), and seeds as the random
part. Nothing is assumed of the covariance of the errors of one seed over tasks, and their variances may
differ between tasks and groups. The effect of task t is δ_t = μ_at - μ_bt, estimated by the difference d_t of
plain means. On a complete table the restricted likelihood (REML) of this model has a closed form: the
covariance of d is S/n, with S the covariance of seeds over tasks. Its t test of the mean effect with weights
w is the one of per-seed means, with n - 1 degrees of freedom: the paired t test where seeds are pairs, and
Welch's where the groups have covariances of their own.

Cells may be missing, and 3 seeds of 20 tasks leave no likelihood to maximise. A *source* of n seeds then adds

    Σ = E'E,    E_it = (x_it - x̄_t) / (n_t √(1 - 1/n_t)),    0 where x_it is missing,

the bias-reduced estimate with seeds as clusters (Bell & McCaffrey, CR2), which is S/n on a complete table.
It is unbiased for tasks that are independent; where they are perfectly correlated its bias is known from the
design alone, and it is divided by that. Degrees of freedom are Satterthwaite's, the smaller of those for
independent and for perfectly correlated tasks, with the spread of each task as it is estimated. Sources are
independent and add up: the pairs; or two groups that are not paired; or each task by itself where the
runs of different tasks share no seed. With V_k = w'Σ_k w,

    t = w'd / √V,    V = Σ_k V_k,    df = V² / Σ_k (V_k² / ν_k).

Two sources of very few degrees of freedom break Welch's approximation: ``welch_df`` says what is used.

Whether effects differ between tasks is asked by the statistic of Brunner, Dette & Munk, with P = I - 1/T and
Box's degrees of freedom,

    F = d'Pd / tr(PΣ),   df₁ = tr(PΣ)² / tr(PΣPΣ),   df₂ = tr(PΣ)² / Σ_k (tr(PΣ_kPΣ_k) / ν_k),

which for pairs is the F of tasks × groups in a repeated-measures analysis with Greenhouse & Geisser's
correction. With few seeds and many tasks it is conservative.

``benchmarks.across_levels`` simulates the level of both over designs: docs/across.md has the table.

References: Satterthwaite (1946); Bell & McCaffrey (2002), Bias reduction in standard errors for linear
regression with multi-stage samples, Survey Methodology 28; Kenward & Roger (1997), Small sample inference for
fixed effects from restricted maximum likelihood, Biometrics 53; Brunner, Dette & Munk (1997), Box-type
approximations in nonparametric factorial designs, JASA 92; Greenhouse & Geisser (1959).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.stats.arrays import Array

FEW, VERY_FEW = 4.0, 2.0  # degrees of freedom: of 5 seeds, of 3
HALF_WAY = 0.5
LEAST_SEEDS = 2  # of a task: one seed has no spread


@dataclass(frozen=True, kw_only=True)
class Source:
    """A part of the covariance of effects, from seeds that are independent of all others.

    Attributes:
        means: Mean of each task, of shape (..., tasks).
        covariance: Estimated covariance of these means, of shape (..., tasks, tasks).
        df: Its degrees of freedom, of shape (...,).
    """

    means: Array
    covariance: Array
    df: Array


@dataclass(frozen=True, kw_only=True)
class MeanEffect:
    """A weighted mean of effects. Each array has shape (...,).

    Attributes:
        value: The mean of the effects.
        variance: The square of its standard error.
        df: Degrees of freedom of the variance.
    """

    value: Array
    variance: Array
    df: Array


@dataclass(frozen=True, kw_only=True)
class Heterogeneity:
    """Whether effects differ between tasks. Each array has shape (...,).

    Attributes:
        f: The statistic; about 1 where effects are equal.
        df_above: Degrees of freedom of the numerator.
        df_below: Degrees of freedom of the denominator.
    """

    f: Array
    df_above: Array
    df_below: Array


def source_of(numbers: Array) -> Source:
    """Return what the numbers of independent seeds tell of the means of tasks.

    Args:
        numbers: Of shape (..., seeds, tasks); NaN where a seed has no number, in all studies alike. Each task
            needs ``LEAST_SEEDS`` numbers.

    Raises:
        ValueError: A task has fewer.
    """
    present = _present(numbers)
    counts = present.sum(axis=0)
    if counts.min() < LEAST_SEEDS:
        raise ValueError(f"expected {LEAST_SEEDS} seeds or more of each task, found {counts.min()}")
    filled = np.where(present, numbers, 0.0)
    means = filled.sum(axis=-2) / counts
    centred = numbers - means[..., None, :]
    deviations = np.where(present, centred, 0.0)
    squares = np.sum(deviations**2, axis=-2)
    spreads = np.sqrt(squares / (counts - 1))
    bias_reduced = deviations / _divisors(counts)
    transposed = np.swapaxes(
        bias_reduced,
        -1,
        -2,
    )
    covariance = transposed @ bias_reduced
    of_design = _Design.of(present)
    share, df = of_design.share_and_df(spreads)
    return Source(
        means=means,
        covariance=covariance / share[..., None, None],
        df=df,
    )


def independent_tasks(
    effects: Array,
    variances: Array,
    df: Array,
) -> list[Source]:
    """Return a source for each task, where the runs of different tasks share no seed.

    Args:
        effects: Effect of each task, of shape (..., tasks).
        variances: The squares of their standard errors, of the same shape.
        df: Their degrees of freedom, of the same shape.
    """
    tasks = effects.shape[-1]
    sources = []
    for t in range(tasks):
        means = np.zeros_like(effects)
        means[..., t] = effects[..., t]
        covariance = np.zeros((*effects.shape, tasks))
        covariance[..., t, t] = variances[..., t]
        source = Source(
            means=means,
            covariance=covariance,
            df=df[..., t],
        )
        sources.append(source)
    return sources


def mean_effect(effects: Array, sources: Sequence[Source]) -> MeanEffect:
    """Return the mean effect over all tasks, each of equal weight.

    Args:
        effects: Effect of each task, of shape (..., tasks).
        sources: What their covariance is the sum of.
    """
    tasks = effects.shape[-1]
    parts = []
    for source in sources:
        total = source.covariance.sum(axis=(-2, -1))
        parts.append(total / tasks**2)
    degrees = [source.df for source in sources]
    variance = np.sum(parts, axis=0)
    df = welch_df(parts, degrees)
    return MeanEffect(
        value=effects.mean(axis=-1),
        variance=variance,
        df=df,
    )


def heterogeneity(effects: Array, sources: Sequence[Source]) -> Heterogeneity:
    """Return the test whether all tasks have the same effect.

    Args:
        effects: Effect of each task, of shape (..., tasks), 2 tasks or more.
        sources: What their covariance is the sum of.
    """
    tasks = effects.shape[-1]
    centring = np.eye(tasks) - 1 / tasks
    parts = [centring @ source.covariance for source in sources]
    total = np.sum(parts, axis=0)
    trace = np.trace(
        total,
        axis1=-2,
        axis2=-1,
    )
    in_sources = np.zeros(trace.shape)
    for part, source in zip(
        parts,
        sources,
        strict=True,
    ):
        of_source = _trace_of_square(part)
        in_sources = in_sources + of_source / source.df
    center = effects.mean(axis=-1, keepdims=True)
    deviations = effects - center
    squares = np.sum(deviations**2, axis=-1)
    degrees = [source.df for source in sources]
    with np.errstate(divide="ignore", invalid="ignore"):
        f = squares / trace
        df_above = trace**2 / _trace_of_square(total)
        df_below = trace**2 / in_sources
    smallest = np.min(degrees, axis=0)
    fewest = df_above * smallest
    caution = _caution(degrees)
    return Heterogeneity(
        f=f,
        df_above=df_above,
        df_below=df_below + caution * (fewest - df_below),
    )


def welch_df(parts: Sequence[Array], degrees: Sequence[Array]) -> Array:
    """Return the degrees of freedom of a sum of independent estimated variances.

    They are Satterthwaite's, but for two sources of few degrees of freedom, where by simulation these are too
    many: with 3 seeds against 10, 7% false alarms instead of 5%, with 2 against 10, 12%. There they are moved
    towards those of the smaller source (``_caution``): at most 6%.

    Args:
        parts: The variances, each of shape (...,).
        degrees: Their degrees of freedom, likewise.
    """
    total = np.sum(parts, axis=0)
    below = np.zeros(total.shape)
    for part, df in zip(
        parts,
        degrees,
        strict=True,
    ):
        below = below + part**2 / df
    fewest = np.min(degrees, axis=0)
    # Without any spread there are no degrees of freedom to weigh by.
    usable = np.where(
        below > 0,
        below,
        1.0,
    )
    weighed = total**2 / usable
    satterthwaite = np.where(
        below > 0,
        weighed,
        fewest,
    )
    caution = _caution(degrees)
    cautious: Array = satterthwaite + caution * (fewest - satterthwaite)
    return cautious


def _caution(degrees: Sequence[Array]) -> Array:
    """Return how far Satterthwaite's degrees of freedom are moved to those of the smaller of two sources.

    Below 5 seeds in the smaller source it is half of the way, below 3 seeds more, up to all of it. Two
    sources of equal size of 3 seeds or more need no caution.
    """
    smallest = np.min(degrees, axis=0)
    fewest = np.asarray(smallest, dtype=np.float64)
    if len(degrees) != 2:
        return np.zeros(fewest.shape)
    lacking = (VERY_FEW - fewest) / 2
    caution = np.clip(
        HALF_WAY + lacking,
        HALF_WAY,
        1.0,
    )
    caution = np.where(
        fewest < FEW,
        caution,
        0.0,
    )
    of_equal = np.where(
        fewest < VERY_FEW,
        HALF_WAY,
        0.0,
    )
    are_equal = np.isclose(degrees[0], degrees[1])
    return np.where(are_equal, of_equal, caution)


@dataclass(frozen=True)
class _Design:
    """What follows from which cells are present.

    Attributes:
        present: Which cells have a number, as 0 and 1, of shape (seeds, tasks).
        counts: Seeds of each task, of shape (tasks,).
        projections: By task, how the residual of each seed depends on the number of each, of shape (tasks,
            seeds, seeds).
    """

    present: Array
    counts: Array
    projections: Array

    @classmethod
    def of(cls, present: Array) -> _Design:
        cells = present.astype(np.float64)
        counts = cells.sum(axis=0)
        both = np.einsum("it,jt->tij", cells, cells)
        identity = np.eye(len(cells))
        shares = 1 / counts[:, None, None]
        projections = both * (identity - shares)
        return cls(cells, counts, projections)

    def share_and_df(self, spreads: Array) -> tuple[Array, Array]:
        """Return which share of the true variance is estimated at least, and the degrees of freedom.

        Args:
            spreads: Standard deviation of each task, of shape (..., tasks).
        """
        seeds = len(self.present)
        if self.present.all():
            everywhere = np.ones(spreads.shape[:-1])
            return everywhere, everywhere * (seeds - 1.0)
        tasks = spreads.shape[-1]
        divisors = _divisors(self.counts)
        factors = spreads / (tasks * divisors)
        independent = self._combined(factors**2)
        root = self._combined(factors)
        transposed = np.swapaxes(
            root,
            -1,
            -2,
        )
        correlated = root @ transposed
        of_means = spreads / (tasks * self.counts)
        loads = of_means @ self.present.T
        true_variance = np.sum(loads**2, axis=-1)
        trace = np.trace(
            correlated,
            axis1=-2,
            axis2=-1,
        )
        usable = np.where(
            true_variance > 0,
            true_variance,
            1.0,
        )
        estimated = trace / usable
        share = np.where(
            true_variance > 0,
            estimated,
            1.0,
        )
        df_independent = _satterthwaite(independent)
        df_correlated = _satterthwaite(correlated)
        df = np.minimum(df_independent, df_correlated)
        fewest = self.counts.min() - 1
        if fewest < VERY_FEW:
            # The spread of a task of 2 seeds is badly known, and so is its share of the variance.
            df = (df + fewest) / 2
        return np.minimum(share, 1.0), df

    def _combined(self, weights: Array) -> Array:
        """Return the sum over tasks of weights, of shape (..., tasks), times projections."""
        combined: Array = np.einsum(
            "...t,tij->...ij",
            weights,
            self.projections,
        )
        return combined


def _satterthwaite(form: Array) -> Array:
    """Return tr(M)² / tr(M²) of symmetric matrices of shape (..., n, n)."""
    trace = np.trace(
        form,
        axis1=-2,
        axis2=-1,
    )
    squares = np.sum(form**2, axis=(-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        df: Array = trace**2 / squares
    return df


def _trace_of_square(matrix: Array) -> Array:
    transposed = np.swapaxes(
        matrix,
        -1,
        -2,
    )
    products = matrix * transposed
    traces: Array = products.sum(axis=(-2, -1))
    return traces


def _divisors(counts: Array) -> Array:
    left = 1 - 1 / counts
    divisors: Array = counts * np.sqrt(left)
    return divisors


def _present(numbers: Array) -> Array:
    """Return which cells have a number, of shape (seeds, tasks).

    Raises:
        ValueError: Studies lack different cells.
    """
    finite = np.isfinite(numbers)
    present = finite.reshape(-1, *finite.shape[-2:])
    if not (present == present[0]).all():
        raise ValueError("expected the same cells missing in all studies")
    first: Array = present[0]
    return first
