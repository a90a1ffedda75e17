"""Pictures for paper, by matplotlib: PDF, SVG, PNG at a width in inches, byte for byte the same each time."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from ired_diag.drawing.data import FigureData, Panel, legend_names, needs_legend
from ired_diag.drawing.distinct_places import with_distinct_places
from ired_diag.drawing.label_lines import broken_name, label_in_lines
from ired_diag.drawing.paper_axes import depth_of_names
from ired_diag.drawing.paper_fonts import SANS, families_of
from ired_diag.drawing.paper_labels import draw_words
from ired_diag.drawing.paper_panel import GREY, draw_panel
from ired_diag.drawing.paper_text import with_drawable_text
from ired_diag.drawing.paper_widths import COLUMN, TEXT
from ired_diag.runs.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLUMN", "TEXT", "draw", "render", "write"]

PANEL_HEIGHT = 1.55
PANEL_WIDTH = 2.0  # inches: narrower panels stand above each other
LEAST_IN_ROWS = 1.3  # inches of a panel in a row that shares its axes
MARGIN = 0.75  # of legend and axis label
LEGEND_ROW = 0.16
HANDLE, LETTER = 0.5, 0.062  # inches of a legend's entry: its line, and each letter
BESIDE = 0.75  # inches of a panel's width that the name of its x axis leaves to the y axis
BESIDE_IN_ROW = 0.25  # the same of panels that share their y axis
RESOLUTION = 300
LEAST_PLACES = 2  # as wide as which a panel with one place is
WIDEST = 2  # times as wide as the narrowest panel any other is
TALLEST = 1.6  # times as high as wide, a picture may be
LEAST_HEIGHT = 0.6  # of its usual height, to which a panel may be lowered for that
HIGHEST_IMAGE = 3.2  # inches
SLACK = 0.1  # inches of height that a map needs beyond its own for the names of its axes
ROOM_BESIDE = 4.5  # inches: from here on a square panel has its legend at its side
NOTE_LETTERS = 19  # of the note, to the inch

RC: Any = {  # typed by matplotlib as a dictionary of literals
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.5,
    "text.parse_math": False,  # a name may hold dollar signs
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.0,
    "pdf.fonttype": 42,  # TrueType: journals refuse type 3
    "svg.fonttype": "none",
    "svg.hashsalt": "ired-diag",
}
# What would change from one writing to the next.
UNDATED: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None, "ModDate": None},
    "svg": {"Date": None},
    "png": {"Software": None},
}


def draw(figure: FigureData, *, width: float = COLUMN, font: str = SANS, noted: bool = False) -> Figure:
    """Return a picture.

    Args:
        figure: Its data.
        width: Width in inches. Panels stand side by side where there is room for it, else above each other.
        font: ``sans``, ``serif``, or a family of fonts that matplotlib finds.
        noted: Whether the caption in a few words stands in its corner, for where no caption is next to it.

    Raises:
        NotFound: There is no such font.
    """
    families = families_of(font)
    figure = with_distinct_places(with_drawable_text(figure))
    count = len(figure.panels)
    side_by_side = width / count >= PANEL_WIDTH and not figure.stacked
    rows, columns = count, 1
    if side_by_side:
        rows, columns = 1, count
    in_rows = figure.columns > 1 and width / figure.columns >= LEAST_IN_ROWS
    if in_rows:
        rows, columns = math.ceil(count / figure.columns), figure.columns
    heights = [max(figure.heights[row * columns : (row + 1) * columns]) for row in range(rows)]
    shares = _width_shares(figure) if side_by_side else [1.0] * count
    legend_rows, legend_columns = _legend_shape(figure, width)
    is_beside = _has_legend_beside(figure, width)
    extra = MARGIN + LEGEND_ROW * max(0, 0 if is_beside else legend_rows - 1)
    height = _fitting_height(figure, PANEL_HEIGHT * sum(heights), extra, width)
    lowered = (height - extra) / (PANEL_HEIGHT * sum(heights))
    if count == 1 and figure.panels[0].raster is not None:
        height = _height_of_raster(figure.panels[0], width) + extra - LEGEND_ROW  # it has no legend
    if count == 1 and figure.panels[0].square:
        beside = HANDLE + LETTER * max(map(len, _names_in_legend(figure))) if is_beside else 0.0
        height = min(height, (width - BESIDE - beside) * _ratio(figure.panels[0]) + extra + SLACK)
    height += _room_for_names(figure, columns, width)
    with mpl.rc_context({**RC, "font.family": families}):
        drawn = Figure(figsize=(width, height), layout="constrained")
        shares_x = figure.shares_x_axis
        grid = drawn.subplots(
            rows,
            columns,
            sharex=shares_x,
            sharey=in_rows and _has_one_y_axis(figure),
            squeeze=False,
            height_ratios=heights,
            width_ratios=shares if side_by_side else None,
        )
        axes = grid.flatten().tolist()
        if in_rows:
            shares = [1.0 / columns] * count
        for place, (axis, panel, share) in enumerate(zip(axes, figure.panels, shares, strict=True)):
            draw_panel(drawn, axis, figure, panel, inches=width * share, lowered=lowered)
            if in_rows and place % columns and _has_one_y_axis(figure):
                axis.set_ylabel("")  # that of the row's first panel
            if side_by_side or not shares_x or place >= count - columns:
                letters = int(
                    (width * share - (BESIDE_IN_ROW if in_rows else max(BESIDE, _beside(panel)))) / LETTER
                )
                lines = label_in_lines(panel.x_label or figure.x_label, letters)
                axis.set_xlabel("\n".join(lines))
        if figure.note and noted:
            _draw_note(drawn, figure.note, width)
        drawn.align_ylabels()
        if legend_rows:
            _draw_legend(drawn, axes, _names_in_legend(figure), legend_columns, is_beside=is_beside)
        elif _has_legends_of_panels(figure):
            _draw_legends_of_panels(axes, figure, width / columns)
        if any(panel.square for panel in figure.panels):
            drawn.draw_without_rendering()  # equal units move axes, which the next layout fits
        draw_words(drawn, axes, figure)
    return drawn


def _room_for_names(figure: FigureData, columns: int, width: float) -> float:
    """Return how many inches names that are turned reach below the axes, over all rows of panels."""
    shown = figure.panels[-columns:] if figure.shares_x_axis else figure.panels
    inches = width / columns
    depths = [depth_of_names(panel, inches) for panel in shown]
    rows = [depths[start : start + columns] for start in range(0, len(depths), columns)]
    return sum(max(row) for row in rows)


def _fitting_height(figure: FigureData, panels: float, extra: float, width: float) -> float:
    """Return how high a picture is: lower panels rather than a picture that fills a column of the page.

    Rows and columns with names keep their height, and no panel is lower than LEAST_HEIGHT of the usual one.
    """
    most = TALLEST * width
    has_names = any(panel.y_ticks or panel.x_ticks for panel in figure.panels)
    if panels + extra <= most or has_names:
        return panels + extra
    return max(LEAST_HEIGHT * panels, most - extra) + extra


def _height_of_raster(panel: Panel, width: float) -> float:
    """Return how high an image is that fills the width next to the names of its rows."""
    assert panel.raster is not None
    rows, columns = panel.raster.colours.shape[:2]
    full: float = (width - BESIDE) * rows / columns
    return min(full, HIGHEST_IMAGE)


def _ratio(panel: Panel) -> float:
    """Return how high a map with equal units on both axes is, over its width."""
    if panel.x_range and panel.y_range:
        return (panel.y_range[1] - panel.y_range[0]) / (panel.x_range[1] - panel.x_range[0])
    if panel.areas is not None:
        return float(np.ptp(panel.areas.y) / np.ptp(panel.areas.x))
    return 1.0


def _beside(panel: Panel) -> float:
    """Return how many inches the names on a panel's y axis take."""
    letters = [len(line) for _, name in panel.y_ticks for line in name.split("\n")]
    return LETTER * max(letters, default=0) + 0.2


