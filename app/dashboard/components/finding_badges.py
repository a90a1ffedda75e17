"""Findings as badges next to a verdict: "trivial floor" next to "converged".

A finding that names its runs is a badge of these runs and of their groups; one that names groups only is a
badge of the groups, and accuses no single run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dash import html

from app.dashboard.address import View
from app.dashboard.components.attributes import attributes
from ired_diag.finding import Finding
from ired_diag.forensics import WORST_FIRST
from ired_diag.runs.study import Study
from ired_diag.touched_runs import touched_by

MOST = 2  # badges of a group; the others are counted

ByRun = Mapping[str, Sequence[Finding]]  # by the label of the run, or by the name of the group


def findings_by_run(findings: Iterable[Finding], study: Study) -> ByRun:
    """Return the findings on each run, and on each group as a whole.

    Notes change no conclusion and are left out.
    """
    by_run: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.severity == "note":
            continue
        touched = touched_by(finding, study)
        for name in touched.runs if touched.exact else touched.groups:
            by_run.setdefault(name, []).append(finding)
    return by_run


def worst(labels: Iterable[str], by_run: ByRun) -> list[Finding]:
    """Return the findings that touch any of several runs, one for each rule, the worst first."""
    by_rule: dict[str, Finding] = {}
    for label in labels:
        for finding in by_run.get(label, ()):
            kept = by_rule.setdefault(finding.rule, finding)
            if WORST_FIRST[finding.severity] < WORST_FIRST[kept.severity]:
                by_rule[finding.rule] = finding
    return sorted(by_rule.values(), key=lambda finding: (WORST_FIRST[finding.severity], finding.rule))


def badges(labels: Iterable[str], by_run: ByRun, view: View) -> html.Span | None:
    """Return a badge for each of the worst findings; None without one."""
    findings = worst(labels, by_run)
    if not findings:
        return None
    marks: list[html.A | html.Span] = [_badge(finding, view) for finding in findings[:MOST]]
    rest = len(findings) - MOST
    if rest > 0:
        names = ", ".join(finding.rule.replace("_", " ") for finding in findings[MOST:])
        marks.append(html.Span(f"{rest} more", title=names, className="mark"))
    return html.Span(marks, className="marks")


def _badge(finding: Finding, view: View) -> html.A:
    target = View(
        page="findings",
        rule=finding.rule,
        filter=view.filter,
        theme=view.theme,
        metric=view.metric,
        higher=view.higher,
    )
    keys = attributes(data_page="findings")
    words = finding.rule.replace("_", " ")
    name = f"mark {finding.severity}"
    return html.A(words, href=target.to_query(), title=finding.statement, className=name, **keys)
