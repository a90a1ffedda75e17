"""What a panel draws, as plotly's traces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import plotly.graph_objects as go

from ired_diag.figures.data import Cells, FigureData, Line, Mark, Panel, drawable_spread
from ired_diag.figures.palette import BLACK, Style

MARKERS = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "P": "cross",
    "X": "x",
}
GREY = "#555555"
BESIDE = {"left": "right", "center": "center", "right": "left"}  # words that begin at a mark are right of it
PALE = 0.2


def traces_of(figure: FigureData, panel: Panel, named: set[str]) -> Iterator[Any]:
    """Yield a panel's traces, the hindmost first.

    Args:
        figure: The picture.
        panel: One of its panels.
        named: Names that stand in the legend already; what is drawn is added.
    """
    if panel.cells is not None:
        yield _cells(panel.cells)
    for place, outline in enumerate(panel.outlines):
        style = figure.style(outline.name, place)
        yield go.Scatter(
            x=outline.x,
            y=outline.y,
            fill="toself",
            fillcolor=_pale(style, 0.35),
            line={"color": style.colour, "width": 1},
            mode="lines",
            **_named(outline.name, named),
        )
    for segment in panel.segments:
        colour = figure.style(segment.of, 0).colour if segment.of else BLACK
        line = {"color": colour, "width": 4 if segment.bold else 1.2}
        yield go.Scatter(
            x=segment.x, y=segment.y, mode="lines", line=line, showlegend=False, hoverinfo="skip"
        )
    for position, one in enumerate(panel.lines):
        yield from _line(one, panel, figure.style(one.of or one.name, position), named)
    if panel.guides and panel.lines:
        yield _room_for_guides(panel)
    for mark in panel.marks:
        yield _mark(mark, figure.style(mark.of, 0))


def _named(name: str, named: set[str]) -> dict[str, Any]:
    """Return a trace's name and group, and whether the legend has still to show it."""
    shown = name not in named
    named.add(name)
    return {"name": name, "legendgroup": name, "showlegend": shown}


def _line(line: Line, panel: Panel, style: Style, named: set[str]) -> Iterator[go.Scatter]:
    dash = ",".join(f"{length}px" for length in style.dash) or "solid"
    if line.faint:
        yield go.Scatter(
            x=line.x,
            y=line.y,
            mode="markers" if line.drawn == "points" else "lines",
            opacity=0.6 if line.drawn == "points" else PALE + 0.1,
            line={"color": style.colour, "width": 0.8},
            marker={"color": style.colour, "size": 4},
            name=line.name,
            legendgroup=line.of or line.name,
            showlegend=False,
        )
        return
    spread = None
    if ends := drawable_spread(line, panel):
        low, high, *_ = ends
        if line.spread == "band":
            yield _band(line, low, high, style)
        else:
            middle = np.where(np.isfinite(line.y), line.y, np.nan)
            up, down = high - middle, middle - low
            spread = {"type": "data", "array": up, "arrayminus": down, "width": 0, "thickness": 1}
    yield go.Scatter(
        x=line.x,
        y=line.y,
        error_y=spread,
        mode={"points": "markers", "line": "lines", "steps": "lines"}.get(line.drawn, "lines+markers"),
        line={"color": style.colour, "dash": dash, "shape": "hv" if line.drawn == "steps" else "linear"},
        marker={"symbol": MARKERS.get(style.marker, "circle")},
        **_named(line.name, named),
    )


def _band(line: Line, low: Any, high: Any, style: Style) -> go.Scatter:
    """Return a band as closed shapes: upwards along its lower end, back along the upper one.

    Where an end is not known the band is broken, and a shape more.
    """
    known = np.flatnonzero(np.isfinite(low) & np.isfinite(high))
    x: list[Any] = []
    y: list[Any] = []
    for piece in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        x += [line.x[piece], line.x[piece][::-1], [np.nan]]
        y += [low[piece], high[piece][::-1], [np.nan]]
    return go.Scatter(
        x=np.concatenate(x)[:-1],
        y=np.concatenate(y)[:-1],
        fill="toself",
        fillcolor=_pale(style, PALE),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        name=f"{line.name}, band",
        legendgroup=line.name,
        showlegend=False,
    )


def _room_for_guides(panel: Panel) -> go.Scatter:
    """Return unseen points at the guides: an axis does not reach for shapes by itself."""
    x, y = panel.lines[0].x[:1], [guide.y for guide in panel.guides]
    unseen = {"mode": "markers", "opacity": 0, "hoverinfo": "skip", "showlegend": False}
    return go.Scatter(x=np.repeat(x, len(y)), y=y[: len(x) * len(y)], **unseen)


def _mark(mark: Mark, style: Style) -> go.Scatter:
    return go.Scatter(
        x=[mark.x],
        y=[mark.y],
        mode="markers" if mark.quiet else "markers+text",
        text=[mark.label],
        textposition=f"{'bottom' if mark.below else 'top'} {BESIDE[mark.anchor]}",
        textfont={"size": 10, "color": style.colour},
        marker={"symbol": "circle-open", "size": 9, "color": style.colour},
        name=mark.label,
        legendgroup=mark.of or mark.label,
        showlegend=False,
    )


def _cells(cells: Cells) -> go.Heatmap:
    return go.Heatmap(
        z=cells.values,
        text=cells.texts,
        texttemplate="%{text}",
        colorscale="Blues",
        colorbar={"title": {"text": cells.label, "side": "right"}},
        hovertemplate=f"{cells.label}: %{{z}}<extra></extra>",
    )


def _pale(style: Style, share: float) -> str:
    red, green, blue = (int(style.colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"
