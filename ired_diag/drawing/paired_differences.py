"""Estimation plot: how far is each group from the baseline, and how sure is that?

The left panel shows every seed's readout as a dot, lines that join the same seed of neighbouring groups where
their seeds are pairs, and the mean of each group with its 95% t interval. The right panel shows the
difference of each group to the baseline, by default the first group, as

    100 (x̄_group - x̄_baseline) / |x̄_second|  percent,

where the second group of each pair is the baseline if the comparison has it last (``baseline_differences``),
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

from ired_diag.comparison import Comparison, Group
from ired_diag.drawing.baseline_differences import Difference, differences_of, is_one_pair, shared_seeds
from ired_diag.drawing.bounded_bands import Limits, cut_in_words, limits_of_values
from ired_diag.drawing.comparison_words import axis_label, names_of, with_room_for_names
from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.drawing.difference_words import (
    counts_in_words,
    method_of,
    not_paired_in_words,
    sentence_of,
    verdict_on_axis,
)
from ired_diag.drawing.failed_runs import failed_in_comparison
from ired_diag.drawing.last_steps import last_steps_in_words
from ired_diag.drawing.margin_line import margin_lines, outside_in_words, reached_by
from ired_diag.drawing.minus import minus
from ired_diag.drawing.named_places import ends_of_places, interval_at, named_places
from ired_diag.errors import DiagError

SHIFT = 0.22  # of the place between groups: from the dots to their mean
GOLDEN = 0.6180339887498949  # its multiples, without the whole part, never lie close: a jitter without chance
JITTER = 0.3
MOST_LETTERS = 20  # of the baseline's name on the axis

Array = NDArray[np.float64]


def paired_differences(comparison: Comparison, baseline: str = "") -> FigureData:
    """Return the estimation plot of every group against the baseline.

    Args:
        comparison: A comparison of at least two groups.
        baseline: Name of the baseline, which is drawn first. Default: the first group.

    Raises:
        DiagError: There is one group only, or no seed of any finished.
    """
    baseline = baseline or comparison.groups[0].name
    if len(comparison.groups) < 2:
        raise DiagError(f"{baseline}: a difference needs 2 groups, found 1. Name another one.")
    if not any(group.values for group in comparison.groups):
        raise DiagError(f"{', '.join(names_of(comparison))}: no seed of any group finished.")
    differences, unit = differences_of(comparison, baseline)
    counts = counts_in_words(comparison)
    panel = _differences_panel(differences, unit, comparison, baseline=baseline)
    groups = sorted(comparison.groups, key=lambda group: group.name != baseline)
    return FigureData(
        name="paired_differences",
        title=f"Differences to {baseline}",
        x_label="group",
        panels=(_seeds_panel(groups, comparison), panel),
        method=method_of(comparison, differences, unit, panel, baseline=baseline)
        + last_steps_in_words(comparison.groups)
        + failed_in_comparison(comparison)
        + _cut_in_words(comparison),
        note=f"mean and 95% interval; {counts}; dots: seeds{not_paired_in_words(differences)}",
        summary=" ".join(sentence_of(difference, unit, baseline) for difference in differences),
        order=names_of(comparison),
    )


def _short(name: str) -> str:
    """Return the baseline's name, or what it is, where the name is longer than an axis."""
    return name if len(name) <= MOST_LETTERS else "the baseline"


def _unit_in_words(unit: str, differences: Sequence[Difference], baseline: str) -> str:
    if unit != "%":
        return unit
    if all(difference.pair.b == baseline for difference in differences):
        return f"% of {_short(baseline)}"
    return "% of each group's own mean"


def _seeds_panel(groups: Sequence[Group], comparison: Comparison) -> Panel:
    names = [group.name for group in groups]
    joined = _places_joined_to_the_left(names, comparison)
    limits = _limits(comparison)
    lines = [_mean_line(group, place, limits) for place, group in enumerate(groups)]
    for place, group in enumerate(groups):
        is_joined = place in joined or place + 1 in joined
        lines.append(_dots(group, place, jittered=not is_joined))
        if place in joined:
            lines += _joins(groups[place - 1], group, place)
    panel = Panel(
        y_label=axis_label(comparison, groups),
        lines=tuple(lines),
        x_label="group",
        x_ticks=named_places(names),
        x_range=ends_of_places(len(groups)),
    )
    return with_room_for_names(panel)


