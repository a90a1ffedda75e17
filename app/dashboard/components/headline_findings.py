"""The findings that matter most, each with its next command: what a reader should know before any curve."""

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

MOST = 3  # findings: one row of a screen
MOST_LETTERS = 230  # of a statement; the page Findings has it whole
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
    words = f"{counted(total, 'finding')}; the most consequential ones stand above: "
    if total == sum(len(cluster.findings) for cluster in shown):
        words = f"{counted(total, 'finding')}: "
    return [html.Ol(cards, className="findings headlines"), html.P([words, _all(view)], className="count")]


def _card(cluster: Cluster, snapshot: Snapshot, view: View) -> html.Li:
    severity = html.Span(cluster.severity, className=f"mark {cluster.severity}")
    rule = html.Span(cluster.rule.replace("_", " "), className="rule")
    statement = cluster.facts[0].merged
    parts = [html.Div([severity, rule], className="marks"), html.P(_shortened(statement), title=statement)]
    if len(cluster.groups) > 1:
        names = folded(cluster.groups, width=None, most=MOST_NAMED)
        parts.append(html.P(f"Groups: {names}", className="count"))
    parts.append(copyable(next_command(cluster, snapshot.study, place_of(snapshot, view))))
    return html.Li(parts, className=cluster.severity)


def _shortened(statement: str) -> str:
    from app.cli.abridged import abridged

    return abridged(statement, MOST_LETTERS)


def _all(view: View) -> html.A:
    address = View(
        page="findings", filter=view.filter, theme=view.theme, metric=view.metric, higher=view.higher
    )
    return html.A("all findings", href=address.to_query(), **attributes(data_page="findings"))
