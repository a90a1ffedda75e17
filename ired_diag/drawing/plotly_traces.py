"""What a panel draws, as plotly's traces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import plotly.graph_objects as go

from ired_diag.drawing.data import (
    Areas,
    Cells,
    FigureData,
    Line,
    Mark,
    Outline,
    Panel,
    Raster,
    Segment,
    drawable_spread,
)
from ired_diag.drawing.palette import BLACK, Style
from ired_diag.drawing.plotly_text import as_written
from ired_diag.drawing.step_corners import step_corners

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
SIDE_OF_WORDS = {
    "left": "right",
    "center": "center",
    "right": "left",
}  # words that begin at a mark are right of it
LINE = 2.0  # pixels, as plotly's own
PALE = 0.2  # opacity of a band
FAINT = 0.3  # opacity of the line of a single seed
MODES = {"both": "lines+markers", "points": "markers", "line": "lines", "steps": "lines"}


def traces_of(figure: FigureData, panel: Panel, named: set[str]) -> Iterator[Any]:
    """Yield a panel's traces, the hindmost first.

    Args:
        figure: The picture.
        panel: One of its panels.
        named: Names that the legend already lists; the names that are drawn are added.
    """
    if panel.areas is not None:
        yield from _areas(panel.areas, named)
    if panel.cells is not None:
        yield _cells(panel.cells)
    if panel.raster is not None:
        yield _image(panel.raster)
    for place, outline in enumerate(panel.outlines):
        style = figure.style(outline.name, place)
        yield _outline(outline, style, named)
    for segment in panel.segments:
        colour = figure.style(segment.of, 0).colour if segment.of else BLACK
        yield _segment(segment, colour)
    styled = [(line, figure.style(line.of or line.name, place)) for place, line in enumerate(panel.lines)]
    for line, style in styled:  # all bands first: one would hide the lines beneath it
        if not line.faint and line.spread == "band":
            yield from _band_of(line, panel, style)
    for line, style in styled:
        if line.faint:
            yield _faint(line, panel, style)
    for line, style in styled:
        if not line.faint:
            yield _line(line, panel, style, named)
    if panel.guides and panel.lines:
        yield _room_for_guides(panel)
    for mark in panel.marks:
        yield _mark(mark, figure.style(mark.of, 0))


def _outline(outline: Outline, style: Style, named: set[str]) -> go.Scatter:
    return go.Scatter(
        x=outline.x,
        y=outline.y,
        fill="toself",
        fillcolor=_pale(style, 0.35),
        line={"color": style.colour, "width": 1},
        mode="lines",
        **_named(outline.name, named),
    )


def _segment(segment: Segment, colour: str) -> go.Scatter:
    return go.Scatter(
        x=segment.x,
        y=segment.y,
        mode="lines",
        line={"color": colour, "width": 4 if segment.bold else 1.2},
        showlegend=False,
        hoverinfo="skip",
    )


def _named(name: str, named: set[str]) -> dict[str, Any]:
    """Return a trace's name and group, and whether the legend has still to show it."""
    shown = name not in named
    named.add(name)
    return {"name": as_written(name), "legendgroup": name, "showlegend": shown}


def _pointed_at(line: Line, panel: Panel) -> dict[str, Any]:
    """Return what stands at the pointer: a name and a value; the place only where the x axis has numbers."""
    if line.labels:
        labels = [as_written(label) for label in line.labels]
        return {"text": labels, "hovertemplate": "%{text}: %{y:.6g}<extra></extra>"}
    if any(name for _, name in panel.x_ticks):
        return {"text": as_written(line.name), "hovertemplate": "%{text}: %{y:.6g}<extra></extra>"}
    if line.shift:
        places = [f"{as_written(line.name)}, {place:g}" for place in line.x.tolist()]
        return {"text": places, "hovertemplate": "%{text}: %{y:.6g}<extra></extra>"}
    if line.of and not line.faint:
        return {"text": line.name, "hoverinfo": "x+y+text"}
    # Next to the box, plotly writes a name in the colour of its line, which may be pale.
    return {"hovertemplate": "%{fullData.name}<br>%{x:,}: %{y:.6g}<extra></extra>"}


def _faint(line: Line, panel: Panel, style: Style) -> go.Scatter:
    # Pale by its colour: a browser paints the whole ground of many traces that are pale by their opacity.
    is_points = line.drawn == "points"
    return go.Scatter(
        x=line.drawn_x,
        y=line.y,
        mode="markers" if is_points else "lines",
        line={"color": _pale(style, FAINT), "width": 0.8},
        marker={"color": _pale(style, 0.6), "size": 4},
        name=as_written(line.name),
        legendgroup=line.of or line.name,
        showlegend=False,
        **_pointed_at(line, panel),
    )


def _band_of(line: Line, panel: Panel, style: Style) -> Iterator[go.Scatter]:
    spread = drawable_spread(line, panel)
    if spread is not None:
        low, high, _, _ = spread
        yield _band(line, low, high, style)


