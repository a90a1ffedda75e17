"""Statistics: what the seeds of chosen groups say about their difference, and how sure that is.

The first group is the baseline. The comparison is the one of ``ired-diag stats``; it is computed in a thread
of its own, once for each version of the study and each question. Each part of the page is shown as soon as it
is ready: configurations at once, then the verdicts, then one picture of the comparison after the other, and,
from a thread of its own, from which step on two groups are apart (``components.coming_apart``).
"""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import dash
from dash import Input, Output, State, dcc, html, no_update

from app.dashboard.address import MARGIN, READOUTS, View
from app.dashboard.catalog import Catalog
from app.dashboard.compared_groups import MOST_GROUPS, Choice, choose, question_of
from app.dashboard.comparisons import Answer, Question
from app.dashboard.components import chart, coming_apart, controls, export
from app.dashboard.components.attributes import attributes
from app.dashboard.components.configuration_diff import configuration_diff
from app.dashboard.components.copying import copyable
from app.dashboard.components.judging import direction_choice
from app.dashboard.components.table import empty
from app.dashboard.components.word_list import OF_STATISTICS, word_list
from app.dashboard.snapshot import Snapshot
from app.dashboard.turns import Turns
from app.next_command import options_in_words
from app.run_groups import all_runs, logged_metrics
from ired_diag.drawing.data import FigureData
from ired_diag.errors import DiagError
from ired_diag.runs.evaluation_metric import USUAL

if TYPE_CHECKING:
    from ired_diag.comparison import Comparison
    from ired_diag.comparison.margin import Margin

