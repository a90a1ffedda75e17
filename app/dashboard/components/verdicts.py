"""A comparison in words and tables: the verdict on each pair, its caveats, and the tests behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dash import html

from app.cli.stats_groups import caption_lines, group_columns, group_rows, text_columns
from app.cli.stats_tests import TEST_COLUMNS, test_rows
from app.dashboard.components.judging import sentences
from app.dashboard.components.table import CLASSES, cell, scrolling
from ired_diag.comparison import Comparison, PairOfGroups, answer_words, words
from ired_diag.runs.name_list import counted

FEW = 3  # pairs: with more, caveats and tests are folded
TEXT_IN_TESTS = (0, 5)  # places of the columns of text
MARKS = {"better": "complete", "worse": "failed", "equivalent": "running", "undecided": "", "identical": ""}


def verdicts(comparison: Comparison) -> html.Section:
    """Return the verdict on every pair, those with the baseline first; caveats and tests under each."""
    baseline = comparison.groups[-1].name
    first, rest = sorted(comparison.pairs, key=lambda pair: baseline not in (pair.a, pair.b)), []
    if len(comparison.pairs) > FEW:
        first = [pair for pair in comparison.pairs if baseline in (pair.a, pair.b)]
        rest = [pair for pair in comparison.pairs if baseline not in (pair.a, pair.b)]
    parts = [html.H2("Verdicts"), _list_of(first, comparison)]
    if rest:
        summary = html.Summary(f"{len(rest)} pairs without {baseline}")
        parts.append(html.Details([summary, _list_of(rest, comparison)]))
    return html.Section(parts, className="block")


def _list_of(pairs: Sequence[PairOfGroups], comparison: Comparison) -> html.Ol:
    is_open = len(comparison.pairs) <= FEW
    return html.Ol([_pair(pair, comparison, is_open) for pair in pairs], className="findings")


def metric(comparison: Comparison) -> html.Div:
    """Return the metric of a comparison, its direction, its readout, and other evaluation sets if any."""
    readout = f"readout: {answer_words.readout_in_words(comparison)}"
    return sentences(list(filter(None, (comparison.metric_words, readout, comparison.other_sets))))


def groups_table(comparison: Comparison) -> html.Section:
    """Return the readout of each group, its spread, and the coverage of the intervals."""
    better = "lower" if comparison.lower_is_better else "higher"
    readout = words.readout_name(comparison).capitalize()
    start = comparison.plateau_step
    if comparison.readout == "plateau" and start is not None:
        readout += f" from step {start:g} on"
    caption = (
        f"{words.readout_of_metric(comparison, readout)}, each {comparison.run_noun}; "
        f"{better} is better. {'. '.join(caption_lines(comparison))}."
    )
    table = _table(
        group_columns(comparison),
        group_rows(comparison),
        text_places=range(text_columns(comparison)),
        label="Groups",
    )
    return html.Section([html.H2("Groups"), table, html.P(caption, className="method")], className="block")


def notes(lines: Sequence[str]) -> html.Details | None:
    """Return what was left out and why."""
    if not lines:
        return None
    summary = f"{counted(len(lines), 'note')}: what was left out, and what to consider"
    items = html.Ul([html.Li(note) for note in lines])
    return html.Details([html.Summary(summary), items], open=len(lines) <= FEW, className="notes")


def methods(comparison: Comparison) -> html.Section:
    """Return the paragraphs for a paper."""
    return html.Section(
        [
            html.H2("For a paper"),
            html.P([html.B("Methods. "), words.methods_of(comparison)]),
            html.P([html.B("Results. "), words.results_of(comparison)]),
        ],
        className="block",
    )


def _pair(pair: PairOfGroups, comparison: Comparison, is_open: bool) -> html.Li:
    decision = pair.verdict.decision
    caveats = [html.Li(caveat) for caveat in words.caveats_of(pair, comparison)]
    tests = _table(
        ("test", *TEST_COLUMNS[2:-1], "remark"),
        test_rows(pair),
        text_places=TEXT_IN_TESTS,
        label=f"Tests of {pair.a} and {pair.b}",
    )
    return html.Li(
        [
            html.Span(decision, className=f"mark {MARKS[decision]}".strip()),
            html.P(words.verdict_of(pair, comparison), className="statement"),
            html.Details([html.Summary("What to consider"), html.Ul(caveats)], open=is_open),
            html.Details([html.Summary(f"Two-sided tests of {pair.a} - {pair.b}"), tests]),
        ],
        className="verdict",
    )


def _table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, text_places: Sequence[int], label: str
) -> html.Div:
    """Return a table that scrolls; ``text_places`` are the places of the columns of text."""
    headings = []
    for place, text in enumerate(columns):
        headings.append(html.Th(text, scope="col", className=CLASSES[place not in text_places]))
    body = []
    for name, *texts in rows:
        cells: list[Any] = [html.Th(name, scope="row")]
        for place, text in enumerate(texts, start=1):
            cells.append(cell(text, numeric=place not in text_places))
        body.append(html.Tr(cells))
    return scrolling(html.Table([html.Thead(html.Tr(headings)), html.Tbody(body)]), label)
