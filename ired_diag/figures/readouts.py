"""The same difference by every readout: does the conclusion depend on what is read off the curves?

For each pair of groups, a - b, and each readout (``comparison.readouts``) the difference and the 95% interval
of the test that decides, as

    100 (x̄_a - x̄_b) / |x̄_b|  percent,

next to 0 and the margin below which a difference counts as too small to matter; what is neither better nor
worse by a readout, corrected for several pairs, has a ring. Where a share of a mean says nothing
(``comparison.margin``) or the margin is absolute, differences are in the metric's own unit. The area under
the curve tells how fast, more than how good, and has axes of its own. Where groups make more than six pairs,
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
WHOLE = tuple(name for name in READOUTS if name not in FINAL)


@dataclass(frozen=True)
class Interval:
    """A pair's difference by one readout, in percent of the mean of b or in the metric's unit.

    Attributes:
        pair: Name of the pair.
        readout: Which.
        mean: Of the difference; NaN without one.
        low: Lower end of its 95% interval; NaN without one.
        high: Upper end.
        margin: What is too small to matter.
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
        comparison: Of at least two groups.

    Raises:
        DiagError: There is no pair, or no readout of any.
    """
    pairs = _pairs(comparison)
    found = [one for pair in pairs for one in intervals_of(pair, comparison)]
    if not any(math.isfinite(one.mean) for one in found):
        why = f" ({found[0].pair}, {found[0].readout}: {found[0].reason})" if found else ", found 1 group"
        raise DiagError(f"A difference needs 2 groups with a readout{why}. Name another group.")
    names = [_name(pair) for pair in pairs]
    panels = [_panel(found, names, which, comparison) for which in (FINAL, WHOLE)]
    only = "" if len(pairs) == len(comparison.pairs) else f"pairs with {pairs[0].a} only"
    said = [told for told in (only, _left_out(found)) if told]
    n, readouts = _counts(pairs), "; ".join(f"{name}: {READOUT_NAMES[name]}" for name in READOUTS)
    better = "lower" if comparison.lower_is_better else "higher"
    return FigureData(
        "readouts",
        "The same differences by every readout",
        "readout",
        tuple(panel for panel in panels if any(line.of for line in panel.lines)),
        f"Difference of {comparison.metric} ({better} is better), first minus second, with the 95% interval "
        "of the test that "
        f"decides ({_tests(pairs)}), not corrected for several pairs as the verdicts are; {n}. {readouts}. "
        f"Dotted: {margin_in_words(comparison)}. Ringed: {_signs(found)}; the "
        f"others are better or worse.{''.join(f' Of note: {told}.' for told in said)}",
        "; ".join([f"difference and 95% interval, {n}; ringed: {_signs(found)}", *said]),
        " ".join(_sentence(pair, found, percent=comparison.in_percent) for pair in pairs),
        tuple(names),
    )


def _pairs(comparison: Comparison) -> Sequence[PairOfGroups]:
    if len(comparison.pairs) <= MOST_PAIRS:
        return comparison.pairs
    return [pair for pair in comparison.pairs if pair.a == comparison.groups[0].name]


def _name(pair: PairOfGroups) -> str:
    return f"{pair.a} - {pair.b}"


def intervals_of(pair: PairOfGroups, comparison: Comparison) -> list[Interval]:
    """Return a pair's difference by every readout, in percent of the mean of b where that says something."""
    percent = comparison.in_percent
    return [_interval(pair, line, percent=percent) for line in pair.by_readout]


def _interval(pair: PairOfGroups, line: ByReadout, *, percent: bool) -> Interval:
    scale = 100 / line.reference if percent else 1.0
    mean, low, high, margin = (scale * value for value in (line.difference, line.low, line.high, line.margin))
    return Interval(_name(pair), line.readout, mean, low, high, margin, line.decision, line.reason)


