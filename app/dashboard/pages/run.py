"""Run: one seed of an experiment: its verdict, curve, findings, probes and configuration.

A key of the configuration is marked where another run of the group has another value. Every probe is listed;
one that has not measured the run has its command. Checkpoints are named, and never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dash
from dash import Input, Output, State, dcc, html, no_update

import probes
from app.cli.output import ending_in_words
from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components import chart
from app.dashboard.components.advice import advised
from app.dashboard.components.attributes import attributes
from app.dashboard.components.controls import by_name, choice
from app.dashboard.components.copying import copyable
from app.dashboard.components.judging import direction_choice, evaluated_option
from app.dashboard.components.table import NONE, no_such_run, scrolling
from app.dashboard.curve_figures import Curves, evaluated_metric, scale_for, scaled, thinned_for
from app.dashboard.diagnosis import Diagnosed
from app.dashboard.pages.findings import failure_in_words, marks, newest_findings, runs_of, version_of
from app.dashboard.run_words import (
    answers_in_words,
    series_rows,
    settings_of,
    size_in_words,
    steps_in_words,
    verdict_in_words,
)
from app.dashboard.snapshot import Entry, Snapshot
from app.run_groups import logged_metrics
from ired_diag.drawing.data import FigureData
from ired_diag.drawing.probe_tables import MAY_NOT_FIT, Found
from ired_diag.errors import DiagError
from ired_diag.finding import Finding
from ired_diag.finding_clusters import fact_of
from ired_diag.runs.completion import state_in_words
from ired_diag.runs.judged import judged_in_words
from ired_diag.runs.name_list import counted
from ired_diag.runs.run import Run
from ired_diag.touched_runs import touched_by

TITLE = "Run"
LONG = 28  # letters of a table's cell: longer ones are broken into lines
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
    """Return the page of a run, or that there is no such run."""
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
            dcc.Store(id="run-shown"),
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
        run = entry.run
        metric: str | None = view.metric
        if view.metric not in run.history.series:
            metric = None
            if view.metric:  # this run does not log it: its own metric is shown
                run = replace(run, metric=None)
        groups = {run.group: [run]}
        figure = curves.of(groups, view, metric, snapshot)
        return scaled(figure, scale_for(view, groups, metric or evaluated_metric(groups)))

    def shown(view: View, snapshot: Snapshot) -> FigureData | str:
        return thinned_for(view, whole(view, snapshot))

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
        entry = _entry(catalog.view(search), catalog)
        if entry is None:
            return [no_such_run()], []
        return _header(entry), _parts(entry, catalog)


def _register_findings(app: dash.Dash, catalog: Catalog) -> None:
    @app.callback(
        Output("run-findings", "children"),
        Output("run-wait", "disabled"),
        Output("run-shown", "data"),
        Input("version", "data"),
        Input("run-wait", "n_intervals"),
        State("address", "search"),
        State("run-shown", "data"),
    )
    def show(_version: int, _ticks: int, search: str, shown: Any) -> tuple[Any, Any, Any]:
        view = catalog.view(search)
        diagnosed, is_current = newest_findings(view, catalog)
        now = [version_of(diagnosed), is_current, view.run, view.metric, view.higher]
        if now == shown:
            return no_update, no_update, no_update
        return _findings(view, catalog.judged(view), diagnosed), is_current, now


def _header(entry: Entry) -> list[Any]:
    run, ending = entry.run, entry.run.ending
    mark = html.Span(entry.completion, className=f"mark {entry.completion.replace(' ', '-')}")
    words = state_in_words(run, entry.completion).removeprefix(entry.completion).lstrip(":")
    if ending.detail:
        words += f": {ending.detail}"
    facts: list[tuple[str, Any]] = [("State", [mark, words])]
    facts.append(("Verdict", verdict_in_words(entry.verdict)))
    for line in judged_in_words([run]):
        facts.append(("Metric", line.removeprefix("metric: ")))
    facts.append(("Experiment", run.name))
    for key, title in FACTS.items():
        facts.append((title, run.provenance.get(key)))
    rows: list[Any] = []
    for title, content in facts:
        if content:
            shown = content if isinstance(content, list) else str(content)
            rows += [html.Dt(title), html.Dd(shown)]
    return [html.Dl(rows, className="facts")]


def _entry(view: View, catalog: Catalog) -> Entry | None:
    """Return the run that a view shows, judged as the view says where the run logs the metric."""
    own = catalog.snapshot().entries.get(view.run)
    if own is None or (view.metric and view.metric not in own.run.history.series):
        return own
    return catalog.judged(view).entries.get(view.run, own)


def _controls(view: View, catalog: Catalog) -> list[Any]:
    run = catalog.snapshot().entries[view.run].run
    metrics = logged_metrics([run])
    evaluated = run.evaluated[0] if run.evaluated else None
    chosen = view.metric if view.metric in metrics else ""
    options = [evaluated_option(evaluated), *by_name(metrics)]
    return [
        choice("metric", "Metric", options, chosen),
        direction_choice(view, [run], chosen or evaluated),
    ]


def _parts(entry: Entry, catalog: Catalog) -> list[Any]:
    run, members = entry.run, catalog.snapshot().groups().get(entry.run.group, [])
    siblings = [other.run for other in members if other.id != entry.id]
    parts = [
        _part("Probes", _probes(run, catalog)),
        _part("Configuration", _configuration(run, siblings)),
        _part("Logged", _logged(run)),
    ]
    if run.attempts:
        parts.append(_part("Earlier attempts", _attempts(run)))
    parts.append(_part("Checkpoints", _checkpoints(run)))
    return parts


def _part(title: str, content: Any) -> html.Section:
    return html.Section([html.H2(title), html.Div(content)], className="part")


def _table(label: str, headings: Sequence[str], rows: Sequence[Any]) -> html.Div:
    head = html.Thead(html.Tr([html.Th(heading, scope="col") for heading in headings]))
    return scrolling(html.Table([head, html.Tbody(list(rows))]), label)


def _row(name: str, cells: Sequence[Any], *, marked: bool = False) -> html.Tr:
    cells_of_row: list[Any] = [html.Th(name, scope="row")]
    for content in cells:
        classes = []
        if marked:
            classes.append("differs")
        if _is_long(content):
            classes.append("long")
        cells_of_row.append(html.Td(content, className=" ".join(classes)))
    return html.Tr(cells_of_row)


def _is_long(content: Any) -> bool:
    """Say whether the words of a cell are broken into lines."""
    words = content
    if not isinstance(content, str):
        words = getattr(content, "children", "")
    return isinstance(words, list) or len(words) > LONG


def _findings(view: View, snapshot: Snapshot, diagnosed: Diagnosed | None) -> Any:
    if diagnosed is None:
        return html.P(f"Looking for mistakes in {len(snapshot.entries)} runs …", className="count waiting")
    if diagnosed.failure:
        return html.P(failure_in_words(diagnosed))
    items = []
    for finding in diagnosed.findings:
        if any(entry.id == view.run for entry in runs_of(finding, snapshot)):
            items.append(_finding(finding, snapshot, view))
    if not items:
        return html.P("No finding names this run or its group. That does not mean that it has no problem.")
    return html.Ol(items, className="findings")


def _finding(finding: Finding, snapshot: Snapshot, view: View) -> html.Li:
    content = [
        marks(finding.severity, finding.rule),
        html.P(finding.statement, className="statement"),
        *_on_whole_group(finding, snapshot),
        *advised(fact_of(finding, snapshot.study), snapshot, view),
    ]
    return html.Li(content, className=finding.severity)


def _on_whole_group(finding: Finding, snapshot: Snapshot) -> list[html.P]:
    """Return that a finding names the group and not this run, where it is so."""
    if touched_by(finding, snapshot.study).exact:
        return []
    return [html.P("It is about the group as a whole and does not name this run.", className="count")]


def _configuration(run: Run, siblings: Sequence[Run]) -> Any:
    if run.configuration is None:
        return html.P("The configuration is unknown.")
    settings = settings_of(run, siblings)
    columns = {
        "Default, if different": [setting.default for setting in settings],
        "Other runs": [setting.others for setting in settings],
    }
    filled = {heading: texts for heading, texts in columns.items() if any(texts)}
    rows = []
    for place, setting in enumerate(settings):
        cells = [html.Code(setting.value), *(texts[place] for texts in filled.values())]
        rows.append(_row(setting.key, cells, marked=bool(setting.others)))
    summary = f"{counted(len(settings), 'key')}."
    if siblings:
        differing = sum(bool(setting.others) for setting in settings)
        differ = "differs" if differing == 1 else "differ"
        summary += f" Marked: {differing}, which {differ} between the runs of {run.group}."
    headings = ("Key", "Value", *filled)
    return [html.P(summary, className="count"), _table("Configuration", headings, rows)]


def _logged(run: Run) -> Any:
    rows = [_row(name, list(map(str, numbers))) for name, *numbers in series_rows(run)]
    if not rows:
        return html.P("Nothing was logged.")
    headings = ("Metric", "Points", "Last step", "Last", "Smallest", "Largest")
    return _table("Logged metrics", headings, rows)


def _attempts(run: Run) -> html.Div:
    rows = []
    for attempt in run.attempts:
        ending = ending_in_words(attempt.ending)
        cells = (attempt.job or NONE, attempt.started or NONE, ending, str(attempt.evaluations))
        rows.append(_row(attempt.path.name, cells))
    return _table("Earlier attempts", ("File", "Job", "Started", "How it ended", "Evaluations"), rows)


def _checkpoints(run: Run) -> Any:
    if not run.checkpoints:
        return html.P("There is no checkpoint: probes have nothing to measure.")
    rows = [_row(path.name, (_size(path),)) for path in run.checkpoints]
    return _table("Checkpoints", ("File", "Size"), rows)


def _size(path: Any) -> str:
    try:
        return size_in_words(path.stat().st_size)
    except OSError:
        return "gone"


def _probes(run: Run, catalog: Catalog) -> list[Any]:
    """Return what each probe answered, and the commands of the probes that have not measured the run."""
    rows = []
    missing: dict[str, str] = {}
    is_own = False  # whether the run is of a task of the user's
    for name in probes.names():
        try:
            tables = catalog.tables.find({run.group: [run]}, name)
            answers = _answers(tables)
        except DiagError as error:
            answers = NONE, [str(error)]
        else:
            if not tables.tables:
                missing[name] = tables.lacking.command("all")
                is_own = is_own or bool(tables.lacking.task)
                continue
        steps, lines = answers
        rows.append(_row(name.replace("_", " "), (steps, html.Ul([html.Li(line) for line in lines]))))
    parts: list[Any] = []
    if rows:
        parts.append(_table("Probes", ("Probe", "Measured at step", "At the last of them"), rows))
    if missing and run.checkpoints:
        words = f"Not measured: {', '.join(name.replace('_', ' ') for name in missing)}."
        parts.append(html.P([words, f" {MAY_NOT_FIT}" if is_own else ""]))
        commands = [copyable(command) for command in missing.values()]
        parts.append(
            html.Details([html.Summary(f"To measure: {counted(len(commands), 'command')}"), *commands])
        )
    elif missing:
        parts.append(html.P("Without a checkpoint there is nothing to probe."))
    return parts


def _answers(tables: Found) -> tuple[str, list[str]]:
    """Return the steps at which a probe measured a run, and its last answers in words."""
    lines: list[str] = []
    for table in tables.tables:
        lines += answers_in_words(table)
    return ", ".join(map(steps_in_words, tables.tables)), lines
