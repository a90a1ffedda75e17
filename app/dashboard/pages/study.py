"""Study: every run, seeds of a group together; how far it came, where it was last and best, its verdict.

Metric and direction are chosen above the table, and hold on all pages.

A group's numbers are means over its seeds that have one; its picture holds all their curves. Opening a
group lists its seeds. Nothing is left out: what cannot be read is listed below with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import dash
import numpy as np
from dash import Input, Output, html

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components.attributes import attributes
from app.dashboard.components.judging import direction_choice, judged_by, metric_choice
from app.dashboard.components.sparkline import sparkline
from app.dashboard.components.table import NONE, Heading, cell, empty, head, number, run_link, scrolling
from app.dashboard.filtering import matching
from app.dashboard.snapshot import Entry, Snapshot
from ired_diag.runs.completion import state_in_words
from ired_diag.runs.judged import usual_metric

TITLE = "Study"
HEADINGS = (
    Heading("Run", "run"),
    Heading("Seeds", "seeds", numeric=True),
    Heading("State", "state"),
    Heading("Metric"),
    Heading("Last", "last", numeric=True),
    Heading("Best", "best", numeric=True),
    Heading("At step", "step", numeric=True),
    Heading("Verdict", "verdict"),
    Heading("Curve"),
)

Group = tuple[str, Sequence[Entry]]


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the table of runs."""
    return html.Div(
        [
            html.H1(TITLE),
            html.Div(_controls(view, catalog.snapshot()), id="study-controls", className="controls"),
            html.Div(_content(view, catalog.judged(view)), id="study-content"),
        ],
        className="page",
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Keep the table as the address and the folder tell."""

    @app.callback(
        Output("study-controls", "children"),
        Output("study-content", "children"),
        Input("address", "search"),
        Input("version", "data"),
        prevent_initial_call=True,
    )
    def show(search: str, _version: int) -> Any:
        view = View.from_query(search)
        return _controls(view, catalog.snapshot()), _content(view, catalog.judged(view))


def _controls(view: View, snapshot: Snapshot) -> list[Any]:
    runs = snapshot.study.runs
    if not runs:
        return []
    metric = view.metric or usual_metric(runs)
    first = "detected by name"
    return [metric_choice(view, runs, first), direction_choice(view, runs, metric)]


def _content(view: View, snapshot: Snapshot) -> list[Any]:
    left = (_skipped(snapshot), _unreadable(snapshot))
    if not snapshot.entries:
        words = "No runs here yet. They appear by themselves as soon as there are any. To make some:"
        return [empty(words, "ired-diag demo\nired-diag import path/to/logs"), *left]
    shown = matching(snapshot.entries.values(), view.filter)
    groups: dict[str, list[Entry]] = {}
    for entry in shown:
        groups.setdefault(entry.run.group, []).append(entry)
    count = html.P(_counted(len(groups), len(shown), len(snapshot.entries)), className="count")
    if not shown:
        return [count, empty(f"No run matches {view.filter!r}. Esc leaves the filter."), *left]
    bodies = [_group(group, entries, view) for group, entries in _sorted(groups.items(), view)]
    table = html.Table([head(HEADINGS, view), *bodies], className="runs")
    return [count, judged_by([entry.run for entry in shown]), scrolling(table, "Runs"), *left]


def _counted(groups: int, shown: int, total: int) -> str:
    of = "" if shown == total else f" of {total}"
    return f"{shown}{of} {'run' if total == 1 else 'runs'} in {groups} {'group' if groups == 1 else 'groups'}"


def _sorted(groups: Iterable[Group], view: View) -> list[Group]:
    """Return groups in the order of a column; those without a value stand last, either way."""
    key = _KEYS.get(view.sort)
    if key is None:
        return list(groups)
    known = [group for group in groups if key(group) is not None]
    unknown = [group for group in groups if key(group) is None]
    return [*sorted(known, key=key, reverse=view.descending), *unknown]


def _group(group: str, entries: Sequence[Entry], view: View) -> html.Tbody:
    opened = group in view.open
    button = html.Button(
        ("▾ " if opened else "▸ ") + group,
        type="button",
        className="expand",
        **attributes(data_toggle="open", data_value=group, data_row="", aria_expanded=opened),
    )
    told = [entry for entry in entries if entry.verdict.metric]
    metrics = sorted({str(entry.verdict.metric) for entry in told})
    row = html.Tr(
        [
            html.Th(button, scope="row"),
            cell(str(len(entries)), numeric=True),
            cell(_counts(e.completion for e in entries)),
            cell(", ".join(metrics)),
            cell(_mean_told(entries, "last"), numeric=True),
            cell(_mean_told(entries, "best"), numeric=True),
            cell(_last_steps(entries), numeric=True),
            cell(_counts(e.verdict.shape for e in entries if e.verdict.shape)),
            cell(_picture(told)),
        ],
        className="group",
    )
    return html.Tbody([row, *(_run(entry, view) for entry in entries if opened)])


def _run(entry: Entry, view: View) -> html.Tr:
    verdict = entry.verdict
    return html.Tr(
        [
            html.Th(run_link(entry.id, entry.run.seed_label, view=view), scope="row", className="seed"),
            cell("", numeric=True),
            cell(_state(entry)),
            cell(verdict.metric or "nothing evaluated"),
            cell(number(verdict.last), numeric=True),
            cell(number(verdict.best), numeric=True),
            cell(number(verdict.last_step), numeric=True),
            cell((verdict.shape or NONE).replace("_", " ")),
            cell(_picture([entry])),
        ]
    )


def _state(entry: Entry) -> str:
    return state_in_words(entry.run, entry.completion)


def _counts(words: Iterable[str]) -> html.Span:
    """Return words, each with its number, as small marks; a word alone where all agree."""
    counted = Counter(words).most_common()
    every = len(counted) == 1
    return html.Span(
        [
            html.Span(
                (word if every else f"{count} {word}").replace("_", " "),
                className=f"mark {word.replace(' ', '-').replace('_', '-')}",
            )
            for word, count in counted
        ],
        className="marks",
    )


def _mean(entries: Iterable[Entry], name: str) -> float | None:
    """Return the mean over seeds that have a value, None where none has or where metrics differ."""
    told = [e for e in entries if getattr(e.verdict, name) is not None]
    if len({e.verdict.metric for e in told}) != 1:
        return None
    return float(np.mean([getattr(e.verdict, name) for e in told]))


def _mean_told(entries: Sequence[Entry], name: str) -> html.Span:
    told = sum(getattr(e.verdict, name) is not None for e in entries)
    words = f"mean of {told} seeds" + (f" of {len(entries)}" if told < len(entries) else "")
    return html.Span(number(_mean(entries, name)), title=words)


def _last_steps(entries: Sequence[Entry]) -> str:
    steps = [e.verdict.last_step for e in entries if e.verdict.last_step is not None]
    if not steps:
        return NONE
    low, high = min(steps), max(steps)
    return number(high) if low == high else f"{number(low)} to {number(high)}"


def _picture(entries: Sequence[Entry]) -> Any:
    curves = [e.run.evaluated for e in entries if e.run.evaluated]
    names = {name for name, _ in curves}
    if len(names) != 1:
        return None
    lower = all(e.run.lower_is_better for e in entries if e.run.evaluated)
    return sparkline([series for _, series in curves], names.pop(), lower_is_better=lower)


def _skipped(snapshot: Snapshot) -> html.Details | None:
    """Return the files that are no runs, each with the reason."""
    if not (skipped := snapshot.skipped()):
        return None
    count = f"{len(skipped)} {'file is no run' if len(skipped) == 1 else 'files are no runs'}"
    items = [html.Li([html.Code(place), f": {reason}"]) for place, reason in skipped]
    return html.Details([html.Summary(count), html.Ul(items)], className="skipped")


def _unreadable(snapshot: Snapshot) -> html.Ul | None:
    """Return the files and folders that may not be read: what may be runs must not vanish."""
    lines = snapshot.unreadable()
    return html.Ul([html.Li(line) for line in lines], className="skipped") if lines else None


def _first_word(words: Iterable[str | None]) -> str | None:
    counted = Counter(word for word in words if word).most_common(1)
    return counted[0][0] if counted else None


_KEYS: dict[str, Callable[[Group], Any]] = {
    "run": lambda group: group[0],
    "seeds": lambda group: len(group[1]),
    "state": lambda group: _first_word(e.completion for e in group[1]),
    "last": lambda group: _mean(group[1], "last"),
    "best": lambda group: _mean(group[1], "best"),
    "step": lambda group: _mean(group[1], "last_step"),
    "verdict": lambda group: _first_word(e.verdict.shape for e in group[1]),
}
