"""Places of groups in the order of a picture's styles, so that any two drawn groups look different.

The place of a group among all groups of a study fixes its colour, dash and marker (``palette``). Of a large
study a picture may draw two groups whose places are seven apart: both would have the same colour and marker.
On paper up to seven groups therefore have seven different places. Each keeps the style of its place in the
study where no group before it has that style in the picture. The two blues look alike in thin lines and
pale bands: where a picture has both and other places are free, the sky blue group takes one of them.
"""

from __future__ import annotations

from dataclasses import replace

from ired_diag.drawing.data import FigureData, Panel
from ired_diag.drawing.palette import BLUE, OTHERS, SKY

FREE = "\0"  # a place that no group has: no drawn name is this one


def with_distinct_places(figure: FigureData) -> FigureData:
    """Return a picture whose groups have different styles; the same picture where there are too many.

    >>> from ired_diag.drawing.data import Segment
    >>> segments = tuple(Segment((0, 1), (0, 1), name) for name in ("q101", "q108"))
    >>> study = tuple(f"q{number}" for number in range(101, 110))
    >>> figure = FigureData("f", "", "", (Panel("", (), segments=segments),), "", order=study)
    >>> with_distinct_places(figure).order[:2]
    ('q101', 'q108')
    """
    drawn = set().union(*map(_drawn_names, figure.panels))
    groups = [name for name in figure.order if name in drawn]
    if len(groups) > len(OTHERS):
        return figure
    places = [FREE] * len(OTHERS)
    for name in groups:
        start = figure.order.index(name)
        turned = [(start + step) % len(places) for step in range(len(places))]
        free = next(place for place in turned if places[place] == FREE)
        places[free] = name
    _part_look_alikes(places)
    return replace(figure, order=tuple(places))


def _part_look_alikes(places: list[str]) -> None:
    """Move the sky blue group to a free place where another is blue."""
    colours = [style.colour for style in OTHERS]
    blue, sky = colours.index(BLUE), colours.index(SKY)
    if FREE in (places[blue], places[sky]) or FREE not in places:
        return
    turned = [(sky + step) % len(places) for step in range(len(places))]
    free = next(place for place in turned if places[place] == FREE)
    places[free], places[sky] = places[sky], FREE


def _drawn_names(panel: Panel) -> set[str]:
    """Return whose styles a panel shows."""
    names = {line.of or line.name for line in panel.lines}
    names.update(outline.name for outline in panel.outlines)
    names.update(mark.of for mark in panel.marks)
    names.update(segment.of for segment in panel.segments)
    return names - {""}
