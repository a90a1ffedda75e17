"""Aggregates of scores over seeds and tasks, with bootstrap intervals.

Of scores x_it of n seeds and T tasks in one unit, larger is better (Agarwal et al. 2021):

    mean            mean over tasks of the means over seeds
    median          median over tasks of the means over seeds
    IQM             mean of the middle half of all nT scores: the ⌊nT/4⌋ smallest and largest are left out
    optimality gap  γ - mean of min(x_it, γ): how far scores lie below a target γ, none counted above it

The published interval is the percentile one of a stratified bootstrap: within each task seeds are drawn
again, and tasks stay. Resamples have only (n - 1)/n of the variance that they should have, and few seeds know
their spread badly: with 3 seeds such an interval of 95% covers 54 to 92% (docs/across.md has the table). Here
the percentiles are stretched about the value,

    θ + c (q - θ),    c = √(n/(n - 1)) · t_ν / z,

with ν = n - 1 degrees of freedom where seeds are shared by the tasks, so that whole seeds are drawn, and
those of T (n - 1) where each task is drawn by itself. ``stretched=False`` gives the published interval.

Where tasks have different numbers of seeds, mean and median weigh tasks alike, while IQM and gap weigh runs
alike.

Reference: Agarwal et al. (2021), Deep Reinforcement Learning at the Edge of the Statistical Precipice,
sections 4.1 and 4.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.defects import ROUNDING
from ired_diag.stats.quantiles import normal_quantile, t_quantile
from ired_diag.stats.summary import CONFIDENCE

DRAWS = 10_000
BLOCK = 2_000_000  # numbers drawn at a time: 16 MB
LEAST_SEEDS = 2


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """A number that sums up scores.

    Attributes:
        value: The number.
        low: Lower end of its bootstrap interval.
        high: Upper end of its interval.
        reason: Why it is NaN.
    """

    value: float
    low: float
    high: float
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """How scores are drawn again.

    Attributes:
        seed: Random seed.
        draws: Number of resamples.
        separate: Whether each task is drawn by itself; else whole seeds are drawn.
        stretched: Whether intervals are stretched; else they are the published ones.
        confidence: Confidence level of the intervals.
    """

    seed: int = 0
    draws: int = DRAWS
    separate: bool = True
    stretched: bool = True
    confidence: float = CONFIDENCE

    def stretch(
        self,
        seeds: int,
        tasks: int,
    ) -> float:
        """Return by how much percentiles of few seeds are moved away from the value."""
        if not self.stretched:
            return 1.0
        strata = tasks if self.separate else 1
        df = strata * (seeds - 1)
        t_by_z = t_quantile(self.confidence, df) / normal_quantile(self.confidence)
        return math.sqrt(seeds / (seeds - 1)) * t_by_z

    def interval(
        self,
        value: float,
        drawn: Array,
        *,
        seeds: int,
        tasks: int,
    ) -> tuple[float, float]:
        """Return the interval of a value from what resamples gave, of shape (draws,)."""
        levels = [(1 - self.confidence) / 2, (1 + self.confidence) / 2]
        quantiles = np.nanquantile(drawn, levels)
        low, high = value + self.stretch(seeds, tasks) * (quantiles - value)
        return float(low), float(high)


Statistic = Callable[[Array], Array]


def mean_score(scores: Array) -> Array:
    """Return the mean over tasks of the means over seeds, of scores of shape (..., seeds, tasks)."""
    mean: Array = _task_means(scores).mean(axis=-1)
    return mean


def median_score(scores: Array) -> Array:
    """Return the median over tasks of the means over seeds, of scores of shape (..., seeds, tasks)."""
    median: Array = np.median(_task_means(scores), axis=-1)
    return median


def interquartile_score(scores: Array) -> Array:
    """Return the mean of the middle half of all scores, of shape (..., seeds, tasks).

    >>> float(interquartile_score(np.array([[1.0, 2.0], [3.0, 1000.0]])))
    2.5
    """
    rows = scores.reshape(*scores.shape[:-2], -1)
    ordered = np.sort(rows, axis=-1)  # NaN last
    count = np.isfinite(rows).sum(axis=-1)
    cut = count // 4
    places = np.arange(rows.shape[-1])
    first = cut[..., None]
    last = (count - cut)[..., None]
    is_middle = (places >= first) & (places < last)
    kept = np.where(is_middle, ordered, 0.0)
    total = kept.sum(axis=-1)
    middle: Array = total / (count - 2 * cut)
    return middle


def optimality_gap(target: float) -> Statistic:
    """Return the function that gives how far scores lie below a target on average."""

    def gap(scores: Array) -> Array:
        present = np.isfinite(scores)
        shortfall = np.where(
            present,
            target - np.minimum(scores, target),
            0.0,
        )
        runs = present.sum(axis=(-2, -1))
        mean: Array = shortfall.sum(axis=(-2, -1)) / runs
        return mean

    return gap


def aggregates(
    scores: ArrayLike,
    *,
    target: float,
    resampling: Resampling,
) -> dict[str, Aggregate]:
    """Return IQM, mean, median and optimality gap, each with its interval.

    Args:
        scores: Of shape (seeds, tasks), larger is better; NaN where a seed has none.
        target: Score γ of the optimality gap; NaN: there is none, and no gap.
        resampling: How scores are drawn again.
    """
    x = as_floats(scores)
    statistics: dict[str, Statistic] = {
        "iqm": interquartile_score,
        "mean": mean_score,
        "median": median_score,
    }
    if not math.isnan(target):
        statistics["optimality_gap"] = optimality_gap(target)
    results = _with_intervals(x, statistics, resampling)
    if math.isnan(target):
        results["optimality_gap"] = _without_interval(math.nan, "no target is known")
        return results
    gap = results["optimality_gap"]
    results["optimality_gap"] = replace(gap, low=max(gap.low, 0.0))
    return results


def _with_intervals(
    scores: Array,
    statistics: Mapping[str, Statistic],
    resampling: Resampling,
) -> dict[str, Aggregate]:
    values = {name: float(statistic(scores)) for name, statistic in statistics.items()}
    reason = defect_of_scores(scores)
    if reason:
        return {name: _without_interval(value, reason) for name, value in values.items()}
    drawn = _drawn_statistics(scores, statistics, resampling)
    results = {}
    for name, value in values.items():
        low, high = resampling.interval(
            value,
            drawn[name],
            seeds=fewest_seeds(scores),
            tasks=scores.shape[1],
        )
        results[name] = Aggregate(
            value=value,
            low=low,
            high=high,
        )
    return results


def defect_of_scores(scores: Array) -> str:
    """Return why scores have no interval; empty where they have one."""
    seeds = fewest_seeds(scores)
    if seeds < LEAST_SEEDS:
        return f"a task has {seeds} seed{'s' if seeds != 1 else ''}: at least {LEAST_SEEDS} are needed"
    spread = np.nanmax(scores, axis=0) - np.nanmin(scores, axis=0)
    if spread.max() <= ROUNDING * np.nanmax(np.abs(scores)):
        return "no spread to draw from"
    return ""


def fewest_seeds(scores: Array) -> int:
    """Return how many scores the task with the fewest has."""
    return int(np.isfinite(scores).sum(axis=0).min())


def resamples(
    scores: Array,
    resampling: Resampling,
    rng: np.random.Generator,
    count: int,
) -> Array:
    """Return scores drawn again, of shape (count, seeds, tasks).

    Where seeds are drawn whole and lack some tasks, a draw may have no score of a task.
    """
    seeds, tasks = scores.shape
    if not resampling.separate:
        rows = rng.integers(seeds, size=(count, seeds))
        whole: Array = scores[rows]
        return whole
    present = np.isfinite(scores)
    counts = present.sum(axis=0)
    # Scores of each task first, so that a draw among the first ``counts`` never meets a gap.
    order = np.argsort(
        ~present,
        axis=0,
        kind="stable",
    )
    packed = np.take_along_axis(
        scores,
        order,
        axis=0,
    )
    uniform = rng.random((count, seeds, tasks))
    places = (uniform * counts).astype(np.int64)
    drawn: Array = packed[places, np.arange(tasks)]
    is_beyond = np.arange(seeds)[:, None] >= counts
    return np.where(is_beyond, math.nan, drawn)


def blocks(size: int, draws: int) -> list[int]:
    """Return how many resamples of so many numbers to draw at a time."""
    most = max(1, BLOCK // size)
    full, rest = divmod(draws, most)
    return [most] * full + [rest] * bool(rest)


def _drawn_statistics(
    scores: Array,
    statistics: Mapping[str, Statistic],
    resampling: Resampling,
) -> dict[str, Array]:
    rng = np.random.default_rng(resampling.seed)
    parts: dict[str, list[Array]] = {name: [] for name in statistics}
    for count in blocks(scores.size, resampling.draws):
        drawn = resamples(scores, resampling, rng, count)
        # A task of which no score is left makes the draw NaN, and it is not counted.
        with np.errstate(invalid="ignore"):
            for name, statistic in statistics.items():
                parts[name].append(statistic(drawn))
    return {name: np.concatenate(part) for name, part in parts.items()}


def _task_means(scores: Array) -> Array:
    present = np.isfinite(scores)
    counts = present.sum(axis=-2)
    total = np.sum(
        np.where(
            present,
            scores,
            0.0,
        ),
        axis=-2,
    )
    usable = np.maximum(counts, 1)
    means: Array = np.where(
        counts > 0,
        total / usable,
        math.nan,
    )
    return means


def _without_interval(value: float, reason: str) -> Aggregate:
    return Aggregate(
        value=value,
        low=math.nan,
        high=math.nan,
        reason=reason,
    )
