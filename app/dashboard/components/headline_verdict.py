"""What the seeds say about the groups, above every curve: the verdicts of Statistics, and the way to it.

The sentences are those of ``ired-diag stats``. Of each, one line says which group is better, by how much,
with its interval, and how that compares with the margin; it opens to the whole sentence, with the test and
its p value. Of many pairs, the first few are said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dash
from dash import Input, Output, State, dcc, html, no_update

from app.dashboard.address import MARGIN, READOUTS, View
from app.dashboard.catalog import Catalog
from app.dashboard.compared_groups import Choice, choose, question_of
from app.dashboard.components.attributes import attributes
from app.dashboard.training_time import speeds_of
from app.run_groups import all_runs
from ired_diag.runs.name_list import counted

if TYPE_CHECKING:
    from app.dashboard.comparisons import Answer
    from ired_diag.comparison import Comparison, PairOfGroups

MOST_RUNS = 3000  # that are compared without being asked: of more, that takes minutes
MOST = 6  # verdicts: the page Statistics has them all
UNFOLDED = 2  # of them
MOST_LETTERS = 170  # of a verdict in one line
OF_EQUIVALENCE = re.compile(r" \((?P<default>default; )?p of [^()]*\)")
FIRST_CURVES = "The groups are compared as soon as the curves are drawn …"


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
        State("overview-curves-drawn", "data"),
    )
    def compare(search: str, _version: int, _ticks: int, compared: Any, drawn: Any) -> tuple[Any, ...]:
        view = catalog.view(search)
        snapshot = catalog.judged(view)
        choice = choose(view, snapshot)
        names = choice.names
        if len(names) < 2 or len(all_runs(snapshot.runs_of(names))) > MOST_RUNS:
            return nothing_compared(choice, view), True, None
        if not drawn:  # curves are sent first: comparing keeps a processor busy
            return html.P(FIRST_CURVES, className="count waiting"), False, None
        question = question_of(replace(view, readout=READOUTS[0], margin=MARGIN), names, snapshot)
        answer = catalog.comparisons.newest(question, snapshot)
        if answer is None:
            words = catalog.comparisons.progress_in_words(question, snapshot)
            return html.P(words, className="count waiting"), False, None
        is_current = answer.version == snapshot.version
        now = json.loads(json.dumps([answer.version, vars(question)]))
        if now == compared:
            return no_update, is_current, no_update
        every = snapshot.groups()
        speeds = speeds_of({name: every[name] for name in names if name in every})
        return headline_verdict(answer, view, speeds), is_current, now


def headline_verdict(answer: Answer[Comparison], view: View, speeds: str = "") -> list[Any]:
    """Return the verdicts on the compared groups, or why they could not be compared.

    Args:
        answer: The comparison.
        view: What the page shows.
        speeds: That groups run at different speed; empty where they do not.
    """
    if answer.comparison is None:
        return [html.P(["The groups were not compared. ", answer.failure, " ", _link(view)])]
    parts: list[Any] = [_verdicts(answer.comparison)]
    if speeds:
        parts.append(html.P(speeds, className="count speeds"))
    return [*parts, _below(answer.comparison, view)]


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


def _verdicts(comparison: Comparison) -> html.Div:
    lines = [_line(pair, comparison) for pair in comparison.pairs[:MOST]]
    parts: list[Any] = [html.Ul(lines[:UNFOLDED], className="headline-verdicts")]
    if folded := lines[UNFOLDED:]:
        summary = html.Summary(counted(len(folded), "more verdict"))
        parts.append(html.Details([summary, html.Ul(folded, className="headline-verdicts")]))
    return html.Div(parts)


def _line(pair: PairOfGroups, comparison: Comparison) -> html.Li:
    """Return a verdict in one line, which opens to the whole sentence where it says less."""
    from app.cli.abridged import abridged
    from app.dashboard.components.verdicts import MARKS
    from ired_diag.comparison.length_words import lengths_in_words
    from ired_diag.comparison.verdict_words import decision_of

    decision = pair.verdict.decision
    mark = html.Span(decision, className=f"mark {MARKS[decision]}".strip())
    sentence = decision_of(pair, comparison)
    brief = abridged(without_evidence(sentence), MOST_LETTERS)
    parts: list[Any] = [mark, " ", sentence]
    if brief != sentence:
        parts = [
            html.Details([html.Summary([mark, " ", html.Span(brief, className="brief")]), html.P(sentence)])
        ]
    if lengths := lengths_in_words(pair, comparison):
        parts.append(html.P(lengths))
    return html.Li(parts)


def without_evidence(sentence: str) -> str:
    """Return a verdict whose brackets hold the interval alone, without the test, the seeds and the p value.

    >>> without_evidence("A is worse than B by 2% (95% interval 1% to 3%; t test (REML), p = 0.01), at last.")
    'A is worse than B by 2% (95% interval 1% to 3%), at last.'
    >>> without_evidence("The difference lies inside the 1% margin (default; p of equivalence 0.001).")
    'The difference lies inside the 1% margin (default).'
    """
    kept: list[str] = []
    depth, is_left_out = 0, False
    for letter in sentence:
        depth += (letter == "(") - (letter == ")")
        is_left_out = depth > 0 and (is_left_out or (letter == ";" and "interval" in _bracket_of(kept)))
        if not is_left_out:
            kept.append(letter)
    return OF_EQUIVALENCE.sub(lambda match: " (default)" if match["default"] else "", "".join(kept))


def _bracket_of(letters: Sequence[str]) -> str:
    """Return what stands in the bracket that was opened last."""
    return "".join(letters).rpartition("(")[2]


def _below(comparison: Comparison, view: View) -> html.P:
    """Return what the verdicts are of, how many others there are, and the link to all."""
    from ired_diag.comparison import words

    said = f"Compared by the {words.readout_name(comparison)} of each {comparison.run_noun}."
    rest = len(comparison.pairs) - MOST
    if rest > 0:
        said += f" {counted(rest, 'further pair')}, tests and caveats: "
    else:
        said += " Tests and caveats: "
    return html.P([said, _link(view), "."], className="count")
