"""A study's criteria of success, of group a as a remedy for group b.

They apply to runs of the study of mining strategies alone, which their configurations show: a strategy of
the study, and the keys that name the data of its task. Of other runs nobody has asked whether a residual is
lower.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ired_diag import tasks
from ired_diag.comparison.cost import cost_of
from ired_diag.comparison.outcomes import divergences
from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.comparison.per_sample import PerSample, interval_of
from ired_diag.comparison.seeds import Members
from ired_diag.stats.success import Criterion, success_criteria

RESIDUAL = "residual"  # of the study's second criterion
STRATEGIES = ("none", "random", "adversarial", "ascent", "mixed")
AMONG_FINISHED = "seeds failed: an interval among those that finished does not decide"


def strategy_of(members: Members) -> str | None:
    """Return the mining strategy of a group of the study; None of any other."""
    names_data = all(key in members.knobs for key in tasks.load(tasks.DEFAULT).paired_by)
    if members.strategy in STRATEGIES and names_data:
        return members.strategy
    return None


def criteria_of(
    a: Members,
    b: Members,
    pair: PairOfGroups,
    samples: Sequence[PerSample],
    *,
    lower_is_better: bool,
) -> tuple[Criterion, ...]:
    """Return whether a is a success next to b; nothing where they are not both of the study.

    Args:
        a: The remedy.
        b: The baseline.
        pair: Their comparison.
        samples: Their comparison on the same problems, for the residual.
        lower_is_better: Whether a lower value of the metric is better.
    """
    if strategy_of(a) is None or strategy_of(b) is None:
        return ()
    diverged, attempted = divergences(a)
    better, *others = success_criteria(
        change=_change(pair, lower_is_better=lower_is_better),
        residual=interval_of(samples, RESIDUAL),
        diverged=diverged,
        runs=attempted,
        cost=cost_of(a, b),
    )
    if any(pair.failed):
        better = replace(better, reason=AMONG_FINISHED)
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
    first = sign * pair.test.low / pair.reference
    second = sign * pair.test.high / pair.reference
    low, high = sorted((first, second))
    return low, high
