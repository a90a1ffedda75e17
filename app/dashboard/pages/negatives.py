"""Negatives: how random, mined and control negatives differ from right answers, and how that changed.

Above, distributions at a step of training, from the tables of probes. A slider goes over the steps that were
probed; without one in the address, each run stands at its last. Beneath, the probe's headline over training.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dash
from dash import Input, Output, State, dcc, html, no_update

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components import chart, export, step_slider
from app.dashboard.components.controls import by_name, choice
from app.dashboard.components.hiding import hiding
from app.dashboard.components.lacking import lacking
from app.dashboard.distribution_choice import DistributionChoice, choice_of, distribution
from app.dashboard.remembered import Remembered
from app.dashboard.shown import kept_groups, shown_groups
from app.dashboard.snapshot import Snapshot
from ired_diag.drawing.data import FigureData
from ired_diag.drawing.distributions import FORMS
from ired_diag.drawing.over_training import headlines_over_training
from ired_diag.drawing.probe_tables import Found
from ired_diag.drawing.quantities import QUANTITIES
from ired_diag.errors import DiagError

TITLE = "Negatives"
HEADLINES = (
    ("false_negatives", "How many negatives are right answers?"),
    ("diversity", "Do negatives collapse to few?"),
    ("conditioning", "Are negatives worse conditioned?"),
)
FORM_NAMES = {"ecdf": "Cumulative share", "violin": "Violin", "histogram": "Histogram"}
KIND_NAMES = {"positive": "Right answers", "start": "Start of mining"}
WEIGHTS = {"ema": "EMA"}


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the page; its charts come as soon as they are drawn."""
    return html.Div(
        [
            html.H1(TITLE),
            html.Div(id="negatives-controls"),
            dcc.Store(id="negatives-known"),
            chart.place("negatives-distribution"),
            html.Div(id="negatives-lacking"),
            html.Div([_headline_choice(view, catalog)], className="controls"),
            chart.place("negatives-headlines"),
            export.place("negatives"),
        ],
        className="page",
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Keep controls and charts up to date with the address and the folder."""
    kept: Remembered[FigureData] = Remembered(most=32)  # a slider goes to and fro

    def drawn(view: View, snapshot: Snapshot) -> FigureData:
        return distribution(view, snapshot, catalog.tables, kept)

    def followed(view: View, snapshot: Snapshot) -> FigureData:
        tables = catalog.tables.find(shown_groups(view, snapshot), _probe(view, catalog))
        order = tuple(snapshot.groups())
        return headlines_over_training(tables, weights=_weights(view, tables), order=order)

    chart.register(app, catalog, "negatives-distribution", drawn)
    chart.register(app, catalog, "negatives-headlines", followed)
    step_slider.register(app, "negatives-step")
    export.register(app, catalog, "negatives", lambda view, snapshot: _export(view, snapshot, catalog))

    @app.callback(
        Output("negatives-controls", "children"),
        Output("negatives-lacking", "children"),
        Output("negatives-known", "data"),
        Input("address", "search"),
        Input("version", "data"),
        State("negatives-known", "data"),
    )
    def show(search: str, _version: int, offered: str | None) -> tuple[Any, Any, Any]:
        view, snapshot = catalog.view(search), catalog.snapshot()
        try:
            chosen = choice_of(view, snapshot, catalog.tables)
        except DiagError:  # the chart shows it
            groups = list(kept_groups(view, snapshot))
            return hiding(groups, view.hidden), None, None
        now = _offered(chosen, view)
        if now == offered:
            return no_update, lacking(chosen.tables), now
        return _controls(chosen, view), lacking(chosen.tables), now


def _headline_choice(view: View, catalog: Catalog) -> html.Label:
    try:
        probe = _probe(view, catalog)
    except DiagError:  # no run is shown, or a table is damaged: the chart says it
        probe = HEADLINES[0][0]
    return choice("probe", "Over training", HEADLINES, probe)


def _export(view: View, snapshot: Snapshot, catalog: Catalog) -> html.Section | None:
    """Return the command for the kinds of one group; None for one kind over groups, which has no command."""
    chosen = choice_of(view, snapshot, catalog.tables)
    chosen.tables.check("all")
    if chosen.kind:
        return None
    note = ""
    if view.step is not None or view.level is not None:
        note = "It draws the last step that was probed, and four noise levels."
    groups = {chosen.group: kept_groups(view, snapshot)[chosen.group]}
    view = replace(view, quantity=chosen.quantity.name, form=view.form or FORMS[0])
    return export.export(view, snapshot, "distributions", groups=groups, note=note)


def _offered(chosen: DistributionChoice, view: View) -> str:
    """Return all that the controls show without the slider's place: they are not drawn again as it moves."""
    parts = (chosen.quantity.name, chosen.kind, chosen.groups, chosen.group, chosen.weights, chosen.steps)
    return repr((parts, chosen.levels, view.form, view.level, view.hidden, view.probe, view.filter))


def _controls(chosen: DistributionChoice, view: View) -> list[Any]:
    kinds = [("", "All kinds of one group")]
    kinds += [(kind, f"{_kind(kind)}, by group") for kind in chosen.quantity.kinds]
    forms = [(form, FORM_NAMES[form]) for form in FORMS]
    levels = [("", "Four spread over all"), *by_name(map(str, chosen.levels))]
    level = "" if view.level is None else str(view.level)
    selects = [
        choice("quantity", "Quantity", QUANTITY_OPTIONS, chosen.quantity.name),
        choice("kind", "Compare", kinds, chosen.kind),
    ]
    if not chosen.kind:
        selects.append(choice("groups", "Group", by_name(chosen.groups), chosen.group))
    selects.append(choice("form", "Form", forms, view.form or FORMS[0]))
    selects.append(choice("level", "Noise level (0 is the sharpest)", levels, level))
    if len(chosen.steps) > 1:
        weights = [(name, WEIGHTS.get(name, _capital(name))) for name in chosen.steps]
        selects.append(choice("weights", "Weights", weights, chosen.weights))
    return [
        html.Div(selects, className="controls"),
        hiding(chosen.groups, view.hidden),
        step_slider.step_slider("negatives-step", chosen.steps.get(chosen.weights, ()), view),
    ]


def _probe(view: View, catalog: Catalog) -> str:
    """Return the chosen probe; else the first one that measured any run."""
    if view.probe in dict(HEADLINES):
        return view.probe
    groups = shown_groups(view, catalog.snapshot())
    for name, _ in HEADLINES:
        if catalog.tables.find(groups, name).tables:
            return name
    return HEADLINES[0][0]


def _weights(view: View, tables: Found) -> str | None:
    """Return the chosen weights where a table has answers of them; else None."""
    for table in tables.tables:
        for answer in table.metadata.get("answers", []):
            if answer["weights"] == view.weights:
                return view.weights
    return None


def _kind(kind: str) -> str:
    return KIND_NAMES.get(kind, _capital(kind))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


QUANTITY_OPTIONS = [(name, _capital(quantity.label.split("  (")[0])) for name, quantity in QUANTITIES.items()]
