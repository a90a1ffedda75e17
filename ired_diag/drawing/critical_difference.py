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

import numpy as np

from ired_diag.comparison import Comparison
from ired_diag.comparison.ranking import RankTable
from ired_diag.drawing.comparison_words import (
    ALPHA,
    PANEL_HEIGHT,
    agreement_explained,
    failures_in_words,
    names_of,
    p_in_words,
    ranks_of,
    readout_of,
)
from ired_diag.drawing.data import Anchor, FigureData, Panel, Segment, Text
from ired_diag.drawing.named_places import numbered_places
from ired_diag.errors import DiagError

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
        comparison: A comparison of at least two groups that share two seeds.

    Raises:
        DiagError: There is one group only, or the groups share fewer than two seeds.
    """
    ranks = ranks_of(comparison)
    if ranks.nemenyi.reason:
        groups = ", ".join(names_of(comparison))
        raise DiagError(
            f"{groups}: no critical difference, {ranks.nemenyi.reason}. Name groups with more seeds in "
            "common."
        )
    names = sorted(ranks.mean_ranks, key=lambda name: ranks.mean_ranks[name])
    joined = joined_groups(ranks, names)
    n = len(ranks.seeds)
    readout = readout_of(comparison)
    doubt = _doubt(ranks)
    level = f"{100 * ranks.nemenyi.alpha:g}% level"
    best = "lowest" if comparison.lower_is_better else "highest"
    method = (
        f"Mean rank of each group over N = {n} seeds that all {len(names)} groups have, by {readout}; 1 is "
        f"the best ({best}) value.{failures_in_words(comparison, ranks)} {_bars_in_words(joined)} mean ranks "
        f"closer than Nemenyi's critical difference, CD = {ranks.nemenyi.critical_difference:.3g} "
        f"({level}, all pairs)."
    )
    if joined and not doubt:
        method += " This test sees the order only: groups that a bar joins may still differ in their means."
    method += f" {agreement_explained(ranks)}"
    note = f"bars join groups closer than CD, {level}; by {readout}"
    if doubt:
        method += f" Beware: {_doubt(ranks, with_p=False)}."
        note = f"{doubt}; {note}"
    return FigureData(
        name="critical_difference",
        title="Mean ranks, and which of them differ",
        x_label=f"mean rank over {n} seeds (1 is best)",
        panels=(_panel(ranks, names, joined),),
        method=method,
        note=note,
        summary=_summary(ranks, names, joined, doubt),
        order=names_of(comparison),
    )


def _bars_in_words(joined: list[Span]) -> str:
    if not joined:
        return "No two groups have"
    return "Bold bars join groups that have"


def _doubt(ranks: RankTable, *, with_p: bool = True) -> str:
    """Return why Nemenyi's test should not be heard, or nothing; the caption has Friedman's p already."""
    test = ranks.friedman
    chance = "what differs here may be chance"
    if math.isnan(test.p):
        return f"no Friedman test, {test.reason}: {chance}"
    if test.p <= ALPHA:
        return ""
    p = f" ({p_in_words(test.p)})" if with_p else ""
    return f"Friedman's test does not reject{p}: {chance}"


def joined_groups(ranks: RankTable, names: list[str]) -> list[Span]:
    """Return the first and last place of each bar: the largest sets of neighbours of which no two differ.

    Args:
        ranks: Ranks with Nemenyi's verdicts, in the order of ``mean_ranks``.
        names: Names of the groups, by mean rank.
    """
    table_order = list(ranks.mean_ranks)
    places = [table_order.index(name) for name in names]
    spans: list[Span] = []
    furthest = -1
    for first, place in enumerate(places):
        differs = ranks.nemenyi.differs[place, places[first:]]
        last = first + int(np.flatnonzero(~differs)[-1])
        if last > first and last > furthest:
            spans.append((first, last))
            furthest = last
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
    mean_ranks = [ranks.mean_ranks[name] for name in names]
    levels = _levels(joined)
    k = len(names)
    half = (k + 1) // 2
    difference = ranks.nemenyi.critical_difference
    left_end, right_end = _x_range(
        left=names[:half],
        right=names[half:],
        k=k,
        difference=difference,
    )
    gap = GAP * (right_end - left_end)
    base = BAR * (1.5 + max(levels, default=-1) + 1)
    top = base + half
    leaders, texts = _names(
        names=names,
        mean_ranks=mean_ranks,
        base=base,
        gap=gap,
    )
    bars = []
    for (first, last), level in zip(joined, levels, strict=True):
        start = mean_ranks[first] - gap / 4
        end = mean_ranks[last] + gap / 4
        y = BAR * (1 + level)
        bars.append(Segment((start, end), (y, y), bold=True))
    length = Text(
        x=1 + difference / 2,
        y=top + 1.0,
        text=f"CD = {difference:.3g}",
        anchor="center",
    )
    ticks_apart = math.ceil(k / MOST_TICKS)
    labelled_ranks = range(1, k + 1, ticks_apart)
    return Panel(
        y_label="",
        lines=(),
        x_ticks=numbered_places(labelled_ranks),
        segments=(*leaders, *bars, *_scale_bar(difference, top + 0.2)),
        texts=(*texts, length),
        x_range=(left_end, right_end),
        y_range=(0.0, top + 1.6),
        height=(top + 1.6) * ROW / PANEL_HEIGHT,
        bare=True,
    )


def _names(
    names: list[str],
    mean_ranks: list[float],
    base: float,
    gap: float,
) -> tuple[list[Segment], list[Text]]:
    """Return leader lines and names: the better half at the left, in rows, the outermost lowest.

    So no line crosses another.
    """
    k = len(names)
    half = (k + 1) // 2
    leaders = []
    texts = []
    for place, (name, rank) in enumerate(zip(names, mean_ranks, strict=True)):
        anchor: Anchor
        if place < half:
            y = base + place
            line_end = 1.0 - gap
            text_start = 1.0 - 2 * gap
            anchor = "right"
        else:
            y = base + (k - 1 - place)
            line_end = k + gap
            text_start = k + 2 * gap
            anchor = "left"
        up = Segment((rank, rank), (0.0, y), name)
        along = Segment((rank, line_end), (y, y), name)
        leaders += [up, along]
        text = Text(
            x=text_start,
            y=y,
            text=name,
            anchor=anchor,
        )
        texts.append(text)
    return leaders, texts


def _scale_bar(length: float, y: float) -> Iterator[Segment]:
    end = 1 + length
    yield Segment((1.0, end), (y, y))
    for x in (1.0, end):
        yield Segment((x, x), (y - 0.2, y + 0.2))


def _x_range(left: list[str], right: list[str], k: int, difference: float) -> tuple[float, float]:
    """Return the ends of the axis: ranks 1 to k in the middle, at both sides room for names."""
    share_left = _share_of_names(left)
    share_right = _share_of_names(right)
    width = (k - 1) / (1 - (share_left + share_right))
    scale_bar_end = 1 + difference + GAP * width
    return 1 - share_left * width, max(k + share_right * width, scale_bar_end)


def _share_of_names(names: list[str]) -> float:
    """Return the share of the width that names at one side take."""
    letters = max(map(len, names))
    return min(MOST_BESIDE, LETTER * letters + 3 * GAP)


def _summary(ranks: RankTable, names: list[str], joined: list[Span], doubt: str) -> str:
    order = ", ".join(f"{name} {ranks.mean_ranks[name]:.2f}" for name in names)
    difference = ranks.nemenyi.critical_difference
    sets = [", ".join(names[first : last + 1]) for first, last in joined]
    verdict = "All groups differ significantly."
    if sets:
        listed = "; ".join(sets)
        verdict = f"Not significantly different: {listed}."
    sentences = [
        f"Mean ranks: {order}.",
        f"The critical difference is {difference:.3g}.",
        verdict,
    ]
    if doubt:
        sentences.append(f"Beware: {doubt}.")
    return " ".join(sentences)
