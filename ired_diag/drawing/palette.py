"""Colours, dashes and markers: fixed by name, distinct without colour too.

The colours are those of Okabe & Ito (2008), Color Universal Design, which readers with any colour vision
tell apart; the seventh colour of groups is a dark brown instead of their black.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
BROWN = "#6B4423"
GREY, PALE_GREY = "#888888", "#A0A0A0"
NEARLY_BLACK = "#1A1A1A"  # to the eye as black as the right answers, with which it never stands


@dataclass(frozen=True)
class Style:
    """How a line is drawn: colour; dash as (on, off, …) in points, empty for solid; matplotlib's marker."""

    colour: str
    dash: tuple[float, ...] = ()
    marker: str = "o"


FIXED = {
    "positive": Style(BLACK),
    "references": Style(NEARLY_BLACK),
    "random": Style(BLUE, (5.0, 2.0), "s"),
    "start": Style(PURPLE, (6.0, 2.0, 1.5, 2.0), "v"),
    "adversarial": Style(VERMILION, (), "^"),
    "control": Style(GREEN, (1.5, 1.5), "D"),
    "margin": Style(GREY, (1.0, 1.5)),
    "contour": Style(PALE_GREY),
}
DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (5.0, 2.0),
    (1.5, 1.5),
    (6.0, 2.0, 1.5, 2.0),
    (7.0, 1.5, 1.5, 1.5, 1.5, 1.5),
    (10.0, 3.0),
    (3.0, 1.0),
)
# Sky blue comes late, because thin lines of the two blues look alike. None is black: bars, the points on
# intervals and the right answers are.
COLOURS = (BLUE, ORANGE, PURPLE, GREEN, VERMILION, SKY, BROWN)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
OTHERS = tuple(map(Style, COLOURS, DASHES, MARKERS))
STYLES = len(COLOURS) * len(DASHES)  # that are all different


def style_of(name: str, position: int) -> Style:
    """Return the style of a line: by its name where that is fixed, else by its place in an order."""
    if fixed := FIXED.get(name.split(" ")[0]):
        return fixed
    return style_at(position)


def style_at(position: int) -> Style:
    """Return the style of a place in an order.

    After seven places colours come again with another dash and marker: 49 styles are all different, as lines
    and as points.
    """
    turn, place = divmod(position, len(OTHERS))
    turned = (place + turn) % len(OTHERS)
    return replace(OTHERS[place], dash=DASHES[turned], marker=MARKERS[turned])
