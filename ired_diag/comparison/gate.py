"""The gate: keep a change, drop it, or run more seeds, decided at any number of seeds looked at.

Let x be how much better a seed of the new group is: than its pair, than the mean of the old group, or than
a threshold. The change is kept where the mean of x is above the margin, dropped where it is below. Both are
read off intervals that hold at every number of seeds together (``stats.anytime``), at level 2α with both
sides: so a change whose mean is at the margin is kept with a probability of at most α, however often one
looks, and dropped with at most α.

Where the order in which seeds finished is known, the *first* seed at which the margin lies outside decides.
Where it is not, the interval of all seeds decides: sorted by number, seeds that finish in another order make
looks that nobody took, and by seed 30 a change without effect is kept in 9% of studies and dropped in 9%.

A single number as the old result has no known noise: it is refused as a group, and is a threshold only
where the user says so. Seeds that failed have no number, and a mean over the others would be one of
survivors: a group with failed seeds is not kept, and nothing is dropped for being worse than the survivors of
the old group. Where all seeds of a group have the same number, nothing is known of its noise, and nothing is
decided. Where intervals exclude every mean, the assumptions do not hold, and nothing is decided either.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ired_diag.errors import DiagError
from ired_diag.stats.anytime import (
    SHARE_OF_PAIRS,
    Look,
    are_equal,
    earliest,
    half_width,
    half_width_of_difference,
    look_at_difference,
    look_at_mean,
    looks_at_difference,
    looks_at_mean,
    spread,
)

Verdict = Literal["keep", "drop", "undecided"]
BUDGET = 20  # seeds


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether to keep a change.

    Attributes:
        verdict: ``keep``, ``drop`` or ``undecided``.
        design: What a seed is compared with: ``paired``, ``unpaired`` or ``threshold``.
        n: Seeds that were looked at.
        n_base: Seeds of the old group; 0 of a threshold.
        decided_at: Number of seeds at which it was decided: the first where the order of seeds is known, else
            all; None where it is undecided.
        better_by: Mean of x over all seeds: above 0 is better.
        low: Lower end of the interval of that mean, which holds at every number of seeds together.
        high: Upper end of that interval.
        level: Level of the interval: 1 - 2α.
        margin: By how much it must be better, in the unit of the metric.
        earliest: First number of seeds at which a decision is possible at all.
        more: Further seeds after which a decision is to be expected, if mean and spread stay as they are;
            None where it is decided, where seeds of the old group are what lacks, or beyond the budget.
        reason: One sentence.
        is_contradiction: Whether the intervals exclude every mean, which the assumptions do not allow.
    """

    verdict: Verdict
    design: Literal["paired", "unpaired", "threshold"]
    n: int
    n_base: int
    decided_at: int | None
    better_by: float
    low: float
    high: float
    level: float
    margin: float
    earliest: int
    more: int | None
    reason: str
    is_contradiction: bool = False


@dataclass(frozen=True, kw_only=True)
class Compared:
    """How much better each seed is.

    Attributes:
        gains: x of each seed in the order of the seeds; of unpaired groups, minus the values or the values
            themselves, whichever is better where it is larger.
        base: The same of the old group where seeds are not pairs; empty otherwise.
        design: What a seed is compared with.
    """

    gains: Sequence[float]
    base: Sequence[float]
    design: Literal["paired", "unpaired", "threshold"]


def against_threshold(values: Mapping[str, float], threshold: float, *, lower_is_better: bool) -> Compared:
    """Return how much better each seed is than a number that has no noise, such as a rule's target."""
    sign = -1.0 if lower_is_better else 1.0
    gains = [sign * (value - threshold) for value in values.values()]
    return Compared(gains=gains, base=(), design="threshold")


