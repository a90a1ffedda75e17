"""The card "When do they come apart?": from which step on the curves of two groups differ.

The curves of the first compared group and of the baseline are compared in a thread of their own, so that no
other card waits for them. The sentences are those of ``ired-diag when``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dash
from dash import Input, Output, State, dcc, html, no_update

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.compared_groups import choose
from app.dashboard.components import chart
from app.dashboard.components.attributes import attributes
from app.dashboard.components.copying import copyable
from app.dashboard.curves_in_time import command_of_pair, question_of_pair
from app.dashboard.snapshot import Snapshot
from ired_diag.drawing.data import FigureData

if TYPE_CHECKING:
    from app.dashboard.comparisons import Answer, Question
    from ired_diag.comparison.when import When

NAME = "statistics-apart"
TITLE = "When do they come apart?"


def place() -> html.Div:
    """Return where the card will be."""
    return html.Div(
        [
            html.P(id=f"{NAME}-progress", className="count waiting"),
            chart.place(NAME),
            dcc.Interval(id=f"{NAME}-wait", interval=500),
            dcc.Store(id=f"{NAME}-known"),
        ],
        id=f"{NAME}-card",
        hidden=True,
        **attributes(aria_live="polite"),
    )


def register(app: dash.Dash, catalog: Catalog, turn: chart.Turn) -> None:
    """Compare the curves in the background, and draw them as soon as that is done.

    Args:
        app: The dashboard.
        catalog: The study.
        turn: Returns what is held while the picture is drawn.
    """

    @app.callback(
        Output(f"{NAME}-card", "hidden"),
        Output(f"{NAME}-wait", "disabled"),
        Output(f"{NAME}-progress", "children"),
        Output(f"{NAME}-known", "data"),
        Input("address", "search"),
        Input("version", "data"),
        Input(f"{NAME}-wait", "n_intervals"),
        State(f"{NAME}-known", "data"),
    )
    def look(search: str, _version: int, _ticks: int, known: Any) -> tuple[Any, ...]:
        question, answer, snapshot = newest(catalog.view(search), catalog)
        if question is None:
            return True, True, "", None
        is_current = answer is not None and answer.version == snapshot.version
        words = (
            "" if is_current else f"Comparing the curves of {' and '.join(question.groups)} step by step …"
        )
        now = json.loads(json.dumps([answer and answer.version, vars(question)]))
        return False, is_current, words, no_update if now == known else now

    def build(view: View, snapshot: Snapshot) -> FigureData | str:
        from ired_diag.drawing.curves_apart import curves_apart

        question, answer, _ = newest(view, catalog)
        if question is None or answer is None:
            return "It is drawn as soon as the curves are compared."
        if answer.comparison is None:
            return f"{answer.failure[0].upper()}{answer.failure[1:]}"
        figure = curves_apart(answer.comparison)
        title = f"When do {' and '.join(question.groups)} come apart?"
        return replace(figure, title=title, order=(*snapshot.groups(), figure.order[-1]))

    def remark(view: View, _figure: FigureData) -> html.Div | None:
        question, answer, snapshot = newest(view, catalog)
        if question is None or answer is None or answer.comparison is None:
            return None
        return _sentences(answer.comparison, question, snapshot, len(choose(view, snapshot).names))

    chart.register(app, catalog, NAME, build, also=[f"{NAME}-known"], title=TITLE, remark=remark, turn=turn)


def newest(view: View, catalog: Catalog) -> tuple[Question | None, Answer[When] | None, Snapshot]:
    """Return the question about two groups and its newest answer; None where there is none."""
    snapshot = catalog.judged(view)
    question = question_of_pair(view, choose(view, snapshot), snapshot)
    if question is None:
        return None, None, snapshot
    return question, catalog.coming_apart.newest(question, snapshot), snapshot


def _sentences(answer: When, question: Question, snapshot: Snapshot, chosen: int) -> html.Div:
    from ired_diag.comparison.when_words import headline, in_lines, other_stretches

    first, baseline = question.groups
    # The last stretch alone would hide longer ones before it, in which the other group may lead.
    before = [] if answer.apart is None else list(other_stretches(answer, answer.apart))
    said = " ".join([headline(answer), *before[:1]])
    pair = f"{first} against {baseline}, the baseline."
    if chosen > 2:
        pair += " Choose two groups above to see another pair."
    rest = [html.Li(line) for line in in_lines(answer) if line not in (said, *before[:1])]
    return html.Div(
        [
            html.P(said, className="statement"),
            html.P(pair, className="count"),
            html.Details([html.Summary("What this rests on"), html.Ul(rest)]),
            copyable(command_of_pair(question, snapshot)),
        ]
    )
