"""Findings: what forensics finds in logs and configurations alone, the most consequential first.

The rules look at the whole study, in a thread of their own, once for each version of it; meanwhile the
page says so. A finding's evidence names its runs, which are linked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import dash
from dash import Input, Output, State, dcc, html, no_update

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components.advice import advised
from app.dashboard.components.attributes import attributes
from app.dashboard.components.judging import judged_by
from app.dashboard.components.table import empty, run_link
from app.dashboard.diagnosis import Diagnosed
from app.dashboard.snapshot import Entry, Snapshot
from ired_diag.finding import Finding, Severity
from ired_diag.finding_clusters import Cluster, clusters_of
from ired_diag.touched_runs import touched_by

TITLE = "Findings"
LEVELS: tuple[Severity, ...] = ("error", "warning", "note")
MOST_LINKS = 6  # runs named beside a finding; a group beyond them is named with their number


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the page; its list comes as soon as it is computed."""
    return html.Div(
        [
            html.H1(TITLE),
            html.Div(id="findings-content", **attributes(aria_live="polite")),
            dcc.Interval(id="findings-wait", interval=700),
            dcc.Store(id="findings-shown"),
        ],
        className="page",
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Show the findings as soon as they are known."""

    @app.callback(
        Output("findings-content", "children"),
        Output("findings-wait", "disabled"),
        Output("findings-shown", "data"),
        Input("address", "search"),
        Input("version", "data"),
        Input("findings-wait", "n_intervals"),
        State("findings-shown", "data"),
    )
    def show(search: str, _version: int, _ticks: int, shown: Any) -> tuple[Any, Any, Any]:
        view = View.from_query(search)
        snapshot, known = catalog.judged(view), catalog.diagnosis.newest(view)
        current = known is not None and known.version == snapshot.version
        now = [known.version if known else None, current, view.filter, view.rule, list(view.severity)]
        now += [view.metric, view.higher]
        if now == shown:
            return no_update, no_update, no_update
        return content(view, snapshot, known, current=current), current, now


def content(view: View, snapshot: Snapshot, known: Diagnosed | None, *, current: bool) -> list[Any]:
    """Return the list of findings, or why there is none yet."""
    if known is None:
        return [html.P("Computing …", className="count")]
    if known.failure:
        return [
            empty(f"Looking for mistakes failed: {known.failure}. Please report it.", "ired-diag diagnose")
        ]
    findings = [*_of_files(snapshot), *known.findings]
    shown = [finding for finding in findings if _is_shown(finding, view)]
    count = f"{len(shown)} of {len(findings)} findings" + ("" if current else "; computing newer ones …")
    clusters = clusters_of(shown, snapshot.study)
    if not findings:
        return [
            empty(
                "Nothing was found. No finding does not mean no problem: what is checked is listed by",
                "ired-diag diagnose --list",
            )
        ]
    return [
        judged_by(snapshot.study.runs),
        _severities(findings, view),
        _rules(findings, view),
        html.P(count, className="count"),
        html.Ol(
            [_cluster(cluster, snapshot, view) for cluster in clusters],
            className="findings",
        ),
    ]


def _of_files(snapshot: Snapshot) -> list[Finding]:
    """Return files that could not be read, as findings."""
    skipped = [f"{place} was not read: {reason}" for place, reason in snapshot.skipped()]
    unread = [*skipped, *snapshot.unreadable()]
    return [Finding("unread_file", "warning", statement) for statement in unread]


def _is_shown(finding: Finding, view: View) -> bool:
    words = f"{finding.rule} {finding.statement} {' '.join(map(str, finding.evidence.values()))}".lower()
    return (
        (not view.severity or finding.severity in view.severity)
        and view.rule in ("", finding.rule)
        and all(word in words for word in view.filter.lower().split())
    )


def _severities(findings: Sequence[Finding], view: View) -> html.Div:
    counted = Counter(finding.severity for finding in findings)
    buttons = [
        html.Button(
            f"{level} {counted[level]}",
            type="button",
            className=f"chip {level}",
            **attributes(data_toggle="severity", data_value=level, aria_pressed=level in view.severity),
        )
        for level in LEVELS
    ]
    return html.Div(buttons, className="chips", role="group", **attributes(aria_label="Severity"))


def _rules(findings: Sequence[Finding], view: View) -> html.Details:
    counted = Counter(finding.rule for finding in findings)
    buttons = [
        html.Button(
            f"{rule.replace('_', ' ')} {count}",
            type="button",
            className="chip",
            **attributes(
                data_key="rule", data_value="" if rule == view.rule else rule, aria_pressed=rule == view.rule
            ),
        )
        for rule, count in sorted(counted.items())
    ]
    summary = f"Rule: {view.rule.replace('_', ' ') or 'all'}"
    return html.Details([html.Summary(summary), html.Div(buttons, className="chips")])


def _cluster(cluster: Cluster, snapshot: Snapshot, view: View) -> html.Li:
    """Return what one rule found: its question, each statement with its runs, and what to do about a fact."""
    rule = cluster.rule.replace("_", " ")
    marks = [
        html.Span(cluster.severity, className=f"mark {cluster.severity}"),
        html.Span(rule, className="rule"),
    ]
    content: list[Any] = [html.Div(marks, className="marks"), html.H2(cluster.question or rule.capitalize())]
    for fact in cluster.facts:
        content.append(html.Ul([_statement(finding, snapshot, view) for finding in fact.findings]))
        content += advised(fact, snapshot, view)
    return html.Li(content, className=cluster.severity)


def _statement(finding: Finding, snapshot: Snapshot, view: View) -> html.Li:
    """Return a statement; its runs stand below it, or are the name with which it begins."""
    entries = runs_of(finding, snapshot)
    words: list[Any] = [finding.statement]
    if len(entries) == 1 and finding.statement.startswith(f"{entries[0].run.label}:"):
        label = entries[0].run.label
        words = [run_link(entries[0].id, label, view=view), finding.statement[len(label) :]]
        entries = []
    return html.Li([html.P(words), _links(entries, view)], className="statement")


def _links(entries: Sequence[Entry], view: View) -> html.P | None:
    if not entries:
        return None
    links: list[Any] = []
    for number, entry in enumerate(entries[:MOST_LINKS]):
        links += [run_link(entry.id, entry.run.label, view=view, row=number == 0), " "]
    more = len(entries) - MOST_LINKS
    return html.P([*links, f"and {more} more" if more > 0 else ""], className="links")


def runs_of(finding: Finding, snapshot: Snapshot) -> list[Entry]:
    """Return the runs that a finding touches; all runs of a group where it names only that."""
    labels = set(touched_by(finding, snapshot.study).runs)
    return [entry for entry in snapshot.entries.values() if entry.run.label in labels]
