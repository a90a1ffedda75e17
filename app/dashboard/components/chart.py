"""A chart: one ``FigureData`` as a picture, in words, as a table, and as CSV.

``chart`` shows a figure once. ``place`` and ``register`` show one that lives: it is built for the view in
the address and the newest study; where neither changes it, nothing is sent. While axes mean the same, only
the data are replaced (``Patch``), so that zoom and legend stay as the reader left them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Literal, cast

import dash
import plotly.graph_objects as go
from dash import Input, Output, Patch, State, dcc, html, no_update

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.clientside import clientside
from app.dashboard.components.attributes import attributes
from app.dashboard.components.table import empty, number
from app.dashboard.kept_picture import KeptPictures
from app.dashboard.snapshot import Snapshot
from ired_diag.drawing import as_table, plotly
from ired_diag.drawing.data import FigureData
from ired_diag.errors import DiagError

Build = Callable[[View, Snapshot], FigureData | str]
Remark = Callable[[View, FigureData], Any]
Turn = Callable[[], AbstractContextManager[Any]]

HIDDEN = {"display": "none"}
UNDRAWN = {"axes": "", "content": ""}  # of a chart that cannot be drawn: it equals no other
ZOOMED = {"x": "zoomed", "xy": "zoomedBoth"}  # functions of the assets
MOST_LETTERS = 240  # of words above a picture, before they are folded
COMPACT = 300  # pixels of height: several charts on one screen
MOST_ROWS = 100  # that "view as table" lists; the CSV holds all
CONFIG: dict[str, Any] = {
    **plotly.CONFIG,
    "showEditInChartStudio": False,
    # Zooming is a drag, the way back a double click: what is left saves the picture and pans.
    "modeBarButtons": [["toImage", "pan2d", "zoom2d", "resetScale2d"]],
    "doubleClick": "reset+autosize",
}
AXES = (  # of the view: what the axes mean
    *("page", "metric", "clock", "readout", "log", "scale", "whole", "run", "probe", "level", "higher"),
    *("quantity", "kind", "form", "experiment", "knob"),
)


def chart(figure: FigureData, name: str) -> html.Figure:
    """Return a figure that stays as it is.

    Args:
        figure: Data of the figure.
        name: Name that is unique on the page: the ids of the parts begin with it.
    """
    shown = _drawn(figure, View())
    return _frame(name, _words(figure), shown, _table(figure))


def place(name: str, *, compact: bool = False) -> html.Figure:
    """Return where a living chart will be; ``register`` draws it.

    Args:
        name: Name of the chart.
        compact: Whether it is one of several on a screen, and takes no space where it cannot be drawn.
    """
    return _frame(name, [html.P("…")], {}, None, compact=compact)


def register(
    app: dash.Dash,
    catalog: Catalog,
    name: str,
    build: Build,
    *,
    whole: Build | None = None,
    zooms: Literal["", "x", "xy"] = "",
    also: Sequence[str] = (),
    compact: bool = False,
    title: str = "",
    remark: Remark | None = None,
    is_kept: bool = False,
    turn: Turn = contextlib.nullcontext,
    after: str = "",
) -> None:
    """Add the callbacks of a living chart.

    Args:
        app: The dashboard.
        catalog: The study.
        name: Name of the chart, as in ``place``.
        build: Returns the figure of a view, or words that say why it is missing and what makes it.
        whole: Returns the figure with every point, for the CSV; ``build`` without it.
        zooms: Axes whose zoom goes into the address, as ``View.x`` and ``View.y``; ``build`` may then thin
            within them. ``y`` is for a page's only picture, and of its first panel.
        also: Ids of stores. When they change, the chart is drawn again, as with the address and the folder.
        compact: Whether it is low, and without a legend, next to others that share one.
        title: What stands above the words where it cannot be drawn.
        remark: Returns a line under the title, which is never folded; None without one.
        is_kept: Whether the first picture is drawn before a page asks for it, and kept between sessions. It
            must depend on nothing but the study and the view.
        turn: Returns what is held while the chart is drawn (``turns``). Default: nothing.
        after: Id of a store that is filled as soon as the page shows what comes before the chart.
    """
    kept = KeptPictures(catalog, name)

    def parts(view: View, drawn: dict[str, str] | None) -> Any:
        # The zoom belongs to the charts that write theirs: on the axis of another chart it means nothing.
        with turn():
            figure = _built(build, view, catalog)
            line = None
            if remark is not None and isinstance(figure, FigureData):
                line = remark(view, figure)
            return _update(figure, _zoomed(view, zooms), drawn, compact=compact, title=title, line=line)

    def first(view: View) -> Any:
        return kept.get(view, lambda: parts(view, None))

    @app.callback(
        Output(f"{name}-graph", "figure"),
        Output(f"{name}-graph", "style"),
        Output(f"{name}-words", "children"),
        Output(f"{name}-table", "children"),
        Output(f"{name}-drawn", "data"),
        Input("address", "search"),
        Input("version", "data"),
        State(f"{name}-drawn", "data"),
        *[Input(store, "data") for store in (*filter(None, [after]), *also)],
    )
    def draw(search: str, _version: int, drawn: dict[str, str] | None, *stores: Any) -> Any:
        if after and stores[0] is None:
            return (no_update,) * 5
        view = catalog.view(search)
        return first(view) if is_kept and not drawn else parts(view, drawn)

    if is_kept:
        catalog.ahead.append(lambda _snapshot: first(View()))

    @app.callback(
        Output(f"{name}-download", "data"),
        Input(f"{name}-csv", "n_clicks"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def download(_clicks: int, search: str) -> Any:
        figure = _built(whole or build, catalog.view(search), catalog)
        if isinstance(figure, str):
            return no_update
        return {"content": as_table.to_csv(figure), "filename": f"{figure.name}.csv", "type": "text/csv"}

    if zooms:
        clientside(app, ZOOMED[zooms], Input(f"{name}-graph", "relayoutData"), initially=False)


def _zoomed(view: View, zooms: str) -> View:
    """Return a view without the ends of axes that are not this picture's."""
    if "x" not in zooms:
        view = replace(view, x=None)
    if "y" not in zooms:
        view = replace(view, y=None)
    return view


