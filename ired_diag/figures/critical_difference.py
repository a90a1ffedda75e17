"""Critical-difference diagram: which groups differ in mean rank, by Nemenyi's test?

Every group stands at its mean rank R over the seeds that all groups share, its name at the side, a leader
line between. A bold bar joins groups of which no two differ: all their mean ranks lie closer than

    CD = q √(k (k + 1) / 6n),

for k groups and n seeds, q √2 being the upper 5% point of the studentised range. CD itself is the scale bar
at the top. Nemenyi's test is meant for after Friedman's has rejected that all groups rank alike; where that
does not, the picture says so.

Reference: Demšar (2006), Statistical Comparisons of Classifiers, section 3.2.2 and figure 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ired_diag.comparison import Comparison
from ired_diag.comparison.ranking import RankTable
from ired_diag.errors import DiagError
from ired_diag.figures.comparison_words import (
    ALPHA,
    PANEL_HEIGHT,
    agreement,
    names_of,
    p_told,
    ranks_of,
    readout_of,
)
from ired_diag.figures.data import FigureData, Panel, Segment, Text

ROW = 0.135  # inches of a row of names
BAR = 0.55  # rows of a bar
LETTER = 0.0175  # of the width of a column, as wide as names may be taken for
MOST_BESIDE = 0.36  # of the width, for names at one side
GAP = 0.015  # of the width, between a leader line and its name
MOST_TICKS = 12

Span = tuple[int, int]


def critical_difference(comparison: Comparison) -> FigureData:
    """Return Demšar's diagram.

    Args:
        comparison: Of at least two groups that share two seeds.

    Raises:
        DiagError: There is one group only, or the groups share fewer than two seeds.
    """
    ranks = ranks_of(comparison)
    if ranks.nemenyi.reason:
        told, why = ", ".join(names_of(comparison)), ranks.nemenyi.reason
        raise DiagError(f"{told}: no critical difference, {why}. Name groups with more seeds in common.")
    names = sorted(ranks.mean_ranks, key=lambda name: ranks.mean_ranks[name])
    joined = joined_groups(ranks, names)
    n, told, doubt = len(ranks.seeds), readout_of(comparison), _doubt(ranks)
    test, level = ranks.nemenyi, f"{100 * ranks.nemenyi.alpha:g}% level"
    return FigureData(
        "critical_difference",
        "Mean ranks, and which of them differ",
        f"mean rank over {n} seeds (1 is best)",
        (_panel(ranks, names, joined),),
        f"Mean ranks of {len(names)} groups over N = {n} seeds that all share, by {told}. A bold bar joins "
        "groups of which no two differ: their mean ranks lie closer than Nemenyi's critical difference, CD = "
        f"{test.critical_difference:.3g} ({level}, all pairs). Order of the groups: {agreement(ranks)}."
        f"{f' Beware: {doubt}.' if doubt else ''}",
        f"{f'{doubt}; ' if doubt else ''}bars join groups closer than CD, {level}; by {told}",
        _summary(ranks, names, joined, doubt),
        names_of(comparison),
    )


def _doubt(ranks: RankTable) -> str:
    """Return why Nemenyi's test should not be heard, or nothing."""
    test, chance = ranks.friedman, "what differs here may be chance"
    if math.isnan(test.p):
        return f"no Friedman test, {test.reason}: {chance}"
    return "" if test.p <= ALPHA else f"Friedman's test does not reject ({p_told(test.p)}): {chance}"


def joined_groups(ranks: RankTable, names: list[str]) -> list[Span]:
    """Return the first and last place of each bar: the largest sets of neighbours of which no two differ.

    Args:
        ranks: With Nemenyi's verdicts, in the order of ``mean_ranks``.
        names: Of the groups, by mean rank.
    """
    places = [list(ranks.mean_ranks).index(name) for name in names]
    spans: list[Span] = []
    for first, place in enumerate(places):
        alike = [i for i in range(first, len(places)) if not ranks.nemenyi.differs[place, places[i]]]
        if alike[-1] > first and (not spans or alike[-1] > spans[-1][1]):
            spans.append((first, alike[-1]))
    return spans


