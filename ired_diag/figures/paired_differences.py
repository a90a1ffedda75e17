"""Estimation plot: how far is each group from the first, and how sure is that?

The left panel shows every seed's readout as a dot, lines that join the same seed of neighbouring groups where
their seeds are pairs, and the mean of each group with its 95% t interval. The right panel shows the
difference of each group to the first one, the baseline, as

    100 (x̄_group - x̄_baseline) / |x̄_baseline|  percent,

with the 95% interval of the t test that the design calls for (``comparison.deciding``), the pairs' single
differences as dots, 0, and the margin below which a difference counts as too small to matter. The word next
to a group is the verdict on it, corrected for several pairs. Where a share of a mean says nothing
(``comparison.margin``) or the margin is absolute, differences are in the metric's own unit.

References: Gardner & Altman (1986), Confidence intervals rather than P values; Cumming (2012), Understanding
The New Statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison import Comparison, Group, PairOfGroups
from ired_diag.comparison.verdict_words import TEST_NAMES, test_of
from ired_diag.errors import DiagError
from ired_diag.figures.baseline_differences import Difference, differences_of, shared_seeds
from ired_diag.figures.comparison_words import (
    axis_label,
    margin_in_words,
    names_of,
    readout_of,
    with_room_for_names,
)
from ired_diag.figures.data import FigureData, Guide, Line, Panel
from ired_diag.figures.margin_line import margin_lines
from ired_diag.figures.named_places import ends_of_places, interval_at, named_places

SHIFT = 0.22  # of the place between groups: from the dots to their mean
GOLDEN = 0.6180339887498949  # its multiples, without the whole part, never lie close: a jitter without chance
JITTER = 0.3

Array = NDArray[np.float64]


def paired_differences(comparison: Comparison) -> FigureData:
    """Return the estimation plot of every group against the first.

    Args:
        comparison: A comparison of at least two groups; the first is the baseline.

    Raises:
        DiagError: There is one group only, or no seed of any finished.
    """
    baseline, *others = comparison.groups
    if not others:
        raise DiagError(f"{baseline.name}: a difference needs 2 groups, found 1. Name another one.")
    if not any(group.values for group in comparison.groups):
        raise DiagError(f"{', '.join(names_of(comparison))}: no seed of any group finished.")
    differences, unit = differences_of(comparison)
    counts = _counts(comparison)
    return FigureData(
        name="paired_differences",
        title=f"Differences to {baseline.name}",
        x_label="group",
        panels=(_seeds_panel(comparison), _differences_panel(differences, unit, comparison)),
        method=_method(comparison, differences, unit),
        note=f"mean and 95% interval; {counts}; dots: seeds{_not_paired(differences)}",
        summary=" ".join(_sentence(difference, unit, baseline.name) for difference in differences),
        order=names_of(comparison),
    )


def _seeds_panel(comparison: Comparison) -> Panel:
    groups = comparison.groups
    joined = _places_joined_to_the_left(comparison)
    lines = [_mean_line(group, place) for place, group in enumerate(groups)]
    for place, group in enumerate(groups):
        is_joined = place in joined or place + 1 in joined
        lines.append(_dots(group, place, jittered=not is_joined))
        if place in joined:
            lines += _joins(groups[place - 1], group, place)
    panel = Panel(
        y_label=axis_label(comparison),
        lines=tuple(lines),
        x_label="group",
        x_ticks=named_places(names_of(comparison)),
        x_range=ends_of_places(len(groups)),
    )
    return with_room_for_names(panel)


def _places_joined_to_the_left(comparison: Comparison) -> set[int]:
    """Return the places of groups whose seeds are pairs with those of the group on their left."""
    pairs = {(pair.a, pair.b) for pair in comparison.pairs if not pair.obstacle}
    joined = set()
    for place, neighbours in enumerate(pairwise(names_of(comparison)), start=1):
        if neighbours in pairs:
            joined.add(place)
    return joined


def _mean_line(group: Group, place: int) -> Line:
    summary = group.summary
    return interval_at(
        group.name,
        place + SHIFT,
        mean=summary.mean,
        low=summary.low,
        high=summary.high,
    )


def _dots(group: Group, place: int, *, jittered: bool) -> Line:
    y = np.array([group.values[seed] for seed in sorted(group.values)])
    x = np.full(len(y), place - SHIFT / 2)
    if jittered:
        x += _jitter(len(y))
    return _faint_dots(group.name, x, y)


def _faint_dots(group: str, x: Array, y: Array) -> Line:
    return Line(
        name=f"{group} seeds",
        x=x,
        y=y,
        drawn="points",
        of=group,
        faint=True,
    )


def _joins(before: Group, group: Group, place: int) -> list[Line]:
    """Return a line for each seed that two neighbouring groups share."""
    x = np.array([place - 1, place]) - SHIFT / 2
    joins = []
    for seed in shared_seeds(before, group):
        join = Line(
            name=f"{before.name} to {group.name}, {seed}",
            x=x,
            y=np.array([before.values[seed], group.values[seed]]),
            drawn="line",
            of=group.name,
            faint=True,
        )
        joins.append(join)
    return joins


def _jitter(n: int) -> Array:
    """Return n places around 0, the same each time, no two of them close."""
    numbers = np.arange(1.0, n + 1.0, dtype=np.float64)
    fractions = numbers * GOLDEN % 1
    places: Array = JITTER * (fractions - 0.5)
    return places


def _differences_panel(
    differences: Sequence[Difference],
    unit: str,
    comparison: Comparison,
) -> Panel:
    lines = []
    for place, difference in enumerate(differences):
        mean = interval_at(
            difference.group,
            place + SHIFT,
            mean=difference.mean,
            low=difference.low,
            high=difference.high,
        )
        x = np.full(len(difference.single), place - SHIFT / 2)
        lines += [mean, _faint_dots(difference.group, x, difference.single)]
    margins = margin_lines(
        comparison,
        places=range(len(differences)),
        margins=[difference.margin for difference in differences],
        half_width=0.45,
    )
    panel = Panel(
        y_label=f"difference ({unit})",
        lines=(*lines, *margins),
        x_label=f"group minus {comparison.groups[0].name}: verdict",
        x_ticks=named_places(f"{difference.group}: {difference.verdict}" for difference in differences),
        x_range=ends_of_places(len(differences)),
        guides=(Guide(0.0, ""),),
    )
    return with_room_for_names(panel)


def _method(comparison: Comparison, differences: Sequence[Difference], unit: str) -> str:
    baseline = comparison.groups[0].name
    in_percent = ", in percent of its mean," if unit == "%" else ""
    tests = "; ".join(f"{difference.group}: {_test_in_words(difference.pair)}" for difference in differences)
    correction = ""
    if len(comparison.pairs) > 1:
        correction = f", corrected for {len(comparison.pairs)} pairs (Holm)"
    return (
        f"First panel: {readout_of(comparison)}, one dot for each seed ({_counts(comparison)}), lines "
        "joining the same seed; next to them the mean with its 95% t interval. Second: difference of each "
        f"group to {baseline}{in_percent} with its 95% interval, not corrected for several groups, and "
        f"single differences of the pairs as dots ({tests}). Dotted: {margin_in_words(comparison)}. Word: "
        f"the verdict, of the group in comparison with {baseline}{correction}."
    )


def _counts(comparison: Comparison) -> str:
    groups = comparison.groups
    counts = {group.summary.n for group in groups}
    if len(counts) == 1 and not any(map(_failures, groups)):
        return f"n = {counts.pop()} seeds each"
    return ", ".join(map(_count, groups))


def _count(group: Group) -> str:
    count = f"{group.name} n = {group.summary.n}"
    failures = _failures(group)
    if failures:
        count += f" ({failures} of {group.outcomes.attempted} failed)"
    return count


def _failures(group: Group) -> int:
    """Return how many attempts did not finish."""
    return max(0, group.outcomes.attempted - group.outcomes.finished)


def _test_in_words(pair: PairOfGroups) -> str:
    if pair.test.reason:
        return f"no interval, {pair.test.reason}"
    test = test_of(pair)
    if pair.worst_rank is not None:
        test += f", the {TEST_NAMES['worst_rank']} decides"
    if pair.obstacle:
        test += f", not paired: {pair.obstacle}"
    return test


def _not_paired(differences: Sequence[Difference]) -> str:
    names = [difference.group for difference in differences if difference.pair.obstacle]
    return f"; not paired: {', '.join(names)}" if names else ""


def _sentence(difference: Difference, unit: str, baseline: str) -> str:
    pair = difference.pair
    group, verdict = difference.group, difference.verdict
    if pair.identical:
        return f"{group} and {baseline} are {pair.identical}."
    if np.isnan(difference.mean):
        return f"{group} minus {baseline}: not known ({pair.test.reason}): {verdict}."
    unit_words = f"% of {baseline}'s mean" if unit == "%" else f" {unit}"
    lead = f"{group} minus {baseline}: {difference.mean:+.3g}{unit_words}"
    if pair.test.reason:
        return f"{lead}, without an interval ({pair.test.reason}): {verdict}."
    interval = f"95% interval {difference.low:+.3g} to {difference.high:+.3g}"
    if _is_lost_by_correction(difference):
        interval = f"unadjusted {interval}"
    if pair.worst_rank is not None:
        interval += " among the seeds that finished"
    return f"{lead} ({interval}): {verdict}{_grounds(difference)}."


def _is_lost_by_correction(difference: Difference) -> bool:
    uncorrected = difference.pair.uncorrected.decision
    return difference.verdict == "undecided" and uncorrected in ("better", "worse")


def _grounds(difference: Difference) -> str:
    """Return what is added to a verdict: its size, and the test or correction that decides it."""
    pair = difference.pair
    words = ""
    if difference.verdict in ("better", "worse") and pair.verdict.smaller_than_margin:
        words = ", smaller than the margin"
    if pair.worst_rank is not None:
        return f"{words} by the {TEST_NAMES['worst_rank']}, failed seeds last (p = {pair.p_holm:.2g})"
    if _is_lost_by_correction(difference):
        return f"{words} after correction (Holm p = {pair.p_holm:.2g}, unadjusted p = {pair.p:.2g})"
    return words