def _panel(found: list[Interval], names: list[str], which: tuple[str, ...], comparison: Comparison) -> Panel:
    step = min(APART, WIDE / len(names))
    shown = [one for one in found if one.readout in which and math.isfinite(one.mean)]
    places = [
        which.index(one.readout) + step * (names.index(one.pair) - (len(names) - 1) / 2) for one in shown
    ]
    lines = []
    for name in names:
        of_pair = [(x, one) for x, one in zip(places, shown, strict=True) if one.pair == name]
        x = np.array([place for place, _ in of_pair])
        y, low, high = (
            np.array([getattr(one, end) for _, one in of_pair]) for end in ("mean", "low", "high")
        )
        if len(x):
            lines.append(Line(name, x, y, low, high, "points", of=name))
    return Panel(
        "difference (% of the second's mean)"
        if comparison.in_percent
        else f"difference ({comparison.metric})",
        (*lines, *_margins(shown, places, step, comparison)),
        x_label="readout of the end of the curves" if which == FINAL else "readout of the whole curves",
        x_ticks=tuple((float(i), name) for i, name in enumerate(which)),
        x_range=(-0.5, len(which) - 0.5),
        guides=(Guide(0.0, ""),),
        marks=tuple(
            Mark(x, one.mean, SIGNS[one.decision], one.pair)
            for x, one in zip(places, shown, strict=True)
            if one.decision in SIGNS
        ),
    )


def _signs(found: Sequence[Interval]) -> str:
    """Return what the signs in rings mean; that of identical groups only where there are any."""
    rare = "identical"
    used = [word for word in SIGNS if word != rare or any(one.decision == rare for one in found)]
    return ", ".join(f"{SIGNS[word]} {word}" for word in used)


def _margins(shown: list[Interval], places: list[float], step: float, comparison: Comparison) -> list[Line]:
    """Return the margin of each interval in one line with gaps."""
    if all(math.isnan(one.margin) for one in shown):
        return []
    half = step / 2
    x = [place + side for _ in (0, 1) for place in places for side in (-half, half, half)]
    y = [end for sign in (-1, 1) for one in shown for end in (sign * one.margin, sign * one.margin, math.nan)]
    name = f"margin ±{comparison.margin.text.removesuffix('abs')}"
    return [Line(name, np.array(x), np.array(y), drawn="line")]


def _counts(pairs: Sequence[PairOfGroups]) -> str:
    counts = sorted({pair.test.n for pair in pairs})
    n = f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"
    kinds = {pair.estimator for pair in pairs}
    what = [told for name, told in COUNTED.items() if name in kinds]
    return f"{n} {' or '.join(what)}"


def _tests(pairs: Sequence[PairOfGroups]) -> str:
    names = {
        "paired": "paired t where seeds are pairs",
        "partial": "partially paired t where some are",
        "partial_unequal": "partially paired t with unequal variances where group sizes differ",
        "welch": "Welch's",
        "worst_rank": "where seeds failed worst ranks decide, and intervals are among those that finished",
    }
    kinds = {kind for pair in pairs for kind in (pair.estimator, pair.primary)}
    return ", ".join(names[name] for name in names if name in kinds)


def _left_out(found: list[Interval]) -> str:
    lost: dict[str, list[Interval]] = {}
    for one in found:
        if one.reason:
            what = "without interval" if math.isfinite(one.mean) else "left out"
            lost.setdefault(f"{what}, {one.reason}", []).append(one)
    return "; ".join(f"{_where(ones)} {told}" for told, ones in lost.items())


def _where(found: list[Interval]) -> str:
    """Return which readouts these are, and of how many pairs: ``plateau, last10 (of 3 pairs)``."""
    pairs = {one.pair for one in found}
    of = f"{len(pairs)} pairs" if len(pairs) > 1 else found[0].pair
    return f"{', '.join(dict.fromkeys(one.readout for one in found))} (of {of})"


def _sentence(pair: PairOfGroups, found: list[Interval], *, percent: bool) -> str:
    sign = "%" if percent else ""
    told = ", ".join(
        f"{one.readout} {one.mean:+.3g}{sign} ({one.decision})"
        for one in found
        if one.pair == _name(pair) and math.isfinite(one.mean)
    )
    changes = "changes with" if pair.flips else "is the same by"
    return f"{_name(pair)}: {told}; the verdict {changes} the readouts of the curves' end."