def against_group(
    values: Mapping[str, float],
    base: Mapping[str, float],
    *,
    lower_is_better: bool,
    is_paired: bool,
) -> Compared:
    """Return how much better each seed is than its pair, or the values of two groups that are not pairs.

    Args:
        values: Number of each seed of the new group, by its label.
        base: Number of each seed of the old group.
        lower_is_better: Direction of the metric.
        is_paired: Whether equal seeds are pairs.

    Raises:
        DiagError: The old group has one number, whose noise is unknown.
    """
    sign = -1.0 if lower_is_better else 1.0
    if is_paired:
        shared = [seed for seed in values if seed in base]
        return Compared(
            gains=[sign * (values[seed] - base[seed]) for seed in shared], base=(), design="paired"
        )
    if not base:
        raise DiagError(
            "No seed of the old group has a number to compare with. What became of each: ired-diag stats."
        )
    if len(base) == 1:
        raise DiagError(
            "The old result is one number, and how far another seed would lie from it is unknown. Name a "
            "group of two seeds or more with --against, or, if the number is a target that was fixed "
            "beforehand, --threshold."
        )
    return Compared(
        gains=[sign * value for value in values.values()],
        base=[sign * value for value in base.values()],
        design="unpaired",
    )


def decide(
    compared: Compared,
    *,
    margin: float = 0.0,
    alpha: float = 0.05,
    budget: int = BUDGET,
    failed: int = 0,
    failed_base: int = 0,
    in_order: bool = True,
) -> Decision:
    """Return whether to keep a change, at whatever number of seeds this is.

    Args:
        compared: How much better each seed is.
        margin: By how much the mean must be better, in the unit of the metric.
        alpha: Chance to keep, and chance to drop, a change whose mean is at the margin.
        budget: Most seeds of the new group that would be trained.
        failed: Seeds of the new group that failed.
        failed_base: Seeds of the old group that failed.
        in_order: Whether seeds are in the order in which they finished.

    Raises:
        DiagError: No seed has a number.
    """
    if not compared.gains:
        raise DiagError("No seed has a number to decide on.")
    looks = list(_looks(compared, alpha))
    last = looks[-1]
    if not in_order:
        # No mean is left in any one order with a probability of at most 2α, so that it is said here too.
        looks = [_look_at_all(compared, alpha)]
        if not last.is_empty:
            last = looks[-1]
    deciding = next((look for look in looks if look.low > margin or look.high < margin), None)
    verdict: Verdict = "undecided"
    if deciding is not None:
        verdict = "keep" if deciding.low > margin else "drop"
    among_survivors = failed if verdict == "keep" else failed_base
    if among_survivors or last.is_empty:
        verdict = "undecided"
    without_spread = _without_spread(compared)
    more = None
    if deciding is None and not without_spread:
        more = _more(compared, margin=margin, alpha=alpha, budget=budget)
    decision = Decision(
        verdict=verdict,
        design=compared.design,
        n=last.n,
        n_base=len(compared.base),
        decided_at=deciding.n if deciding is not None and verdict != "undecided" else None,
        better_by=last.mean,
        low=last.low,
        high=last.high,
        level=1 - 2 * alpha,
        margin=margin,
        earliest=earliest(_level_of_pairs(compared, alpha)),
        more=more,
        reason="",
        is_contradiction=last.is_empty,
    )
    # More seeds would not decide it where the failed ones stay.
    lasting = failed if last.mean > margin else failed_base
    if lasting or last.is_empty:
        decision = replace(decision, more=None)
    reason = without_spread or _reason(decision, failed=failed, failed_base=failed_base, budget=budget)
    if not reason:
        reason = _reason_within(compared, decision, alpha=alpha, budget=budget)
    return replace(decision, reason=reason)


def _looks(compared: Compared, alpha: float) -> Iterator[Look]:
    if compared.design == "unpaired":
        return looks_at_difference(compared.gains, compared.base, alpha=2 * alpha)
    return looks_at_mean(compared.gains, alpha=2 * alpha)


def _look_at_all(compared: Compared, alpha: float) -> Look:
    if compared.design == "unpaired":
        return look_at_difference(compared.gains, compared.base, alpha=2 * alpha)
    return look_at_mean(compared.gains, alpha=2 * alpha)