def _line(line: Line, panel: Panel, style: Style, named: set[str]) -> go.Scatter:
    bars = None
    spread = drawable_spread(line, panel)
    if spread is not None and line.spread == "bars":
        low, high, _, _ = spread
        bars = _bars(line, low, high)
    lengths = [f"{length}px" for length in style.dash]
    form = {
        "color": style.colour,
        "dash": ",".join(lengths) or "solid",
        "shape": "hv" if line.drawn == "steps" else "linear",
        "width": LINE * line.width,
    }
    return go.Scatter(
        x=line.drawn_x,
        y=line.y,
        error_y=bars,
        mode=MODES[line.drawn],
        line=form,
        marker={"symbol": MARKERS.get(style.marker, "circle")},
        **_named(line.of or line.name, named),
        **_pointed_at(line, panel),
    )


def _bars(line: Line, low: Any, high: Any) -> dict[str, Any]:
    """Return the spread as plotly's error bars: how far it reaches up and down."""
    middle = np.where(np.isfinite(line.y), line.y, np.nan)
    return {
        "type": "data",
        "array": high - middle,
        "arrayminus": middle - low,
        "width": 0,
        "thickness": 1,
    }


def _band(line: Line, low: Any, high: Any, style: Style) -> go.Scatter:
    """Return a band as closed shapes: upwards along its lower end, back along the upper one.

    Where an end is not finite the band is interrupted.
    """
    at = line.drawn_x
    if line.drawn == "steps":
        at, low, high = step_corners(at, low, high)
    places = np.flatnonzero(np.isfinite(low) & np.isfinite(high))
    starts = np.flatnonzero(np.diff(places) > 1) + 1
    x: list[Any] = []
    y: list[Any] = []
    for piece in np.split(places, starts):
        x += [at[piece], at[piece][::-1], [np.nan]]
        y += [low[piece], high[piece][::-1], [np.nan]]
    return go.Scatter(
        x=np.concatenate(x)[:-1],
        y=np.concatenate(y)[:-1],
        fill="toself",
        fillcolor=_pale(style, PALE),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        name=as_written(f"{line.name}, band"),
        legendgroup=line.name,
        showlegend=False,
    )


def _room_for_guides(panel: Panel) -> go.Scatter:
    """Return unseen points at the guides: an axis does not reach for shapes by itself."""
    x = panel.lines[0].x[:1]
    y = [guide.y for guide in panel.guides]
    if not len(x):
        y = []
    return go.Scatter(
        x=np.repeat(x, len(y)),
        y=y,
        mode="markers",
        opacity=0,
        hoverinfo="skip",
        showlegend=False,
    )


def _mark(mark: Mark, style: Style) -> go.Scatter:
    return go.Scatter(
        x=[mark.x],
        y=[mark.y],
        mode="markers" if mark.quiet else "markers+text",
        text=[as_written(mark.label)],
        textposition=f"{'bottom' if mark.below else 'top'} {SIDE_OF_WORDS[mark.anchor]}",
        textfont={"size": 10, "color": style.colour},
        marker={
            "symbol": f"{mark.shape}-open",
            "size": 10,
            "color": style.colour,
            "line": {"width": 2.5},  # a thinner ring is not seen on a dark page
        },
        name=as_written(mark.label),
        legendgroup=mark.of or mark.label,
        showlegend=False,
    )


def _areas(areas: Areas, named: set[str]) -> Iterator[Any]:
    """Yield the plane in colours, then a square of each colour for the legend, which a heatmap has not."""
    count = len(areas.names)
    scale: list[tuple[float, str]] = []
    for place, colour in enumerate(areas.colours):
        scale += [(place / count, colour), ((place + 1) / count, colour)]
    yield go.Heatmap(
        x=areas.x,
        y=areas.y,
        z=areas.kinds,
        text=np.array(list(map(as_written, areas.names)), dtype=object)[areas.kinds],
        colorscale=scale,
        zmin=-0.5,
        zmax=count - 0.5,
        showscale=False,
        hovertemplate="%{x:.4g}, %{y:.4g}: %{text}<extra></extra>",
    )
    for name, colour in zip(areas.names, areas.colours, strict=True):
        yield go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker={
                "symbol": "square",
                "size": 11,
                "color": colour,
                "line": {"color": GREY, "width": 1},
            },
            hoverinfo="skip",
            **_named(name, named),
        )


def _cells(cells: Cells) -> go.Heatmap:
    return go.Heatmap(
        z=cells.values,
        text=[list(map(as_written, row)) for row in cells.texts],
        texttemplate="%{text}",
        colorscale="Blues",
        colorbar={"title": {"text": as_written(cells.label), "side": "right"}},
        hovertemplate=f"{as_written(cells.label)}: %{{z}}<extra></extra>",
    )


def _image(raster: Raster) -> go.Image:
    return go.Image(
        z=raster.as_bytes,
        hovertemplate="row %{y}, column %{x}<extra></extra>",
    )


def _pale(style: Style, share: float) -> str:
    red, green, blue = bytes.fromhex(style.colour.removeprefix("#"))
    return f"rgba({red},{green},{blue},{share})"
