"""Pictures for the screen, by plotly: one HTML file that asks nothing of the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from ired_diag.figures.data import FigureData, Panel
from ired_diag.figures.plotly_traces import GREY, traces_of
from ired_diag.runs.files import write_atomically

HEIGHT = 420
ROW_HEIGHT = 230  # of a panel that stands above another
SCRIPT = "plotly.min.js"
# No logo, and no button that would upload the picture: plotly 7 shows one unless told not to.
CONFIG = {"displaylogo": False, "responsive": True, "showSendToCloud": False, "plotlyServerURL": ""}
ANCHORS = {"left": "left", "center": "center", "right": "right"}


def draw(figure: FigureData, *, titled: bool = True) -> go.Figure:
    """Return a picture, its panels side by side.

    Args:
        figure: Its data.
        titled: Whether title and method stand above it; a page may say them itself.
    """
    shared = not any(panel.x_label for panel in figure.panels)
    drawn = make_subplots(rows=1, cols=len(figure.panels), shared_xaxes=shared, horizontal_spacing=0.08)
    named: set[str] = set()
    for column, panel in enumerate(figure.panels, start=1):
        for trace in traces_of(figure, panel, named):
            drawn.add_trace(trace, row=1, col=column)
        _annotate(drawn, figure, panel, column)
        _draw_axes(drawn, figure, panel, column)
    title: dict[str, Any] = {"text": figure.title, "x": 0.02, "subtitle": {"text": figure.method}}
    drawn.update_layout(
        title=title if titled else None,
        template="simple_white",
        height=HEIGHT * max(panel.height for panel in figure.panels) ** 0.5,
        margin={"t": 110 if titled else 20, "l": 70, "r": 20, "b": 90},
        legend={"orientation": "h", "y": -0.22, "x": 0.5, "xanchor": "center"},
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


def _annotate(drawn: go.Figure, figure: FigureData, panel: Panel, column: int) -> None:
    """Draw guides, and the words of marks and texts."""
    where = {"row": 1, "col": column}
    for guide in panel.guides:
        drawn.add_hline(
            guide.y,
            line={"color": GREY, "width": 1, "dash": "dot"},
            annotation={"text": guide.label, "font": {"size": 10}},
            **where,
        )
    for text in panel.texts:
        drawn.add_annotation(
            x=text.x, y=text.y, text=text.text, xanchor=ANCHORS[text.anchor], showarrow=False, **where
        )


def _draw_axes(drawn: go.Figure, figure: FigureData, panel: Panel, column: int) -> None:
    where = {"row": 1, "col": column}
    drawn.update_yaxes(title_text=panel.y_label, type=panel.y_scale, **where)
    if panel.y_scale == "log":  # labels at 1, 2, 5, as whole numbers
        drawn.update_yaxes(dtick="D2", exponentformat="none", **where)
    drawn.update_xaxes(title_text=panel.x_label or figure.x_label, type=panel.x_scale, **where)
    for update, ticks in ((drawn.update_xaxes, panel.x_ticks), (drawn.update_yaxes, panel.y_ticks)):
        if ticks:
            places, names = zip(*ticks, strict=True)
            update(tickvals=places, ticktext=names, **where)
    if panel.x_range:
        drawn.update_xaxes(range=panel.x_range, **where)
    if panel.y_range or panel.cells is not None:
        rows = 0 if panel.cells is None else len(panel.cells.values)
        drawn.update_yaxes(range=panel.y_range or (rows - 0.5, -0.5), **where)
    if panel.bare:
        drawn.update_yaxes(visible=False, **where)
