"""Overview: what to know first, and everything at one step of training, together.

Above, how many runs there are, what the groups' difference is, and the worst findings: one line each, which
opens to the whole sentence and the next command. Then learning curves, and beneath them, for the step under
the cursor, values by group, distributions of right answers and negatives, energy gap and false negatives. All
of it is sent once; the browser moves the step and makes a group stand out without asking the
server (assets/linked.js). A click on a curve keeps its step in the address. What no probe has measured takes
no space: one line has the command.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dash
from dash import Input, Output, State, dcc, html, no_update

from app.dashboard.address import View
from app.dashboard.binned import NAMES, At, binned, spread
from app.dashboard.catalog import Catalog
from app.dashboard.clientside import clientside
from app.dashboard.components import chart, headline_verdict, probed, step_slider, step_table
from app.dashboard.components.attributes import attributes
from app.dashboard.components.controls import by_name, choice
from app.dashboard.components.group_chips import highlighting
from app.dashboard.components.headline_findings import headline_findings
from app.dashboard.components.judging import runs_in_groups, sentences
from app.dashboard.components.whole_axis import whole_axis
from app.dashboard.curve_figures import Curves, drawn_groups, few_to_draw
from app.dashboard.pages.findings import all_findings, failure_in_words, newest_findings, version_of
from app.dashboard.shown import Groups, kept_groups
from app.dashboard.snapshot import Snapshot
from app.dashboard.step_values import digest_of, values_of_view
from app.run_groups import all_runs
from ired_diag.drawing.data import FigureData
from ired_diag.drawing.over_training import headlines_over_training
from ired_diag.errors import DiagError
from ired_diag.runs.judged import judged_in_words

TITLE = "Overview"
NO_RUNS = "No runs here yet. They appear by themselves. To make some: ired-diag demo"
MOST_DIAGNOSED = 3000  # runs that are looked through without being asked: of more, that takes minutes
OVER_TRAINING = {  # name of a chart, its probe, and the number that it follows
    "overview-gap": ("energy_gap", "gap_adversarial"),
    "overview-false-negatives": ("false_negatives", "closer_adversarial"),
}


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the page; its parts come as soon as they are computed."""
    snapshot = catalog.snapshot()
    over_training = [chart.place(name, compact=True) for name in OVER_TRAINING]
    return html.Div(
        [
            html.Div(
                [
                    html.H1(TITLE),
                    html.Div(_what_there_is(view, catalog.judged(view)), id="overview-runs"),
                ],
                className="title-row",
            ),
            *headline_verdict.place(),
            html.Div(id="overview-findings", **attributes(aria_live="polite")),
            html.Div(
                [
                    html.Div(
                        [chart.place("overview-curves", compact=True), step_table.place("overview")],
                        className="with-table",
                    ),
                    html.Div(_groups(view, snapshot), id="overview-groups"),
                    html.Div(id="overview-controls", className="controls"),
                    probed.place("overview", NAMES),
                    html.Div(over_training, className="side-by-side"),
                ],
                **attributes(data_linked="overview"),
            ),
            html.Div(id="overview-lacking"),
            dcc.Interval(id="overview-wait", interval=700),
            dcc.Store(id="overview-known"),
            dcc.Store(id="overview-sent"),
        ],
        className="page",
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Send what the page shows, and let the browser link it."""
    curves = Curves()

    def drawn(view: View, snapshot: Snapshot) -> FigureData | str:
        return curves.shown(_of_curves(view), snapshot)

    chart.register(
        app,
        catalog,
        "overview-curves",
        drawn,
        compact=True,
        title="Learning curves",
        remark=whole_axis,
        is_kept=True,
    )
    for name, (probe, key) in OVER_TRAINING.items():
        chart.register(app, catalog, name, _followed(catalog, probe, key), compact=True)
    step_table.register(app, "overview")
    probed.register(app, "overview")
    step_slider.register(app, "overview-step")
    clientside(app, "highlight", Input("address", "search"))
    headline_verdict.register(app, catalog)

    @app.callback(
        Output("overview-findings", "children"),
        Output("overview-wait", "disabled"),
        Output("overview-known", "data"),
        Input("address", "search"),
        Input("version", "data"),
        Input("overview-wait", "n_intervals"),
        State("overview-known", "data"),
        State("overview-curves-drawn", "data"),
    )
    def find(search: str, _version: int, _ticks: int, known: Any, drawn: Any) -> tuple[Any, ...]:
        view = catalog.view(search)
        snapshot = catalog.judged(view)
        if not snapshot.entries:
            return None, True, None
        if len(snapshot.entries) > MOST_DIAGNOSED:
            return _too_many(snapshot), True, None
        if not drawn:  # curves are sent first: looking for mistakes keeps a processor busy
            return _looking(catalog, snapshot), False, None
        diagnosed, is_current = newest_findings(view, catalog)
        now = [version_of(diagnosed), is_current, view.metric, view.higher]
        if now == known:
            return no_update, is_current, no_update
        if diagnosed is None:
            return _looking(catalog, snapshot), False, None
        if diagnosed.failure:
            return html.P(failure_in_words(diagnosed)), is_current, now
        total = len(all_findings(diagnosed, snapshot))
        return headline_findings(diagnosed.findings, snapshot, view, total=total), is_current, now

    @app.callback(
        Output("overview-runs", "children"),
        Output("overview-groups", "children"),
        Output("overview-values", "data"),
        Output("overview-binned", "data"),
        Output("overview-controls", "children"),
        Output("overview-lacking", "children"),
        Output("overview-sent", "data"),
        Input("address", "search"),
        Input("version", "data"),
        State("overview-sent", "data"),
    )
    def send(search: str, _version: int, sent: Any) -> tuple[Any, ...]:
        view = catalog.view(search)
        snapshot = catalog.judged(view)
        values = values_of_view(view, snapshot)
        try:
            bins, lacking = _binned(view, snapshot, catalog)
        except DiagError as error:  # a damaged table
            bins, lacking = None, html.P(str(error), className="lacking")
        now = [digest_of(values), digest_of(bins)]
        parts: list[Any] = [values, bins, _controls(view, values, bins)]
        if now == sent:
            parts = [no_update] * 3
        return _what_there_is(view, snapshot), _groups(view, snapshot), *parts, lacking, now


def _of_curves(view: View) -> View:
    """Return the view of the curves: the step of this page is the cursor's, not where curves begin."""
    return replace(view, step=None)


def _followed(catalog: Catalog, probe: str, key: str) -> chart.Build:
    """Return a function that draws a number of a probe over training."""

    def build(view: View, snapshot: Snapshot) -> FigureData:
        tables = catalog.tables.find(drawn_groups(view, snapshot), probe)
        return headlines_over_training(tables, keys=[key], order=tuple(snapshot.groups()))

    return build


def _binned(view: View, snapshot: Snapshot, catalog: Catalog) -> tuple[dict[str, Any] | None, Any]:
    """Return the distributions; or None, and the line that says how they are made."""
    groups = drawn_groups(view, snapshot)
    bins = binned(groups, catalog.tables, At(view.weights, view.level))
    if bins is not None or not groups:
        return bins, None
    return None, _lacking(groups, snapshot, catalog)


def _controls(view: View, values: Mapping[str, Any], bins: Mapping[str, Any] | None) -> list[Any]:
    """Return the slider over steps, for the keyboard, and the choice of a noise level."""
    steps: set[int] = set()
    if bins is None:
        for group in values["groups"]:
            steps.update(group["steps"])
    else:
        for quantity in bins["quantities"].values():
            steps.update(map(int, quantity["steps"]))
    rest = values.get("rest")
    words = "last step" if rest == max(steps, default=None) else "last shared step"
    slider = step_slider.step_slider(
        "overview-step", spread(sorted(steps)), view, rest=rest, rest_words=words
    )
    parts: list[Any] = [slider]
    if bins is not None and len(bins["levels"]) > 1:
        levels = by_name(map(str, bins["levels"]))
        level = str(bins["levels"][0] if view.level is None else view.level)
        parts.append(choice("level", "Noise level (0 is the sharpest)", levels, level))
    return parts


def _what_there_is(view: View, snapshot: Snapshot) -> list[Any]:
    """Return how many runs and groups there are, and by what the runs are judged."""
    kept = kept_groups(view, snapshot)
    runs = all_runs(kept)
    if not runs:
        return []
    first, *others = [runs_in_groups(len(kept), len(runs), len(snapshot.entries)), *judged_in_words(runs)]
    if others:
        first = f"{first}; {others[0]}"
    return [sentences([first, *others[1:]])]


def _groups(view: View, snapshot: Snapshot) -> list[Any]:
    """Return the line on which groups are drawn, and a button for each of them."""
    if not snapshot.entries:
        return [html.P(NO_RUNS, className="empty")]
    few = few_to_draw(view, snapshot)
    if not few.groups:
        return [html.P(f"No run matches {view.filter!r}. Esc leaves the filter.")]
    order = tuple(snapshot.groups())
    words: list[Any] = []
    if few.words:
        link = View(
            page="curves", filter=view.filter, theme=view.theme, metric=view.metric, higher=view.higher
        )
        choose = html.A("Choose others", href=link.to_query(), **attributes(data_page="curves"))
        words = [html.P([f"{few.words} ", choose, "."], className="count")]
    return [*words, highlighting(list(few.groups), view.highlight, order)]


def _lacking(groups: Groups, snapshot: Snapshot, catalog: Catalog) -> html.P:
    """Return the line that says why no distribution is drawn, with the command that makes the tables."""
    lacking = catalog.tables.find(groups, "energy_gap").lacking
    words = "Distributions of negatives, energy gap and false negatives come from probes of checkpoints"
    if not lacking.labels:
        return html.P(f"{words}; no run here has a checkpoint.", className="lacking")
    if snapshot.patterns:
        command = lacking.command("all")
    else:
        names = [name for name, runs in groups.items() if any(run.checkpoints for run in runs)]
        where = snapshot.words_for(names)
        command = shlex.join(["ired-diag", "probe", "all", *where, "--checkpoint", "all", *lacking.task])
    return html.P([f"{words}: ", html.Code(command)], className="lacking")


def _looking(catalog: Catalog, snapshot: Snapshot) -> html.P:
    words = catalog.diagnosis.progress_in_words(len(snapshot.entries))
    return html.P(words, className="count waiting")


def _too_many(snapshot: Snapshot) -> html.P:
    link = html.A("look for mistakes", href="?page=findings", **attributes(data_page="findings"))
    count = f"{len(snapshot.entries):,} runs: with so many, it takes minutes to "
    return html.P([count, link, "."], className="count")
