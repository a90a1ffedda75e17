"""Curves: a logged metric over training, mean and band over the seeds of each group, single seeds beneath.

Groups are hidden and shown by their buttons; what is not hidden keeps its colour, its numbers and its axis.
Long curves are thinned for the x range that is seen, and the page says so; zooming in draws the rest.
"""

from __future__ import annotations

from typing import Any

import dash
from dash import Input, Output, State, dcc, html, no_update

from app.dashboard.address import BANDS, View
from app.dashboard.catalog import Catalog
from app.dashboard.components import chart
from app.dashboard.components.controls import by_name, choice, members
from app.dashboard.components.export import export
from app.dashboard.components.judging import direction_choice, evaluated_option, not_logged
from app.dashboard.curve_figures import Curves, chosen_groups, evaluated_metric
from app.dashboard.snapshot import Snapshot
from app.run_groups import all_runs, logged_metrics
from ired_diag.drawing import over_seeds

TITLE = "Curves"
WINDOWS = (3, 5, 9, 21)  # evaluations
SCALES = {"auto": "as the values ask", "linear": "linear", "log": "logarithmic"}


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the controls and the chart."""
    snapshot = catalog.snapshot()
    return html.Div(
        [
            html.H1(TITLE),
            html.Div(_controls(view, snapshot), id="curves-controls"),
            chart.place("curves"),
            html.Div(_export(view, snapshot), id="curves-export"),
            dcc.Store(id="curves-offered", data=_offered(view, snapshot)),
        ],
        className="page",
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Draw the curves, and offer the metrics and groups of the current runs."""
    curves = Curves()
    chart.register(app, catalog, "curves", curves.shown, whole=curves.whole, zooms="xy")

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
        view, snapshot = View.from_query(search), catalog.snapshot()
        now = _offered(view, snapshot)
        shown = _export(view, snapshot)
        if now == offered:
            return no_update, no_update, shown
        return _controls(view, snapshot), now, shown


def _offered(view: View, snapshot: Snapshot) -> list[Any]:
    """Return what the controls offer: they are drawn again only when it changes."""
    chosen = chosen_groups(view, snapshot)
    return [list(chosen), logged_metrics(all_runs(chosen)), evaluated_metric(chosen)]


def _controls(view: View, snapshot: Snapshot) -> list[Any]:
    chosen = chosen_groups(view, snapshot)
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
            ],
            className="controls",
        )
    ]
    if len(chosen) > 1:
        label = html.Span("Hide", className="count")
        buttons = members("hidden", "Hide groups", list(chosen), view.hidden)
        rows.append(html.Div([label, buttons], className="hiding"))
    return rows


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
