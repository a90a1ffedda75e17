"""Run: one seed of an experiment: how it went, its curve, what it was told, what was found, what to probe.

A key of the configuration is marked where another run of the group has another value. Probes are listed
whether or not they were made; one that was not has its command. Checkpoints are named, and never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dash
from dash import Input, Output, State, dcc, html, no_update

import probes
from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components import chart
from app.dashboard.components.advice import advised
from app.dashboard.components.attributes import attributes
from app.dashboard.components.controls import choice
from app.dashboard.components.copying import copyable
from app.dashboard.components.judging import direction_choice
from app.dashboard.components.table import NONE, no_such_run, scrolling
from app.dashboard.curve_figures import Curves, evaluated_metric, scale_told, scaled, thinned
from app.dashboard.pages.findings import runs_of
from app.dashboard.run_words import (
    answers_in_words,
    series_rows,
    settings_of,
    size_in_words,
    steps_in_words,
    verdict_in_words,
)
from app.dashboard.snapshot import Entry, Snapshot
from ired_diag.errors import DiagError
from ired_diag.figures.data import FigureData
from ired_diag.finding_clusters import fact_of
from ired_diag.runs.completion import state_in_words
from ired_diag.runs.judged import judged_in_words
from ired_diag.runs.run import Run

TITLE = "Run"
LONG = 28  # letters of a table's cell
FACTS = {  # of the provenance, as the page calls them
    "job": "Job",
    "git_commit": "Commit",
    "host": "Host",
    "gpu": "GPU",
    "device": "Device",
    "started": "Started",
    "ended": "Ended",
}


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the page of a run, or that there is none."""
    entry = _entry(view, catalog)
    back = html.P(html.A("All runs", href="?page=study", **attributes(data_page="study")))
    if entry is None:
        return html.Div([html.H1(TITLE), back, no_such_run()], className="page", **attributes(data_back=""))
    return html.Div(
        [
            back,
            html.H1(entry.run.label),
            html.Div(_header(entry), id="run-header"),
            html.Div(_controls(view, catalog), className="controls"),
            chart.place("run"),
            _part("Findings", html.Div(id="run-findings", **attributes(aria_live="polite"))),
            html.Div(_parts(entry, catalog), id="run-parts"),
            dcc.Interval(id="run-wait", interval=700),
            dcc.Store(id="run-told"),
        ],
        className="page",
        **attributes(data_back=""),
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Keep the page as the run is."""
    curves = Curves()

    def whole(view: View, snapshot: Snapshot) -> FigureData | str:
        entry = snapshot.entries.get(view.run)
        if entry is None:
            return "This run is gone: it was moved or removed."
        groups = {entry.run.group: [entry.run]}
        metric = view.metric if view.metric in entry.run.history.series else None
        if view.metric and metric is None:  # this run does not log it: its own metric is shown
            groups = {entry.run.group: [replace(entry.run, metric=None)]}
        figure = curves.of(groups, view, metric, snapshot)
        return scaled(figure, scale_told(view, groups, metric or evaluated_metric(groups)))

    def shown(view: View, snapshot: Snapshot) -> FigureData | str:
        figure = whole(view, snapshot)
        return figure if isinstance(figure, str) else thinned(figure, view.x)

    chart.register(app, catalog, "run", shown, whole=whole, zooms="xy")
    _register_parts(app, catalog)
    _register_findings(app, catalog)


def _register_parts(app: dash.Dash, catalog: Catalog) -> None:
    @app.callback(
        Output("run-header", "children"),
        Output("run-parts", "children"),
        Input("address", "search"),
        Input("version", "data"),
        prevent_initial_call=True,
    )
    def show(search: str, _version: int) -> tuple[Any, Any]:
        entry = _entry(View.from_query(search), catalog)
        return ([no_such_run()], []) if entry is None else (_header(entry), _parts(entry, catalog))


def _register_findings(app: dash.Dash, catalog: Catalog) -> None:
    @app.callback(
        Output("run-findings", "children"),
        Output("run-wait", "disabled"),
        Output("run-told", "data"),
        Input("version", "data"),
        Input("run-wait", "n_intervals"),
        State("address", "search"),
        State("run-told", "data"),
    )
    def show(_version: int, _ticks: int, search: str, told: Any) -> tuple[Any, Any, Any]:
        view = View.from_query(search)
        snapshot, known = catalog.judged(view), catalog.diagnosis.newest(view)
        current = known is not None and known.version == snapshot.version
        now = [known.version if known else None, current, view.run, view.metric, view.higher]
        if now == told:
            return no_update, no_update, no_update
        return _findings(view, catalog), current, now


def _header(entry: Entry) -> list[Any]:
    run, ending = entry.run, entry.run.ending
    mark = html.Span(entry.completion, className=f"mark {entry.completion.replace(' ', '-')}")
    words = state_in_words(run, entry.completion).removeprefix(entry.completion).lstrip(":")
    state = [mark, words + (f": {ending.detail}" if ending.detail else "")]
    facts: list[tuple[str, Any]] = [("State", state), ("Verdict", verdict_in_words(entry.verdict))]
    facts += [("Metric", line.removeprefix("metric: ")) for line in judged_in_words([run])]
    if run.name:
        facts.append(("Experiment", run.name))
    facts += [(FACTS[key], str(run.provenance[key])) for key in FACTS if run.provenance.get(key)]
    rows = [part for name, words in facts for part in (html.Dt(name), html.Dd(words))]
    return [html.Dl(rows, className="facts")]


def _entry(view: View, catalog: Catalog) -> Entry | None:
    """Return the run that a view shows, judged as the view says where the run logs the metric."""
    own, judged = (snapshot.entries.get(view.run) for snapshot in (catalog.snapshot(), catalog.judged(view)))
    if own is None or judged is None or (view.metric and view.metric not in own.run.history.series):
        return own
    return judged


def _controls(view: View, catalog: Catalog) -> list[Any]:
    run = catalog.snapshot().entries[view.run].run
    evaluated = run.evaluated[0] if run.evaluated else None
    first = f"{evaluated} (evaluated)" if evaluated else "none is an evaluation"
    others = [(name, name) for name in sorted(run.history.series)]
    chosen = view.metric if view.metric in run.history.series else ""
    return [
        choice("metric", "Metric", [("", first), *others], chosen),
        direction_choice(view, [run], chosen or evaluated),
    ]


def _parts(entry: Entry, catalog: Catalog) -> list[Any]:
    run, members = entry.run, catalog.snapshot().groups().get(entry.run.group, [])
    siblings = [other.run for other in members if other.id != entry.id]
    return [
        _part("Probes", _probes(run, catalog)),
        _part("Configuration", _configuration(run, siblings)),
        _part("Logged", _logged(run)),
        _part("Earlier attempts", _attempts(run)) if run.attempts else None,
        _part("Checkpoints", _checkpoints(run)),
    ]


def _part(title: str, content: Any) -> html.Section:
    return html.Section([html.H2(title), html.Div(content)], className="part")


def _table(label: str, headings: Sequence[str], rows: Sequence[Any]) -> html.Div:
    head = html.Thead(html.Tr([html.Th(heading, scope="col") for heading in headings]))
    return scrolling(html.Table([head, html.Tbody(list(rows))]), label)


def _row(name: str, cells: Sequence[Any], *, marked: bool = False) -> html.Tr:
    mark = "differs" if marked else ""
    return html.Tr(
        [html.Th(name, scope="row"), *(html.Td(one, className=f"{mark} {_width(one)}") for one in cells)]
    )


def _width(content: Any) -> str:
    """Return the class of a cell: long words are broken into lines, short ones are not."""
    told = content if isinstance(content, str) else getattr(content, "children", "")
    return "long" if isinstance(told, list) or len(told) > LONG else ""


def _findings(view: View, catalog: Catalog) -> Any:
    snapshot, known = catalog.judged(view), catalog.diagnosis.newest(view)
    if known is None:
        return html.P("Computing …", className="count")
    if known.failure:
        return html.P(f"Looking for mistakes failed: {known.failure}. Please report it.")
    mine = [f for f in known.findings if view.run in {entry.id for entry in runs_of(f, snapshot)}]
    if not mine:
        return html.P("No finding names this run or its group. That does not mean that it has no problem.")
    items = [
        html.Li(
            [
                html.Div(
                    [
                        html.Span(finding.severity, className=f"mark {finding.severity}"),
                        html.Span(finding.rule.replace("_", " "), className="rule"),
                    ],
                    className="marks",
                ),
                html.P(finding.statement, className="statement"),
                *advised(fact_of(finding, snapshot.study), snapshot, view),
            ],
            className=finding.severity,
        )
        for finding in mine
    ]
    return html.Ol(items, className="findings")


def _configuration(run: Run, siblings: Sequence[Run]) -> Any:
    if run.configuration is None:
        return html.P("No configuration is told.")
    settings = settings_of(run, siblings)
    differing = sum(bool(one.others) for one in settings)
    with_others = f"{differing} of them not as in every run of {run.group}: marked." if siblings else ""
    rows = [
        _row(one.key, (html.Code(one.value), one.default, one.others), marked=bool(one.others))
        for one in settings
    ]
    told = html.P(f"{len(settings)} keys. {with_others}", className="count")
    return [told, _table("Configuration", ("Key", "Value", "Default, where other", "Other runs"), rows)]


def _logged(run: Run) -> Any:
    rows = [_row(name, list(map(str, told))) for name, *told in series_rows(run)]
    if not rows:
        return html.P("Nothing was logged.")
    headings = ("Metric", "Points", "Last step", "Last", "Smallest", "Largest")
    return _table("Logged metrics", headings, rows)


def _attempts(run: Run) -> html.Div:
    rows = [
        _row(
            one.path.name,
            (
                one.job or NONE,
                one.started or NONE,
                one.ending.label + (f": {one.ending.detail}" if one.ending.detail else ""),
                str(one.evaluations),
            ),
        )
        for one in run.attempts
    ]
    return _table("Earlier attempts", ("File", "Job", "Started", "How it ended", "Evaluations"), rows)


def _checkpoints(run: Run) -> Any:
    if not run.checkpoints:
        return html.P("No checkpoint is there: probes have nothing to measure.")
    rows = [_row(path.name, (_size(path),)) for path in run.checkpoints]
    return _table("Checkpoints", ("File", "Size"), rows)


def _size(path: Any) -> str:
    try:
        return size_in_words(path.stat().st_size)
    except OSError:
        return "gone"


def _probes(run: Run, catalog: Catalog) -> list[Any]:
    """Return what each probe answered, and the commands of those that were not made."""
    groups, made, lacking = {run.group: [run]}, [], []
    for name in probes.names():
        try:
            found = catalog.tables.find(groups, name)
            answers = [words for table in found.tables for words in answers_in_words(table)]
            steps = ", ".join(steps_in_words(table) for table in found.tables)
        except DiagError as error:
            answers, steps = [str(error)], NONE
        else:
            if not found.tables:
                lacking.append((name, found.lacking))
                continue
        made.append(_row(name.replace("_", " "), (steps, html.Ul([html.Li(words) for words in answers]))))
    parts: list[Any] = (
        [_table("Probes", ("Probe", "Measured at step", "At the last of them"), made)] if made else []
    )
    if lacking and run.checkpoints:
        parts.append(html.P(f"Not measured: {', '.join(name for name, _ in lacking)}. To measure:"))
        parts += [copyable(told.command("all")) for _, told in lacking]
    elif lacking:
        parts.append(html.P("Without a checkpoint there is nothing to probe."))
    return parts
