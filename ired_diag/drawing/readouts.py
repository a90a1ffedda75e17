"""The same difference by every readout: does the conclusion depend on what is read off the curves?

For each pair of groups, a - b, and each readout (``comparison.readouts``) the difference and the 95% interval
of the test that decides, as

    100 (x̄_a - x̄_b) / |x̄_b|  percent,

next to 0 and the margin below which a difference counts as too small to matter; what is neither better nor
worse by a readout, corrected for several pairs, has a ring. Where a share of a mean says nothing
(``comparison.margin``) or the margin is absolute, differences are in the metric's own unit. The area under
the curve says how fast more than how good, and has axes of its own. Where groups make more than six pairs,
those with the baseline, by default the first group, are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ired_diag.comparison import READOUTS, Comparison, Group, PairOfGroups
from ired_diag.comparison.pairs import FINAL, ByReadout
from ired_diag.drawing.comparison_words import names_of
from ired_diag.drawing.data import FigureData, Guide, Line, Mark, Panel
from ired_diag.drawing.failed_runs import failed_in_comparison
from ired_diag.drawing.last_steps import last_steps_in_words, with_last_steps
from ired_diag.drawing.margin_line import margin_lines, outside_in_words
from ired_diag.drawing.named_places import ends_of_places, named_places
from ired_diag.drawing.readout_words import (
    Interval,
    counts_in_words,
    drawn_of,
    has_interval,
    method_of,
    name_of,
    remarks_on,
    sentence_of,
    signs_in_words,
)
from ired_diag.errors import DiagError

SINGLE_HEIGHT = 0.75  # of a panel with one readout
MOST_PAIRS = 6
MOST_LETTERS = 20  # of a name on an axis
WIDE, APART = 0.8, 0.14  # of the place between readouts: what all pairs take, and at most two neighbours
WHOLE = tuple(name for name in READOUTS if name not in FINAL)


def readout_forest(comparison: Comparison, baseline: str = "") -> FigureData:
    """Return every pair's difference by every readout.

    Args:
        comparison: A comparison of at least two groups.
        baseline: Name of the group whose pairs are drawn where there are too many. Default: the first.

    Raises:
        DiagError: There is no pair, or no readout of any.
    """
    pairs = _pairs(comparison, baseline or comparison.groups[0].name)
    names = []
    intervals: list[Interval] = []
    for pair in pairs:
        names.append(name_of(pair))
        intervals += intervals_of(pair, comparison)
    _check_any_readout(intervals)
    drawn = drawn_of(intervals)
    drawn_names = {interval.pair for interval in drawn}
    drawn_pairs = [pair for pair in pairs if name_of(pair) in drawn_names]
    panels = []
    for readouts in (FINAL, WHOLE):
        panel = _panel(drawn, drawn_pairs, readouts, comparison)
        if any(line.of for line in panel.lines):
            panels.append(panel)
    method = method_of(comparison, drawn_pairs, drawn, panels)
    method += last_steps_in_words(comparison.groups) + failed_in_comparison(comparison)
    what = "difference and 95% interval" if has_interval(drawn) else "difference"
    note = f"{what}, {counts_in_words(drawn_pairs)}{signs_in_words(drawn)}"
    for remark in remarks_on(comparison, pairs, intervals):
        method += f" {remark[0].upper()}{remark[1:]}."
        note += f"; {remark}"
    sentences = [sentence_of(pair, intervals, in_percent=comparison.in_percent) for pair in pairs]
    return FigureData(
        name="readouts",
        title="The same differences by every readout",
        x_label="readout",
        panels=tuple(panels),
        method=method,
        note=note,
        summary=" ".join(sentences),
        # Pairs have other colours than groups have in the pictures next to this one.
        order=(*names_of(comparison), *names),
    )


def _check_any_readout(intervals: Sequence[Interval]) -> None:
    """Refuse to draw where no pair has a readout.

    Raises:
        DiagError: No difference is finite; the message says why.
    """
    if any(math.isfinite(interval.mean) for interval in intervals):
        return
    reason = ", found 1 group"
    if intervals:
        first = intervals[0]
        reason = f" ({first.pair}, {first.readout}: {first.reason})"
    raise DiagError(f"A difference needs 2 groups with a readout{reason}. Name another group.")


def _pairs(comparison: Comparison, baseline: str) -> Sequence[PairOfGroups]:
    pairs = comparison.compared_pairs
    if comparison.pairs and not pairs:
        raise DiagError(f"{name_of(comparison.pairs[0])}: {comparison.pairs[0].other_problems}.")
    if len(pairs) <= MOST_PAIRS:
        return pairs
    return [pair for pair in pairs if baseline in (pair.a, pair.b)]


def intervals_of(pair: PairOfGroups, comparison: Comparison) -> list[Interval]:
    """Return a pair's difference by every readout, in percent of the mean of b where that says something."""
    in_percent = comparison.in_percent
    return [_interval(pair, line, in_percent=in_percent) for line in pair.by_readout]