def _has_one_y_axis(figure: FigureData) -> bool:
    """Say whether all panels show the same quantity: then one y axis serves those of a row."""
    labels = {panel.y_label for panel in figure.panels}
    return len(labels) == 1 and labels != {""}


def _width_shares(figure: FigureData) -> list[float]:
    """Return how wide panels are next to each other: by their places where all have names on the x axis."""
    counts = [len(panel.x_ticks) for panel in figure.panels]
    narrowest = max(LEAST_PLACES, min(counts))
    places = np.clip(counts, narrowest, WIDEST * narrowest)
    if not all(counts):
        places = np.ones(len(counts))
    shares: list[float] = (places / places.sum()).tolist()
    return shares


def _draw_note(drawn: Figure, note: str, width: float) -> None:
    """Draw the note as a super-label, for which the layout keeps a place."""
    lines = textwrap.fill(note, int(width * NOTE_LETTERS))
    drawn.supxlabel(
        lines,
        x=0.99,
        ha="right",
        fontsize=6.5,
        color=GREY,
    )


def render(figure: FigureData, form: str, *, width: float = COLUMN, font: str = SANS) -> bytes:
    """Return a picture as the bytes of a ``pdf``, ``svg`` or ``png`` file."""
    return _saved(draw(figure, width=width, font=font), form, font)


