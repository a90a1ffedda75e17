"""The IRED study's criteria of success, of a as a remedy for b.

They are asked of runs of that study alone, which their configurations show: a mining strategy of the study,
and the rank and kind of its matrices. Of other runs nobody has asked whether a residual is lower.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ired_diag.comparison.outcomes import divergences
from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.comparison.per_sample import PerSample, interval_of
from ired_diag.comparison.seeds import Members
from ired_diag.stats.success import Criterion, success_criteria

STRATEGIES = ("none", "random", "adversarial", "ascent", "mixed")
STATED = ("rank", "ood")


def strategy_of(members: Members) -> str | None:
    """Return the mining strategy of a group of the study; None of any other."""
    of_study = members.strategy in STRATEGIES and all(key in members.knobs for key in STATED)
    return members.strategy if of_study else None


def criteria_of(
    a: Members, b: Members, pair: PairOfGroups, samples: Sequence[PerSample], *, lower_is_better: bool
) -> tuple[Criterion, ...]:
    """Return whether a is a success next to b; nothing where they are not both of the study.

    Args:
        a: The remedy.
        b: The baseline.
        pair: Their comparison.
        samples: Their comparison on the same matrices, for the residual.
        lower_is_better: The direction.
    """
    if strategy_of(a) is None or strategy_of(b) is None:
        return ()
    diverged, attempted = divergences(a)
    found = success_criteria(
        change=_change(pair, lower_is_better=lower_is_better),
        residual=interval_of(samples, "residual"),
        diverged=diverged,
        runs=attempted,
        cost=_cost(a, b),
    )
    better, *others = found
    if any(pair.failed):
        better = replace(better, reason="seeds failed: an interval among those that finished does not decide")
    return better, *others


def after_correction(criteria: Sequence[Criterion], decision: str) -> Sequence[Criterion]:
    """Return the criteria; none says better where the corrected verdict does not."""
    if not criteria or criteria[0].met != "yes" or decision == "better":
        return criteria
    better, *others = criteria
    reason = f"{better.reason}, but after correction for several pairs it is not shown to be better"
    return replace(better, met="unknown", reason=reason), *others


def _change(pair: PairOfGroups, *, lower_is_better: bool) -> tuple[float, float]:
    """Return the interval of the relative change, negative where a is better."""
    if any(pair.failed):
        return math.nan, math.nan
    sign = 1.0 if lower_is_better else -1.0
    low, high = sorted(sign * end / pair.reference for end in (pair.test.low, pair.test.high))
    return low, high


def _cost(a: Members, b: Members) -> float:
    """Return a's median training time over b's; NaN where it is unknown, or the machines differ."""
    times = [np.array([seed.seconds for seed in members.seeds]) for members in (a, b)]
    machines = {seed.machine for members in (a, b) for seed in members.seeds}
    if len(machines) > 1 or not all(np.isfinite(some).any() for some in times):
        return math.nan
    return float(np.nanmedian(times[0]) / np.nanmedian(times[1]))
