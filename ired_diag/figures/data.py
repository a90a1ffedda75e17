"""The data of a picture, apart from how it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ired_diag.figures.palette import Style, style_of

Scale = Literal["linear", "log"]
Drawn = Literal["both", "line", "points", "steps"]
Spread = Literal["bars", "band"]
Anchor = Literal["left", "center", "right"]
BELOW = 2.0  # times below all lines a band may reach on a logarithmic axis
WIDE = 10.0  # values that span more than this factor have a logarithmic axis


@dataclass(frozen=True)
class Line:
    """A line, with a spread around each of its points where there is one.

    Attributes:
        name: As the legend says it; it also fixes colour, dash and marker (``palette``).
        x: Of shape (n,).
        y: Of shape (n,).
        low: Lower end of the spread.
        high: Upper end.
        drawn: As ``both`` line and markers, ``line`` (for many points), ``points``, or ``steps``.
        spread: As ``bars`` at each point, or a filled ``band``.
        of: Whose style it has, where that is not its own name's.
        faint: Thin, behind the others, without an entry in the legend: single runs beneath their mean. It is
            a line, or dots where ``drawn`` as ``points``.
    """

    name: str
    x: NDArray[Any]
    y: NDArray[Any]
    low: NDArray[Any] | None = None
    high: NDArray[Any] | None = None
    drawn: Drawn = "both"
    spread: Spread = "bars"
    of: str = ""
    faint: bool = False


@dataclass(frozen=True)
class Guide:
    """A thin grey line across a panel, at a value of y that is known beforehand.

    Attributes:
        y: The value.
        label: What it is.
        quiet: Drawn without its words, for which there is no room; the table has them.
    """

    y: float
    label: str
    quiet: bool = False


@dataclass(frozen=True)
class Mark:
    """A point that is named in the picture: an onset, a best evaluation.

    Attributes:
        x: Its place.
        y: Its place.
        label: What it is.
        of: Whose style it has.
        quiet: Drawn without its words, for which there is no room; the table has them.
        anchor: Whether the words begin (``left``) or end (``right``) at the mark.
        below: Whether they stand below it.
    """

    x: float
    y: float
    label: str
    of: str = ""
    quiet: bool = False
    anchor: Anchor = "left"
    below: bool = False


@dataclass(frozen=True)
class Outline:
    """A filled shape, such as one side of a violin.

    Attributes:
        name: As the legend says it, once for all outlines of the name.
        x: Of shape (n,), the corners in turn.
        y: Of shape (n,).
    """

    name: str
    x: NDArray[Any]
    y: NDArray[Any]


@dataclass(frozen=True)
class Segment:
    """A straight piece from (x[0], y[0]) to (x[1], y[1]); black and ``bold`` for what it joins."""

    x: tuple[float, float]
    y: tuple[float, float]
    of: str = ""
    bold: bool = False


@dataclass(frozen=True)
class Text:
    """Words at a place of the axes."""

    x: float
    y: float
    text: str
    anchor: Anchor = "left"


@dataclass(frozen=True)
class Cells:
    """A table of coloured cells: row i lies at y = i, column j at x = j.

    Attributes:
        values: Of shape (rows, columns); NaN is left empty.
        texts: Of the same shape, written into the cells.
        label: Of the values.
    """

    values: NDArray[Any]
    texts: tuple[tuple[str, ...], ...]
    label: str


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        y_label: With the unit.
        lines: What is drawn.
        y_scale: Of the y axis.
        x_label: Of its own x axis; without it the panel shares that of the figure.
        x_scale: Of the x axis.
        x_ticks: Names at places on the x axis, where it has names and no numbers; places alone where empty.
        guides: Values of y that are known beforehand.
        y_ticks: The same for the y axis.
        marks: Points that are named.
        outlines: Filled shapes.
        segments: Straight pieces.
        texts: Words at places.
        cells: Coloured cells.
        x_range: Ends of the x axis; those of the data without it.
        y_range: Ends of the y axis.
        height: In units of a panel's usual height.
        bare: Without a y axis, where its places mean nothing.
    """

    y_label: str
    lines: tuple[Line, ...]
    y_scale: Scale = "linear"
    x_label: str = ""
    x_scale: Scale = "linear"
    x_ticks: tuple[tuple[float, str], ...] = ()
    guides: tuple[Guide, ...] = ()
    y_ticks: tuple[tuple[float, str], ...] = ()
    marks: tuple[Mark, ...] = ()
    outlines: tuple[Outline, ...] = ()
    segments: tuple[Segment, ...] = ()
    texts: tuple[Text, ...] = ()
    cells: Cells | None = None
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    height: float = 1.0
    bare: bool = False