def _built(build: Build, view: View, catalog: Catalog) -> FigureData | str:
    """Return the figure of a view, or the reason why it cannot be drawn."""
    try:
        return build(view, catalog.judged(view))
    except DiagError as error:
        return str(error)


def _update(
    figure: FigureData | str,
    view: View,
    drawn: dict[str, str] | None,
    *,
    compact: bool = False,
    title: str = "",
    line: Any = None,
) -> tuple[Any, ...]:
    """Return what a chart's parts become: nothing new, new data on the same axes, or a new picture."""
    if isinstance(figure, str):
        words = [html.H2(title), empty(figure)] if title else empty(figure)
        return no_update, HIDDEN, words, None, UNDRAWN
    full = _drawn(figure, view)
    if compact:
        _make_compact(full)
    axes = full["layout"]["uirevision"]
    ranges = _ranges(full)
    content = hashlib.sha256(json.dumps([full["data"], figure.summary, ranges]).encode()).hexdigest()
    now = {"axes": axes, "content": content}
    if now == drawn:
        return (no_update,) * 5
    shown: Any = full
    if drawn and drawn["axes"] == axes:
        shown = Patch()
        shown["data"] = full["data"]
        for part in ("shapes", "annotations"):
            shown["layout"][part] = full["layout"].get(part, [])
        for axis, ends in ranges.items():
            shown["layout"][axis]["range"] = ends
    return shown, _height(full), _words(figure, line), _table(figure), now


def _ranges(drawn: dict[str, Any]) -> dict[str, list[float]]:
    """Return the ends of the y axes that have fixed ones."""
    axes = drawn["layout"].items()
    return {name: axis["range"] for name, axis in axes if name.startswith("yaxis") and "range" in axis}


def _drawn(figure: FigureData, view: View) -> dict[str, Any]:
    """Return a figure for the page: see-through, its traces named for good, the view's zoom on it."""
    # pyarrow loads pandas with the first column of a table. plotly, in this thread, would find half of it; an
    # import waits until it is whole.
    import pandas  # noqa: F401

    picture = plotly.draw(figure, titled=False)
    picture.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13},
        modebar={"bgcolor": "rgba(0,0,0,0)"},
        uirevision=_axes(figure, view),
    )
    if view.x is not None:
        picture.update_xaxes(range=view.x)
    if view.y is not None:
        picture.update_layout(yaxis={"range": view.y})
    _name_traces(picture)
    drawn: dict[str, Any] = json.loads(picture.to_json(remove_uids=False))
    return drawn