TITLE = "Statistics"
MARGINS = (0.001, 0.005, MARGIN, 0.02, 0.05, 0.1)
MANY = 30  # groups: of more, the list to pick from is closed at first
PICTURES = {  # name of each chart: of ``app.pictures.RECIPES``, which draws the same for a paper
    "statistics-differences": "paired-differences",
    "statistics-readouts": "readouts",
    "statistics-noise": "evaluation-noise",
    "statistics-ranks": "rank-map",
    "statistics-critical": "critical-difference",
}
WAITING = "It is drawn as soon as the groups are compared."


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the page; words and pictures come as soon as they are computed."""
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
            word_list(OF_STATISTICS),
            html.P(id="statistics-progress", className="count waiting"),
            html.Div(id="statistics-content", **attributes(aria_live="polite")),
            html.Div([chart.place(name) for name in PICTURES], id="statistics-pictures"),
            coming_apart.place(),
            html.Div(id="statistics-undrawn"),
            html.Div(id="statistics-configurations"),
            html.Div(id="statistics-end"),
            export.place("statistics"),
            html.Button("Download LaTeX table", id="statistics-latex", type="button", className="button"),
            dcc.Download(id="statistics-latex-download"),
            dcc.Interval(id="statistics-wait", interval=500),
            dcc.Store(id="statistics-shown"),
            dcc.Store(id="statistics-told"),
        ],
        className="page",
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Show the comparison as soon as it is computed."""
    export.register(app, catalog, "statistics", _export)

    turns = Turns()

    @app.callback(
        Output("statistics-latex", "disabled"),
        Output("statistics-latex", "hidden"),
        Output("statistics-pictures", "hidden"),
        Output("statistics-wait", "disabled"),
        Output("statistics-progress", "children"),
        Output("statistics-shown", "data"),
        Input("address", "search"),
        Input("version", "data"),
        Input("statistics-wait", "n_intervals"),
        State("statistics-shown", "data"),
    )
    def show(search: str, _version: int, _ticks: int, shown: Any) -> tuple[Any, ...]:
        view = catalog.view(search)
        snapshot = catalog.judged(view)
        choice, question, answer = _newest_answer(view, catalog, snapshot)
        version = comparison = None
        if answer is not None:
            version, comparison = answer.version, answer.comparison
        waits = len(choice.names) > 1 and version != snapshot.version
        progress = catalog.comparisons.progress_in_words(question, snapshot) if waits else ""
        now = json.loads(json.dumps([version, waits, vars(question)]))
        if now == shown:
            return (*[no_update] * 3, not waits, progress, no_update)
        is_missing = comparison is None and not waits  # one message says why, instead of each chart
        return comparison is None, is_missing, is_missing, not waits, progress, now

    @app.callback(
        Output("statistics-content", "children"),
        Output("statistics-end", "children"),
        Output("statistics-told", "data"),
        Input("statistics-shown", "data"),
        State("address", "search"),
    )
    def tell(shown: Any, search: str) -> tuple[Any, ...]:
        view = catalog.view(search)
        snapshot = catalog.judged(view)
        choice, question, answer = _newest_answer(view, catalog, snapshot)
        end = None
        if answer is not None and answer.comparison is not None:
            end = _end(answer.comparison, question, snapshot)
        return _content(choice, answer, snapshot), end, shown

    @app.callback(
        Output("statistics-configurations", "children"),
        Input("address", "search"),
        Input("version", "data"),
    )
    def configure(search: str, _version: int) -> Any:
        view = catalog.view(search)
        choice = choose(view, catalog.judged(view))
        if len(choice.names) < 2:
            return None
        return configuration_diff(catalog.snapshot().runs_of(choice.names))

    @app.callback(
        Output("statistics-controls", "children"),
        Output("statistics-picker", "children"),
        Output("statistics-chosen", "children"),
        Input("address", "search"),
        Input("version", "data"),
        Input("statistics-shown", "data"),
    )
    def controls_of(search: str, _version: int, _shown: Any) -> tuple[Any, ...]:
        view, snapshot = catalog.view(search), catalog.snapshot()
        choice, _, answer = _newest_answer(view, catalog, catalog.judged(view))
        used = "" if answer is None or answer.comparison is None else answer.comparison.readout
        return _controls(view, choice, snapshot, used), _picker(choice), choice.words

    @app.callback(
        Output("statistics-latex-download", "data"),
        Input("statistics-latex", "n_clicks"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def download(_clicks: int, search: str) -> Any:
        view = catalog.view(search)
        from app.cli.stats_markup import as_latex

        _, _, answer = _newest_answer(view, catalog, catalog.judged(view))
        if answer is None or answer.comparison is None:
            return no_update
        return {
            "content": f"{as_latex(answer.comparison)}\n",
            "filename": "comparison.tex",
            "type": "text/x-tex",
        }

    for place, (name, picture) in enumerate(PICTURES.items()):
        chart.register(
            app,
            catalog,
            name,
            _build(picture, catalog),
            after="statistics-told",  # the verdicts come first
            title=_title_of(picture),
            turn=partial(turns.at, place),
        )
    coming_apart.register(app, catalog, partial(turns.at, len(PICTURES)))

    @app.callback(
        Output("statistics-undrawn", "children"),
        Input("statistics-told", "data"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def fold(_told: Any, search: str) -> html.Details | None:
        view = catalog.view(search)
        _, _, answer = _newest_answer(view, catalog, catalog.judged(view))
        if answer is None or answer.comparison is None:
            return None
        with turns.at(len(PICTURES) + 1):
            return _undrawn(answer.comparison)


def _export(view: View, snapshot: Snapshot) -> html.Section | None:
    """Return the command for all pictures of the comparison."""
    names = choose(view, snapshot).names
    groups = snapshot.runs_of(names)
    if len(groups) < 2:
        return None
    view = replace(view, metric=question_of(view, names, snapshot).metric)
    return export.of_pictures(view, snapshot, list(PICTURES.values()), groups)


def command_of(question: Question, snapshot: Snapshot) -> str:
    """Return the command that prints the same comparison."""
    from ired_diag.comparison.margin import margin_of

    words = ["ired-diag", "stats", *snapshot.words_for(question.groups)]
    if question.metric != USUAL:
        words += ["--metric", question.metric]
    if question.readout != READOUTS[0]:
        words += ["--readout", question.readout]
    if question.margin != MARGIN:
        words += ["--margin", margin_of(question.margin).text]
    words += options_in_words(higher_is_better=question.higher)
    return shlex.join(words)


def _newest_answer(
    view: View, catalog: Catalog, snapshot: Snapshot
) -> tuple[Choice, Question, Answer[Comparison] | None]:
    """Return the groups, the question about them, and its newest answer; a single group has no answer."""
    choice = choose(view, snapshot)
    question = question_of(view, choice.names, snapshot)
    if len(choice.names) < 2:
        return choice, question, None
    return choice, question, catalog.comparisons.newest(question, snapshot)


def _build(picture: str, catalog: Catalog) -> chart.Build:
    def build(view: View, snapshot: Snapshot) -> FigureData | str:
        from app.dashboard.comparison_figures import figure_of

        choice, _, answer = _newest_answer(view, catalog, snapshot)
        if len(choice.names) < 2:
            return _too_few(choice)
        if answer is None:
            return WAITING
        if answer.comparison is None:
            return answer.failure
        try:
            return replace(figure_of(picture, answer.comparison), order=choice.every)
        except DiagError as reason:
            return _reason_once(str(reason), picture, answer.comparison)

    return build


def _undrawn(comparison: Comparison) -> html.Details | None:
    """Return one line on the pictures that are not drawn, which opens to the reasons; None where all are."""
    from app.dashboard.comparison_figures import figure_of

    lines: dict[str, str] = {}
    for picture in PICTURES.values():
        try:
            figure_of(picture, comparison)
        except DiagError as reason:
            lines[_title_of(picture)] = _reason_once(str(reason), picture, comparison)
    if not lines:
        return None
    summary = html.Summary(f"Not drawn: {', '.join(lines)}")
    reasons = [html.Li([html.B(f"{title}. "), reason]) for title, reason in lines.items()]
    return html.Details([summary, html.Ul(reasons)], className="notes")


def _reason_once(reason: str, picture: str, comparison: Comparison) -> str:
    """Return why a picture is not drawn; where an earlier one of the page says the same, only that."""
    from app.dashboard.comparison_figures import figure_of

    for earlier in PICTURES.values():
        if earlier == picture:
            break
        try:
            figure_of(earlier, comparison)
        except DiagError as other:
            if str(other) == reason:
                return f"Not drawn, for the reason that is given under {_title_of(earlier)}."
    return reason


def _title_of(picture: str) -> str:
    return picture.replace("-", " ").capitalize()


def _content(choice: Choice, answer: Answer[Comparison] | None, snapshot: Snapshot) -> list[Any]:
    from app.dashboard.components import verdicts

    parts: list[Any] = []
    if choice.absent:
        parts.append(html.P(f"Not there (any more): {', '.join(choice.absent)}."))
    if len(choice.names) < 2:
        return [*parts, empty(_too_few(choice), _fitting_command(snapshot))]
    if answer is None:
        return parts
    comparison = answer.comparison
    if comparison is None:
        return [*parts, empty(answer.failure)]
    return [
        *parts,
        verdicts.metric(comparison),
        verdicts.notes([*comparison.left_out, *comparison.notes]),
        verdicts.verdicts(comparison),
        verdicts.groups_table(comparison),
    ]


def _end(comparison: Comparison, question: Question, snapshot: Snapshot) -> list[Any]:
    from app.dashboard.components import verdicts

    return [
        verdicts.methods(comparison),
        html.P("The same in a terminal:"),
        copyable(command_of(question, snapshot)),
    ]


def _too_few(choice: Choice) -> str:
    if len(choice.every) < 2:
        there = "one group" if choice.every else "no run"
        return f"A comparison needs two groups; there is {there} here."
    return f"A comparison needs two groups; {len(choice.names)} chosen. Pick others above."


def _fitting_command(snapshot: Snapshot) -> str:
    """Return the command that says something about these runs where no two groups can be compared."""
    with_values = []
    for name, entries in snapshot.groups().items():
        if any(entry.run.evaluated is not None for entry in entries):
            with_values.append(name)
    if not with_values:
        return snapshot.place().command("ls")
    return shlex.join(["ired-diag", "stats", *snapshot.words_for(with_values[:MOST_GROUPS])])


def _controls(view: View, choice: Choice, snapshot: Snapshot, used: str = "") -> list[Any]:
    metric = question_of(view, choice.names, snapshot).metric
    runs = all_runs(snapshot.runs_of(choice.names or choice.every))
    metrics = sorted({metric, *logged_metrics(runs)} - {""})
    if not metrics:
        return []
    return [
        controls.choice("metric", "Metric", controls.by_name(metrics), metric),
        controls.readout_choice(view, used),
        controls.choice("margin", "Too small to matter", _margins(view), _text_of(view.margin)),
        direction_choice(view, runs, metric),
    ]


def _margins(view: View) -> list[tuple[str, str]]:
    """Return the margins to choose from, with their words; an absolute one in the address comes last."""
    margin = view.margin
    shares = set(MARGINS)
    if isinstance(margin, float):
        shares.add(margin)
    options = [(repr(share), f"{100 * share:g}% of the mean") for share in sorted(shares)]
    if not isinstance(margin, float):
        options.append((margin.text, f"{margin.size:g}"))
    return options


def _text_of(margin: float | Margin) -> str:
    if isinstance(margin, float):
        return repr(margin)
    return margin.text


def _picker(choice: Choice) -> list[Any]:
    """Return a button for each group, and one for each chosen group that makes it the baseline."""
    members = []
    for name in choice.every:
        others = [other for other in choice.names if other != name]
        is_chosen = name in choice.names
        members.append(_setter(name, others if is_chosen else [*others, name], is_chosen))
    baselines: list[Any] = [html.Span("Baseline:")]
    for name in choice.names:
        others = [other for other in choice.names if other != name]
        baselines.append(_setter(name, [name, *others], name == choice.names[0]))
    return [controls.chips("Groups compared", members), controls.chips("Baseline", baselines)]


def _setter(name: str, groups: list[str], pressed: bool) -> html.Button:
    """Return a button that chooses groups."""
    values = json.dumps(groups)
    keys = attributes(data_key="groups", data_value=name, data_values=values, aria_pressed=pressed)
    return html.Button(name, type="button", className="chip", **keys)