def _interval(pair: PairOfGroups, line: ByReadout, *, in_percent: bool) -> Interval:
    scale = 100 / line.reference if in_percent else 1.0
    return Interval(
        pair=name_of(pair),
        readout=line.readout,
        mean=scale * line.difference,
        low=scale * line.low,
        high=scale * line.high,
        margin=scale * line.margin,
        decision=line.decision,
        reason=line.reason,
    )


def _panel(
    intervals: Sequence[Interval],
    pairs: Sequence[PairOfGroups],
    readouts: tuple[str, ...],
    comparison: Comparison,
) -> Panel:
    """Return the panel of those readouts that any pair has, the pairs next to each other at each."""
    names = [name_of(pair) for pair in pairs]
    known = {interval.readout for interval in intervals}
    drawn = [readout for readout in readouts if readout in known]
    step = min(APART, WIDE / len(names))
    middle = (len(names) - 1) / 2
    shown = []
    places = []
    reached: list[float] = []
    for interval in intervals:
        if interval.readout in readouts:
            shift = step * (names.index(interval.pair) - middle)
            places.append(drawn.index(interval.readout) + shift)
            shown.append(interval)
            reached += [interval.mean, interval.low, interval.high]
    lines = _pair_lines(names, shown, places)
    margins = [interval.margin for interval in shown]
    margin = margin_lines(
        comparison,
        places=places,
        margins=margins,
        reached=reached,
        half_width=step / 2,
    )
    curves = "at the end of the curves" if readouts == FINAL else "whole curves"
    curves += outside_in_words(comparison, margins, reached)
    return Panel(
        y_label=f"{_difference(names)} ({_unit(pairs, comparison)})",
        lines=(*lines, *margin),
        x_label=curves,
        x_ticks=named_places(with_last_steps(readout, _groups_of(pairs, comparison)) for readout in drawn),
        x_range=ends_of_places(len(drawn)),
        guides=(Guide(0.0, ""),),
        marks=_marks(shown, places),
        height=1.0 if len(drawn) > 1 else SINGLE_HEIGHT,
    )


def _difference(names: Sequence[str]) -> str:
    """Return what the axis shows: the only pair, which then needs no legend, or what pairs are."""
    if len(names) == 1 and len(names[0]) <= MOST_LETTERS:
        return names[0]
    return "first minus second"


def _groups_of(pairs: Sequence[PairOfGroups], comparison: Comparison) -> list[Group]:
    """Return the groups of pairs, in the order in which their differences name them."""
    names: dict[str, None] = {}
    for pair in pairs:
        names.update(dict.fromkeys([pair.a, pair.b]))
    groups = {group.name: group for group in comparison.groups}
    return [groups[name] for name in names]


def _unit(pairs: Sequence[PairOfGroups], comparison: Comparison) -> str:
    """Return the unit of the differences: of whose mean they are a percentage."""
    if not comparison.in_percent:
        return comparison.shown_metric
    (second, *others) = {pair.b for pair in pairs}
    if others or len(second) > MOST_LETTERS:
        return "% of the second's mean"
    return f"% of {second}'s mean"


def _pair_lines(
    names: Sequence[str],
    shown: Sequence[Interval],
    places: Sequence[float],
) -> list[Line]:
    """Return the differences of each pair with their intervals."""
    lines = []
    for name in names:
        points = []
        for place, interval in zip(places, shown, strict=True):
            if interval.pair == name:
                points.append((place, interval.mean, interval.low, interval.high))
        if points:
            x, y, low, high = np.array(points).T
            lines.append(Line(name, x, y, low, high, "points", of=name))
    return lines


def _marks(shown: Sequence[Interval], places: Sequence[float]) -> tuple[Mark, ...]:
    """Return a ring with a sign at each difference that is neither better nor worse."""
    marks = []
    for place, interval in zip(places, shown, strict=True):
        if interval.sign:
            marks.append(Mark(place, interval.mean, interval.sign, interval.pair))
    return tuple(marks)
