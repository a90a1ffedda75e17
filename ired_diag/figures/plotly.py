"""Pictures for the screen, by plotly: one HTML file that asks nothing of the network."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from ired_diag.figures.data import FigureData, Panel, Scale
from ired_diag.figures.plotly_traces import GREY, traces_of
from ired_diag.runs.files import write_atomically

HEIGHT = 420
ROW_HEIGHT = 230  # of a panel that stands above another
BESIDE = 2  # panels, on a page of usual width
METHOD_LETTERS, METHOD_LINE = 120, 18  # of a line of the method above a picture; pixels of its height
LABEL_LETTERS = 25  # of a y label, before it is broken: a panel is not higher
SCRIPT = "plotly.min.js"
# No logo, and no button that would upload the picture: plotly 7 shows one unless told not to.
CONFIG = {"displaylogo": False, "responsive": True, "showSendToCloud": False, "plotlyServerURL": ""}
ANCHORS = {"left": "left", "center": "center", "right": "right"}


def draw(figure: FigureData, *, titled: bool = True) -> go.Figure:
    """Return a picture, two panels side by side; more, or those that ask for it, above each other.

    Args:
        figure: Its data.
        titled: Whether title and method stand above it; a page may say them itself.
    """
    shared = not any(panel.x_label for panel in figure.panels)
    heights = [panel.height for panel in figure.panels]
    count, named = len(heights), set[str]()
    stacked = figure.stacked or count > BESIDE
    rows, columns, ratios = (count, 1, heights) if stacked else (1, count, None)
    apart = 0.05 if shared else 0.05 + 0.08 * (count - 1) / count  # room for the name of each x axis
    drawn = make_subplots(
        rows, columns, shared, row_heights=ratios, horizontal_spacing=0.12, vertical_spacing=apart
    )
    for place, panel in enumerate(figure.panels, start=1):
        where = {"row": place, "col": 1} if stacked else {"row": 1, "col": place}
        for trace in traces_of(figure, panel, named):
            drawn.add_trace(trace, **where)
        _annotate(drawn, panel, where)
        hidden = stacked and shared and place < count
        _draw_axes(drawn, panel, "" if hidden else panel.x_label or figure.x_label, where)
    height = HEIGHT + ROW_HEIGHT * sum(heights[1:]) if stacked else HEIGHT * max(heights) ** 0.5
    method = textwrap.wrap(figure.method, METHOD_LETTERS)
    title: dict[str, Any] = {"text": figure.title, "x": 0.02, "subtitle": {"text": "<br>".join(method)}}
    top = 90 + METHOD_LINE * len(method) if titled else 20
    drawn.update_layout(
        title=title if titled else None,
        template="simple_white",
        height=height + (top if titled else 0),
        margin={"t": top, "l": 70, "r": 20, "b": 90},
        legend={"orientation": "h", "y": -0.22 * HEIGHT / height, "x": 0.5, "xanchor": "center"},
        hovermode="closest",
    )
    return drawn


def write_html(figure: FigureData, folder: Path) -> Path:
    """Write a picture as HTML, and plotly's script beside it once, and return the HTML file.

    Raises:
        CannotWrite: The folder cannot be written.
    """
    path, script = folder / f"{figure.name}.html", folder / SCRIPT
    if not script.is_file():
        write_atomically(script, get_plotlyjs().encode())
    html = draw(figure).to_html(include_plotlyjs=SCRIPT, full_html=True, div_id=figure.name, config=CONFIG)
    write_atomically(path, html.encode())
    return path


def _annotate(drawn: go.Figure, panel: Panel, where: dict[str, int]) -> None:
    """Draw guides, and the words of texts."""
    for guide in panel.guides:
        label = {
            "text": "" if guide.quiet else guide.label,
            "font": {"size": 10},
            "y": _place(guide.y, panel.y_scale),
        }
        drawn.add_hline(guide.y, line={"color": GREY, "width": 1, "dash": "dot"}, annotation=label, **where)
    for text in panel.texts:
        drawn.add_annotation(
            x=_place(text.x, panel.x_scale),
            y=_place(text.y, panel.y_scale),
            text=text.text,
            xanchor=ANCHORS[text.anchor],
            showarrow=False,
            **where,
        )


def _place(value: float, scale: Scale) -> float:
    """Return where words, or an axis' end, lie: plotly wants the power of ten on a logarithmic axis."""
    return math.log10(value) if scale == "log" else value


def _draw_axes(drawn: go.Figure, panel: Panel, x_label: str, where: dict[str, int]) -> None:
    y_label = "<br>".join(textwrap.wrap(panel.y_label, int(LABEL_LETTERS * max(1.0, panel.height))))
    drawn.update_yaxes(title_text=y_label, type=panel.y_scale, **where)
    if panel.y_scale == "log":  # labels at 1, 2, 5, as whole numbers
        drawn.update_yaxes(dtick="D2", exponentformat="none", **where)
    drawn.update_xaxes(title_text=x_label, type=panel.x_scale, **where)
    for update, ticks in ((drawn.update_xaxes, panel.x_ticks), (drawn.update_yaxes, panel.y_ticks)):
        if ticks:
            places, names = zip(*ticks, strict=True)
            update(tickvals=places, ticktext=names, **where)
    if panel.x_range:
        drawn.update_xaxes(range=[_place(end, panel.x_scale) for end in panel.x_range], **where)
    if panel.y_range or panel.cells is not None:
        rows = 0 if panel.cells is None else len(panel.cells.values)
        ends = panel.y_range or (rows - 0.5, -0.5)
        drawn.update_yaxes(range=[_place(end, panel.y_scale) for end in ends], **where)
    if panel.bare:
        drawn.update_yaxes(visible=False, **where)
