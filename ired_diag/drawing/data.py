"""The data of a picture, apart from how it is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.palette import Style, style_at, style_of

Scale = Literal["linear", "log"]
Drawn = Literal["both", "line", "points", "steps"]
Spread = Literal["bars", "band"]
Anchor = Literal["left", "center", "right"]
Shape = Literal["circle", "diamond", "square"]
BELOW = 2.0  # times below all lines a band may reach on a logarithmic axis
WIDE = 10.0  # values that span more than this factor have a logarithmic axis


@dataclass(frozen=True)
class Line:
    """A line, with a spread around each of its points where there is one.

    Attributes:
        name: Its name in the legend, which also fixes colour, dash and marker (``palette``).
        x: Places of the points on the x axis, of shape (n,).
        y: Places of the points on the y axis, of shape (n,).
        low: Lower end of the spread, of shape (n,).
        high: Upper end of the spread, of shape (n,).
        drawn: How it is drawn: as ``both`` line and markers, a ``line`` (for many points), ``points`` or
            ``steps``.
        spread: How its spread is drawn: as ``bars`` at each point, or as a filled ``band``.
        of: The name whose style it has, where that is not its own.
        faint: Whether it is thin, behind the others and without an entry in the legend, as single runs
            beneath their mean are. It is a line, or dots where ``drawn`` as ``points``.
        labels: What each point is called at the pointer: ``q101, seed0``. Empty: the name of the line.
        width: Width as a multiple of the usual one: lines that lie on each other are seen by it.
        shift: How far to the right of their places the points are drawn, so that spreads lie next to each
            other; tables and the pointer have the places.
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
    labels: tuple[str, ...] = ()
    width: float = 1.0
    shift: float = 0.0

    @property
    def drawn_x(self) -> NDArray[Any]:
        """Where the points are drawn."""
        return self.x + self.shift if self.shift else self.x


@dataclass(frozen=True)
class Guide:
    """A thin grey line across a panel, at a value of y that is known beforehand.

    Attributes:
        y: The value.
        label: Name of the value.
        quiet: Whether it is drawn without its words, for which there is no room; the table has them.
        anchor: Whether its words stand at the right or the left end.
        below: Whether they stand below it. On paper words take the nearest place that is free instead.
    """

    y: float
    label: str
    quiet: bool = False
    anchor: Anchor = "right"
    below: bool = False


@dataclass(frozen=True)
class Mark:
    """A point that is named in the picture: an onset, a best evaluation.

    Attributes:
        x: Its place on the x axis.
        y: Its place on the y axis.
        label: Words of the mark.
        of: The name whose style it has.
        quiet: Whether it is drawn without its words, for which there is no room; the table has them.
        anchor: Whether the words begin (``left``) or end (``right``) at the mark.
        below: Whether they stand below it. On paper words take the nearest place that is free instead.
        shape: Its shape.
    """

    x: float
    y: float
    label: str
    of: str = ""
    quiet: bool = False
    anchor: Anchor = "left"
    below: bool = False
    shape: Shape = "circle"


@dataclass(frozen=True)
class Outline:
    """A filled shape, such as one side of a violin.

    Attributes:
        name: Its name in the legend, which lists it once for all outlines of the name.
        x: Places of the corners on the x axis, in turn, of shape (n,).
        y: Places of the corners on the y axis, of shape (n,).
    """

    name: str
    x: NDArray[Any]
    y: NDArray[Any]


@dataclass(frozen=True)
class Segment:
    """A straight piece from (x[0], y[0]) to (x[1], y[1]); black and ``bold`` for what it joins.

    ``name`` is what the table calls it, where that is not ``of``, the name whose colour it has.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    of: str = ""
    bold: bool = False
    name: str = ""


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
        values: Values that the colours show, of shape (rows, columns); NaN is left empty.
        texts: Texts that are written into the cells, of the same shape.
        label: Name of the values.
    """

    values: NDArray[Any]
    texts: tuple[tuple[str, ...], ...]
    label: str


@dataclass(frozen=True)
class Raster:
    """An image: its pixel in row i and column j lies at y = i, x = j; the first row at the top.

    Attributes:
        colours: Red, green and blue, of shape (rows, columns, 3), in [0, 1].
    """

    colours: NDArray[np.float64]

    @property
    def as_bytes(self) -> NDArray[np.uint8]:
        """The colours in whole steps from 0 to 255, of shape (rows, columns, 3)."""
        return np.rint(255 * self.colours).astype(np.uint8)


