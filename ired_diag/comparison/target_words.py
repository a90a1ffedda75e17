"""How long groups take to a target, and by which factor one needs less, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ired_diag.comparison.place_words import (
    bounds_in_words,
    change_in_words,
    number_in_words,
    p_in_words,
    place_in_words,
    than_in_words,
    unit_of,
)
from ired_diag.runs.name_list import counted

if TYPE_CHECKING:
    from ired_diag.comparison.reaching import GroupReaching, Level, Reaching
    from ired_diag.comparison.when import When
    from ired_diag.curves.arrival import Arrival
    from ired_diag.stats.survival import SurvivalCurve
    from ired_diag.stats.time_ratio import TimeRatio

FEWEST_PAIRS, FEWEST_RUNS = 6, 4  # that have an interval at 95% where times are bounds


def target_lines(answer: When) -> list[str]:
    """Return how long the groups take to the target, in sentences; none where no target was named."""
    reached = answer.reaching
    if reached is None:
        return []
    lines = [
        _rule(answer, reached),
        _of_group(answer, reached.a),
        _of_group(answer, reached.b),
        ratio_sentence(answer),
    ]
    if reached.level is not None:
        lines += _of_level(answer, reached.level)
    lines += _between_evaluations(answer, reached)
    lines.append(_of_test(answer, reached))
    return lines


def _rule(answer: When, reached: Reaching) -> str:
    side = "at or above"
    if answer.lower_is_better:
        side = "at or below"
    rule = f"the first evaluation {side} it"
    if reached.stays:
        rule = f"the first evaluation from which on all logged ones are {side} it"
    target = f"{reached.target:.6g}"
    if reached.level is not None:
        target += f" (the level at which {answer.old} ends)"
    return f"Target {target}: reached at {rule}, read off the line from the evaluation before."


def _of_group(answer: When, group: GroupReaching) -> str:
    runs = len(group.arrivals)
    times = [arrival.at for arrival in group.arrivals if arrival.is_reached]
    verb = "reach"
    if runs == 1:
        verb = "reaches"
    sentence = f"{group.name}: {group.reached} of {counted(runs, 'run')} {verb} it"
    curve = group.curve
    if math.isfinite(curve.median):
        median = place_in_words(answer.axis, curve.median)
        sentence += f", in the median at {median} (Kaplan-Meier; {_interval_of_median(curve)})"
    elif times:
        sentence += ", fewer than half, so that the median is unknown"
    if len(times) > 1:
        first = number_in_words(min(times))
        last = number_in_words(max(times))
        sentence += f"; the first at {first}, the last at {last}"
    if not times:
        closest = _closest(group.arrivals, lower_is_better=answer.lower_is_better)
        sentence += f"; the closest value is {closest:.6g}"
    rest = _not_reached(group.arrivals)
    return " ".join([f"{sentence}.", *rest])


def _closest(arrivals: Sequence[Arrival], *, lower_is_better: bool) -> float:
    values = [arrival.closest for arrival in arrivals if math.isfinite(arrival.closest)]
    best = max
    if lower_is_better:
        best = min
    return best(values, default=math.nan)


def _interval_of_median(curve: SurvivalCurve) -> str:
    level = f"{100 * curve.confidence:g}%"
    if curve.median_low == 0:
        verb = "have"
        if curve.runs == 1:
            verb = "has"
        return f"{counted(curve.runs, 'run')} {verb} no interval at {level}"
    low = number_in_words(curve.median_low)
    if math.isfinite(curve.median_high):
        return f"{low} to {number_in_words(curve.median_high)}, {level}"
    return f"{low} or more, {level}"


def _not_reached(arrivals: Sequence[Arrival]) -> Iterator[str]:
    """Yield what became of the runs whose times are only bounds."""
    states = [arrival.state for arrival in arrivals]
    if ended := states.count("not reached"):
        verb = "needs" if ended == 1 else "need"
        yield f"{counted(ended, 'run')} ended first and {verb} longer."
    if failed := states.count("failed"):
        verb = "reaches" if failed == 1 else "reach"
        yield f"{counted(failed, 'run')} failed and never {verb} it."
    if early := states.count("at first evaluation"):
        verb = "was" if early == 1 else "were"
        yield f"{counted(early, 'run')} {verb} there at the first evaluation already."


def _all_at_first(reached: Reaching) -> bool:
    arrivals = [*reached.a.arrivals, *reached.b.arrivals]
    return all(arrival.state == "at first evaluation" for arrival in arrivals)


def ratio_sentence(answer: When) -> str:
    """Return by which factor the new group needs less, in one sentence; empty where no target was named."""
    reached = answer.reaching
    if reached is None:
        return ""
    axis = answer.axis
    ratio = reached.ratio
    factor = ratio.ratio
    change = ""
    if math.isfinite(factor):
        change = change_in_words(axis, factor)
    else:
        change = bounds_in_words(axis, ratio.least, ratio.most)
        factor = ratio.least
        if math.isfinite(ratio.most):
            factor = ratio.most
    if not change and _all_at_first(reached):
        return (
            f"How {answer.new} compares with {answer.old} is open: all runs are at {reached.target:.6g} at "
            "their first evaluation already. A harder target, or earlier evaluations, would tell."
        )
    if not change:
        return (
            f"How {answer.new} compares with {answer.old} is open: too few runs were seen to reach "
            f"{reached.target:.6g}."
        )
    interval = bounds_in_words(axis, ratio.low, ratio.high)
    how = _no_interval(ratio)
    if interval:
        how = f"{interval}; {100 * ratio.confidence:g}%; {_method(ratio)}"
    than = than_in_words(factor, answer.old)
    return f"{answer.new} reaches {reached.target:.6g} in {change} {than} ({how})."


def _no_interval(ratio: TimeRatio) -> str:
    fewest = min(ratio.n)
    if ratio.method in ("signed ranks", "signs") and fewest < FEWEST_PAIRS:
        needed = f"{FEWEST_PAIRS} pairs are needed, found {fewest}"
        return f"no interval: with bounds instead of times, {needed}"
    if ratio.method == "ranks" and fewest < FEWEST_RUNS:
        return (
            f"no interval: with bounds instead of times, or single runs, {FEWEST_RUNS} runs each are needed"
        )
    return "no interval: the times do not bound it on either side"


def _method(ratio: TimeRatio) -> str:
    pairs = counted(ratio.n[0], "pair")
    runs = f"{ratio.n[0]} and {ratio.n[1]} runs"
    words = {
        "paired t": f"t of log ratios, {pairs}",
        "Welch": f"Welch's t of log times, {runs}",
        "signs": f"signs of log ratios with bounds, {pairs}",
        "signed ranks": f"signed ranks of log ratios with bounds, {pairs}",
        "ranks": f"ranks of log times with bounds, {runs}",
    }
    return words[ratio.method]


def _of_level(answer: When, level: Level) -> Iterator[str]:
    bounds = bounds_in_words(answer.axis, level.fastest, level.slowest) or "no bound on either side"
    yield (
        f"That level is a mean of {level.seeds} last values ({level.low:.6g} to {level.high:.6g}). With its "
        f"noise counted in: {bounds} ({100 * level.confidence:g}%)."
    )
    yield (
        f"Both groups are timed by the same rule: by the luck of a noisy evaluation, {answer.old} itself is "
        "at that level before its end, and so is the new group."
    )


def _between_evaluations(answer: When, reached: Reaching) -> Iterator[str]:
    """Yield what the line between two evaluations assumes, and whether one group is looked at more often."""
    if math.isfinite(reached.spacing):
        spacing = number_in_words(reached.spacing)
        sentence = f"The two evaluations around a crossing are {spacing} apart (median)."
        ratio = reached.bracket_ratio
        bounds = bounds_in_words(answer.axis, ratio.low, ratio.high)
        if bounds:
            sentence += f" With nothing assumed between them: {bounds} ({_method(ratio)})."
        yield sentence
    returning = [arrival for arrival in (*reached.a.arrivals, *reached.b.arrivals) if arrival.leaves]
    if returning:
        verb = "is" if len(returning) == 1 else "are"
        yield (
            f"{counted(len(returning), 'run')} {verb} away from the target again later: there the first time "
            "is partly luck. --stays takes the last crossing."
        )
    if reached.unequal_steps:
        yield (
            "One group is evaluated more often than the other: by noise it is at the target earlier. --stays "
            "does not have that advantage."
        )


def _of_test(answer: When, reached: Reaching) -> str:
    test = reached.test
    a = reached.a
    b = reached.b
    if not a.reached + b.reached:
        return "No run reaches it, so there is nothing to test."
    horizon = place_in_words(answer.axis, reached.horizon)
    sentence = f"Log-rank test up to {horizon}: p = {p_in_words(test.p)}"
    if test.smallest_p > answer.alpha:
        smallest = p_in_words(test.smallest_p)
        sentence += f" (no smaller p than {smallest} is possible with so few runs)"
    mean_a = number_in_words(a.mean.mean)
    mean_b = number_in_words(b.mean.mean)
    unit = unit_of(answer.axis)
    return f"{sentence}. Mean {unit} up to there: {mean_a} ({a.name}) and {mean_b} ({b.name})."
