"""Two groups over several tasks: which numbers stand against each other, and what is said of them.

``task_effects`` says what is estimated and how. Here it is decided, by the design alone, which numbers enter:

    paired       equal rows of a and b are pairs; else every row is a seed of its own
    separate     the runs of one seed on different tasks are independent; else they may share anything

Where they may share anything, seeds are the unit, and the test of the mean effect is, on a complete table,
the test of per-seed means that ``pairing_design`` chooses: the paired t test, Welch's, or one for partly
shared seeds. Where cells are missing, pairs are numbers of both groups for one seed and task; what has no
partner is left out and counted, as long as each task keeps half of its numbers, else nothing is paired.
Each task by itself is compared as two groups always are. Intervals of tasks hold together (Bonferroni), and a
task counts as better or worse after Holm's correction for the number of tasks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.defects import ROUNDING
from ired_diag.stats.multiplicity import holm
from ired_diag.stats.simultaneous import simultaneous_interval
from ired_diag.stats.summary import CONFIDENCE
from ired_diag.stats.t_tests import TTest, undefined_test
from ired_diag.stats.task_effects import (
    LEAST_SEEDS,
    Source,
    heterogeneity,
    independent_tasks,
    mean_effect,
    source_of,
)
from ired_diag.stats.task_estimates import (
    NO_SPREAD,
    Estimate,
    estimate_by_design,
    estimate_of_task,
)

ALPHA = 1 - CONFIDENCE
LEAST_TASKS = 2

Method = Literal["paired", "partial", "partial_unequal", "welch", "pairs with gaps", "separate tasks"]
Decision = Literal["better", "worse", "undecided"]


@dataclass(frozen=True, kw_only=True)
class TaskEffect:
    """The effect on one task.

    Attributes:
        difference: Mean of a minus mean of b.
        test: The test of this task by itself, with its 95% interval.
        low: Lower end of an interval that holds together with those of all other tasks.
        high: Upper end of that interval.
        p_adjusted: Holm's p for all tasks.
        decision: Whether a is better (larger) or worse after Holm's correction.
        n_a: Numbers of a.
        n_b: Numbers of b.
        pairs: How many of them are pairs.
    """

    difference: float
    test: TTest
    low: float
    high: float
    p_adjusted: float
    decision: Decision
    n_a: int
    n_b: int
    pairs: int


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """Whether effects differ between tasks.

    Attributes:
        f: The statistic; about 1 where they do not.
        df_above: Degrees of freedom of its numerator.
        df_below: Degrees of freedom of its denominator.
        p: P value.
        reason: Why it is NaN.
    """

    f: float
    df_above: float
    df_below: float
    p: float
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class OverTasks:
    """A comparison over several tasks.

    Attributes:
        difference: Mean over tasks of the effects, each of equal weight.
        test: Its test, with its 95% interval; ``n`` counts the seeds.
        method: How it is tested.
        tasks: The effect on each task.
        interaction: Whether the effect differs between tasks.
        seeds_a: Seeds of a.
        seeds_b: Seeds of b.
        missing: Cells without a number, of seeds that have others.
        unused: Numbers that have no partner and are left out of the mean effect.
    """

    difference: float
    test: TTest
    method: Method
    tasks: Sequence[TaskEffect]
    interaction: Interaction
    seeds_a: int
    seeds_b: int
    missing: int
    unused: int


def over_tasks(
    a: ArrayLike,
    b: ArrayLike,
    *,
    paired: bool,
    separate: bool,
    inflation: float = 1.0,
) -> OverTasks:
    """Return the comparison of two groups over several tasks in one unit.

    Args:
        a: Numbers of the one group, larger is better, of shape (seeds, tasks); NaN where a seed has none.
        b: Numbers of the other, likewise; where ``paired``, equal rows are the same seed.
        paired: Whether equal rows are pairs.
        separate: Whether the runs of one seed on different tasks are independent.
        inflation: Factor of all variances: for a unit that is itself estimated.

    Raises:
        ValueError: The groups have different tasks, or fewer than 2; or pairs have different rows.

    >>> result = over_tasks([[1.0, 2.0], [2.0, 4.0]], [[0.0, 1.0], [0.0, 2.0]], paired=True, separate=False)
    >>> result.difference, result.test.df, result.method
    (1.5, 1.0, 'paired')
    """
    x = as_floats(a)
    y = as_floats(b)
    _check(x, y, paired=paired)
    x = _without_empty_seeds(x) if not paired else x
    y = _without_empty_seeds(y) if not paired else y
    estimates = [
        estimate_of_task(
            x[:, t],
            y[:, t],
            paired=paired,
        )
        for t in range(x.shape[1])
    ]
    tasks = _tasks(x, y, estimates, paired=paired, inflation=inflation)
    seeds_a, seeds_b = _seeds(x), _seeds(y)
    n = _count_seeds(x, y, paired=paired)
    unused = 0
    thin = _thin_tasks(x, y)
    if thin:
        reason = f"{thin} of {x.shape[1]} tasks have fewer than {LEAST_SEEDS} seeds of a group"
        return OverTasks(
            difference=math.nan,
            test=undefined_test(n, reason),
            method="welch",
            tasks=tasks,
            interaction=_no_interaction(reason),
            seeds_a=seeds_a,
            seeds_b=seeds_b,
            missing=_missing(x) + _missing(y),
            unused=0,
        )
    method: Method
    if separate:
        method = "separate tasks"
        effects, sources = _sources_of_tasks(estimates)
        mean = _mean(effects, sources)
    elif paired and _keeps_pairs(x, y):
        method, mean, effects, sources, unused = _of_pairs(x, y)
    else:
        method = "welch"
        effects, sources = _two_sources(x, y)
        mean = _mean(effects, sources)
    return OverTasks(
        difference=mean.value,
        test=mean.test(n=n, inflation=inflation),
        method=method,
        tasks=tasks,
        interaction=_interaction(effects, sources, inflation),
        seeds_a=seeds_a,
        seeds_b=seeds_b,
        missing=_missing(x) + _missing(y),
        unused=unused,
    )


def _of_pairs(x: Array, y: Array) -> tuple[Method, Estimate, Array, list[Source], int]:
    """Return method, mean effect, effects and sources of rows that are pairs, and the unused numbers."""
    differences = x - y
    has_pair = np.isfinite(differences).any(axis=1)
    (pairs,) = _without_rounding([source_of(differences[has_pair])], x, y)
    numbers = int(np.isfinite(x).sum() + np.isfinite(y).sum())
    in_pairs = 2 * int(np.isfinite(differences).sum())
    if _are_complete(x) and _are_complete(y):
        # Every seed has all tasks or none: means of seeds say all, whichever group has the seed.
        estimator, mean = estimate_by_design(x.mean(axis=1), y.mean(axis=1))
        return estimator, mean, pairs.means, [pairs], 0
    mean = _mean(pairs.means, [pairs])
    return "pairs with gaps", mean, pairs.means, [pairs], numbers - in_pairs


def _two_sources(x: Array, y: Array) -> tuple[Array, list[Source]]:
    of_a = source_of(_without_empty_seeds(x))
    of_b = source_of(_without_empty_seeds(y))
    return of_a.means - of_b.means, _without_rounding([of_a, of_b], x, y)


def _sources_of_tasks(estimates: Sequence[Estimate]) -> tuple[Array, list[Source]]:
    effects = np.array([estimate.value for estimate in estimates])
    variances = np.array([estimate.variance for estimate in estimates])
    degrees = np.array([estimate.df for estimate in estimates])
    return effects, independent_tasks(effects, variances, degrees)


def _mean(effects: Array, sources: Sequence[Source]) -> Estimate:
    mean = mean_effect(effects, sources)
    return Estimate(
        value=float(mean.value),
        variance=float(mean.variance),
        df=float(mean.df),
    )


def _without_rounding(sources: Sequence[Source], x: Array, y: Array) -> list[Source]:
    """Return sources whose variances are 0 where numbers vary by their rounding only."""
    scale = max(float(np.nanmax(np.abs(x))), float(np.nanmax(np.abs(y))))
    least = (ROUNDING * scale) ** 2
    kept = []
    for source in sources:
        is_rounding = np.trace(source.covariance) <= least
        if is_rounding:
            source = replace(source, covariance=np.zeros_like(source.covariance))
        kept.append(source)
    return kept


def _tasks(
    x: Array,
    y: Array,
    estimates: Sequence[Estimate],
    *,
    paired: bool,
    inflation: float,
) -> list[TaskEffect]:
    effects = []
    for t, estimate in enumerate(estimates):
        has_a = np.isfinite(x[:, t])
        has_b = np.isfinite(y[:, t])
        pairs = int((has_a & has_b).sum()) if paired else 0
        n_a, n_b = int(has_a.sum()), int(has_b.sum())
        test = estimate.test(n=n_a + n_b - pairs, inflation=inflation)
        if min(n_a, n_b) < LEAST_SEEDS:
            test = replace(test, reason=f"{n_a} and {n_b} seeds: at least {LEAST_SEEDS} of each are needed")
        low, high = simultaneous_interval(test, len(estimates))
        effect = TaskEffect(
            difference=estimate.value,
            test=test,
            low=low,
            high=high,
            p_adjusted=math.nan,
            decision="undecided",
            n_a=n_a,
            n_b=n_b,
            pairs=pairs,
        )
        effects.append(effect)
    adjusted = holm([effect.test.p for effect in effects])
    return [
        _decided(effect, float(p))
        for effect, p in zip(
            effects,
            adjusted,
            strict=True,
        )
    ]


def _decided(effect: TaskEffect, p: float) -> TaskEffect:
    decision: Decision = "undecided"
    if p <= ALPHA:
        decision = "better" if effect.difference > 0 else "worse"
    return replace(effect, p_adjusted=p, decision=decision)


def _interaction(
    effects: Array,
    sources: Sequence[Source],
    inflation: float,
) -> Interaction:
    test = heterogeneity(effects, sources)
    f = float(test.f) / inflation
    df_above, df_below = float(test.df_above), float(test.df_below)
    if not (math.isfinite(f) and math.isfinite(df_above)):
        return _no_interaction(NO_SPREAD)
    p = float(scipy.stats.f.sf(f, df_above, df_below))
    return Interaction(f=f, df_above=df_above, df_below=df_below, p=p)


def _no_interaction(reason: str) -> Interaction:
    nan = math.nan
    return Interaction(
        f=nan,
        df_above=nan,
        df_below=nan,
        p=nan,
        reason=reason,
    )


def _keeps_pairs(x: Array, y: Array) -> bool:
    """Say whether pairs hold enough of the numbers to be compared by themselves."""
    has_a = np.isfinite(x)
    has_b = np.isfinite(y)
    pairs = (has_a & has_b).sum(axis=0)
    if pairs.min() < LEAST_SEEDS:
        return False
    if _are_complete(x) and _are_complete(y):
        return True
    larger = np.maximum(has_a.sum(axis=0), has_b.sum(axis=0))
    return bool((2 * pairs >= larger).all())


def _are_complete(numbers: Array) -> bool:
    """Say whether every row has all tasks or none."""
    present = np.isfinite(numbers)
    return bool((present.all(axis=1) | ~present.any(axis=1)).all())


def _thin_tasks(x: Array, y: Array) -> int:
    fewer = np.minimum(np.isfinite(x).sum(axis=0), np.isfinite(y).sum(axis=0))
    return int((fewer < LEAST_SEEDS).sum())


def _without_empty_seeds(numbers: Array) -> Array:
    kept: Array = numbers[np.isfinite(numbers).any(axis=1)]
    return kept


def _seeds(numbers: Array) -> int:
    return int(np.isfinite(numbers).any(axis=1).sum())


def _count_seeds(
    x: Array,
    y: Array,
    *,
    paired: bool,
) -> int:
    """Return the number of seeds of both groups, those of pairs counted once."""
    if not paired:
        return _seeds(x) + _seeds(y)
    in_any = np.isfinite(x).any(axis=1) | np.isfinite(y).any(axis=1)
    return int(in_any.sum())


def _missing(numbers: Array) -> int:
    kept = _without_empty_seeds(numbers)
    return int((~np.isfinite(kept)).sum())


def _check(
    x: Array,
    y: Array,
    *,
    paired: bool,
) -> None:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"expected shapes (seeds, tasks) of the same tasks, found {x.shape} and {y.shape}")
    if x.shape[1] < LEAST_TASKS:
        raise ValueError(f"expected {LEAST_TASKS} tasks or more, found {x.shape[1]}")
    if paired and len(x) != len(y):
        raise ValueError(f"pairs need the same rows, found {len(x)} and {len(y)}")
