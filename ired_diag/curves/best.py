"""The best evaluation of a learning curve, and whether it is only the luckiest of many.

On a plateau every evaluation is the level plus noise, and the best of k of them is lower than the level by
luck alone. By Blom's approximation the least of k normal values is expected at

    level + s · Φ⁻¹((1 - 0.375) / (k + 0.25)),

and a least value d standard deviations below the level has the probability p = 1 - (1 - Φ(-d))ᵏ. The best
is called lucky where it is one of ten or more evaluations around one level and p is above 1%: to keep its
checkpoint is then no better than to keep a neighbour's, and its value flatters the run. It is never called
lucky where the curve does not rest, or where it is the last of four evaluations that fall.

Reference: Blom (1958), Statistical Estimates and Transformed Beta-Variables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import ArrayLike

from ired_diag.curves.lasting_rise import valley_of
from ired_diag.curves.nats import Curve, curve_of
from ired_diag.curves.remembered import remembered
from ired_diag.curves.shape import RESTING, shape_of
from ired_diag.stats.arrays import Array

FEWEST = 10  # evaluations on a level: the sd of fewer is not known to 25%
CHANCE = 0.01
FALLING = 4


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best evaluation, next to the level that it is one draw from.

    Attributes:
        index: Index of the best evaluation; the first of equals.
        step: Step of the best evaluation.
        value: Best value as logged, in the curve's unit.
        level: The median of the evaluations around it, from the arrival on the floor to the start of a
            lasting rise; the value itself where they are fewer than ten.
        evaluations: Number of evaluations around it.
        expected: What the best of so many is expected to be by luck alone; NaN where they are too few.
        chance: The probability of a value as good among so many by luck alone; NaN where they are too few.
        is_lucky: Whether luck explains it.
    """

    index: int
    step: float
    value: float
    level: float
    evaluations: int
    expected: float
    chance: float
    is_lucky: bool


@remembered
def best_evaluation(
    steps: ArrayLike,
    values: ArrayLike,
    *,
    lower_is_better: bool = True,
) -> Best | None:
    """Return the best evaluation of a curve; None where no value is finite.

    Args:
        steps: Steps of the evaluations, of shape (n,), increasing.
        values: Values of the evaluations, of shape (n,), in any unit; what is not finite is never best.
        lower_is_better: Whether lower values are better.

    >>> best_evaluation([1000, 2000, 3000], [0.3, 0.1, 0.2]).step
    2000.0
    """
    curve = curve_of(steps, values, lower_is_better=lower_is_better)
    finite = np.flatnonzero(np.isfinite(curve.y))
    if not len(finite):
        return None
    has_gaps = len(finite) < len(curve)
    if has_gaps and finite[-1] == len(curve) - 1:
        # Judged without its gaps, as its shape is.
        best = best_evaluation(
            curve.steps[finite],
            curve.values[finite],
            lower_is_better=lower_is_better,
        )
        if best is None:
            return None
        return replace(best, index=int(finite[best.index]))
    sign = -1.0 if lower_is_better else 1.0
    # By the values: neighbouring floats can have one logarithm.
    cost = np.where(np.isfinite(curve.y), -sign * curve.values, np.inf)
    index = int(np.argmin(cost))
    value = float(curve.values[index])
    valley = valley_of(curve)
    end = valley.left if valley.rises else len(curve)
    around = curve.values[valley.arrival : end]
    around = around[np.isfinite(around)]
    n = len(around)
    alone = Best(
        index=index,
        step=float(curve.steps[index]),
        value=value,
        level=value,
        evaluations=n,
        expected=np.nan,
        chance=np.nan,
        is_lucky=False,
    )
    is_on_level = valley.arrival <= index < end
    if n < FEWEST or not is_on_level:
        return alone
    level, spread = _level(around)
    above_level = float(scipy.special.ndtri(0.625 / (n + 0.25)))
    chance = _chance(sign * (value - level), spread, n)
    may_be_lucky = _rests(curve) and not _continues_a_fall(cost, index)
    return replace(
        alone,
        level=level,
        expected=level - sign * spread * above_level,
        chance=chance,
        is_lucky=chance > CHANCE and may_be_lucky,
    )


def _rests(curve: Curve) -> bool:
    """Say whether a curve rests; the low points of cycles are no luck."""
    shape = shape_of(
        curve.steps,
        curve.values,
        lower_is_better=not curve.higher_is_better,
    )
    return shape.word in RESTING and not shape.restarts


def _continues_a_fall(cost: Array, index: int) -> bool:
    """Say whether the best is the last evaluation, and the last four fall one after the other."""
    if index != len(cost) - 1:
        return False
    changes = np.diff(cost[-FALLING:])
    return bool((changes < 0).all())


def _level(values: Array) -> tuple[float, float]:
    """Return median and, from the quartiles, standard deviation: spikes do not count."""
    low, level, high = np.quantile(values, [0.25, 0.5, 0.75])
    quartile_range = high - low
    return float(level), float(quartile_range / (2 * scipy.special.ndtri(0.75)))


def _chance(better: float, spread: float, evaluations: int) -> float:
    """Return how probable one of several normal values is that is so much better than their level."""
    if spread == 0:
        return float(better == 0)
    p = scipy.special.ndtr(-better / spread)
    log_none = evaluations * np.log1p(-p)
    return float(-np.expm1(log_none))
