"""Curves: a logged metric over training, mean and band over the seeds of each group, single seeds beneath.

Of many groups, a few are drawn at first (``few_groups``), and the page says which; others are picked. Groups
are hidden and shown by their buttons; what is not hidden keeps its colour, its numbers and its axis. Further
metrics are drawn next to the first one. The table at the side holds the values at the step under the cursor.
Long curves are thinned for the x range that is seen, and the page says so; zooming in draws the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dash
from dash import Input, Output, State, dcc, html, no_update

from app.dashboard.address import BANDS, View
from app.dashboard.catalog import Catalog
from app.dashboard.components import chart, step_table
from app.dashboard.components.attributes import attributes
from app.dashboard.components.controls import by_name, choice, members, switch
from app.dashboard.components.export import export
from app.dashboard.components.group_chips import all_groups, choosing, hiding
from app.dashboard.components.judging import direction_choice, evaluated_option, not_logged
from app.dashboard.components.whole_axis import whole_axis
from app.dashboard.curve_figures import Curves, evaluated_metric, few_to_draw
from app.dashboard.snapshot import Snapshot
from app.dashboard.step_values import digest_of, values_of_view
from app.run_groups import all_runs, logged_metrics
from ired_diag.drawing import over_seeds
from ired_diag.drawing.data import FigureData
from ired_diag.errors import DiagError
from ired_diag.runs.clock import clock_column
from ired_diag.runs.run import Run

TITLE = "Curves"
MORE = ("curves-second", "curves-third", "curves-fourth")  # charts of further metrics
MOST_METRICS = 40  # that are offered as further ones
WINDOWS = (3, 5, 9, 21)  # evaluations
SCALES = {"auto": "as the values ask", "linear": "linear", "log": "logarithmic"}


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the controls and the chart."""
    snapshot = catalog.snapshot()
    return html.Div(
        [
            html.H1(TITLE),
            html.Div(_controls(view, snapshot), id="curves-controls"),
            html.Div(
                [
                    html.Div([chart.place("curves"), step_table.place("curves")], className="with-table"),
                    html.Div([chart.place(name, compact=True) for name in MORE], className="side-by-side"),
                ],
                **attributes(data_linked="curves"),
            ),
            html.Div(_export(view, snapshot), id="curves-export"),
            dcc.Store(id="curves-offered", data=_offered(view, snapshot)),
            dcc.Store(id="curves-sent"),
        ],
        className="page",
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Draw the curves, and offer the metrics and groups of the current runs."""
    curves = Curves()
    chart.register(
        app,
        catalog,
        "curves",
        curves.shown,
        whole=curves.whole,
        zooms="xy",
        title=TITLE,
        remark=whole_axis,
    )
    for place, name in enumerate(MORE):
        chart.register(app, catalog, name, _further(curves, place), compact=True, remark=whole_axis)
    step_table.register(app, "curves")

    @app.callback(
        Output("curves-values", "data"),
        Output("curves-sent", "data"),
        Input("address", "search"),
        Input("version", "data"),
        State("curves-sent", "data"),
    )
    def send(search: str, _version: int, sent: str | None) -> tuple[Any, Any]:
        view = catalog.view(search)
        values = values_of_view(view, catalog.judged(view))
        digest = digest_of(values)
        if digest == sent:
            return no_update, no_update
        return values, digest

    @app.callback(
        Output("curves-controls", "children"),
        Output("curves-offered", "data"),
        Output("curves-export", "children"),
        Input("address", "search"),
        Input("version", "data"),
        State("curves-offered", "data"),
        prevent_initial_call=True,
    )
    def offer(search: str, _version: int, offered: Any) -> tuple[Any, Any, Any]:
        view, snapshot = catalog.view(search), catalog.snapshot()
        now = _offered(view, snapshot)
        shown = _export(view, snapshot)
        if now == offered:
            return no_update, no_update, shown
        return _controls(view, snapshot), now, shown


def _offered(view: View, snapshot: Snapshot) -> list[Any]:
    """Return what the controls offer: they are drawn again only when it changes."""
    few = few_to_draw(view, snapshot)
    runs = all_runs(few.groups)
    return [
        list(few.groups),
        list(few.every),
        logged_metrics(runs),
        evaluated_metric(few.groups),
        list(view.more),
    ]


def _further(curves: Curves, place: int) -> chart.Build:
    """Return a function that draws one of the further metrics; words where there is none."""

    def build(view: View, snapshot: Snapshot) -> FigureData | str:
        if place >= len(view.more):
            return "No further metric."
        return curves.shown(replace(view, metric=view.more[place], x=None, y=None), snapshot)

    return build


def _controls(view: View, snapshot: Snapshot) -> list[Any]:
    few = few_to_draw(view, snapshot)
    chosen = few.groups
    if not chosen:
        return []
    bands = [(band, over_seeds.BANDS[band]) for band in over_seeds.BANDS if band in BANDS]
    windows = {*WINDOWS, view.smooth} - {0}
    smoothing = [("", "none")]
    smoothing += [(str(window), f"running median of {window}") for window in sorted(windows)]
    scale = "log" if view.log else view.scale
    rows: list[Any] = [
        html.Div(
            [
                choice("metric", "Metric", _metrics(view, chosen), view.metric),
                direction_choice(view, all_runs(chosen), view.metric or evaluated_metric(chosen)),
                choice("smooth", "Smoothing", smoothing, str(view.smooth or "")),
                choice("band", "Band", bands, view.band),
                choice("scale", "y axis", list(SCALES.items()), scale),
                _from(view),
                *_over_time(view, all_runs(chosen)),
            ],
            className="controls",
        )
    ]
    order = tuple(snapshot.groups())
    further = _further_metrics(view, all_runs(chosen))
    if few.words:
        picker = html.Details([html.Summary("Pick groups"), choosing(few.every, list(chosen), order)])
        words = html.Span(few.words, className="count")
        rows.append(html.Div([words, all_groups(few.every), picker, *further], className="hiding"))
    if len(chosen) > 1:
        label = html.Span("Hide", className="count")
        rows.append(html.Div([label, hiding(list(chosen), view.hidden, order)], className="hiding"))
    if not few.words and further:
        rows.append(html.Div(further, className="hiding"))
    return rows


def _further_metrics(view: View, runs: Sequence[Run]) -> list[html.Details]:
    """Return the picker of metrics that are drawn next to the first one; nothing without another metric."""
    names = [name for name in logged_metrics(runs) if name != view.metric]
    if len(names) < 2:
        return []
    offered = list(dict.fromkeys([*view.more, *names[:MOST_METRICS]]))
    words = f"More metrics, up to {len(MORE)}"
    picker = members("more", "Further metrics", offered, view.more)
    return [html.Details([html.Summary(words), picker], open=bool(view.more))]


def _over_time(view: View, runs: Sequence[Run]) -> list[Any]:
    """Return the switch to an axis of time, where the runs log one."""
    try:
        column = clock_column({"": list(runs)})
    except DiagError:
        if not view.clock:
            return []
        column = "time"
    return [switch("clock", f"over {column}", view.clock)]


def _metrics(view: View, groups: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the metrics to choose from; the evaluated one stands first."""
    evaluated = evaluated_metric(groups)
    names = logged_metrics(all_runs(groups))
    if evaluated in names and evaluated != view.metric:
        names.remove(evaluated)
    options = [evaluated_option(evaluated), *by_name(names)]
    return [*options, *not_logged(view, options)]


def _from(view: View) -> html.Label:
    box = dcc.Input(id={"view": "step"}, type="number", min=0, step=1, value=view.step, debounce=True)
    return html.Label(["From step", box], className="control")


def _export(view: View, snapshot: Snapshot) -> html.Section | None:
    return export(view, snapshot, "learning-curves")
