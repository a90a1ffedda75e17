"""Success: does a remedy meet the study's four criteria? Each is yes, no or unknown, with the numbers.

    better metric    the relative change of its mean lies below -5%, lower being better
    lower residual   the difference of the residual lies below 0
    no divergence    no run diverged
    cost             less than twice the baseline's

The first two and the last are asked of 95% intervals: yes where the whole interval lies below the threshold,
no where none of it does, else unknown. A run count answers for the runs that were made: 0 of n says that the
rate is, with 95% confidence, at most 1 - 0.05^(1/n), which is 26% for n = 10 (Clopper & Pearson 1934,
one-sided). One run each has no interval of its cost. What is NaN is unknown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

Met = Literal["yes", "no", "unknown"]
Interval = tuple[float, float]

BETTER = -0.05  # relative change of the metric that counts as success
COST = 2.0


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One criterion and how a remedy meets it.

    Attributes:
        name: As it is printed.
        met: Whether it holds.
        low: What was measured, or the lower end of its interval.
        high: The same number, or the upper end.
        threshold: What it has to stay below; no divergence allows 0 itself.
        reason: Why, in one sentence with the numbers.
    """

    name: str
    met: Met
    low: float
    high: float
    threshold: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a remedy costs, over what the baseline does.

    Attributes:
        ratio: The ratio; NaN where it is unknown.
        low: Lower end of its 95% interval; 0 without one.
        high: Upper end; infinity without one.
        what: What takes so many times as long: "a step".
        n: Numbers of runs of both.
        reason: Why the ratio is unknown; empty where it is known.
    """

    ratio: float
    low: float = 0.0
    high: float = math.inf
    what: str = "training"
    n: tuple[int, int] = (1, 1)
    reason: str = ""


def unknown_cost(reason: str) -> Cost:
    """Return a cost that is unknown, and why."""
    return Cost(ratio=math.nan, reason=reason)


def success_criteria(
    *, change: Interval, residual: Interval, diverged: int, runs: int, cost: Cost
) -> tuple[Criterion, ...]:
    """Return the study's four criteria.

    Args:
        change: 95% interval of the relative change of the mean metric, (remedy - baseline) / baseline.
        residual: 95% interval of the difference of the residual norms, remedy - baseline.
        diverged: How many runs of the remedy diverged.
        runs: How many runs it has; 0 where that is not known.
        cost: Cost of the remedy over that of the baseline.

    >>> cost = Cost(ratio=1.4, low=1.3, high=1.5, n=(10, 10))
    >>> table = success_criteria(change=(-0.2, -0.1), residual=(-1, 1), diverged=0, runs=10, cost=cost)
    >>> [criterion.met for criterion in table]
    ['yes', 'unknown', 'yes', 'yes']
    """
    return (
        _below("more than 5% better", change, BETTER, percent=True),
        _below("lower residual", residual, 0.0),
        _no_divergence(diverged, runs),
        _cheap(cost),
    )


def _below(name: str, interval: Interval, threshold: float, *, percent: bool = False) -> Criterion:
    low, high = interval
    criterion = Criterion(
        name=name,
        met="unknown",
        low=low,
        high=high,
        threshold=threshold,
        reason="there is no 95% interval",
    )
    if math.isnan(low) or math.isnan(high):
        return criterion
    if percent:
        ends = f"{100 * low:.3g}% to {100 * high:.3g}%"
        limit = f"{100 * threshold:g}%"
    else:
        ends = f"{low:.4g} to {high:.4g}"
        limit = f"{threshold:g}"
    lies = f"the 95% interval, {ends},"
    if high < threshold:
        return replace(criterion, met="yes", reason=f"{lies} lies below {limit}")
    if low >= threshold:
        return replace(criterion, met="no", reason=f"{lies} does not reach below {limit}")
    return replace(criterion, reason=f"{lies} holds {limit}")


def _no_divergence(diverged: int, runs: int) -> Criterion:
    name = "no divergence"
    if runs < 1:
        return Criterion(
            name=name,
            met="unknown",
            low=math.nan,
            high=math.nan,
            threshold=0.0,
            reason="there are no runs to count",
        )
    share = diverged / runs
    if diverged:
        reason = f"{diverged} of {runs} runs diverged"
        return Criterion(
            name=name,
            met="no",
            low=share,
            high=share,
            threshold=0.0,
            reason=reason,
        )
    most = 1 - 0.05 ** (1 / runs)
    reason = f"0 of {runs} runs diverged; the rate can still be as high as {100 * most:.2g}%"
    return Criterion(
        name=name,
        met="yes",
        low=0.0,
        high=0.0,
        threshold=0.0,
        reason=reason,
    )


def _cheap(cost: Cost) -> Criterion:
    criterion = Criterion(
        name="less than twice the cost",
        met="unknown",
        low=cost.low,
        high=cost.high,
        threshold=COST,
        reason=f"the cost is not known: {cost.reason}" if cost.reason else "the cost is not known",
    )
    if not math.isfinite(cost.ratio) or cost.ratio <= 0:
        return replace(criterion, low=math.nan, high=math.nan)
    takes = f"{cost.what} takes {cost.ratio:.3g} times as long"
    runs = f"n = {cost.n[0]} and {cost.n[1]}"
    if not (cost.low > 0 and math.isfinite(cost.high)):
        return replace(criterion, reason=f"{takes}; so few runs have no interval ({runs})")
    interval = f"95% interval {cost.low:.3g} to {cost.high:.3g}, {runs}"
    met: Met = "unknown"
    if cost.high < COST:
        met = "yes"
    elif cost.low >= COST:
        met = "no"
    return replace(criterion, met=met, reason=f"{takes} ({interval})")
