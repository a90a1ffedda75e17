"""Energy: does it separate right answers from wrong ones, since when, and how does mining use it?

Energies over training are those that runs logged. The rest is from the tables of probes, each run at its last
checkpoint that was probed: the error next to those of predictors without a network, how the energy ranks
candidates by their error, and what mining does at each noise level.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dash
from dash import Input, Output, State, dcc, html, no_update

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components import chart, export
from app.dashboard.components.controls import choice
from app.dashboard.components.hiding import hiding
from app.dashboard.components.lacking import lacking
from app.dashboard.curve_figures import thinned_for
from app.dashboard.remembered import Remembered
from app.dashboard.shown import kept_groups, shown_groups
from app.dashboard.snapshot import Snapshot
from app.run_groups import all_runs
from ired_diag.drawing.by_group import last_of_groups
from ired_diag.drawing.data import FigureData
from ired_diag.drawing.energies import energy_gaps, positive_energies
from ired_diag.drawing.floor_ladder import floor_ladder
from ired_diag.drawing.group_levels import energy_against_error, mining_by_group
from ired_diag.errors import DiagError

TITLE = "Energy"
OVER_TRAINING: dict[str, Callable[..., FigureData]] = {
    "energy-gap": energy_gaps,
    "energy-positive": positive_energies,
}
OF_PROBES: dict[str, tuple[str, Callable[..., FigureData]]] = {
    "energy-floor": ("floor", floor_ladder),
    "energy-judge": ("energy_judge", energy_against_error),
    "energy-mining": ("mining_dynamics", mining_by_group),
}
PICTURES = ("energy-gap", "positive-energy", "floor-ladder", "energy-against-error", "mining")  # on paper
WINDOWS = (0, 5, 21, 101)  # steps of a running median


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the page; its charts come as soon as they are drawn."""
    charts: list[Any] = [chart.place(name) for name in OVER_TRAINING]
    for name in OF_PROBES:
        charts += [chart.place(name), html.Div(id=f"{name}-lacking")]
    return html.Div(
        [
            html.H1(TITLE),
            html.Div(id="energy-controls"),
            dcc.Store(id="energy-known"),
            *charts,
            export.place("energy"),
        ],
        className="page",
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Keep controls and charts up to date with the address and the folder."""
    for name, draw in OVER_TRAINING.items():
        whole = _over_training(draw)
        chart.register(app, catalog, name, _seen(whole), whole=whole, zooms="x")
    for name, (probe, figure) in OF_PROBES.items():
        chart.register(app, catalog, name, _of_probe(catalog, probe, figure))
        _register_lacking(app, catalog, name, probe)
    export.register(app, catalog, "energy", _export)

    @app.callback(
        Output("energy-controls", "children"),
        Output("energy-known", "data"),
        Input("address", "search"),
        Input("version", "data"),
        State("energy-known", "data"),
    )
    def show(search: str, _version: int, offered: str | None) -> tuple[Any, Any]:
        view = catalog.view(search)
        groups = tuple(kept_groups(view, catalog.snapshot()))
        now = repr((groups, view.smooth, view.hidden))
        if now == offered:
            return no_update, no_update
        return _controls(view, groups), now


def _export(view: View, snapshot: Snapshot) -> html.Section | None:
    return export.of_pictures(view, snapshot, PICTURES, shown_groups(view, snapshot))


def _controls(view: View, groups: tuple[str, ...]) -> list[Any]:
    windows = {*WINDOWS, view.smooth} - {0}
    options = [("0", "As logged")]
    options += [(str(steps), f"Running median of {steps} steps") for steps in sorted(windows)]
    return [
        html.Div([choice("smooth", "Mean over seeds", options, str(view.smooth))], className="controls"),
        hiding(groups, view.hidden),
    ]


def _over_training(draw: Callable[..., FigureData]) -> chart.Build:
    """Return a function that builds a picture of logged energies, with every point."""
    kept: Remembered[FigureData] = Remembered()

    def build(view: View, snapshot: Snapshot) -> FigureData:
        groups, order = shown_groups(view, snapshot), tuple(snapshot.groups())
        smooth = view.smooth or None
        return kept.get(all_runs(groups), (smooth, order), lambda: draw(groups, smooth=smooth, order=order))

    return build


def _seen(whole: chart.Build) -> chart.Build:
    """Return a function that builds the same picture, thinned for the visible part of the x axis."""
    return lambda view, snapshot: thinned_for(view, whole(view, snapshot))


def _of_probe(catalog: Catalog, probe: str, figure: Callable[..., FigureData]) -> chart.Build:
    kept: Remembered[FigureData] = Remembered()

    def build(view: View, snapshot: Snapshot) -> FigureData:
        tables = catalog.tables.find(shown_groups(view, snapshot), probe)
        order = tuple(snapshot.groups())
        settings = (catalog.tables.state(tables), order)
        return kept.get((), settings, lambda: figure(last_of_groups(tables), order=order))

    return build


def _register_lacking(app: dash.Dash, catalog: Catalog, name: str, probe: str) -> None:
    @app.callback(Output(f"{name}-lacking", "children"), Input("address", "search"), Input("version", "data"))
    def show(search: str, _version: int) -> Any:
        view, snapshot = catalog.view(search), catalog.snapshot()
        try:
            tables = catalog.tables.find(kept_groups(view, snapshot), probe)
        except DiagError:  # a damaged table: the chart shows the error
            return None
        return lacking(tables)
