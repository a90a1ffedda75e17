"""One pair of axes by matplotlib: lines, bands, marks, outlines, cells, and axes that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import ListedColormap

from ired_diag.drawing.data import (
    Areas,
    Cells,
    FigureData,
    Guide,
    Line,
    Mark,
    Panel,
    Segment,
    drawable_spread,
)
from ired_diag.drawing.label_lines import label_in_lines
from ired_diag.drawing.palette import BLACK, Style
from ired_diag.drawing.paper_axes import draw_axes
from ired_diag.drawing.paper_labels import HALO
from ired_diag.drawing.paper_widths import COLUMN
from ired_diag.drawing.step_corners import step_corners

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "#555555"
SMALL = 6.5  # points, of words within the axes
TITLE = 7.0  # points, of a panel's name above it
TITLE_LETTERS = 15  # of it, to the inch
LABEL_LETTERS = 25  # of a y label, before it is broken: a panel is not higher
LOW_LABEL_LETTERS = 30  # the same of a panel that is lower than usual, times its height
NO_LABEL = "_"  # matplotlib leaves it out of the legend
MARKS = {"circle": "o", "diamond": "D", "square": "s"}
CELL_COLOURS = "Blues"
PALE = 0.25  # opacity of a band
LINE = 1.2  # points
INTERVAL = 1.1  # points: an interval says as much as the mean it is of
FAINT_LINE: Any = {"linewidth": 0.5}
FAINT, FAINTEST = 0.45, 0.15  # opacity of a faint line among few, and among very many
FEW_FAINT = 12  # faint lines that do not hide each other yet
FAINT_POINTS: Any = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 1.8,
    "mew": 0,
    "alpha": 0.7,
}
DARK_CELL = 0.6  # of the range of values: from here on its text is white


def draw_panel(
    drawn: Figure,
    axis: Axes,
    figure: FigureData,
    panel: Panel,
    *,
    inches: float = COLUMN,
    lowered: float = 1.0,
) -> None:
    """Draw a panel's content and axes, but for the name of the x axis and the words of marks and guides.

    Args:
        drawn: The picture.
        axis: The panel's axes.
        figure: The picture's data.
        panel: The panel.
        inches: Width of the panel.
        lowered: How many times as high as it asks for the panel is, for the picture to fit a page.
    """
    if panel.areas is not None:
        _draw_areas(axis, panel.areas)
    if panel.cells is not None:
        _draw_cells(drawn, axis, panel.cells)
    if panel.raster is not None:
        axis.imshow(panel.raster.colours, interpolation="nearest")
    for guide in panel.guides:
        _draw_guide(axis, guide)
    _draw_outlines(axis, figure, panel)
    for segment in panel.segments:
        _draw_segment(axis, figure, segment)
    opacity = _opacity_of_faint(panel)
    for position, line in enumerate(panel.lines):
        style = figure.style(line.of or line.name, position)
        if line.faint:
            _draw_faint(axis, line, style, opacity)
        else:
            _draw_line(axis, line, panel, style)
    for mark in panel.marks:
        _draw_mark(axis, mark, figure.style(mark.of, 0))
    for text in panel.texts:
        axis.text(
            text.x,
            text.y,
            text.text,
            ha=text.anchor,
            va="center",
            fontsize=SMALL,
        )
    height = panel.height * lowered
    letters = int(LABEL_LETTERS * height if height > 1 else min(LABEL_LETTERS, LOW_LABEL_LETTERS * height))
    axis.set_ylabel("\n".join(label_in_lines(panel.y_label, letters)))
    if panel.title:
        lines = label_in_lines(panel.title, int(inches * TITLE_LETTERS))
        axis.set_title("\n".join(lines), fontsize=TITLE, pad=3.0)
    draw_axes(axis, panel, inches=inches)


def _opacity_of_faint(panel: Panel) -> float:
    """Return how opaque faint lines are: less where there are more, or they hide the means."""
    count = sum(line.faint and line.drawn != "points" for line in panel.lines)
    return max(FAINTEST, FAINT * min(1.0, FEW_FAINT / max(1, count)))


def _draw_outlines(axis: Axes, figure: FigureData, panel: Panel) -> None:
    named: set[str] = set()
    for place, outline in enumerate(panel.outlines):
        is_named = outline.name in named
        named.add(outline.name)
        axis.fill(
            outline.x,
            outline.y,
            color=figure.style(outline.name, place).colour,
            alpha=0.35,
            linewidth=0.6,
            label=NO_LABEL if is_named else outline.name,
        )


def _draw_guide(axis: Axes, guide: Guide) -> None:
    axis.axhline(
        guide.y,
        color=GREY,
        linewidth=0.6,
        linestyle=(0, (2.0, 2.0)),
        zorder=0.5,
    )


def _draw_segment(axis: Axes, figure: FigureData, segment: Segment) -> None:
    colour = figure.style(segment.of, 0).colour if segment.of else BLACK
    axis.plot(
        segment.x,
        segment.y,
        color=colour,
        linewidth=2.5 if segment.bold else 0.8,
        solid_capstyle="butt",
        label=NO_LABEL,
    )


def _draw_mark(axis: Axes, mark: Mark, style: Style) -> None:
    axis.plot(
        [mark.x],
        [mark.y],
        marker=MARKS[mark.shape],
        markersize=5,
        mfc="none",
        mec=style.colour,
        mew=1.0,
        zorder=4.0,
        path_effects=HALO,
        label=NO_LABEL,
    )


def _draw_areas(axis: Axes, areas: Areas) -> None:
    half_column = np.diff(areas.x[:2]).sum() / 2
    half_row = np.diff(areas.y[:2]).sum() / 2
    # The ends of the picture are those of its outermost points, half a point further out.
    left, right = areas.x[0] - half_column, areas.x[-1] + half_column
    bottom, top = areas.y[0] - half_row, areas.y[-1] + half_row
    axis.imshow(
        areas.kinds,
        cmap=ListedColormap(areas.colours),
        vmin=-0.5,
        vmax=len(areas.names) - 0.5,
        extent=(left, right, bottom, top),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    for name, colour in zip(areas.names, areas.colours, strict=True):
        axis.fill(
            [],
            [],
            facecolor=colour,
            edgecolor=GREY,
            linewidth=0.4,
            label=name,
        )


def _draw_cells(drawn: Figure, axis: Axes, cells: Cells) -> None:
    values = np.ma.masked_invalid(np.asarray(cells.values, dtype=float))
    image = axis.imshow(
        values,
        cmap=CELL_COLOURS,
        aspect="auto",
        interpolation="nearest",
    )
    dark = values.min() + DARK_CELL * (values.max() - values.min())
    for (row, column), value in np.ndenumerate(values.filled(np.nan)):
        axis.text(
            column,
            row,
            cells.texts[row][column],
            ha="center",
            va="center",
            fontsize=SMALL,
            color="white" if value > dark else BLACK,
        )
    if all(map(all, cells.texts)):
        return  # a scale of colours would say the numbers once more
    bar = drawn.colorbar(image, ax=axis, fraction=0.05, pad=0.02)
    bar.set_label(cells.label, fontsize=7.0)
    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(labelsize=SMALL)


def _draw_line(axis: Axes, line: Line, panel: Panel, style: Style) -> None:
    _draw_spread(axis, line, panel, style)
    dashes: Any = (0, style.dash) if style.dash else "solid"
    axis.plot(
        line.drawn_x,
        line.y,
        color=style.colour,
        linestyle="none" if line.drawn == "points" else dashes,
        marker=style.marker if line.drawn in ("both", "points") else "",
        drawstyle="steps-post" if line.drawn == "steps" else "default",
        linewidth=LINE * line.width,
        label=line.name,
    )


def _draw_faint(axis: Axes, line: Line, style: Style, opacity: float) -> None:
    form = FAINT_POINTS if line.drawn == "points" else {**FAINT_LINE, "alpha": opacity}
    axis.plot(
        line.drawn_x,
        line.y,
        color=style.colour,
        label=NO_LABEL,
        zorder=1.7,
        **form,
    )


def _draw_spread(axis: Axes, line: Line, panel: Panel, style: Style) -> None:
    spread = drawable_spread(line, panel)
    if spread is None:
        return
    low, high, cut_low, cut_high = spread
    if line.spread == "band":
        x = line.drawn_x
        if line.drawn == "steps":
            x, low, high = step_corners(x, low, high)
        axis.fill_between(
            x,
            low,
            high,
            color=style.colour,
            alpha=PALE,
            linewidth=0,
            zorder=1.5,
        )
        return
    axis.vlines(
        line.drawn_x,
        low,
        high,
        color=style.colour,
        linewidth=INTERVAL,
    )
    _draw_crosses(axis, line.drawn_x[cut_low], low[cut_low], style)
    _draw_crosses(axis, line.drawn_x[cut_high], high[cut_high], style)


def _draw_crosses(axis: Axes, x: Any, y: Any, style: Style) -> None:
    """Draw a cross at each end of a bar that goes on beyond the axis."""
    axis.scatter(
        x,
        y,
        s=9,
        marker="x",
        color=style.colour,
        linewidths=0.8,
    )
