"""The same difference by every readout: does the conclusion depend on what is read off the curves?

For each pair of groups, a - b, and each readout (``comparison.readouts``) the difference and the 95% interval
of the test that decides, as

    100 (x̄_a - x̄_b) / |x̄_b|  percent,

next to 0 and the margin below which a difference counts as too small to matter; what is neither better nor
worse by a readout, corrected for several pairs, has a ring. Where a share of a mean says nothing
(``comparison.margin``) or the margin is absolute, differences are in the metric's own unit. The area under
the curve says how fast more than how good, and has axes of its own. Where groups make more than six pairs,
those with the first group are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.comparison import READOUTS, Comparison, PairOfGroups
from ired_diag.comparison.pairs import FINAL, ByReadout
from ired_diag.comparison.words import READOUT_NAMES
from ired_diag.errors import DiagError
from ired_diag.figures.comparison_words import margin_in_words
from ired_diag.figures.data import FigureData, Guide, Line, Mark, Panel
from ired_diag.figures.margin_line import margin_lines
from ired_diag.figures.named_places import ends_of_places, named_places
from ired_diag.figures.ranges import range_in_words

MOST_PAIRS = 6
WIDE, APART = 0.8, 0.14  # of the place between readouts: what all pairs take, and at most two neighbours
SIGNS = {"equivalent": "=", "undecided": "?", "identical": "≡"}
PARTLY = "seeds, partly paired"
COUNTED = {
    "paired": "pairs of seeds",
    "partial": PARTLY,
    "partial_unequal": PARTLY,
    "welch": "seeds of both groups",
}
TESTS = {
    "paired": "paired t where seeds are pairs",
    "partial": "partially paired t where some are",
    "partial_unequal": "partially paired t with unequal variances where group sizes differ",
    "welch": "Welch's",
    "worst_rank": "where seeds failed worst ranks decide, and intervals are among those that finished",
}
WHOLE = tuple(name for name in READOUTS if name not in FINAL)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A pair's difference by one readout, in percent of the mean of b or in the metric's unit.

    Attributes:
        pair: Name of the pair.
        readout: Name of the readout.
        mean: The mean difference; NaN without one.
        low: Lower end of its 95% interval; NaN without one.
        high: Upper end of its 95% interval.
        margin: A smaller difference does not matter.
        decision: Better, worse, equivalent, undecided or identical.
        reason: Why something is NaN.
    """

    pair: str
    readout: str
    mean: float
    low: float
    high: float
    margin: float
    decision: str
    reason: str


