"""The picture of a map of basins: each start of the grid in the colour of where its descent ends.

Critical points that the task knows, and then the ends of most starts, have colours of their own; the others
are grey, neighbours in different greys. A plus marks each end.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import Areas, FigureData, Panel, Text
from ired_diag.drawing.palette import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION
from ired_diag.maps.basins import LEFT, UNDER_WAY, BasinMap, End

Labels = NDArray[np.int64]

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)  # of the ends of most starts
GREYS = ("#7F7F7F", "#A6A6A6", "#5A5A5A", "#C2C2C2")  # of the other ends
NOT_SETTLED = "#E8E8E8"
GONE = "#FFFFFF"
FEW = 4  # ends, each of which a sentence names
HEIGHT = 1.9  # of the panel: a square part of the plane nearly is one


def basin_map(basins: BasinMap, *, title: str, method: str) -> FigureData:
    """Return the picture of a map of basins.

    Args:
        basins: The map.
        title: What was descended, in a few words.
        method: Optimiser and settings, as a sentence.
    """
    marks = []
    for end in basins.ends:
        if _is_on(basins, end):
            marks.append(Text(end.x, end.y, "+", anchor="center"))
    panel = Panel(
        "second coordinate",
        (),
        areas=_areas(basins),
        texts=tuple(marks),
        height=HEIGHT,
    )
    return FigureData(
        name="basins",
        title=title,
        x_label="first coordinate",
        panels=(panel,),
        method=f"{method} Each point of the grid is a start; {basins.starts:,} starts, {basins.steps:,} "
        "steps each. A plus marks where descents settled.",
        note=f"{basins.starts:,} starts, {basins.steps:,} steps",
        summary=in_words(basins),
    )


def in_words(basins: BasinMap) -> str:
    """Return what the map shows in a sentence."""
    parts = []
    if len(basins.ends) > FEW:
        lowest = min(basins.ends, key=lambda end: end.value)
        parts.append(f"descents end at {len(basins.ends)} points")
        parts.append(f"{_share_in_words(basins.ends[0], basins)}, no point gets more")
        parts.append(f"{_share_in_words(lowest, basins)}, the lowest point")
    else:
        parts += [_share_in_words(end, basins) for end in basins.ends]
    under_way = basins.share(UNDER_WAY)
    has_left = basins.share(LEFT)
    if under_way:
        parts.append(f"{100 * under_way:.2g}% are still under way after {basins.steps:,} steps")
    if has_left:
        parts.append(f"{100 * has_left:.2g}% have left the map or are no number")
    sentence = "; ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _share_in_words(end: End, basins: BasinMap) -> str:
    kind = f"the {end.kind} " if end.kind else ""
    place = place_in_words(end, basins)
    return f"{100 * end.share:.2g}% of the starts end at {kind}{place}, value {end.value:.4g}"


def place_in_words(end: End, basins: BasinMap) -> str:
    """Return where an end is, to a ten-thousandth of the width of the map."""
    width = basins.x[-1] - basins.x[0]
    digits = 4 - math.floor(math.log10(width))
    # Plus 0: minus zero is written as zero.
    x = round(end.x, digits) + 0.0
    y = round(end.y, digits) + 0.0
    return f"({x:.6g}, {y:.6g})"


def _is_on(basins: BasinMap, end: End) -> bool:
    """Say whether an end lies on the map."""
    is_across = basins.x[0] <= end.x <= basins.x[-1]
    is_up = basins.y[0] <= end.y <= basins.y[-1]
    return bool(is_across and is_up)


def _areas(basins: BasinMap) -> Areas:
    """Return the colours: of the ends of most starts, of other ends, of starts without an end."""
    label = basins.label
    chosen = _with_colours(basins)
    kinds = np.zeros(label.shape, dtype=np.int64)
    names: list[str] = []
    colours: list[str] = []

    def add(is_of_kind: NDArray[np.bool_], name: str, colour: str) -> None:
        kinds[is_of_kind] = len(names)
        names.append(name)
        colours.append(colour)

    for number, colour in zip(chosen, COLOURS, strict=False):
        end = basins.ends[number]
        kind = f"{end.kind} " if end.kind else ""
        add(label == number, f"{kind}{place_in_words(end, basins)}: {100 * end.share:.1f}%", colour)
    is_other = (label >= 0) & ~np.isin(label, chosen)
    if is_other.any():
        shade = _greys(label)
        name = f"{len(basins.ends) - len(chosen)} other ends: {100 * is_other.mean():.1f}%"
        for number, grey in enumerate(GREYS):
            add(is_other & (shade == number), name, grey)
    for without_end, words, colour in (
        (UNDER_WAY, "still under way", NOT_SETTLED),
        (LEFT, "left the map", GONE),
    ):
        share = basins.share(without_end)
        if share:
            add(label == without_end, f"{words}: {100 * share:.1f}%", colour)
    return Areas(
        x=basins.x,
        y=basins.y,
        kinds=kinds,
        names=tuple(names),
        colours=tuple(colours),
    )


def _with_colours(basins: BasinMap) -> list[int]:
    """Return the ends that have colours of their own: first those that the task knows, then by starts."""
    numbers = range(len(basins.ends))
    by_importance = sorted(numbers, key=lambda number: not basins.ends[number].kind)
    return by_importance[: len(COLOURS)]


def _greys(label: Labels) -> Labels:
    """Return a grey for each point: the first that no end next to its own has yet, where there is one."""
    chosen: dict[int, int] = {}
    neighbours = _neighbours(label)
    for end in sorted(neighbours):
        taken = {chosen.get(neighbour) for neighbour in neighbours[end]}
        free = [shade for shade in range(len(GREYS)) if shade not in taken]
        chosen[end] = free[0] if free else 0
    shade = np.zeros_like(label)
    for end, number in chosen.items():
        shade[label == end] = number
    return shade


def _neighbours(label: Labels) -> Mapping[int, set[int]]:
    """Return the labels that lie next to each label."""
    across = np.stack([label[:, 1:].ravel(), label[:, :-1].ravel()], axis=1)
    up = np.stack([label[1:].ravel(), label[:-1].ravel()], axis=1)
    pairs = np.unique(np.concatenate([across, up]), axis=0)
    neighbours: defaultdict[int, set[int]] = defaultdict(set)
    for first, second in pairs.tolist():
        if first != second:
            neighbours[first].add(second)
            neighbours[second].add(first)
    return neighbours
