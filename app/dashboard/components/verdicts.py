"""A comparison in words and tables: what each pair comes to, what a reader should know, the tests behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from app.cli.stats_groups import caption_lines, group_columns, group_rows, text_columns
from app.cli.stats_tests import TEST_COLUMNS, test_rows
from app.dashboard.components.table import cell, scrolling
from ired_diag.comparison import Comparison, PairOfGroups
from ired_diag.comparison import words as told_of

FEW = 3  # pairs: of more, caveats and tests wait behind a click
WORDS_IN_TESTS = (0, 5)  # columns that are no numbers
MARKS = {"better": "complete", "worse": "failed", "equivalent": "running", "undecided": "", "identical": ""}


def verdicts(comparison: Comparison) -> html.Section:
    """Return the verdict on every pair, those with the baseline first; caveats and tests under each."""
    opened = len(comparison.pairs) <= FEW
    baseline = comparison.groups[0].name
    first = [pair for pair in comparison.pairs if opened or baseline in (pair.a, pair.b)]
    rest = [pair for pair in comparison.pairs if pair not in first]
    items = [_pair(pair, comparison, opened) for pair in first]
    others = html.Details(
        [
            html.Summary(f"{len(rest)} pairs without {baseline}"),
            html.Ol([_pair(pair, comparison, opened) for pair in rest], className="findings"),
        ]
    )
    return html.Section(
        [html.H2("Verdicts"), html.Ol(items, className="findings"), others if rest else None],
        className="block",
    )


def metric(comparison: Comparison) -> html.Div:
    """Return the metric of a comparison, its direction, and other evaluation sets where there are some."""
    lines = [line for line in (comparison.metric_words, comparison.other_sets) if line]
    return html.Div([html.P(f"{line[0].upper()}{line[1:]}.", className="count") for line in lines])


def groups_table(comparison: Comparison) -> html.Section:
    """Return what was read out of each group, its spread, and how much of that is evaluation noise."""
    better = "lower" if comparison.lower_is_better else "higher"
    start = comparison.plateau_step
    where = f" from step {start:g} on" if comparison.readout == "plateau" and start is not None else ""
    readout = f"{told_of.readout_name(comparison).capitalize()}{where}"
    caption = (
        f"{told_of.readout_of_metric(comparison, readout)}, each seed; "
        f"{better} is better. {'. '.join(caption_lines(comparison))}."
    )
    rows = list(group_rows(comparison))
    table = _table(group_columns(comparison), rows, range(text_columns(comparison)), "Groups")
    return html.Section([html.H2("Groups"), table, html.P(caption, className="method")], className="block")


def notes(told: Sequence[str]) -> html.Details | None:
    """Return what was left out and why."""
    if not told:
        return None
    count = f"{len(told)} {'note' if len(told) == 1 else 'notes'}: what was left out, and what to heed"
    items = html.Ul([html.Li(note) for note in told])
    return html.Details([html.Summary(count), items], open=len(told) <= FEW, className="notes")


def methods(comparison: Comparison) -> html.Section:
    """Return the paragraphs for a paper."""
    return html.Section(
        [
            html.H2("For a paper"),
            html.P([html.B("Methods. "), told_of.methods_of(comparison)]),
            html.P([html.B("Results. "), told_of.results_of(comparison)]),
        ],
        className="block",
    )


def _pair(pair: PairOfGroups, comparison: Comparison, opened: bool) -> html.Li:
    decision = pair.verdict.decision
    caveats = [html.Li(caveat) for caveat in told_of.caveats_of(pair, comparison)]
    label = f"Tests of {pair.a} and {pair.b}"
    tests = _table(("test", *TEST_COLUMNS[2:-1], "remark"), list(test_rows(pair)), WORDS_IN_TESTS, label)
    return html.Li(
        [
            html.Span(decision, className=f"mark {MARKS[decision]}".strip()),
            html.P(told_of.verdict_of(pair, comparison), className="statement"),
            html.Details(
                [html.Summary("What to heed"), html.Ul(caveats)],
                open=opened,
            ),
            html.Details([html.Summary(f"Two-sided tests of {pair.a} - {pair.b}"), tests]),
        ],
        className="verdict",
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[int], label: str) -> Any:
    head = html.Thead(
        html.Tr(
            [
                html.Th(text, scope="col", className="" if place in words else "number")
                for place, text in enumerate(columns)
            ]
        )
    )
    body = [
        html.Tr(
            [
                html.Th(row[0], scope="row"),
                *(cell(text, numeric=place not in words) for place, text in enumerate(row[1:], start=1)),
            ]
        )
        for row in rows
    ]
    return scrolling(html.Table([head, html.Tbody(body)]), label)
