"""What the seeds say about the groups, above every curve: the verdicts of Statistics, and the way to it.

The sentences are those of ``ired-diag stats``. Of many pairs, the first few are said.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dash
from dash import Input, Output, State, dcc, html, no_update

from app.dashboard.address import MARGIN, READOUTS, View
from app.dashboard.catalog import Catalog
from app.dashboard.compared_groups import Choice, choose, question_of
from app.dashboard.components.attributes import attributes
from app.run_groups import all_runs
from ired_diag.runs.name_list import counted

if TYPE_CHECKING:
    from app.dashboard.comparisons import Answer
    from ired_diag.comparison import Comparison

MOST_RUNS = 3000  # that are compared without being asked: of more, that takes minutes
MOST = 3  # verdicts: the page Statistics has them all


def place() -> list[Any]:
    """Return where the verdicts will be; ``register`` says them."""
    return [
        html.Div(id="overview-verdict", **attributes(aria_live="polite")),
        dcc.Interval(id="overview-compares", interval=600),
        dcc.Store(id="overview-compared"),
    ]


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Say what the groups' difference is, as soon as the curves are drawn and the groups are compared."""

    @app.callback(
        Output("overview-verdict", "children"),
        Output("overview-compares", "disabled"),
        Output("overview-compared", "data"),
        Input("address", "search"),
        Input("version", "data"),
        Input("overview-compares", "n_intervals"),
        State("overview-compared", "data"),
    )
    def compare(search: str, _version: int, ticks: int | None, compared: Any) -> tuple[Any, ...]:
        view = View.from_query(search)
        snapshot = catalog.judged(view)
        choice = choose(view, snapshot)
        names = choice.names
        if len(names) < 2 or len(all_runs(snapshot.runs_of(names))) > MOST_RUNS:
            return nothing_compared(choice, view), True, None
        if not ticks:  # curves are drawn first: comparing keeps a processor busy
            return no_update, False, no_update
        question = question_of(replace(view, readout=READOUTS[0], margin=MARGIN), names, snapshot)
        answer = catalog.comparisons.newest(question, snapshot)
        if answer is None:
            words = catalog.comparisons.progress_in_words(question, snapshot)
            return html.P(words, className="count waiting"), False, None
        is_current = answer.version == snapshot.version
        now = json.loads(json.dumps([answer.version, vars(question)]))
        if now == compared:
            return no_update, is_current, no_update
        return headline_verdict(answer, view), is_current, now


def headline_verdict(answer: Answer, view: View) -> list[Any]:
    """Return the verdicts on the compared groups, or why they could not be compared."""
    if answer.comparison is None:
        return [html.P(["The groups were not compared. ", answer.failure, " ", _link(view)])]
    return [_verdicts(answer.comparison), _below(answer.comparison, view)]


def nothing_compared(choice: Choice, view: View) -> html.P | None:
    """Return the line in place of verdicts where no groups are compared; None of a single group."""
    if len(choice.every) < 2:
        return None
    return html.P(["No groups are compared here; they are chosen on ", _link(view), "."], className="count")


def _link(view: View) -> html.A:
    """Return the link to the page Statistics, with the choices of a view that it shares."""
    address = View(
        page="statistics",
        filter=view.filter,
        groups=view.groups,
        theme=view.theme,
        metric=view.metric,
        higher=view.higher,
    )
    return html.A("Statistics", href=address.to_query(), **attributes(data_page="statistics"))


def _verdicts(comparison: Comparison) -> html.Ul:
    from app.dashboard.components.verdicts import MARKS
    from ired_diag.comparison import words

    items = []
    for pair in comparison.pairs[:MOST]:
        decision = pair.verdict.decision
        mark = html.Span(decision, className=f"mark {MARKS[decision]}".strip())
        items.append(html.Li([mark, " ", words.verdict_of(pair, comparison)]))
    return html.Ul(items, className="headline-verdicts")


def _below(comparison: Comparison, view: View) -> html.P:
    """Return what the verdicts are of, how many others there are, and the link to all."""
    from ired_diag.comparison import words

    said = f"Compared by the {words.readout_name(comparison)} of each {comparison.run_noun}."
    rest = len(comparison.pairs) - MOST
    if rest > 0:
        said += f" {counted(rest, 'more pair')}, tests and caveats: "
    else:
        said += " Tests and caveats: "
    return html.P([said, _link(view), "."], className="count")