def readout_forest(comparison: Comparison) -> FigureData:
    """Return every pair's difference by every readout.

    Args:
        comparison: A comparison of at least two groups.

    Raises:
        DiagError: There is no pair, or no readout of any.
    """
    pairs = _pairs(comparison)
    names = []
    intervals: list[Interval] = []
    for pair in pairs:
        names.append(_name(pair))
        intervals += intervals_of(pair, comparison)
    _check_any_readout(intervals)
    panels = []
    for readouts in (FINAL, WHOLE):
        panel = _panel(intervals, names, readouts, comparison)
        if any(line.of for line in panel.lines):
            panels.append(panel)
    method = _method(comparison, pairs, intervals)
    note = f"difference and 95% interval, {_counts(pairs)}; ringed: {_signs(intervals)}"
    for remark in _remarks(comparison, pairs, intervals):
        method += f" Of note: {remark}."
        note += f"; {remark}"
    sentences = [_sentence(pair, intervals, in_percent=comparison.in_percent) for pair in pairs]
    return FigureData(
        name="readouts",
        title="The same differences by every readout",
        x_label="readout",
        panels=tuple(panels),
        method=method,
        note=note,
        summary=" ".join(sentences),
        order=tuple(names),
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


def _remarks(
    comparison: Comparison,
    pairs: Sequence[PairOfGroups],
    intervals: Sequence[Interval],
) -> list[str]:
    """Return what is not drawn."""
    remarks = []
    if len(pairs) < len(comparison.pairs):
        remarks.append(f"pairs with {pairs[0].a} only")
    left_out = _left_out(intervals)
    if left_out:
        remarks.append(left_out)
    return remarks


def _method(
    comparison: Comparison,
    pairs: Sequence[PairOfGroups],
    intervals: Sequence[Interval],
) -> str:
    better = "lower" if comparison.lower_is_better else "higher"
    readouts = "; ".join(f"{name}: {READOUT_NAMES[name]}" for name in READOUTS)
    return (
        f"Difference of {comparison.metric} ({better} is better), first minus second, with the 95% interval "
        f"of the test that decides ({_tests(pairs)}), not corrected for several pairs as the verdicts are; "
        f"{_counts(pairs)}. {readouts}. Dotted: {margin_in_words(comparison)}. Ringed: {_signs(intervals)}; "
        "the others are better or worse."
    )


def _pairs(comparison: Comparison) -> Sequence[PairOfGroups]:
    if len(comparison.pairs) <= MOST_PAIRS:
        return comparison.pairs
    first = comparison.groups[0].name
    return [pair for pair in comparison.pairs if pair.a == first]


def _name(pair: PairOfGroups) -> str:
    return f"{pair.a} - {pair.b}"


def intervals_of(pair: PairOfGroups, comparison: Comparison) -> list[Interval]:
    """Return a pair's difference by every readout, in percent of the mean of b where that says something."""
    in_percent = comparison.in_percent
    return [_interval(pair, line, in_percent=in_percent) for line in pair.by_readout]


def _interval(pair: PairOfGroups, line: ByReadout, *, in_percent: bool) -> Interval:
    scale = 100 / line.reference if in_percent else 1.0
    return Interval(
        pair=_name(pair),
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
    names: Sequence[str],
    readouts: tuple[str, ...],
    comparison: Comparison,
) -> Panel:
    """Return the panel of some readouts, the pairs next to each other at each."""
    step = min(APART, WIDE / len(names))
    middle = (len(names) - 1) / 2
    shown = []
    places = []
    for interval in intervals:
        if interval.readout in readouts and math.isfinite(interval.mean):
            shift = step * (names.index(interval.pair) - middle)
            places.append(readouts.index(interval.readout) + shift)
            shown.append(interval)
    lines = _pair_lines(names, shown, places)
    margins = margin_lines(
        comparison,
        places=places,
        margins=[interval.margin for interval in shown],
        half_width=step / 2,
    )
    unit = "% of the second's mean" if comparison.in_percent else comparison.metric
    curves = "the end of the curves" if readouts == FINAL else "the whole curves"
    return Panel(
        y_label=f"difference ({unit})",
        lines=(*lines, *margins),
        x_label=f"readout of {curves}",
        x_ticks=named_places(readouts),
        x_range=ends_of_places(len(readouts)),
        guides=(Guide(0.0, ""),),
        marks=_marks(shown, places),
    )


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
        sign = SIGNS.get(interval.decision)
        if sign:
            marks.append(Mark(place, interval.mean, sign, interval.pair))
    return tuple(marks)


def _signs(intervals: Sequence[Interval]) -> str:
    """Return what the signs in rings mean; that of identical groups only where there are any."""
    decisions = {interval.decision for interval in intervals}
    words = []
    for word, sign in SIGNS.items():
        if word != "identical" or word in decisions:
            words.append(f"{sign} {word}")
    return ", ".join(words)


def _counts(pairs: Sequence[PairOfGroups]) -> str:
    n = range_in_words([pair.test.n for pair in pairs])
    estimators = {pair.estimator for pair in pairs}
    units = [words for estimator, words in COUNTED.items() if estimator in estimators]
    return f"n = {n} {' or '.join(units)}"


def _tests(pairs: Sequence[PairOfGroups]) -> str:
    kinds: set[str] = set()
    for pair in pairs:
        kinds.update([pair.estimator, pair.primary])
    return ", ".join(words for kind, words in TESTS.items() if kind in kinds)


def _left_out(intervals: Sequence[Interval]) -> str:
    """Return which differences have no interval, or are left out, and why."""
    by_reason: dict[str, list[Interval]] = {}
    for interval in intervals:
        if interval.reason:
            loss = "without interval" if math.isfinite(interval.mean) else "left out"
            members = by_reason.setdefault(f"{loss}, {interval.reason}", [])
            members.append(interval)
    words = []
    for reason, members in by_reason.items():
        words.append(f"{_where(members)} {reason}")
    return "; ".join(words)


def _where(intervals: Sequence[Interval]) -> str:
    """Return the readouts of intervals, and of how many pairs: ``plateau, last10 (of 3 pairs)``."""
    pairs = {interval.pair for interval in intervals}
    pair_words = f"{len(pairs)} pairs" if len(pairs) > 1 else intervals[0].pair
    readouts = dict.fromkeys(interval.readout for interval in intervals)
    return f"{', '.join(readouts)} (of {pair_words})"


def _sentence(pair: PairOfGroups, intervals: Sequence[Interval], *, in_percent: bool) -> str:
    unit = "%" if in_percent else ""
    name = _name(pair)
    words = []
    for interval in intervals:
        if interval.pair == name and math.isfinite(interval.mean):
            words.append(f"{interval.readout} {interval.mean:+.3g}{unit} ({interval.decision})")
    changes = "changes with" if pair.flips else "is the same by"
    return f"{name}: {', '.join(words)}; the verdict {changes} the readouts of the curves' end."