def _places_joined_to_the_left(names: Sequence[str], comparison: Comparison) -> set[int]:
    """Return the places of groups whose seeds are pairs with those of the group on their left."""
    pairs = {frozenset((pair.a, pair.b)) for pair in comparison.pairs if not pair.obstacle}
    joined = set()
    for place, neighbours in enumerate(pairwise(names), start=1):
        if frozenset(neighbours) in pairs:
            joined.add(place)
    return joined


def _mean_line(group: Group, place: int, limits: Limits | None) -> Line:
    summary = group.summary
    low, high = summary.low, summary.high
    if limits is not None:
        low, high = np.clip([low, high], *limits).tolist()
    return interval_at(
        group.name,
        place + SHIFT,
        mean=summary.mean,
        low=low,
        high=high,
    )


def _limits(comparison: Comparison) -> Limits | None:
    """Return between which values a readout lies; an area is no value of the metric, so it is not known."""
    if comparison.readout == "area":
        return None
    values = [np.array(list(group.values.values())) for group in comparison.groups]
    return limits_of_values(comparison.metric, np.concatenate(values))


def _cut_in_words(comparison: Comparison) -> str:
    """Return that intervals of means end where the metric does; empty where none reaches so far."""
    limits = _limits(comparison)
    if limits is None:
        return ""
    low, high = limits
    ends = [(group.summary.low, group.summary.high) for group in comparison.groups]
    is_cut = any(least < low or most > high for least, most in ends)
    return cut_in_words(limits).replace("Bands", "Intervals of means") if is_cut else ""


def _dots(group: Group, place: int, *, jittered: bool) -> Line:
    seeds = sorted(group.values)
    y = np.array([group.values[seed] for seed in seeds])
    x = np.full(len(y), place - SHIFT / 2)
    if jittered:
        x += _jitter(len(y))
    return _faint_dots(group.name, x, y, [f"{group.name}, {seed}" for seed in seeds])


def _faint_dots(group: str, x: Array, y: Array, labels: Sequence[str]) -> Line:
    return Line(
        name=f"{group} seeds",
        x=x,
        y=y,
        drawn="points",
        of=group,
        faint=True,
        labels=tuple(labels),
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
    *,
    baseline: str,
) -> Panel:
    lines: list[Line] = []
    for place, difference in enumerate(differences):
        lines += _difference_lines(difference, place, baseline)
    reached = reached_by(lines)
    margins = [difference.margin for difference in differences]
    margin = margin_lines(
        comparison,
        places=range(len(differences)),
        margins=margins,
        reached=reached,
        half_width=0.45,
    )
    panel = Panel(
        y_label=_difference_label(unit, differences, baseline),
        lines=(*lines, *margin),
        x_label=f"minus {_short(baseline)}: verdict{outside_in_words(comparison, margins, reached)}",
        x_ticks=named_places(
            f"{difference.group}: {verdict_on_axis(comparison, difference)}" for difference in differences
        ),
        x_range=ends_of_places(len(differences)),
        guides=(Guide(0.0, ""),),
    )
    return with_room_for_names(panel)


def _difference_label(unit: str, differences: Sequence[Difference], baseline: str) -> str:
    """Return whose difference the axis shows, and its unit: ``newton - contra (% of contra)``."""
    names = {difference.group for difference in differences}
    group = names.pop() if len(names) == 1 else "group"
    if len(group) > MOST_LETTERS:
        group = "group"
    return f"{minus(group, _short(baseline))} ({_unit_in_words(unit, differences, baseline)})"


def _difference_lines(difference: Difference, place: int, baseline: str) -> list[Line]:
    """Return the mean difference with its interval, next to those of pairs; of one pair only that."""
    group = difference.group
    labels = [f"{minus(group, baseline)}, {seed}" for seed in difference.seeds]
    if is_one_pair(difference):
        pair = Line(group, np.array([float(place)]), difference.single, drawn="points", labels=tuple(labels))
        return [pair]
    n = len(difference.single)
    mean = interval_at(
        group,
        place + (SHIFT if n else 0.0),
        mean=difference.mean,
        low=difference.low,
        high=difference.high,
    )
    dots = _faint_dots(group, np.full(n, place - SHIFT / 2), difference.single, labels)
    return [mean, dots]
