"""Study: every run, seeds of a group together: state, last and best value, verdict and findings.

Metric, direction, what runs are grouped by and the columns of configuration keys are chosen above the table.
A group's numbers are mean and standard deviation over its complete seeds (``group_numbers``); its picture
holds the curves of all seeds. Opening a group lists its seeds. Nothing is left out: what cannot be read is
listed below with the reason. Findings are looked for in the background, and stand in the table when they are
there.

The whole study is filtered and sorted here, and a part of it is sent. Only the curves that are sent are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import dash
from dash import Input, Output, State, dcc, html, no_update

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components.controls import by_name, choice, members
from app.dashboard.components.finding_badges import ByRun, findings_by_run
from app.dashboard.components.judging import direction_choice, judged_by, metric_choice, runs_in_groups
from app.dashboard.components.paging import paging, part_of
from app.dashboard.components.study_table import StudyTable, axes_by_metric, decimals_by_metric
from app.dashboard.components.table import empty, scrolling
from app.dashboard.configuration_keys import differing_keys
from app.dashboard.filtering import matching, problem_of
from app.dashboard.group_numbers import FINISHED
from app.dashboard.pages.findings import newest_findings
from app.dashboard.snapshot import Entry, Snapshot
from app.dashboard.study_groups import StudyGroup, groups_of, in_order
from app.dashboard.training_time import MOST_RUNS, logged_clock, speeds_in_words
from ired_diag.errors import DiagError
from ired_diag.runs.judged import usual_metric
from ired_diag.runs.name_list import counted

TITLE = "Study"
GROUPS_AT_ONCE = 50
MOST_DIAGNOSED = 3000  # runs that are looked through without being asked: of more, that takes minutes
NOTHING: ByRun = {}


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the table of runs."""
    by_run, _ = _findings(view, catalog)
    return html.Div(
        [
            html.H1(TITLE),
            html.Div(_controls(view, catalog.snapshot()), id="study-controls", className="controls"),
            html.Div(_content(view, catalog.judged(view), by_run), id="study-content"),
            dcc.Interval(id="study-wait", interval=1000),
            dcc.Store(id="study-known", data=_known(view, catalog, by_run)),
        ],
        className="page",
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Keep the table up to date with the address, the folder and the findings."""

    @app.callback(
        Output("study-controls", "children"),
        Output("study-content", "children"),
        Output("study-wait", "disabled"),
        Output("study-known", "data"),
        Input("address", "search"),
        Input("version", "data"),
        Input("study-wait", "n_intervals"),
        State("study-known", "data"),
        prevent_initial_call=True,
    )
    def show(search: str, _version: int, _ticks: int, known: Any) -> Any:
        view = catalog.view(search)
        by_run, is_current = _findings(view, catalog)
        now = _known(view, catalog, by_run)
        if now == known:
            return no_update, no_update, is_current, no_update
        try:
            content = _content(view, catalog.judged(view), by_run)
        except DiagError as error:  # a history changed before its curve was read: the next look shows it
            return no_update, empty(str(error)), is_current, None
        return _controls(view, catalog.snapshot()), content, is_current, now


def _known(view: View, catalog: Catalog, by_run: ByRun | None) -> list[Any]:
    """Return what the table depends on: it is drawn again only when that changes."""
    findings = -1 if by_run is None else sum(map(len, by_run.values()))
    return [view.to_query(), catalog.snapshot().version, findings]


def _findings(view: View, catalog: Catalog) -> tuple[ByRun | None, bool]:
    """Return the findings by run, None before they are known; and whether they are those of the last look."""
    snapshot = catalog.judged(view)
    if len(snapshot.entries) > MOST_DIAGNOSED:
        return NOTHING, True
    diagnosed, is_current = newest_findings(view, catalog)
    if diagnosed is None:
        return None, False
    return findings_by_run(diagnosed.findings, snapshot.study), is_current


def _controls(view: View, snapshot: Snapshot) -> list[Any]:
    runs = snapshot.study.runs
    if not runs:
        return []
    metric = view.metric or usual_metric(runs)
    keys = differing_keys(runs)
    controls: list[Any] = [
        metric_choice(view, runs, "detected by name"),
        direction_choice(view, runs, metric),
    ]
    if keys or view.by:
        names = sorted({*keys, *filter(None, [view.by])})
        controls.append(choice("by", "Group by", [("", "experiment"), *by_name(names)], view.by))
    if keys or view.columns:
        names = list(dict.fromkeys([*view.columns, *keys]))
        picker = members("columns", "Columns of configuration keys", names, view.columns)
        controls.append(html.Details([html.Summary("Columns"), picker], open=bool(view.columns)))
    return controls


def _content(view: View, snapshot: Snapshot, by_run: ByRun | None) -> list[Any]:
    left = (_skipped(snapshot), _unreadable(snapshot))
    if not snapshot.entries:
        words = "No runs here yet. They appear by themselves as soon as there are any. To make some:"
        return [empty(words, "ired-diag demo\nired-diag import path/to/logs"), *left]
    shown = matching(snapshot.entries.values(), view.filter)
    groups = groups_of(shown, view.by)
    part = part_of(len(groups), view.part, GROUPS_AT_ONCE)
    count = html.P(runs_in_groups(len(groups), len(shown), len(snapshot.entries)), className="count")
    if not shown:
        return [count, empty(_why_none(view.filter, snapshot)), *left]
    clock = _clock(groups) if view.sort == "time" else None
    sent = in_order(groups, view, by_run or NOTHING, clock)[part.first : part.end]
    metrics = {metric for group in sent for metric in group.metrics}
    table = StudyTable(
        view=view,
        order=tuple(snapshot.groups()),
        by_run=by_run,
        has_several_metrics=len(metrics) > 1,
        decimals=decimals_by_metric(sent),
        axes=axes_by_metric(sent),
        clock=_clock(sent),
    )
    speeds = ""
    if table.clock:
        speeds = speeds_in_words({group.name: group.entries for group in sent}, table.clock)
    return [
        count,
        judged_by([entry.run for entry in shown]),
        paging(part, "groups", "above"),
        scrolling(table.drawn(sent), "Runs"),
        *(html.P(line, className="observation") for line in filter(None, [speeds, *diverged_seeds(sent)])),
        paging(part, "groups", "below"),
        *left,
    ]


def diverged_seeds(groups: Sequence[StudyGroup]) -> Iterator[str]:
    """Yield which groups have seeds that diverged: means here hold them, those of Statistics do not."""
    for group in groups:
        diverged = sum(map(_has_diverged, group.entries))
        if diverged and diverged < len(group.entries):
            yield (
                f"{group.name}: {diverged} of {counted(len(group.entries), 'seed')} diverged. Means on this "
                "page hold their last values; Statistics counts them as failed and leaves them out of its "
                "means."
            )


def _has_diverged(entry: Entry) -> bool:
    """Say whether a run that finished diverged; under an assumed direction, it may have improved."""
    is_finished = entry.completion in FINISHED
    return is_finished and entry.verdict.shape == "diverged" and entry.run.direction.source != "assumed"


def _clock(groups: Sequence[StudyGroup]) -> str | None:
    """Return the column that tells the time in runs of groups; None where none is known to."""
    return logged_clock(entry for group in groups for entry in group.entries[:MOST_RUNS])


def _why_none(words: str, snapshot: Snapshot) -> str:
    problem = problem_of(snapshot.entries.values(), words)
    reason = problem or f"No run matches {words!r}."
    return f"{reason} Esc leaves the filter."


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