def _saved(drawn: Figure, form: str, font: str) -> bytes:
    """Return a drawing as bytes. The first saving lays it out; the layout stays for the others."""
    buffer = io.BytesIO()
    with mpl.rc_context({**RC, "font.family": families_of(font)}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # drawn as a box
        drawn.savefig(buffer, format=form, dpi=RESOLUTION, metadata=UNDATED[form])
    drawn.set_layout_engine("none")
    return buffer.getvalue()


def write(
    figure: FigureData,
    folder: Path,
    forms: tuple[str, ...],
    *,
    width: float = COLUMN,
    font: str = SANS,
    noted: bool = False,
) -> list[Path]:
    """Write a picture in several forms and return the files; arguments as for ``draw``.

    Raises:
        CannotWrite: The folder cannot be written.
        NotFound: There is no such font.
    """
    paths = [folder / f"{figure.name}.{form}" for form in forms]
    drawn = draw(figure, width=width, font=font, noted=noted)
    for path, form in zip(paths, forms, strict=True):
        write_atomically(path, _saved(drawn, form, font))
    return paths


def _legend_shape(figure: FigureData, width: float) -> tuple[int, int]:
    """Return rows and columns of the legend; no row where the axis says what the one line is."""
    names = _names_in_legend(figure)
    if not names or _has_legends_of_panels(figure):
        return 0, 0
    count = len(names)
    entry = HANDLE + LETTER * max(map(len, names))
    columns = max(1, min(count, int(width / entry)))
    rows = math.ceil(count / columns)
    lines = max(_in_lines(name, width).count("\n") + 1 for name in names)
    return rows * lines, math.ceil(count / rows)


def _has_legends_of_panels(figure: FigureData) -> bool:
    """Say whether panels show things of their own, whose colours mean something else in each."""
    by_panel = [set(legend_names(panel)) for panel in figure.panels]
    named = [names for names in by_panel if names]
    everything = set().union(*named)
    total = sum(map(len, named))
    return len(named) > 1 and len(everything) == total


def _draw_legends_of_panels(axes: list[Axes], figure: FigureData, inches: float) -> None:
    """Draw a legend above each panel whose axes do not say what its lines are."""
    for axis, panel in zip(axes, figure.panels, strict=True):
        names = legend_names(panel)
        if not needs_legend(panel):
            continue
        handles, labels = axis.get_legend_handles_labels()
        by_label = dict(zip(labels, handles, strict=True))
        entry = HANDLE + LETTER * max(map(len, names))
        axis.legend(
            [by_label[name] for name in names],
            [_in_lines(name, inches) for name in names],
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=max(1, min(len(names), int(inches / entry))),
            frameon=False,
            handlelength=_handle_length([by_label[name] for name in names]),
            borderaxespad=0.2,
        )


def _handle_length(handles: Sequence[Any]) -> float:
    """Return how long the lines of a legend are, in letters: points alone need little room, and one gap."""
    with_line = [
        getattr(handle, "get_linestyle", lambda: "-")() not in ("None", "none") for handle in handles
    ]
    if not any(with_line):
        return 1.0
    return 2.6 if all(with_line) else 1.8


def _in_lines(name: str, inches: float) -> str:
    """Return a name in several lines where it is longer than the legend is wide."""
    letters = int((inches - 2 * HANDLE) / LETTER)
    if len(name) <= letters:
        return name
    return broken_name(name, letters, most_lines=len(name)) or name


def _names_in_legend(figure: FigureData) -> list[str]:
    """Return the names that the legend lists, each once; none where axes say what the lines are."""
    names: list[str] = []
    for panel in figure.panels:
        names += legend_names(panel)
    if not any(map(needs_legend, figure.panels)):
        return []
    return list(dict.fromkeys(names))


def _has_legend_beside(figure: FigureData, width: float) -> bool:
    """Say whether the legend stands next to a square panel, where there would be no ink else."""
    is_wide = width >= ROOM_BESIDE and len(figure.panels) == 1 and figure.panels[0].square
    return is_wide and bool(_names_in_legend(figure))


def _draw_legend(drawn: Figure, axes: list[Axes], names: list[str], columns: int, *, is_beside: bool) -> None:
    by_label: dict[str, Any] = {}  # a name that several panels have is listed once
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        for handle, label in zip(handles, labels, strict=True):
            by_label.setdefault(label, handle)
    width = drawn.get_figwidth()
    if is_beside:
        axes[0].set_anchor("E")  # next to the legend, wherever equal units leave room
    drawn.legend(
        [by_label[name] for name in names],
        [_in_lines(name, width) for name in names],
        loc="outside right upper" if is_beside else "outside upper center",
        ncols=1 if is_beside else columns,
        frameon=False,
        handlelength=_handle_length([by_label[name] for name in names]),
    )