def _make_compact(drawn: dict[str, Any]) -> None:
    """Make a picture low, without a legend and without boxes at the pointer: a table has the values."""
    panels = sum(key.startswith("yaxis") for key in drawn["layout"])
    drawn["layout"] |= {
        "height": COMPACT + (panels - 1) * COMPACT // 2,
        "showlegend": False,
        "hovermode": False,
        "margin": {"t": 10, "l": 64, "r": 16, "b": 44},
    }
    for key, axis in drawn["layout"].items():
        if key.startswith(("xaxis", "yaxis")):
            axis.setdefault("title", {})["font"] = {"size": 11}


def _axes(figure: FigureData, view: View) -> str:
    """Return the meaning of the axes: while it stays the same, zoom and legend stay too."""
    meaning: list[Any] = [getattr(view, key) for key in AXES]
    for panel in figure.panels:
        meaning.append((panel.x_scale, panel.x_ticks, panel.x_range))
        meaning.append((panel.y_scale, panel.y_ticks, panel.y_range is None))
    return repr(meaning)


def _height(figure: dict[str, Any]) -> dict[str, str]:
    """Return the style that keeps the place of a picture on the page."""
    return {"height": f"{figure['layout']['height']:.0f}px"}


def _name_traces(picture: go.Figure) -> None:
    """Give each trace an id by its name, by which its place in the legend is remembered."""
    seen: dict[str, int] = {}
    for trace in picture.data:
        group = getattr(trace, "legendgroup", "")  # an image has none
        key = f"{group}/{trace.name}"
        seen[key] = seen.get(key, 0) + 1
        # plotly looks for uids by CSS selectors, in which a name may not stand.
        trace.uid = "t" + hashlib.sha256(f"{key}/{seen[key]}".encode()).hexdigest()[:16]


def _frame(
    name: str, words: Any, figure: dict[str, Any], table: Any, *, compact: bool = False
) -> html.Figure:
    content: dict[str, Any] = {"style": HIDDEN}
    if figure:
        content = {"figure": figure, "style": _height(figure)}
    graph = dcc.Graph(id=f"{name}-graph", config=cast(Any, CONFIG), responsive=True, **content)
    return html.Figure(
        [
            html.Div(words, id=f"{name}-words", className="chart-words"),
            html.Div(
                [graph, html.Div(className="cursor")],
                role="group",
                className="graph",
                **attributes(aria_describedby=f"{name}-words"),
            ),
            html.Div(
                [
                    html.Button("Download CSV", id=f"{name}-csv", type="button", className="button"),
                    html.Details([html.Summary("View as table"), html.Div(table, id=f"{name}-table")]),
                ],
                className="below",
            ),
            dcc.Download(id=f"{name}-download"),
            dcc.Store(id=f"{name}-drawn"),
        ],
        className="chart compact" if compact else "chart",
    )


def _words(figure: FigureData, line: Any = None) -> list[Any]:
    """Return what stands above a picture; prose that would push it off the screen is folded."""
    above = [html.H2(figure.title), *([] if line is None else [line])]
    paragraphs = [html.P(figure.summary, className="summary"), html.P(figure.method, className="method")]
    if len(figure.summary) + len(figure.method) <= MOST_LETTERS:
        return [*above, *paragraphs]
    return [*above, html.Details([html.Summary("In words, and how it is drawn"), *paragraphs])]


def _table(figure: FigureData) -> html.Div:
    """Return the first rows of a figure's data, without the columns that are empty in all rows."""
    rows = list(as_table.rows_of(figure, named=True))
    columns = [place for place, values in enumerate(zip(*rows, strict=True)) if any(map(_has_value, values))]
    headings = [html.Th(as_table.COLUMNS[place], scope="col") for place in columns]
    shown = []
    for row in rows[:MOST_ROWS]:
        shown.append(html.Tr([html.Td(_text(row[place])) for place in columns]))
    words = f"{len(shown):,} of {len(rows):,} rows."
    if len(shown) < len(rows):
        words += " The CSV holds all."
    table = html.Table([html.Thead(html.Tr(headings)), html.Tbody(shown)])
    return html.Div([html.P(words), table], className="scroll tall", tabIndex=0)


def _has_value(value: Any) -> bool:
    return not (isinstance(value, str) and not value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return number(float(value))
