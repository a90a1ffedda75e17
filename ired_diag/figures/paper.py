"""Pictures for paper, by matplotlib: PDF, SVG, PNG at a width in inches, byte for byte the same each time."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator, NullFormatter

from ired_diag.figures.data import FigureData, Line, Panel, drawable_spread
from ired_diag.figures.log_ticks import log_ticks
from ired_diag.figures.palette import style_of
from ired_diag.runs.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMN, TEXT = 3.25, 6.75  # inches: a column, and the text, of a two-column page
PANEL_HEIGHT = 1.55
MARGIN = 0.75  # of legend and axis label
RESOLUTION = 300
GREY = "#555555"
LABEL_LETTERS = 28  # of a y label, before it is broken: a panel is not higher
NOTE_LETTERS = 19  # of the note, to the inch
LETTERS_BESIDE = 36  # of names on the x axis, before they are turned

RC: Any = {  # typed by matplotlib as a dictionary of literals
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.5,
    "font.family": "DejaVu Sans",
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


def draw(figure: FigureData, *, width: float = COLUMN) -> Figure:
    """Return a picture.

    Args:
        figure: Its data.
        width: In inches. Panels stand side by side where there is room for it, else above each other.
    """
    beside = width / len(figure.panels) >= 2.0
    rows, columns = (1, len(figure.panels)) if beside else (len(figure.panels), 1)
    with mpl.rc_context(RC):
        drawn = Figure(figsize=(width, PANEL_HEIGHT * rows + MARGIN), layout="constrained")
        shared = not any(panel.x_label for panel in figure.panels)
        axes = drawn.subplots(rows, columns, sharex=shared, squeeze=False).flatten().tolist()
        for axis, panel in zip(axes, figure.panels, strict=True):
            _draw_panel(axis, panel)
            _draw_x_axis(axis, panel)
            if beside or not shared or axis is axes[-1]:
                axis.set_xlabel(panel.x_label or figure.x_label)
        if figure.note:  # as a super-label, for which the layout keeps a place
            note = textwrap.fill(figure.note, int(width * NOTE_LETTERS))
            drawn.supxlabel(note, x=0.99, ha="right", fontsize=6.5, color=GREY)
        drawn.align_ylabels()
        if any(len(panel.lines) > 1 for panel in figure.panels):  # else the axis says what the line is
            _draw_legend(drawn, axes, beside=beside)
    return drawn


def render(figure: FigureData, form: str, *, width: float = COLUMN) -> bytes:
    """Return a picture as the bytes of a ``pdf``, ``svg`` or ``png`` file."""
    return _saved(draw(figure, width=width), form)


def _saved(drawn: Figure, form: str) -> bytes:
    """Return a drawing as bytes. The first saving lays it out; the layout stays for the others."""
    buffer = io.BytesIO()
    with mpl.rc_context(RC):
        drawn.savefig(buffer, format=form, dpi=RESOLUTION, metadata=UNDATED[form])
    drawn.set_layout_engine("none")
    return buffer.getvalue()


def write(figure: FigureData, folder: Path, forms: tuple[str, ...], *, width: float = COLUMN) -> list[Path]:
    """Write a picture in several forms and return the files.

    Raises:
        CannotWrite: The folder cannot be written.
    """
    paths = [folder / f"{figure.name}.{form}" for form in forms]
    drawn = draw(figure, width=width)
    for path, form in zip(paths, forms, strict=True):
        write_atomically(path, _saved(drawn, form))
    return paths


def _draw_legend(drawn: Figure, axes: list[Axes], *, beside: bool) -> None:
    handles, labels = _legend(axes)
    entries = len(labels) if beside else (len(labels) + 1) // 2
    drawn.legend(handles, labels, loc="outside upper center", ncols=entries, frameon=False, handlelength=2.6)


def _legend(axes: list[Axes]) -> tuple[list[Any], list[str]]:
    """Return handle and name of each line, those of the same name in several panels once."""
    found: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)


def _draw_x_axis(axis: Axes, panel: Panel) -> None:
    if panel.x_scale == "log":
        axis.set_xscale("log", nonpositive="mask")
        _label_logarithmic(axis.xaxis)
    if panel.x_ticks:
        places, names = zip(*panel.x_ticks, strict=True)
        long = max(len(name) for name in names) * len(names) > LETTERS_BESIDE
        axis.set_xticks(places, names, rotation=40 if long else 0, ha="right" if long else "center")
    elif panel.x_scale == "linear" and all(_whole(line) for line in panel.lines):
        axis.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))


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


def _draw_panel(axis: Axes, panel: Panel) -> None:
    for guide in panel.guides:
        axis.axhline(guide.y, color=GREY, linewidth=0.6, linestyle=(0, (2.0, 2.0)), zorder=0.5)
        axis.annotate(
            guide.label,
            (1.0, guide.y),
            xycoords=("axes fraction", "data"),
            xytext=(-1, 1),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=6.5,
            color=GREY,
            path_effects=[withStroke(linewidth=1.5, foreground="white")],  # readable over lines
            zorder=5,
        )
    for position, line in enumerate(panel.lines):
        _draw_line(axis, line, panel, position)
    axis.set_ylabel(textwrap.fill(panel.y_label, LABEL_LETTERS))
    if panel.y_scale == "log":
        axis.set_yscale("log", nonpositive="mask")
        _label_logarithmic(axis.yaxis)


def _draw_line(axis: Axes, line: Line, panel: Panel, position: int) -> None:
    style = style_of(line.name, position)
    dashes = (0, style.dash) if style.dash else "solid"
    if spread := drawable_spread(line, panel):
        low, high, cut_low, cut_high = spread
        axis.vlines(line.x, low, high, color=style.colour, linewidth=0.8, alpha=0.5)
        for end, cut in ((low, cut_low), (high, cut_high)):  # a cross: the spread goes on beyond the axis
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
