"""One pair of axes by matplotlib: lines, bands, marks, outlines, cells, and axes that can be read."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator, NullFormatter

from ired_diag.figures.data import Cells, FigureData, Guide, Line, Mark, Panel, Segment, drawable_spread
from ired_diag.figures.log_ticks import log_ticks
from ired_diag.figures.palette import BLACK, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "#555555"
SMALL = 6.5  # points, of words within the axes
LABEL_LETTERS = 25  # of a y label, before it is broken: a panel is not higher
LETTERS_BESIDE = 36  # of names on the x axis, before they are turned
HALO = [withStroke(linewidth=1.5, foreground="white")]  # words stay readable over lines
CELL_COLOURS = "Blues"
LARGEST = 1e250  # of a curve that diverged: beyond, the margin of an axis overflows, and all is blank
PALE = 0.25  # of a band
DARK_CELL = 0.6  # of the range of values: from here on its text is white


def draw_panel(drawn: Figure, axis: Axes, figure: FigureData, panel: Panel) -> None:
    """Draw a panel's content and its axes, but for the name of the x axis."""
    if panel.cells is not None:
        _draw_cells(drawn, axis, panel.cells)
    for guide in panel.guides:
        _draw_guide(axis, guide)
    named: set[str] = set()
    for place, outline in enumerate(panel.outlines):
        style = figure.style(outline.name, place)
        label = "_" if outline.name in named else outline.name
        named.add(outline.name)
        axis.fill(outline.x, outline.y, color=style.colour, alpha=0.35, linewidth=0.6, label=label)
    for segment in panel.segments:
        _draw_segment(axis, figure, segment)
    for position, line in enumerate(panel.lines):
        _draw_line(axis, line, panel, figure.style(line.of or line.name, position))
    for mark in panel.marks:
        _draw_mark(axis, mark, figure.style(mark.of, 0))
    for text in panel.texts:
        axis.text(text.x, text.y, text.text, ha=text.anchor, va="center", fontsize=SMALL)
    axis.set_ylabel(textwrap.fill(panel.y_label, int(LABEL_LETTERS * max(1.0, panel.height))))
    _draw_axes(axis, panel)


def _draw_axes(axis: Axes, panel: Panel) -> None:
    if any(np.any(np.isfinite(line.y) & (np.abs(line.y) > LARGEST)) for line in panel.lines):
        axis.set_ymargin(0)
    if panel.y_scale == "log" and _has_positive(axis.dataLim.intervaly):
        axis.set_yscale("log", nonpositive="mask")
        _label_logarithmic(axis.yaxis)
    if panel.x_scale == "log" and _has_positive(axis.dataLim.intervalx):
        axis.set_xscale("log", nonpositive="mask")
        _label_logarithmic(axis.xaxis)
    if panel.x_ticks:
        places, names = zip(*panel.x_ticks, strict=True)
        long = max(len(name) for name in names) * len(names) > LETTERS_BESIDE
        axis.set_xticks(places, names, rotation=40 if long else 0, ha="right" if long else "center")
    elif panel.x_scale == "linear" and panel.lines and all(_whole(line) for line in panel.lines):
        axis.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    if panel.y_ticks:
        places, names = zip(*panel.y_ticks, strict=True)
        axis.set_yticks(places, names)
    if panel.x_range:
        axis.set_xlim(*panel.x_range)
    if panel.y_range:
        axis.set_ylim(*panel.y_range)
    if panel.bare:
        axis.yaxis.set_visible(False)
        axis.spines["left"].set_visible(False)


def _has_positive(ends: Any) -> bool:
    """Say whether a logarithmic axis can show any of the data: where all are 0, a linear one shows them."""
    return bool((ends[np.isfinite(ends)] > 0).any())


def _label_logarithmic(axis: Any) -> None:
    axis.set_major_locator(_LogTicks())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


