"""Study: every run, seeds of a group together: state, last and best value, verdict.

Metric and direction are chosen above the table, and hold on all pages.

A group's numbers are means over its seeds that have a number; its picture holds all their curves. Opening a
group lists its seeds. Nothing is left out: what cannot be read is listed below with the reason.

The whole study is filtered and sorted here, and a part of it is sent. Only the curves that are sent are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import dash
import numpy as np
from dash import Input, Output, html, no_update

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components.attributes import attributes
from app.dashboard.components.judging import direction_choice, judged_by, metric_choice
from app.dashboard.components.paging import paging, part_of
from app.dashboard.components.sparkline import MOST_CURVES, sparkline
from app.dashboard.components.table import NONE, Heading, cell, empty, head, number, run_link, scrolling
from app.dashboard.filtering import matching, problem_of
from app.dashboard.snapshot import Entry, Snapshot
from ired_diag.errors import DiagError
from ired_diag.runs.completion import state_in_words
from ired_diag.runs.judged import usual_metric
from ired_diag.runs.name_list import counted

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

GROUPS_AT_ONCE = 50
MOST_SEEDS = 200  # rows of an open group

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
    """Keep the table up to date with the address and the folder."""

    @app.callback(
        Output("study-controls", "children"),
        Output("study-content", "children"),
        Input("address", "search"),
        Input("version", "data"),
        prevent_initial_call=True,
    )
    def show(search: str, _version: int) -> Any:
        view = View.from_query(search)
        try:
            return _controls(view, catalog.snapshot()), _content(view, catalog.judged(view))
        except DiagError as error:  # a history changed before its curve was read: the next look shows it
            return no_update, empty(str(error))


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
    part = part_of(len(groups), view.part, GROUPS_AT_ONCE)
    count = html.P(_count_in_words(len(groups), len(shown), len(snapshot.entries)), className="count")
    if not shown:
        return [count, empty(_why_none(view.filter, snapshot)), *left]
    in_order = _sorted(groups.items(), view)[part.first : part.end]
    bodies = [_group(group, entries, view) for group, entries in in_order]
    table = html.Table([head(HEADINGS, view), *bodies], className="runs")
    return [
        count,
        judged_by([entry.run for entry in shown]),
        paging(part, "groups", "above"),
        scrolling(table, "Runs"),
        paging(part, "groups", "below"),
        *left,
    ]


def _why_none(words: str, snapshot: Snapshot) -> str:
    problem = problem_of(snapshot.entries.values(), words)
    reason = problem or f"No run matches {words!r}."
    return f"{reason} Esc leaves the filter."


def _count_in_words(groups: int, shown: int, total: int) -> str:
    runs = counted(total, "run")
    if shown != total:
        runs = f"{shown} of {runs}"
    return f"{runs} in {counted(groups, 'group')}"


def _sorted(groups: Iterable[Group], view: View) -> list[Group]:
    """Return groups in the order of a column; groups without a value stand last in both directions."""
    key = _KEYS.get(view.sort)
    if key is None:
        return list(groups)
    # None has no place in an order of numbers, and 0 in its place would claim a value.
    with_value: list[Group] = []
    without_value: list[Group] = []
    for group in groups:
        if key(group) is None:
            without_value.append(group)
        else:
            with_value.append(group)
    with_value.sort(key=key, reverse=view.descending)
    return with_value + without_value


def _group(group: str, entries: Sequence[Entry], view: View) -> html.Tbody:
    is_open = group in view.open
    arrow = "▾" if is_open else "▸"
    keys = attributes(data_toggle="open", data_value=group, data_row="", aria_expanded=is_open)
    button = html.Button(f"{arrow} {group}", type="button", className="expand", **keys)
    judged = [entry for entry in entries if entry.verdict.metric]
    metrics = sorted({str(entry.verdict.metric) for entry in judged})
    shapes = [entry.verdict.shape for entry in entries]
    row = html.Tr(
        [
            html.Th(button, scope="row"),
            cell(str(len(entries)), numeric=True),
            cell(_counts(entry.completion for entry in entries)),
            cell(", ".join(metrics)),
            cell(_mean_cell(entries, "last"), numeric=True),
            cell(_mean_cell(entries, "best"), numeric=True),
            cell(_last_steps(entries), numeric=True),
            cell(_counts(filter(None, shapes))),
            cell(_picture(judged)),
        ],
        className="group",
    )
    rows = [row]
    if is_open:
        rows += [_run(entry, view) for entry in entries[:MOST_SEEDS]]
    if is_open and len(entries) > MOST_SEEDS:
        words = f"{MOST_SEEDS} of {len(entries)} seeds are listed. The filter finds the others."
        rows.append(html.Tr(html.Td(words, colSpan=len(HEADINGS), className="more")))
    return html.Tbody(rows)


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
    """Return words, each with its number, as small marks; only the word where all agree."""
    counts = Counter(words)
    marks = []
    for word, count in counts.most_common():
        text = word.replace("_", " ")
        style = text.replace(" ", "-")
        if len(counts) > 1:
            text = f"{count} {text}"
        marks.append(html.Span(text, className=f"mark {style}"))
    return html.Span(marks, className="marks")


def _with_value(entries: Iterable[Entry], name: str) -> list[Entry]:
    """Return the seeds whose verdict has a value."""
    return [entry for entry in entries if getattr(entry.verdict, name) is not None]


def _mean_over_seeds(entries: Iterable[Entry], name: str) -> float | None:
    """Return the mean over seeds that have a value; None without a value, or where metrics differ."""
    seeds = _with_value(entries, name)
    if len({entry.verdict.metric for entry in seeds}) != 1:
        return None
    return float(np.mean([getattr(entry.verdict, name) for entry in seeds]))


def _mean_cell(entries: Sequence[Entry], name: str) -> html.Span:
    count = len(_with_value(entries, name))
    words = f"mean of {count} seeds"
    if count < len(entries):
        words += f" of {len(entries)}"
    return html.Span(number(_mean_over_seeds(entries, name)), title=words)


def _last_steps(entries: Sequence[Entry]) -> str:
    steps = [entry.verdict.last_step for entry in entries if entry.verdict.last_step is not None]
    if not steps:
        return NONE
    low, high = min(steps), max(steps)
    if low == high:
        return number(high)
    return f"{number(low)} to {number(high)}"


def _picture(entries: Sequence[Entry]) -> Any:
    runs = [entry.run for entry in entries if entry.run.is_judged]
    names = {str(run.judging_metric) for run in runs}
    if len(names) != 1:
        return None
    curves = []
    for run in runs[:MOST_CURVES]:
        if run.evaluated:
            curves.append(run.evaluated[1])
    return sparkline(
        curves,
        names.pop(),
        lower_is_better=all(run.lower_is_better for run in runs),
        total=len(runs),
    )


def _skipped(snapshot: Snapshot) -> html.Details | None:
    """Return the files that are not runs, each with the reason."""
    skipped = snapshot.skipped()
    if not skipped:
        return None
    summary = "1 file is not a run"
    if len(skipped) > 1:
        summary = f"{len(skipped)} files are not runs"
    items = [html.Li([html.Code(place), f": {reason}"]) for place, reason in skipped]
    return html.Details([html.Summary(summary), html.Ul(items)], className="skipped")


def _unreadable(snapshot: Snapshot) -> html.Ul | None:
    """Return the files and folders that may not be read: what may be runs must not disappear."""
    lines = snapshot.unreadable()
    if not lines:
        return None
    return html.Ul([html.Li(line) for line in lines], className="skipped")


def _most_common(words: Iterable[str | None]) -> str | None:
    for word, _ in Counter(filter(None, words)).most_common(1):
        return word
    return None


_KEYS: dict[str, Callable[[Group], Any]] = {
    "run": lambda group: group[0],
    "seeds": lambda group: len(group[1]),
    "state": lambda group: _most_common(entry.completion for entry in group[1]),
    "last": lambda group: _mean_over_seeds(group[1], "last"),
    "best": lambda group: _mean_over_seeds(group[1], "best"),
    "step": lambda group: _mean_over_seeds(group[1], "last_step"),
    "verdict": lambda group: _most_common(entry.verdict.shape for entry in group[1]),
}
