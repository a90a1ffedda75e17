"""Optimizer: where the weights went, what a model draws, what the gradient promised, how near its limit.

Maps and images are drawn from runs and their checkpoints; promise and stability from the tables of the probes
``steps`` and ``stability``. What a task does not have is said in a sentence in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import dash
from dash import html

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components import chart, export
from app.dashboard.remembered import Remembered
from app.dashboard.shown import shown_groups
from app.dashboard.snapshot import Snapshot
from app.run_groups import all_runs
from ired_diag.drawing.by_group import last_of_groups, of_one_run
from ired_diag.drawing.data import FigureData
from ired_diag.drawing.model_images import model_images
from ired_diag.drawing.over_training import headlines_over_training
from ired_diag.drawing.probe_tables import Found
from ired_diag.drawing.trajectories import trajectories

TITLE = "Optimizer"
PICTURES = ("trajectories", "model-images", "promise", "stability")  # on paper


@dataclass(frozen=True)
class _Probed:
    """A chart that is drawn from a probe's tables."""

    probe: str
    draw: Callable[[Found, tuple[str, ...]], FigureData]


def _promise(tables: Found, order: tuple[str, ...]) -> FigureData:
    from probes.steps import figure

    return of_one_run(last_of_groups(tables), figure)[0]


def _stability(tables: Found, order: tuple[str, ...]) -> FigureData:
    return headlines_over_training(tables, order=order)


OF_RUNS: dict[str, Callable[[View, Snapshot], FigureData]] = {
    "optimizer-paths": lambda view, snapshot: trajectories(
        shown_groups(view, snapshot), order=tuple(snapshot.groups())
    ),
    "optimizer-images": lambda view, snapshot: model_images(shown_groups(view, snapshot))[0],
}
OF_PROBES = {
    "optimizer-promise": _Probed("steps", _promise),
    "optimizer-stability": _Probed("stability", _stability),
}


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the page; its charts come as soon as they are drawn."""
    charts = [chart.place(name) for name in (*OF_RUNS, *OF_PROBES)]
    return html.Div([html.H1(TITLE), *charts, export.place("optimizer")], className="page")


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Keep the charts up to date with the address and the folder."""
    for name, draw in OF_RUNS.items():
        chart.register(app, catalog, name, _of_runs(draw))
    for name, probed in OF_PROBES.items():
        chart.register(app, catalog, name, _of_tables(catalog, probed))
    export.register(app, catalog, "optimizer", _export)


def _of_runs(draw: Callable[[View, Snapshot], FigureData]) -> chart.Build:
    kept: Remembered[FigureData] = Remembered()

    def build(view: View, snapshot: Snapshot) -> FigureData:
        runs = all_runs(shown_groups(view, snapshot))
        order = tuple(snapshot.groups())
        return kept.get(runs, order, lambda: draw(view, snapshot))

    return build


def _of_tables(catalog: Catalog, probed: _Probed) -> chart.Build:
    kept: Remembered[FigureData] = Remembered()

    def build(view: View, snapshot: Snapshot) -> FigureData:
        tables = catalog.tables.find(shown_groups(view, snapshot), probed.probe)
        order = tuple(snapshot.groups())
        settings = (catalog.tables.state(tables), order)
        return kept.get((), settings, lambda: probed.draw(tables, order))

    return build


def _export(view: View, snapshot: Snapshot) -> html.Section | None:
    return export.of_pictures(view, snapshot, PICTURES, shown_groups(view, snapshot))