class _LogTicks(Locator):
    """``log_ticks`` for matplotlib."""

    def __call__(self) -> Any:
        """Return the places of the labels."""
        return [] if self.axis is None else self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return the places of the labels between two ends."""
        return log_ticks(*sorted((vmin, vmax)))


def _whole(line: Line) -> bool:
    """Say whether a line's x are whole numbers or lie beside such: levels, steps, counts."""
    return len(line.x) == 0 or (float(np.ptp(line.x)) >= 1 and bool(np.all(np.diff(np.sort(line.x)) > 0.5)))


def _draw_guide(axis: Axes, guide: Guide) -> None:
    axis.axhline(guide.y, color=GREY, linewidth=0.6, linestyle=(0, (2.0, 2.0)), zorder=0.5)
    if guide.quiet:
        return
    axis.annotate(
        guide.label,
        (1.0, guide.y),
        xycoords=("axes fraction", "data"),
        xytext=(-1, 1),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=SMALL,
        color=GREY,
        path_effects=HALO,
        zorder=5,
    )


def _draw_segment(axis: Axes, figure: FigureData, segment: Segment) -> None:
    colour = figure.style(segment.of, 0).colour if segment.of else BLACK
    width = 2.5 if segment.bold else 0.8
    axis.plot(segment.x, segment.y, color=colour, linewidth=width, solid_capstyle="butt", label="_")


def _draw_mark(axis: Axes, mark: Mark, style: Style) -> None:
    axis.plot([mark.x], [mark.y], marker="o", markersize=5, mfc="none", mec=style.colour, mew=1.0, label="_")
    if mark.quiet:
        return
    axis.annotate(
        mark.label,
        (mark.x, mark.y),
        xytext=({"left": 4, "center": 0, "right": -4}[mark.anchor], -4 if mark.below else 4),
        textcoords="offset points",
        va="top" if mark.below else "baseline",
        ha=mark.anchor,
        fontsize=SMALL,
        color=style.colour,
        path_effects=HALO,
        zorder=6,
    )


def _draw_cells(drawn: Figure, axis: Axes, cells: Cells) -> None:
    values = np.ma.masked_invalid(np.asarray(cells.values, dtype=float))
    image = axis.imshow(values, cmap=CELL_COLOURS, aspect="auto", interpolation="nearest")
    middle = values.min() + DARK_CELL * (values.max() - values.min())
    for (row, column), value in np.ndenumerate(values.filled(np.nan)):
        colour = "white" if value > middle else BLACK
        axis.text(
            column, row, cells.texts[row][column], ha="center", va="center", fontsize=SMALL, color=colour
        )
    bar = drawn.colorbar(image, ax=axis, fraction=0.05, pad=0.02)
    bar.set_label(cells.label, fontsize=7.0)
    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(labelsize=SMALL)


def _draw_line(axis: Axes, line: Line, panel: Panel, style: Style) -> None:
    dashes = (0, style.dash) if style.dash else "solid"
    if line.faint:
        form: Any = {"linewidth": 0.5, "alpha": 0.45}
        if line.drawn == "points":
            form = {"linestyle": "none", "marker": "o", "markersize": 1.8, "mew": 0, "alpha": 0.7}
        axis.plot(line.x, line.y, color=style.colour, label="_", zorder=1.7, **form)
        return
    if spread := drawable_spread(line, panel):
        low, high, cut_low, cut_high = spread
        if line.spread == "band":
            axis.fill_between(line.x, low, high, color=style.colour, alpha=PALE, linewidth=0, zorder=1.5)
        else:
            axis.vlines(line.x, low, high, color=style.colour, linewidth=0.8, alpha=0.5)
            for end, cut in ((low, cut_low), (high, cut_high)):  # a cross: it goes on beyond the axis
                axis.scatter(line.x[cut], end[cut], s=9, marker="x", color=style.colour, linewidths=0.8)
    axis.plot(
        line.x,
        line.y,
        color=style.colour,
        linestyle="none" if line.drawn == "points" else dashes,
        marker="" if line.drawn in ("line", "steps") else style.marker,
        drawstyle="steps-post" if line.drawn == "steps" else "default",
        label=line.name,
    )
