"""One unit for tasks of different units: what a number is relative to.

Raw numbers of tasks with different units have no mean that says anything. Each scale maps number y of task t
to one unit, in which larger is better (s = -1 where lower is better, else 1): for effects, of which means
over tasks and their tests are made, and for scores, of which aggregates are made:

    scale       effect of a against b                   score of a run                  target γ
    relative    s (log ȳ_a - log ȳ_b)                   1 + s (y / ȳ_b - 1)             1
    spread      s (ȳ_a - ȳ_b) / s_b                     s (y - ȳ_b) / s_b               0
    reference   (ȳ_a - ȳ_b) / (high - low)              (y - low) / (high - low)        1
    raw         s (ȳ_a - ȳ_b)                           s y                             none

with ȳ_b and s_b mean and standard deviation of the old group on the task. The mean over tasks of logarithms
is the geometric mean of ratios, the only mean of ratios that does not depend on which group is divided by
which; an arithmetic mean of ȳ_a / ȳ_b is above 1 where nothing differs, by the noise of ȳ_b, on all tasks
alike, and with 20 tasks that is found "significant". The mean of a logarithm moves, to first order, as
(y - ȳ) / ȳ does, so effects have the variance of log ȳ + (y - ȳ) / ȳ.

s_b of few seeds is itself noisy: 1/s_b² is on average ν / (ν - 2) times 1/σ², by which variances are
multiplied (``inflation``). Below ``LEAST_FOR_SPREAD`` seeds even that does not hold the level.

References: Fleming & Wallace (1986), How not to lie with statistics: the correct way to summarize benchmark
results, Communications of the ACM 29; Mnih et al. (2015), Human-level control through deep reinforcement
learning (scores between a random and a human player).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ired_diag.stats.arrays import Array

ScaleName = Literal["relative", "spread", "reference", "raw"]
SCALES: tuple[ScaleName, ...] = ("relative", "spread", "reference", "raw")
LEAST_FOR_SPREAD = 8  # seeds of the old group on each task
SKEWED_FROM = 0.4  # standard deviation over mean: above it logarithms of means are skewed


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How numbers of tasks are brought to one unit.

    Attributes:
        name: Which of ``SCALES``.
        sign: 1 for each task of which a higher number is better, else -1, of shape (tasks,).
        centre: Mean of the old group, or the low reference, of shape (tasks,).
        unit: What one unit of the scale is in the unit of each task, of shape (tasks,).
        inflation: Factor of variances for a unit that is estimated.
    """

    name: ScaleName
    sign: Array
    centre: Array
    unit: Array
    inflation: float = 1.0

    @property
    def target(self) -> float:
        """The score γ of the optimality gap; NaN where none is known."""
        targets = {"relative": 1.0, "spread": 0.0, "reference": 1.0}
        return targets.get(self.name, math.nan)

    def scores(self, numbers: Array) -> Array:
        """Return the scores of numbers of shape (seeds, tasks)."""
        signed = self.sign * (numbers - self.centre)
        scores: Array = signed / self.unit
        if self.name == "relative":
            scores = scores + 1
        return scores

    def for_effects(self, numbers: Array) -> Array:
        """Return numbers of shape (seeds, tasks) whose differences of means over seeds are the effects."""
        if self.name != "relative":
            return self.scores(numbers)
        means = np.nanmean(numbers, axis=0)
        relative = (numbers - means) / means
        logarithms: Array = self.sign * (np.log(means) + relative)
        return logarithms


def relative_scale(old: Array, sign: Array) -> Scale:
    """Return the scale of ratios to the old group's means, which are above 0.

    Args:
        old: Numbers of the old group, of shape (seeds, tasks), NaN where a seed has none.
        sign: Direction of each task, of shape (tasks,).
    """
    means = np.nanmean(old, axis=0)
    return Scale(name="relative", sign=sign, centre=means, unit=means)


def spread_scale(old: Array, sign: Array) -> Scale:
    """Return the scale of standard deviations of the old group; it needs ``LEAST_FOR_SPREAD`` seeds."""
    means = np.nanmean(old, axis=0)
    deviations = np.nanstd(old, axis=0, ddof=1)
    df = float(np.isfinite(old).sum(axis=0).min()) - 1
    return Scale(
        name="spread",
        sign=sign,
        centre=means,
        unit=deviations,
        inflation=df / (df - 2),
    )


def reference_scale(low: Array, high: Array) -> Scale:
    """Return the scale on which a low reference (a random player) is 0 and a high one (a human) is 1."""
    return Scale(
        name="reference",
        sign=np.ones(len(low)),
        centre=low,
        unit=high - low,
    )


def raw_scale(sign: Array) -> Scale:
    """Return the scale of numbers as they are."""
    tasks = len(sign)
    return Scale(
        name="raw",
        sign=sign,
        centre=np.zeros(tasks),
        unit=np.ones(tasks),
    )


def skewed_tasks(numbers: Array) -> int:
    """Return on how many tasks seeds spread by more than ``SKEWED_FROM`` of their mean; 0 of single seeds."""
    if np.isfinite(numbers).sum(axis=0).min() < 2:
        return 0
    means = np.nanmean(numbers, axis=0)
    deviations = np.nanstd(numbers, axis=0, ddof=1)
    return int((deviations > SKEWED_FROM * means).sum())