@dataclass(frozen=True)
class Areas:
    """The plane in colours: each point of a grid belongs to one area, which the legend names.

    Attributes:
        x: Places of the columns on the x axis, evenly apart, of shape (columns,).
        y: Places of the rows on the y axis, evenly apart, of shape (rows,).
        kinds: The area of each point, as its place in ``names``, of shape (rows, columns).
        names: Names of the areas.
        colours: Their colours, as ``#rrggbb``.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    kinds: NDArray[Any]
    names: tuple[str, ...]
    colours: tuple[str, ...]


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        y_label: Label of the y axis, with the unit.
        lines: Lines that it draws.
        y_scale: Scale of the y axis.
        x_label: Label of its own x axis; without it the panel shares that of the figure.
        x_scale: Scale of the x axis.
        x_ticks: Names at places on the x axis, where it has names and no numbers; places alone where empty.
        guides: Values of y that are known beforehand.
        y_ticks: Names at places on the y axis.
        marks: Points that are named.
        outlines: Filled shapes.
        segments: Straight pieces.
        texts: Words at places.
        cells: Coloured cells.
        raster: An image, which fills the panel.
        areas: The plane in colours, behind everything else.
        x_range: Ends of the x axis. Default: those of the data.
        y_range: Ends of the y axis. Default: those of the data.
        y_from_zero: Whether the y axis begins at 0, below which nothing can be.
        height: Height as a multiple of a panel's usual height.
        bare: Whether it has no y axis, because places on it mean nothing.
        square: Whether one unit is equally long on both axes, as on a map.
        title: What tells it from the other panels of a picture in rows: ``noise level 3``.
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
    raster: Raster | None = None
    areas: Areas | None = None
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    y_from_zero: bool = False
    height: float = 1.0
    bare: bool = False
    square: bool = False
    title: str = ""

    @property
    def name(self) -> str:
        """The label of its y axis, and its title where it has one."""
        return ", ".join(filter(None, [self.y_label, self.title]))


def legend_names(panel: Panel) -> list[str]:
    """Return what the legend of a panel lists: lines but for the faint ones, outlines and areas, once each.

    A name that is written on an axis needs no legend: ``q103``, ``q103: better``, or ``q102 - q101 (%)``.
    """
    on_axis = _names_on_axes(panel)
    return [name for name in _drawn_names(panel) if name not in on_axis]


def needs_legend(panel: Panel) -> bool:
    """Say whether axes do not explain what is drawn: several names, or one next to others that they name."""
    drawn = _drawn_names(panel)
    unexplained = legend_names(panel)
    has_explained = len(unexplained) < len(drawn)
    return len(unexplained) > 1 or (has_explained and bool(unexplained))


def _drawn_names(panel: Panel) -> list[str]:
    """Return the names of what is drawn, each once."""
    names = [line.name for line in panel.lines if not line.faint]
    names += [outline.name for outline in panel.outlines]
    if panel.areas is not None:
        names += panel.areas.names
    return list(dict.fromkeys(names))


def _names_on_axes(panel: Panel) -> set[str]:
    on_axis: set[str] = set()
    for _, words in (*panel.x_ticks, *panel.y_ticks):
        name, _, _ = words.rpartition(": ")
        on_axis.update([words, name])
    on_axis.update([panel.y_label, panel.y_label.rpartition(" (")[0]])
    return on_axis


def drawable_spread(line: Line, panel: Panel) -> tuple[NDArray[Any], ...] | None:
    """Return the ends of a line's spread as they can be drawn, and where each had to be cut.

    An infinite end, or one at or below 0 on a log axis, is cut at the largest or smallest value that the
    panel draws: left out, it would look like no spread at all. On a log axis a band ends at half of the least
    value of all lines: a t interval of few seeds that nearly reaches 0 would else fill the picture.
    """
    if line.low is None or line.high is None:
        return None
    values = _on_y_axis(_lines_and_spreads(panel), panel.y_scale)
    if not len(values):
        return None
    least = values.min()
    if line.spread == "band" and panel.y_scale == "log":
        drawn = _on_y_axis([other.y for other in panel.lines], "log")
        if len(drawn):
            least = max(least, drawn.min() / BELOW)
    low = np.clip(line.low.astype(float), least, values.max())
    high = np.clip(line.high.astype(float), least, values.max())
    return low, high, low != line.low, high != line.high


def _lines_and_spreads(panel: Panel) -> list[NDArray[Any]]:
    arrays = []
    for line in panel.lines:
        for values in (line.y, line.low, line.high):
            if values is not None:
                arrays.append(values)
    return arrays


def _on_y_axis(arrays: Sequence[NDArray[Any]], scale: Scale) -> NDArray[np.float64]:
    """Return the values that an axis can show: finite ones, on a log axis only those above 0."""
    values = np.concatenate(arrays).astype(float)
    has_place = np.isfinite(values)
    if scale == "log":
        has_place &= values > 0
    shown: NDArray[np.float64] = values[has_place]
    return shown


def cut_in_words(panel: Panel) -> str:
    """Return the sentence that ends of bands are cut, and where; empty where none is."""
    if not any(_has_visible_cut(line, panel) for line in panel.lines):
        return ""
    lower_ends = []
    has_infinite_end = False
    for line in panel.lines:
        spread = drawable_spread(line, panel)
        if spread is not None:
            low, _, cut_low, _ = spread
            lower_ends += low[cut_low & np.isfinite(low)].tolist()
            has_infinite_end |= bool(np.isinf(line.low).any() or np.isinf(line.high).any())  # type: ignore[arg-type]
    if panel.y_scale == "log" and lower_ends:
        infinite = "; infinite ends are cut too" if has_infinite_end else ""
        return f" On the logarithmic axis, bands are cut below {min(lower_ends):.3g}{infinite}."
    return " Infinite ends of bands are cut."


def _has_visible_cut(line: Line, panel: Panel) -> bool:
    spread = drawable_spread(line, panel)
    if spread is None:
        return False
    low, high, cut_low, cut_high = spread
    visible_low = cut_low & np.isfinite(low)
    visible_high = cut_high & np.isfinite(high)
    return bool(visible_low.any() or visible_high.any())


def scale_of(values: Sequence[NDArray[Any]]) -> Scale:
    """Return a logarithmic axis where all values are positive and span more than a factor of ten."""
    if not values:
        return "linear"
    arrays = [np.asarray(array, dtype=np.float64) for array in values]
    pooled = np.concatenate(arrays)
    finite = pooled[np.isfinite(pooled)]
    if not len(finite) or finite.min() <= 0:
        return "linear"
    # Divided, not multiplied: a large value times the factor would overflow.
    return "log" if finite.max() / WIDE > finite.min() else "linear"


def scale_of_lines(lines: Iterable[Line]) -> Scale:
    """Return the scale of the y axis that suits lines."""
    return scale_of([line.y for line in lines])


@dataclass(frozen=True, repr=False)
class FigureData:
    """A picture.

    Attributes:
        name: Name of its files.
        title: Title, in a few words.
        x_label: Label of the x axis that all panels share.
        panels: Panels from left to right, or from top to bottom.
        method: Caption: what lines and spreads are, and N.
        note: The caption in a few words, drawn into the picture.
        summary: What is to be seen, in a sentence or two with numbers, for a reader who cannot see it.
        order: Names whose place in this order fixes their style in all panels. Default: their place in the
            panel.
        stacked: Whether panels always stand above each other, as those do that share steps of training.
        columns: How many panels stand in a row on paper, all with the same axes. 0: by the width.
        solid: Whether lines of names of the order have no dashes: a single run needs none.
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
    columns: int = 0
    solid: bool = False

    def __repr__(self) -> str:
        return f"<FigureData {self.name}: {self.title}. {self.summary or self.method}>"

    def _repr_html_(self) -> str:
        from ired_diag.notebook import details_as_html, heading_as_html

        return heading_as_html(self.title, filter(None, [self.summary])) + details_as_html([self.method])

    @property
    def heights(self) -> list[float]:
        """Heights of the panels, as multiples of a panel's usual height."""
        return [panel.height for panel in self.panels]

    @property
    def shares_x_axis(self) -> bool:
        """Whether no panel has an x axis of its own."""
        return not any(panel.x_label for panel in self.panels)

    def style(self, name: str, position: int) -> Style:
        """Return the style of a name: by the order, fixed by the name, or by its position in a panel.

        The order comes first: a group that a user calls "adversarial mining" keeps the colour of its place.
        """
        if name in self.order:
            style = style_at(self.order.index(name))
            return replace(style, dash=()) if self.solid else style
        return style_of(name, position)
