"""Statistics: what the seeds of chosen groups say about their difference, and how sure that is.

The first group is the baseline. The comparison is the one of ``ired-diag stats``; it is computed in a thread
of its own, once for each version of the study and each question, and the page shows it as soon as it is
there. Pictures are drawn of the same comparison.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dash
from dash import Input, Output, State, dcc, html, no_update

from app.cli.stats_markup import as_latex
from app.dashboard.address import MARGIN, READOUTS, View
from app.dashboard.catalog import Catalog
from app.dashboard.compared_groups import Choice, choose, metrics_of, question_of
from app.dashboard.comparisons import Answer, Question
from app.dashboard.components import chart, controls, export, verdicts
from app.dashboard.components.attributes import attributes
from app.dashboard.components.judging import direction_choice
from app.dashboard.components.table import empty
from app.dashboard.snapshot import Snapshot
from ired_diag.comparison import Comparison
from ired_diag.comparison.margin import Margin, margin_of
from ired_diag.comparison.words import READOUT_NAMES
from ired_diag.figures.critical_difference import critical_difference
from ired_diag.figures.data import FigureData
from ired_diag.figures.evaluation_noise import evaluation_noise
from ired_diag.figures.paired_differences import paired_differences
from ired_diag.figures.rank_map import rank_map
from ired_diag.figures.readouts import readout_forest
from ired_diag.runs.evaluation_metric import USUAL

TITLE = "Statistics"
MARGINS = (0.001, 0.005, MARGIN, 0.02, 0.05, 0.1)
MANY = 30  # groups: of more, the list to pick from is closed at first
PICTURES: dict[str, Callable[[Comparison], FigureData]] = {
    "statistics-differences": paired_differences,
    "statistics-readouts": readout_forest,
    "statistics-noise": evaluation_noise,
    "statistics-ranks": rank_map,
    "statistics-critical": critical_difference,
}
ON_PAPER = ("paired-differences", "readouts", "evaluation-noise", "rank-map", "critical-difference")
WAITING = "Computing …"


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the page; what is said and drawn comes as soon as it is computed."""
    snapshot = catalog.snapshot()
    choice = choose(view, snapshot)
    picker = html.Details(
        [
            html.Summary("Groups", id="statistics-chosen"),
            html.Div(_picker(choice), id="statistics-picker"),
        ],
        open=len(choice.every) <= MANY,
    )
    return html.Div(
        [
            html.H1(TITLE),
            html.Div(_controls(view, choice, snapshot), id="statistics-controls", className="controls"),
            picker,
            html.Div(id="statistics-content", **attributes(aria_live="polite")),
            *(chart.place(name) for name in PICTURES),
            html.Div(id="statistics-end"),
            export.place("statistics"),
            html.Button("Download LaTeX table", id="statistics-latex", type="button", className="button"),
            dcc.Download(id="statistics-latex-download"),
            dcc.Interval(id="statistics-wait", interval=500),
            dcc.Store(id="statistics-shown"),
        ],
        className="page",
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Show the comparison as soon as it is known."""
    export.register(app, catalog, "statistics", _export)

    @app.callback(
        Output("statistics-content", "children"),
        Output("statistics-end", "children"),
        Output("statistics-latex", "disabled"),
        Output("statistics-wait", "disabled"),
        Output("statistics-shown", "data"),
        Input("address", "search"),
        Input("version", "data"),
        Input("statistics-wait", "n_intervals"),
        State("statistics-shown", "data"),
    )
    def show(search: str, _version: int, _ticks: int, shown: Any) -> tuple[Any, ...]:
        view = View.from_query(search)
        snapshot = catalog.judged(view)
        choice, question, answer = _asked(view, catalog, snapshot)
        waits = len(choice.names) > 1 and (answer is None or answer.version != snapshot.version)
        now = json.loads(json.dumps([answer.version if answer else None, waits, vars(question)]))
        if now == shown:
            return no_update, no_update, no_update, not waits, no_update
        found = answer.comparison if answer else None
        end = _end(found, question, snapshot) if found else None
        return _content(choice, answer, waits), end, found is None, not waits, now

    @app.callback(
        Output("statistics-controls", "children"),
        Output("statistics-picker", "children"),
        Output("statistics-chosen", "children"),
        Input("address", "search"),
        Input("version", "data"),
    )
    def controls_of(search: str, _version: int) -> tuple[Any, ...]:
        view, snapshot = View.from_query(search), catalog.snapshot()
        choice = choose(view, snapshot)
        return _controls(view, choice, snapshot), _picker(choice), choice.words

    @app.callback(
        Output("statistics-latex-download", "data"),
        Input("statistics-latex", "n_clicks"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def download(_clicks: int, search: str) -> Any:
        view = View.from_query(search)
        _, _, answer = _asked(view, catalog, catalog.judged(view))
        if answer is None or answer.comparison is None:
            return no_update
        return {"content": as_latex(answer.comparison), "filename": "comparison.tex", "type": "text/x-tex"}

    for name, figure in PICTURES.items():
        chart.register(app, catalog, name, _build(figure, catalog), also=["statistics-shown"])


def _export(view: View, snapshot: Snapshot) -> html.Section | None:
    """Return the command for all pictures of the comparison."""
    entries, names = snapshot.groups(), choose(view, snapshot).names
    groups = {name: [entry.run for entry in entries[name]] for name in names if name in entries}
    if len(groups) < 2:
        return None
    told = replace(view, metric=question_of(view, names, snapshot).metric)
    more = [word for name in ON_PAPER[1:] for word in ("--only", name)]
    return export.export(told, snapshot, ON_PAPER[0], groups=groups, options=more)


def command_of(question: Question, snapshot: Snapshot) -> str:
    """Return the command that prints the same."""
    told = ["ired-diag", "stats", *snapshot.words_for(question.groups)]
    told += [] if question.metric == USUAL else ["--metric", question.metric]
    told += [] if question.readout == READOUTS[0] else ["--readout", question.readout]
    told += [] if question.margin == MARGIN else ["--margin", margin_of(question.margin).text]
    if question.higher is not None:
        told.append("--higher-is-better" if question.higher else "--lower-is-better")
    return shlex.join(told)


def _asked(view: View, catalog: Catalog, snapshot: Snapshot) -> tuple[Choice, Question, Answer | None]:
    """Return the groups, what is asked of them, and the newest answer; a single group is not asked."""
    choice = choose(view, snapshot)
    question = question_of(view, choice.names, snapshot)
    if len(choice.names) < 2:
        return choice, question, None
    return choice, question, catalog.comparisons.newest(question, snapshot)


def _build(figure: Callable[[Comparison], FigureData], catalog: Catalog) -> chart.Build:
    def build(view: View, snapshot: Snapshot) -> FigureData | str:
        choice, _, answer = _asked(view, catalog, snapshot)
        if answer is None:
            return WAITING if len(choice.names) > 1 else _too_few(choice)
        if answer.comparison is None:
            return answer.failure
        return replace(figure(answer.comparison), order=choice.every)

    return build


def _content(choice: Choice, answer: Answer | None, waits: bool) -> list[Any]:
    gone = [html.P(f"Not there (any more): {', '.join(choice.absent)}.")] if choice.absent else []
    if len(choice.names) < 2:
        return [*gone, empty(_too_few(choice), "ired-diag demo\nired-diag stats q101 q102")]
    if answer is None:
        return [*gone, html.P(WAITING, className="count")]
    if answer.comparison is None:
        return [*gone, empty(answer.failure)]
    found = answer.comparison
    return [
        *gone,
        html.P("Computing newer numbers …" if waits else "", className="count"),
        verdicts.metric(found),
        verdicts.notes([*found.left_out, *found.notes]),
        verdicts.verdicts(found),
        verdicts.groups_table(found),
    ]


def _end(comparison: Comparison, question: Question, snapshot: Snapshot) -> list[Any]:
    return [
        verdicts.methods(comparison),
        html.P("The same in a terminal:"),
        html.Pre(command_of(question, snapshot)),
    ]


def _too_few(choice: Choice) -> str:
    if len(choice.every) < 2:
        there = "one group" if choice.every else "no run"
        return f"A comparison needs two groups; there is {there} here."
    return f"A comparison needs two groups; {len(choice.names)} chosen. Pick others above."


def _controls(view: View, choice: Choice, snapshot: Snapshot) -> list[Any]:
    question = question_of(view, choice.names, snapshot)
    metrics = sorted({question.metric, *metrics_of(snapshot, choice.names)})
    runs = [e.run for name in choice.names for e in snapshot.groups().get(name, ())]
    return [
        controls.choice("metric", "Metric", [(m, m) for m in metrics], question.metric),
        controls.choice("readout", "Readout", [(r, READOUT_NAMES[r]) for r in READOUTS], view.readout),
        controls.choice(
            "margin",
            "Too small to matter",
            _margins(view),
            _text_of(view.margin),
        ),
        direction_choice(view, runs, question.metric),
    ]


def _margins(view: View) -> list[tuple[str, str]]:
    """Return the margins to choose from, with their words; one of the address that is absolute comes last."""
    margin = view.margin
    shares = {*MARGINS} if isinstance(margin, Margin) else {*MARGINS, margin}
    listed = [(repr(share), f"{100 * share:g}% of the mean") for share in sorted(shares)]
    return [*listed, (margin.text, f"{margin.size:g}")] if isinstance(margin, Margin) else listed


def _text_of(margin: float | Margin) -> str:
    return margin.text if isinstance(margin, Margin) else repr(margin)


def _picker(choice: Choice) -> list[Any]:
    """Return a button for each group, and one for each chosen group that makes it the baseline."""
    chosen = list(choice.names)
    members = [
        _setter(name, [n for n in chosen if n != name] if name in chosen else [*chosen, name], name in chosen)
        for name in choice.every
    ]
    baselines = [
        _setter(name, [name, *(n for n in chosen if n != name)], name == chosen[0]) for name in chosen
    ]
    return [
        html.Div(members, className="chips", role="group", **attributes(aria_label="Groups compared")),
        html.Div(
            [html.Span("Baseline:"), *baselines],
            className="chips",
            role="group",
            **attributes(aria_label="Baseline"),
        ),
    ]


def _setter(name: str, groups: list[str], pressed: bool) -> html.Button:
    told = attributes(
        data_key="groups", data_value=name, data_values=json.dumps(groups), aria_pressed=pressed
    )
    return html.Button(name, type="button", className="chip", **told)
