"""The findings that matter most: what a reader should know before any curve.

Each is one line, which opens to the whole statement, the groups, and the next command.
"""

from __future__ import annotations

from typing import Any

from dash import html

from app.dashboard.address import View
from app.dashboard.components.advice import place_of
from app.dashboard.components.attributes import attributes
from app.dashboard.components.copying import copyable
from app.dashboard.snapshot import Snapshot
from app.next_command import next_command
from ired_diag.finding import Finding
from ired_diag.finding_clusters import Cluster, clusters_of
from ired_diag.folded_labels import folded
from ired_diag.runs.name_list import counted

MOST = 3  # findings: a line each, so that the curves stand on the first screen
MOST_NAMED = 6  # groups


def headline_findings(
    findings: tuple[Finding, ...], snapshot: Snapshot, view: View, *, total: int
) -> list[Any]:
    """Return the worst findings, and how many there are.

    Args:
        findings: Findings on the runs.
        snapshot: The study.
        view: Choices of the reader.
        total: How many findings the page Findings lists.
    """
    clusters = clusters_of(findings, snapshot.study)
    if not clusters:
        return [html.P(["Nothing was found, which does not mean that there is no problem. ", _all(view)])]
    shown = clusters[:MOST]
    cards = [_card(cluster, snapshot, view) for cluster in shown]
    words = f"{counted(total, 'finding')}, the most consequential ones above: "
    if total == sum(len(cluster.findings) for cluster in shown):
        rows = f", folded into {counted(len(shown), 'row')}" if total > len(shown) else ""
        words = f"{counted(total, 'finding')}{rows}: "
    return [html.Ol(cards, className="findings headlines"), html.P([words, _all(view)], className="count")]


def _card(cluster: Cluster, snapshot: Snapshot, view: View) -> html.Li:
    severity = html.Span(cluster.severity, className=f"mark {cluster.severity}")
    name = cluster.rule.replace("_", " ")
    if len(cluster.groups) > 1:
        name += f", {len(cluster.groups)} groups"
    rule = html.Span(name, className="rule")
    statement = cluster.facts[0].merged
    line = html.Span(statement, className="cut")
    parts = [html.Summary([severity, rule, line]), html.P(statement)]
    if len(cluster.groups) > 1:
        names = folded(cluster.groups, width=None, most=MOST_NAMED)
        parts.append(html.P(f"Groups: {names}", className="count"))
    parts.append(copyable(next_command(cluster, snapshot.study, place_of(snapshot, view))))
    return html.Li(html.Details(parts), className=cluster.severity)


def _all(view: View) -> html.A:
    address = View(
        page="findings", filter=view.filter, theme=view.theme, metric=view.metric, higher=view.higher
    )
    return html.A("all findings", href=address.to_query(), **attributes(data_page="findings"))
