"""Pictures for the screen, by plotly: one HTML file that asks nothing of the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from ired_diag.figures.data import FigureData, Line, Panel, drawable_spread
from ired_diag.figures.palette import Style, style_of
from ired_diag.runs.files import write_atomically

MARKERS = {"o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down"}
HEIGHT = 420
SCRIPT = "plotly.min.js"
# No logo, and no button that would upload the picture: plotly 7 shows one unless told not to.
CONFIG = {"displaylogo": False, "responsive": True, "showSendToCloud": False, "plotlyServerURL": ""}


def draw(figure: FigureData) -> go.Figure:
    """Return a picture, its panels side by side."""
    shared = not any(panel.x_label for panel in figure.panels)
    drawn = make_subplots(rows=1, cols=len(figure.panels), shared_xaxes=shared, horizontal_spacing=0.08)
    named: set[str] = set()
    for column, panel in enumerate(figure.panels, start=1):
        for position, line in enumerate(panel.lines):
            trace = _trace(line, panel, style_of(line.name, position), legend=line.name not in named)
            named.add(line.name)
            drawn.add_trace(trace, row=1, col=column)
        for guide in panel.guides:
            drawn.add_hline(
                guide.y,
                line={"color": "#555555", "width": 1, "dash": "dot"},
                annotation={"text": guide.label, "font": {"size": 10}},
                row=1,
                col=column,
            )
        drawn.update_yaxes(title_text=panel.y_label, type=panel.y_scale, row=1, col=column)
        if panel.y_scale == "log":  # labels at 1, 2, 5, as whole numbers
            drawn.update_yaxes(dtick="D2", exponentformat="none", row=1, col=column)
        drawn.update_xaxes(title_text=panel.x_label or figure.x_label, type=panel.x_scale, row=1, col=column)
        if panel.x_ticks:
            places, names = zip(*panel.x_ticks, strict=True)
            drawn.update_xaxes(tickvals=places, ticktext=names, row=1, col=column)
    drawn.update_layout(
        title={"text": figure.title, "x": 0.02, "subtitle": {"text": figure.method}},
        template="simple_white",
        height=HEIGHT,
        margin={"t": 110, "l": 70, "r": 20, "b": 90},
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


def _trace(line: Line, panel: Panel, style: Style, *, legend: bool) -> go.Scatter:
    dash = ",".join(f"{length}px" for length in style.dash) or "solid"
    spread = None
    if ends := drawable_spread(line, panel):
        low, high, *_ = ends
        middle = np.where(np.isfinite(line.y), line.y, np.nan)
        up, down = high - middle, middle - low
        spread = {"type": "data", "array": up, "arrayminus": down, "width": 0, "thickness": 1}
    return go.Scatter(
        x=line.x,
        y=line.y,
        error_y=spread,
        name=line.name,
        legendgroup=line.name,
        showlegend=legend,
        mode={"points": "markers", "line": "lines", "steps": "lines"}.get(line.drawn, "lines+markers"),
        line={"color": style.colour, "dash": dash, "shape": "hv" if line.drawn == "steps" else "linear"},
        marker={"symbol": MARKERS.get(style.marker, "circle")},
    )
