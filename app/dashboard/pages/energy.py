"""Energy: does it tell right answers from wrong ones, since when, and what does mining make of it?

Energies over training are those that runs logged. The rest is from the tables of probes, each run at its last
checkpoint that was probed: the error among those of predictors without a network, how the energy ranks
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
from app.dashboard.curve_figures import thinned
from app.dashboard.remembered import Remembered
from app.dashboard.shown import kept_groups, shown_groups
from app.dashboard.snapshot import Snapshot
from ired_diag.errors import DiagError
from ired_diag.figures.by_group import last_of_groups
from ired_diag.figures.data import FigureData
from ired_diag.figures.energies import energy_gaps, positive_energies
from ired_diag.figures.floor_ladder import floor_ladder
from ired_diag.figures.group_levels import energy_against_error, mining_by_group

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
    of_probes = ((chart.place(name), html.Div(id=f"{name}-lacking")) for name in OF_PROBES)
    return html.Div(
        [
            html.H1(TITLE),
            html.Div(id="energy-controls"),
            dcc.Store(id="energy-known"),
            *(chart.place(name) for name in OVER_TRAINING),
            *(part for parts in of_probes for part in parts),
            export.place("energy"),
        ],
        className="page",
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Keep controls and charts as the address and the folder tell."""
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
    def show(search: str, _version: int, known: str | None) -> tuple[Any, Any]:
        view = View.from_query(search)
        groups = tuple(kept_groups(view, catalog.snapshot()))
        now = repr((groups, view.smooth, view.hidden))
        return (no_update, no_update) if now == known else (_controls(view, groups), now)


def _export(view: View, snapshot: Snapshot) -> html.Section | None:
    more = [word for name in PICTURES[1:] for word in ("--only", name)]
    return export.export(view, snapshot, PICTURES[0], groups=shown_groups(view, snapshot), options=more)


def _controls(view: View, groups: tuple[str, ...]) -> list[Any]:
    windows = sorted({*WINDOWS, view.smooth})
    options = [(str(n), f"Running median of {n} steps" if n else "As logged") for n in windows]
    return [
        html.Div([choice("smooth", "Mean over seeds", options, str(view.smooth))], className="controls"),
        hiding(groups, view.hidden),
    ]


def _over_training(draw: Callable[..., FigureData]) -> chart.Build:
    """Return what builds a picture of logged energies, with every point."""
    kept: Remembered[FigureData] = Remembered()

    def build(view: View, snapshot: Snapshot) -> FigureData:
        groups, order = shown_groups(view, snapshot), tuple(snapshot.groups())
        runs = [run for some in groups.values() for run in some]
        smooth = view.smooth or None
        return kept.get(runs, (smooth, order), lambda: draw(groups, smooth=smooth, order=order))

    return build


def _seen(whole: chart.Build) -> chart.Build:
    """Return what builds the same, thinned for what is seen of the x axis."""

    def build(view: View, snapshot: Snapshot) -> FigureData | str:
        figure = whole(view, snapshot)
        return figure if isinstance(figure, str) else thinned(figure, view.x)

    return build


def _of_probe(catalog: Catalog, probe: str, figure: Callable[..., FigureData]) -> chart.Build:
    kept: Remembered[FigureData] = Remembered()

    def build(view: View, snapshot: Snapshot) -> FigureData:
        found, order = catalog.tables.find(shown_groups(view, snapshot), probe), tuple(snapshot.groups())
        settings = (catalog.tables.state(found), order)
        return kept.get((), settings, lambda: figure(last_of_groups(found), order=order))

    return build


def _register_lacking(app: dash.Dash, catalog: Catalog, name: str, probe: str) -> None:
    @app.callback(Output(f"{name}-lacking", "children"), Input("address", "search"), Input("version", "data"))
    def show(search: str, _version: int) -> Any:
        view, snapshot = View.from_query(search), catalog.snapshot()
        try:
            found = catalog.tables.find(kept_groups(view, snapshot), probe)
        except DiagError:  # a damaged table: the chart tells it
            return None
        return lacking(found)
