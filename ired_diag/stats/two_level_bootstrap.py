"""Two-level bootstrap: do two runs differ in their errors on the same samples, over seeds and samples alike?

Errors e_ij of seed i (of n) on sample j (of N) carry what the seed and what the sample adds; more samples
do not help against few seeds. In each draw both are drawn with replacement, and the mean is weighed by how
often each came up (u_i and v_j),

    mean* = Σ_i Σ_j u_i v_j e_ij / (n N),

with v shared by a and b, and u too where their seeds are pairs. Drawn weights have (n - 1)/n of the right
variance; u and v are stretched about 1 by √(n/(n-1)) to mend it. The interval takes the draws' percentiles
and stretches them about the difference by t_ν / z, because few seeds do not know their spread well.

The normal theory next to it, r_i and c_j the row and column means of a - b and MS the mean square of what
they leave,

    variance = σ_seed²/n + σ_sample²/N + σ_both²/(n N),
    σ_both² = MS,    σ_seed² = var(r) - MS/N,    σ_sample² = var(c) - MS/n,    none below 0,

(unpaired: the seed and residual parts of a and b add), has ν after Satterthwaite. No bootstrap of two
crossed levels is exact (McCullagh 2000): this one counts the last part three times. So its standard deviation
is at most √3 too large, and that only where neither seeds nor samples differ as such.

References: Owen (2007), The Pigeonhole Bootstrap; McCullagh (2000), Resampling and Exchangeable Arrays;
Searle, Casella & McCulloch (1992), Variance Components.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.summary import CONFIDENCE

DRAWS = 2000
CHUNK = 100  # draws at a time: 16 MB of weights at 20,000 samples


@dataclass(frozen=True, kw_only=True)
class TwoLevel:
    """The difference a - b of mean errors, uncertain by seeds and by samples.

    Attributes:
        difference: Mean of a minus mean of b.
        low: Lower end of its bootstrap interval.
        high: Upper end of the interval.
        bootstrap_error: Standard deviation of the draws.
        standard_error: Standard error by the normal theory.
        from_seeds: Variance of the difference that more seeds would lessen, σ_seed²/n.
        from_samples: Variance of the difference that more samples would lessen, σ_sample²/N.
        from_both: Variance of the difference that either would lessen, σ_both²/(n N).
        df: Satterthwaite's degrees of freedom of the standard error.
        seeds: Number of seeds of a and of b.
        samples: Number of samples.
        reason: Why something is NaN.
    """

    difference: float
    low: float
    high: float
    bootstrap_error: float
    standard_error: float
    from_seeds: float
    from_samples: float
    from_both: float
    df: float
    seeds: tuple[int, int]
    samples: int
    reason: str = ""


def two_level_bootstrap(
    a: ArrayLike,
    b: ArrayLike,
    *,
    paired: bool,
    seed: int,
    draws: int = DRAWS,
    confidence: float = CONFIDENCE,
) -> TwoLevel:
    """Return the difference of mean errors with its interval over seeds and samples.

    Args:
        a: Errors, of shape (seeds_a, samples).
        b: Values of the second group, of shape (seeds_b, samples), of the same samples in the same order.
        paired: Whether the i-th seed of a and of b belong together.
        seed: Random seed of the draws.
        draws: How often both levels are drawn.
        confidence: Confidence level of the interval.
    """
    x = as_floats(a)
    y = as_floats(b)
    if x.ndim != 2 or y.ndim != 2:
        raise ValueError(f"errors must be of shape (seeds, samples), found {x.shape} and {y.shape}")
    if reason := _defect(x, y, paired):
        return _undefined(x, y, reason)
    # One canonical order, so that swapping a and b mirrors the draws.
    swapped = _rank(y) < _rank(x)
    if swapped:
        x, y = y, x
    result = _bootstrap(x, y, paired=paired, seed=seed, draws=draws, confidence=confidence)
    return _mirrored(result) if swapped else result


def _undefined(x: Array, y: Array, reason: str) -> TwoLevel:
    return TwoLevel(
        difference=math.nan,
        low=math.nan,
        high=math.nan,
        bootstrap_error=math.nan,
        standard_error=math.nan,
        from_seeds=math.nan,
        from_samples=math.nan,
        from_both=math.nan,
        df=math.nan,
        seeds=(len(x), len(y)),
        samples=x.shape[1],
        reason=reason,
    )


def _bootstrap(x: Array, y: Array, *, paired: bool, seed: int, draws: int, confidence: float) -> TwoLevel:
    groups = [x - y] if paired else [x, -y]
    theory = _normal_theory(groups)
    difference = float(sum(group.mean() for group in groups))
    largest = float(np.abs([x.mean(), y.mean()]).max())
    rounding = 16 * np.finfo(np.float64).eps * largest
    if theory.total <= rounding**2:
        return replace(
            _undefined(x, y, "the difference is the same for every seed and sample"),
            difference=difference,
            bootstrap_error=0.0,
            standard_error=0.0,
            from_seeds=0.0,
            from_samples=0.0,
            from_both=0.0,
        )
    drawn = _draws(groups, np.random.default_rng(seed), draws)
    tail = (1 - confidence) / 2
    stretch = float(-special.stdtrit(theory.df, tail) / -special.ndtri(tail))
    quantiles = np.quantile(drawn - difference, [tail, 1 - tail])
    low, high = (difference + stretch * quantiles).tolist()
    return TwoLevel(
        difference=difference,
        low=low,
        high=high,
        bootstrap_error=float(drawn.std(ddof=1)),
        standard_error=math.sqrt(theory.total),
        from_seeds=theory.seeds,
        from_samples=theory.samples,
        from_both=theory.both,
        df=theory.df,
        seeds=(len(x), len(y)),
        samples=x.shape[1],
    )


def _draws(groups: list[Array], rng: np.random.Generator, draws: int) -> Array:
    """Return the mean difference of each draw, of shape (draws,)."""
    samples = groups[0].shape[1]
    seeds = [_weights(len(group), rng, draws) for group in groups]
    means = np.zeros(draws)
    for start in range(0, draws, CHUNK):
        part = slice(start, min(start + CHUNK, draws))
        by_sample = _weights(samples, rng, part.stop - start)
        for group, by_seed in zip(groups, seeds, strict=True):
            rows = by_sample @ group.T / samples
            means[part] += (by_seed[part] * rows).sum(axis=1) / len(group)
    return means


def _weights(n: int, rng: np.random.Generator, draws: int) -> Array:
    """Return how often each of n came up in n, stretched about 1, of shape (draws, n)."""
    counts = np.empty((draws, n))
    for row in counts:
        # Counting indices is faster than a multinomial draw where n is many thousands.
        indices = rng.integers(0, n, n, dtype=np.int32)
        row[:] = np.bincount(indices, minlength=n)
    return 1 + math.sqrt(n / (n - 1)) * (counts - 1)


@dataclass(frozen=True)
class _Theory:
    """Parts of the variance of the mean difference."""

    seeds: float
    samples: float
    both: float
    df: float

    @property
    def total(self) -> float:
        return self.seeds + self.samples + self.both


def _normal_theory(groups: list[Array]) -> _Theory:
    """Return what seeds, samples and both together add to the variance of a sum of group means.

    All groups are evaluated on the same samples.
    """
    samples = groups[0].shape[1]
    columns = np.zeros(samples)
    seeds = both = squares = 0.0
    for group in groups:
        columns = columns + group.mean(axis=0)
        rows = float(group.mean(axis=1).var(ddof=1)) / len(group)
        rest = _residual(group) / group.size
        seeds += max(0.0, rows - rest)
        both += rest
        squares += rows**2 / (len(group) - 1)
    by_sample = float(columns.var(ddof=1)) / samples
    samples_alone = max(0.0, by_sample - both)
    total = seeds + samples_alone + both
    squares += by_sample**2 / (samples - 1)
    df = math.nan
    if squares > 0:
        # The parts are estimates, some cut off at 0: never fewer than the smaller group has by itself.
        least = float(min(len(group) - 1 for group in groups))
        df = max(total**2 / squares, least)
    return _Theory(seeds=seeds, samples=samples_alone, both=both, df=df)


def _residual(group: Array) -> float:
    """Return the mean square of what row and column means leave of a group."""
    seeds, samples = group.shape
    by_seed = group.mean(axis=1, keepdims=True)
    by_sample = group.mean(axis=0)
    rest = group - by_seed - by_sample + group.mean()
    return float(np.sum(rest**2) / ((seeds - 1) * (samples - 1)))


def _defect(x: Array, y: Array, paired: bool) -> str:
    if x.shape[1] != y.shape[1]:
        return f"a and b must share their samples, found {x.shape[1]} and {y.shape[1]}"
    if paired and len(x) != len(y):
        return f"pairs need as many seeds of a as of b, found {len(x)} and {len(y)}"
    if min(len(x), len(y), x.shape[1]) < 2:
        return f"{len(x)} and {len(y)} seeds, {x.shape[1]} samples: at least 2 of each are needed"
    size = x.size + y.size
    lost = size - int(np.isfinite(x).sum() + np.isfinite(y).sum())
    return f"{lost} of {size} errors are not finite" if lost else ""


def _rank(group: Array) -> tuple[int, float, bytes]:
    """Return what sorts two groups, whichever came first."""
    return len(group), float(group.mean()), group.tobytes()


def _mirrored(result: TwoLevel) -> TwoLevel:
    return replace(
        result,
        difference=-result.difference,
        low=-result.high,
        high=-result.low,
        seeds=result.seeds[::-1],
    )