def legend_names(panel: Panel) -> list[str]:
    """Return what a legend says of a panel: its lines but for the faint ones, and its outlines, once each.

    What stands at a place of the x axis that has its name needs no legend.
    """
    lines = [line.name for line in panel.lines if not line.faint]
    told = {name for _, name in panel.x_ticks}
    names = dict.fromkeys([*lines, *(outline.name for outline in panel.outlines)])
    return [name for name in names if name not in told]


def drawable_spread(line: Line, panel: Panel) -> tuple[NDArray[Any], ...] | None:
    """Return the ends of a line's spread as they can be drawn, and where each had to be cut.

    An infinite end, or one at or below 0 on a log axis, is cut at the largest or smallest value that the
    panel draws: left out, it would look like no spread at all. On a log axis a band ends at half of the least
    value of all lines: a t interval of few seeds that nearly reaches 0 would else fill the picture.
    """
    if line.low is None or line.high is None:
        return None
    shown = [v for one in panel.lines for v in (one.y, one.low, one.high) if v is not None]
    values = np.concatenate(shown).astype(float)
    values = values[np.isfinite(values) & ((values > 0) | (panel.y_scale == "linear"))]
    if not len(values):
        return None
    least = values.min()
    if line.spread == "band" and panel.y_scale == "log":
        drawn = np.concatenate([one.y for one in panel.lines]).astype(float)
        drawn = drawn[np.isfinite(drawn) & (drawn > 0)]
        least = max(least, drawn.min() / BELOW) if len(drawn) else least
    low, high = (np.clip(end.astype(float), least, values.max()) for end in (line.low, line.high))
    return low, high, low != line.low, high != line.high


def cut_in_words(panel: Panel) -> str:
    """Return that ends of bands are cut, where they are."""
    spreads = [drawable_spread(line, panel) for line in panel.lines]
    cut = any((s[2] & np.isfinite(s[0])).any() or (s[3] & np.isfinite(s[1])).any() for s in spreads if s)
    return " Ends of bands at or near 0, or infinite, are cut." if cut else ""


def scale_of(values: Sequence[NDArray[Any]]) -> Scale:
    """Return a logarithmic axis where all values are positive and span more than a factor of ten."""
    told = np.concatenate([np.asarray(v, dtype=np.float64) for v in values]) if values else np.array([])
    told = told[np.isfinite(told)]
    wide = len(told) > 0 and told.min() > 0 and told.max() / WIDE > told.min()
    return "log" if wide else "linear"


@dataclass(frozen=True)
class FigureData:
    """A picture.

    Attributes:
        name: Of its files.
        title: What is seen, in a few words.
        x_label: Of the axis that all panels share.
        panels: From left to right, or from top to bottom.
        method: What line and spread are, and N: a caption.
        note: The same in a few words, drawn into the picture.
        summary: What is to be seen, in a sentence or two with numbers: for who cannot see it.
        order: Names whose place in it fixes their style in all panels; by their place in the panel without.
        stacked: Panels always stand above each other, as those do that share steps of training.
    """

    name: str
    title: str
    x_label: str
    panels: tuple[Panel, ...]
    method: str
    note: str = ""
    summary: str = ""
    order: tuple[str, ...] = ()
    stacked: bool = False

    def style(self, name: str, position: int) -> Style:
        """Return the style of a name: fixed by the name, by the order, or by its position in a panel."""
        return style_of(name, self.order.index(name) if name in self.order else position)