def _levels(spans: list[Span]) -> list[int]:
    """Return for each bar the lowest level on which it touches no other."""
    ends: list[int] = []
    levels = []
    for first, last in spans:
        level = next((i for i, end in enumerate(ends) if end < first), len(ends))
        ends[level : level + 1] = [last]
        levels.append(level)
    return levels


def _panel(ranks: RankTable, names: list[str], joined: list[Span]) -> Panel:
    at = [ranks.mean_ranks[name] for name in names]
    levels, half, k = _levels(joined), (len(names) + 1) // 2, len(names)
    difference = ranks.nemenyi.critical_difference
    span = _x_range(names[:half], names[half:], k, difference)
    gap = GAP * (span[1] - span[0])
    base = BAR * (1.5 + max(levels, default=-1) + 1)
    top = base + half
    leaders, texts = _names(names, at, base, gap)
    bars = [
        Segment((at[first] - gap / 4, at[last] + gap / 4), (BAR * (1 + level),) * 2, bold=True)
        for (first, last), level in zip(joined, levels, strict=True)
    ]
    told = Text(1 + difference / 2, top + 1.0, f"CD = {difference:.3g}", "center")
    every = -(-k // MOST_TICKS)
    return Panel(
        "",
        (),
        x_ticks=tuple((float(rank), str(rank)) for rank in range(1, k + 1, every)),
        segments=(*leaders, *bars, *_scale_bar(difference, top + 0.2)),
        texts=(*texts, told),
        x_range=span,
        y_range=(0.0, top + 1.6),
        height=(top + 1.6) * ROW / PANEL_HEIGHT,
        bare=True,
    )


def _names(names: list[str], at: list[float], base: float, gap: float) -> tuple[list[Segment], list[Text]]:
    """Return leader lines and names: the better half at the left, in rows, the outermost lowest.

    So no line crosses another.
    """
    k, half = len(names), (len(names) + 1) // 2
    leaders, texts = [], []
    for place, (name, rank) in enumerate(zip(names, at, strict=True)):
        left = place < half
        y = base + (place if left else k - 1 - place)
        side, sign = (1.0, -1) if left else (float(k), 1)
        leaders.append(Segment((rank, rank), (0.0, y), name))
        leaders.append(Segment((rank, side + sign * gap), (y, y), name))
        texts.append(Text(side + 2 * sign * gap, y, name, "right" if left else "left"))
    return leaders, texts


def _scale_bar(length: float, y: float) -> Iterator[Segment]:
    yield Segment((1.0, 1 + length), (y, y))
    for x in (1.0, 1 + length):
        yield Segment((x, x), (y - 0.2, y + 0.2))


def _x_range(left: list[str], right: list[str], k: int, difference: float) -> tuple[float, float]:
    """Return the ends of the axis: ranks 1 to k in the middle, at both sides room for names."""
    beside = [min(MOST_BESIDE, LETTER * max(map(len, names)) + 3 * GAP) for names in (left, right)]
    width = (k - 1) / (1 - sum(beside))
    return 1 - beside[0] * width, max(k + beside[1] * width, 1 + difference + GAP * width)


def _summary(ranks: RankTable, names: list[str], joined: list[Span], doubt: str) -> str:
    order = ", ".join(f"{name} {ranks.mean_ranks[name]:.2f}" for name in names)
    sets = "; ".join(", ".join(names[first : last + 1]) for first, last in joined)
    told = f"Not told apart: {sets}." if sets else "All groups are told apart."
    lead = f"Mean ranks: {order}. The critical difference is {ranks.nemenyi.critical_difference:.3g}. {told}"
    return f"{lead} Beware: {doubt}." if doubt else lead