def _without_spread(compared: Compared) -> str:
    """Return why nothing is known of the noise: the numbers of a group are all the same; empty otherwise."""
    parts = [("the old group", compared.base)]
    subject = "the new group"
    if compared.design == "paired":
        subject = "the pairs"
    parts.append((subject, compared.gains))
    for subject, numbers in parts:
        if len(numbers) < 2 or not are_equal(numbers):
            continue
        said = f"All {len(numbers)} seeds of {subject} have the same number"
        if subject == "the pairs":
            said = f"All {len(numbers)} pairs differ by the same number"
        return (
            f"{said}: the seed changes nothing, or the numbers have too few digits. How far another seed "
            "would lie is unknown."
        )
    return ""


def _level_of_pairs(compared: Compared, alpha: float) -> float:
    """Return the level of the interval that can decide first."""
    return 2 * alpha * SHARE_OF_PAIRS if compared.design == "unpaired" else 2 * alpha


def _more(compared: Compared, *, margin: float, alpha: float, budget: int) -> int | None:
    """Return how many further seeds would decide it if mean and spread stayed as they are."""
    gains = np.asarray(compared.gains, dtype=np.float64)
    n = len(gains)
    if n < 2:
        return None
    mean = float(gains.mean())
    if compared.base:
        mean -= float(np.mean(compared.base))
    for count in range(n + 1, budget + 1):
        if _expected_half_width(compared, count, alpha) < abs(mean - margin):
            return count - n
    return None


def _expected_half_width(compared: Compared, count: int, alpha: float, *, at_least_base: int = 0) -> float:
    """Return half of the width of the interval at numbers of seeds, if the spread stays as it is."""
    sd = spread(compared.gains)
    if not compared.base:
        return half_width(count, sd, 2 * alpha)
    if len(compared.base) < 2:
        return math.inf
    count_base = max(len(compared.base), at_least_base)
    return half_width_of_difference(count, sd, count_base, spread(compared.base), 2 * alpha)


def _reason(decision: Decision, *, failed: int, failed_base: int, budget: int) -> str:
    """Return the reason; empty where the margin is within the interval and would stay there."""
    if decision.is_contradiction:
        return (
            "The seeds contradict what is assumed of them (independent, one distribution): no mean is left. "
            "Look at them in their order: did something change between them?"
        )
    if failed and decision.verdict != "drop":
        return (
            f"{_counted(failed)} of the new group failed: a mean over the others would be one of survivors."
        )
    if failed_base and decision.verdict != "keep" and decision.better_by <= decision.margin:
        return (
            f"{_counted(failed_base)} of the old group failed: a mean over its others would be one of "
            "survivors, and the new group is not dropped for being worse than they are."
        )
    decided = f"decided with {decision.decided_at} seeds, however often one looks"
    if decision.verdict == "keep":
        return f"The mean is above the margin: {decided}."
    if decision.verdict == "drop":
        return f"The mean is below the margin: {decided}."
    if decision.n < decision.earliest:
        return f"Only {decision.n} of the {decision.earliest} seeds that any decision needs at this level."
    if decision.more is not None:
        seeds = "1 more seed is" if decision.more == 1 else f"{decision.more} more seeds are"
        return f"With this mean and spread, {seeds} expected to decide."
    if decision.n >= budget:
        return f"The margin lies within the interval, and the budget of {budget} seeds is used up."
    return ""


def _reason_within(compared: Compared, decision: Decision, *, alpha: float, budget: int) -> str:
    """Return that more seeds of the new group are not expected to decide, and whether old ones would be."""
    within = "The margin lies within the interval"
    if math.isinf(decision.high):
        within = "There is no interval yet"
    if decision.design != "unpaired":
        return f"{within}, and {budget} seeds with this mean and spread would not decide."
    count = len(compared.base)
    old = "1 old seed" if count == 1 else f"{count} old seeds"
    reason = f"{within}, and {budget} new seeds next to {old} with this mean and spread would not decide."
    width = _expected_half_width(compared, budget, alpha, at_least_base=budget)
    if count < budget and width < abs(decision.better_by - decision.margin):
        reason += f" {budget} seeds of each group would: train more old ones too."
    return reason


def _counted(seeds: int) -> str:
    return "1 seed" if seeds == 1 else f"{seeds} seeds"
