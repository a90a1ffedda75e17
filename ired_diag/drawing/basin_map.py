"""The picture of a map of basins: each start of the grid in the colour of where its descent ends.

The ends of most starts have colours of their own, the others are grey, neighbours in different greys; a plus
marks each end.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import Areas, FigureData, Panel, Text
from ired_diag.drawing.palette import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION
from ired_diag.maps.basins import LEFT, UNDER_WAY, BasinMap, End

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)  # of the ends of most starts
GREYS = ("#7F7F7F", "#A6A6A6", "#5A5A5A", "#C2C2C2")  # of other ends
NOT_SETTLED, GONE = "#E8E8E8", "#FFFFFF"
FEW = 4  # ends, each of which a sentence names
HEIGHT = 1.9  # of the panel: a square part of the plane nearly is one


def basin_map(basins: BasinMap, *, title: str, method: str) -> FigureData:
    """Return the picture of a map of basins.

    Args:
        basins: The map.
        title: What was descended, in a few words.
        method: Optimiser and settings, as a sentence.
    """
    inside = _inside(basins)
    panel = Panel(
        "second coordinate",
        (),
        areas=_areas(basins),
        texts=tuple(Text(end.x, end.y, "+", anchor="center") for end in inside),
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
    under_way, left = basins.share(UNDER_WAY), basins.share(LEFT)
    if under_way:
        parts.append(f"{100 * under_way:.1f}% are still under way after {basins.steps:,} steps")
    if left:
        parts.append(f"{100 * left:.1f}% have left the map or are no number")
    sentence = "; ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _share_in_words(end: End, basins: BasinMap) -> str:
    known = f"the {end.known} " if end.known else ""
    return (
        f"{100 * end.share:.2g}% of the starts end at {known}{place_in_words(end, basins)}, "
        f"value {end.value:.4g}"
    )


def place_in_words(end: End, basins: BasinMap) -> str:
    """Return where an end is, to a ten-thousandth of the width of the map."""
    digits = 4 - math.floor(math.log10(basins.x[-1] - basins.x[0]))
    # Plus 0: minus zero is written as zero.
    x, y = (round(coordinate, digits) + 0.0 for coordinate in (end.x, end.y))
    return f"({x:.6g}, {y:.6g})"


def _inside(basins: BasinMap) -> list[End]:
    """Return the ends that lie on the map."""
    ends = []
    for end in basins.ends:
        if basins.x[0] <= end.x <= basins.x[-1] and basins.y[0] <= end.y <= basins.y[-1]:
            ends.append(end)
    return ends


def _areas(basins: BasinMap) -> Areas:
    """Return the colours: of the ends of most starts, of other ends, of starts without an end."""
    label, count = basins.label, min(len(basins.ends), len(COLOURS))
    names, colours = [], []
    kinds = np.zeros(label.shape, dtype=np.int64)
    for place, end in enumerate(basins.ends[:count]):
        names.append(f"{place_in_words(end, basins)}: {100 * end.share:.1f}%")
        colours.append(COLOURS[place])
        kinds[label == place] = place
    others = len(basins.ends) - count
    if others > 0:
        name = f"{others} other ends: {100 * _share(label >= count):.1f}%"
        shade = _greys(label)
        for place, grey in enumerate(GREYS):
            kinds[(label >= count) & (shade == place)] = len(names)
            names.append(name)
            colours.append(grey)
    rest = [
        (label == UNDER_WAY, "still under way", NOT_SETTLED),
        (label == LEFT, "left the map", GONE),
    ]
    for is_of_kind, name, colour in rest:
        if is_of_kind.any():
            kinds[is_of_kind] = len(names)
            names.append(f"{name}: {100 * _share(is_of_kind):.1f}%")
            colours.append(colour)
    return Areas(
        x=basins.x,
        y=basins.y,
        kinds=kinds,
        names=tuple(names),
        colours=tuple(colours),
    )


def _greys(label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a grey for each point: the first that no end next to its own has yet, where there is one."""
    touching: dict[int, set[int]] = {}
    for first, second in ((label[:, 1:], label[:, :-1]), (label[1:], label[:-1])):
        pairs = np.stack([first.ravel(), second.ravel()], axis=1)
        for one, other in np.unique(pairs, axis=0).tolist():
            touching.setdefault(one, set()).add(other)
            touching.setdefault(other, set()).add(one)
    chosen: dict[int, int] = {}
    for end in sorted(touching):
        taken = {chosen.get(other) for other in touching[end] - {end}}
        free = [place for place in range(len(GREYS)) if place not in taken]
        chosen[end] = free[0] if free else 0
    return np.vectorize(chosen.__getitem__)(label).astype(np.int64)


def _share(is_of_kind: NDArray[np.bool_]) -> float:
    return float(is_of_kind.mean())
