"""Places of groups in the order of a picture's styles, so that any two drawn groups look different.

The place of a group among all groups of a study fixes its colour, dash and marker (``palette``), in the
dashboard and on paper alike, whichever groups a picture draws. Seven places on, the colour comes again with
another dash and marker; 49 places on, all three do. Only there a group takes the next style that no other
group of the picture has.
"""

from __future__ import annotations

from dataclasses import replace

from ired_diag.drawing.data import FigureData, Panel
from ired_diag.drawing.palette import STYLES

FREE = "\0"  # a place that no group has: no drawn name is this one


def with_distinct_places(figure: FigureData) -> FigureData:
    """Return a picture whose groups have different styles; the same picture where there are too many.

    >>> from ired_diag.drawing.data import Segment
    >>> study = tuple(f"q{number}" for number in range(60))
    >>> segments = tuple(Segment((0, 1), (0, 1), name) for name in ("q1", "q8", "q50"))
    >>> figure = FigureData("f", "", "", (Panel("", (), segments=segments),), "", order=study)
    >>> [with_distinct_places(figure).order.index(name) for name in ("q1", "q8", "q50")]
    [1, 8, 2]
    """
    drawn = set().union(*map(_drawn_names, figure.panels))
    groups = [name for name in figure.order if name in drawn]
    if len(groups) > STYLES:
        return figure
    places = [FREE] * STYLES
    for name in groups:
        start = figure.order.index(name)
        turned = [(start + step) % STYLES for step in range(STYLES)]
        free = next(place for place in turned if places[place] == FREE)
        places[free] = name
    return replace(figure, order=tuple(places))


def _drawn_names(panel: Panel) -> set[str]:
    """Return whose styles a panel shows."""
    names = {line.of or line.name for line in panel.lines}
    names.update(outline.name for outline in panel.outlines)
    names.update(mark.of for mark in panel.marks)
    names.update(segment.of for segment in panel.segments)
    return names - {""}
