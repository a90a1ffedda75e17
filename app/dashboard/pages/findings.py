"""Findings: what the forensic rules find in logs and configurations, the most consequential first.

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
from app.dashboard.components.controls import chips
from app.dashboard.components.judging import judged_by
from app.dashboard.components.table import empty, run_link
from app.dashboard.diagnosis import Diagnosed
from app.dashboard.snapshot import Entry, Snapshot
from ired_diag.finding import Finding, Severity
from ired_diag.finding_clusters import Cluster, clusters_of
from ired_diag.touched_runs import touched_by

TITLE = "Findings"
LEVELS: tuple[Severity, ...] = ("error", "warning", "note")
MOST_LINKS = 6  # runs that are named with a finding; the others are counted
NO_FINDING = "Nothing was found. No finding does not mean no problem: what is checked is listed by"


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
        view = catalog.view(search)
        diagnosed, is_current = newest_findings(view, catalog)
        progress = catalog.diagnosis.progress_in_words(len(catalog.snapshot().entries))
        now = [
            version_of(diagnosed),
            is_current or progress,
            is_current,
            view.filter,
            view.rule,
            list(view.severity),
            view.metric,
            view.higher,
        ]
        if now == shown:
            return no_update, no_update, no_update
        snapshot = catalog.judged(view)
        children = content(view, snapshot, diagnosed, current=is_current, progress=progress)
        return children, is_current, now


def newest_findings(view: View, catalog: Catalog) -> tuple[Diagnosed | None, bool]:
    """Return the newest findings, and whether they are those of the study as it was last seen."""
    snapshot = catalog.judged(view)
    diagnosed = catalog.diagnosis.newest(view)
    is_current = version_of(diagnosed) == snapshot.version
    return diagnosed, is_current


def version_of(diagnosed: Diagnosed | None) -> int | None:
    """Return the version of the study that was diagnosed; None before the first findings."""
    if diagnosed is None:
        return None
    return diagnosed.version


def failure_in_words(diagnosed: Diagnosed) -> str:
    """Return why looking for mistakes failed."""
    return f"Looking for mistakes failed: {diagnosed.failure}. Please report it."


def content(
    view: View,
    snapshot: Snapshot,
    diagnosed: Diagnosed | None,
    *,
    current: bool,
    progress: str,
) -> list[Any]:
    """Return the list of findings, or why it is still missing."""
    if diagnosed is None:
        return [html.P(progress, className="count waiting")]
    if diagnosed.failure:
        failure = failure_in_words(diagnosed)
        return [empty(failure, "ired-diag diagnose")]
    findings = all_findings(diagnosed, snapshot)
    if not findings:
        return [empty(NO_FINDING, "ired-diag diagnose --list")]
    shown = [finding for finding in findings if _is_shown(finding, view)]
    count = f"{len(shown)} of {len(findings)} findings"
    if not current:
        count += f"; {progress[0].lower()}{progress[1:]}"
    items = []
    for cluster in clusters_of(shown, snapshot.study):
        items.append(_cluster(cluster, snapshot, view))
    return [
        judged_by(snapshot.study.runs),
        _severities(findings, view),
        _rules(findings, view),
        html.P(count, className="count"),
        html.Ol(items, className="findings"),
    ]


def all_findings(diagnosed: Diagnosed, snapshot: Snapshot) -> list[Finding]:
    """Return the findings that the page lists: on files that could not be read, and on runs."""
    return [*_of_files(snapshot), *diagnosed.findings]


def _of_files(snapshot: Snapshot) -> list[Finding]:
    """Return files that could not be read, as findings."""
    statements = []
    for place, reason in snapshot.skipped():
        statements.append(f"{place} was not read: {reason}")
    statements += snapshot.unreadable()
    return [Finding("unread_file", "warning", statement) for statement in statements]


def _is_shown(finding: Finding, view: View) -> bool:
    if view.severity and finding.severity not in view.severity:
        return False
    if view.rule not in ("", finding.rule):
        return False
    evidence = " ".join(map(str, finding.evidence.values()))
    text = f"{finding.rule} {finding.statement} {evidence}".lower()
    wanted_words = view.filter.lower().split()
    return all(word in text for word in wanted_words)


def _severities(findings: Sequence[Finding], view: View) -> html.Div:
    counts = Counter(finding.severity for finding in findings)
    buttons = []
    for level in LEVELS:
        keys = attributes(
            data_toggle="severity",
            data_value=level,
            aria_pressed=level in view.severity,
        )
        button = html.Button(
            f"{level} {counts[level]}",
            type="button",
            className=f"chip {level}",
            **keys,
        )
        buttons.append(button)
    return chips("Severity", buttons)


def _rules(findings: Sequence[Finding], view: View) -> html.Details:
    counts = Counter(finding.rule for finding in findings)
    buttons = []
    for rule, count in sorted(counts.items()):
        is_chosen = rule == view.rule
        keys = attributes(
            data_key="rule",
            data_value=rule,
            aria_pressed=is_chosen,
        )
        if is_chosen:  # pressed again, it shows all rules
            keys |= attributes(data_value="")
        button = html.Button(
            f"{_printed(rule)} {count}",
            type="button",
            className="chip",
            **keys,
        )
        buttons.append(button)
    chosen = _printed(view.rule) or "all"
    return html.Details(
        [
            html.Summary(f"Rule: {chosen}"),
            html.Div(buttons, className="chips"),
        ]
    )


def _printed(rule: str) -> str:
    return rule.replace("_", " ")


def marks(severity: str, rule: str) -> html.Div:
    """Return the severity and the rule of a finding."""
    severity_mark = html.Span(severity, className=f"mark {severity}")
    rule_mark = html.Span(_printed(rule), className="rule")
    return html.Div([severity_mark, rule_mark], className="marks")


def _cluster(cluster: Cluster, snapshot: Snapshot, view: View) -> html.Li:
    """Return the findings of a rule: its question, each statement with its runs, and what to do about it."""
    title = cluster.question or _printed(cluster.rule).capitalize()
    content: list[Any] = [
        marks(cluster.severity, cluster.rule),
        html.H2(title),
    ]
    for fact in cluster.facts:
        statements = [_statement(finding, snapshot, view) for finding in fact.findings]
        content.append(html.Ul(statements))
        content += advised(fact, snapshot, view)
    return html.Li(content, className=cluster.severity)


def _statement(finding: Finding, snapshot: Snapshot, view: View) -> html.Li:
    """Return a statement; links to its runs stand below it, or in place of the name that it begins with."""
    entries = runs_of(finding, snapshot)
    words: list[Any] = [finding.statement]
    if len(entries) == 1:
        entry = entries[0]
        label = entry.run.label
        if finding.statement.startswith(f"{label}:"):
            link = run_link(entry.id, label, view=view)
            words = [link, finding.statement.removeprefix(label)]
            entries = []
    return html.Li(
        [html.P(words), _links(entries, view)],
        className="statement",
    )


def _links(entries: Sequence[Entry], view: View) -> html.P | None:
    if not entries:
        return None
    links: list[Any] = []
    for number, entry in enumerate(entries[:MOST_LINKS]):
        link = run_link(
            entry.id,
            entry.run.label,
            view=view,
            row=number == 0,
        )
        links += [link, " "]
    more = len(entries) - MOST_LINKS
    if more > 0:
        links.append(f"and {more} more")
    return html.P(links, className="links")


def runs_of(finding: Finding, snapshot: Snapshot) -> list[Entry]:
    """Return the runs that a finding touches; all runs of a group where it names only the group."""
    touched = touched_by(finding, snapshot.study)
    labels = set(touched.runs)
    entries = snapshot.entries.values()
    return [entry for entry in entries if entry.run.label in labels]
