"""Findings as clusters: each fact once, with its runs, the most consequential first.

A cluster holds what one rule says at one severity. Its findings are one fact where their statements are equal
but for names and numbers; a fact stands once, with the runs of all its findings. Clusters are ordered by what
goes wrong if nobody acts,

    wrong conclusion > wrong number > lost compute > hygiene,

then by severity and by the number of runs that they touch. A note changes no conclusion, so notes come last.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ired_diag import forensics
from ired_diag.finding import Finding, Severity
from ired_diag.forensics import WORST_FIRST
from ired_diag.forensics.rule import GRAVEST_FIRST, Consequence
from ired_diag.runs.name_list import first_names
from ired_diag.runs.study import Study
from ired_diag.touched_runs import Touched, touched_by

LIST_IN_BRACKETS = re.compile(r"\([^()]*\)")
COMMIT = re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{7,40}\b")
NUMBER = re.compile(r"[-+]?\d[\d.,e+-]*")
ENDING = re.compile(r"\b(\w{3,})s\b")
SEEDS = "#"  # in place of a list of seeds
MOST_NAMED = 4  # groups
DEFAULT_CONSEQUENCE: Consequence = "number"
VERBS = {"are": "is", "have": "has", "Their": "Its", "their": "its"}


@dataclass(frozen=True)
class Fact:
    """Findings that are equal but for names and numbers, the one that touches most runs first."""

    findings: tuple[Finding, ...]
    runs: tuple[str, ...]

    @property
    def statement(self) -> str:
        """What it says of the most runs."""
        return self.findings[0].statement

    @property
    def merged(self) -> str:
        """What it says of all groups at once, where only their names and seeds differ; else its statement."""
        names, rests = [], set()
        for finding in self.findings:
            name, _, rest = finding.statement.partition(": ")
            names.append(name)
            rests.add(_without_seeds(rest, finding))
        if len(names) < 2 or len(rests) > 1 or "" in rests:
            return self.statement
        (rest,) = rests
        runs = f"{len(self.runs)} runs"
        return f"{first_names(names, MOST_NAMED)}: {rest.replace(SEEDS, runs)}"

    @property
    def advice(self) -> str:
        """What to do about its first finding."""
        return self.findings[0].advice


def _without_seeds(text: str, finding: Finding) -> str:
    """Return a text with a mark in place of its list of seeds; empty where it holds no such list."""
    seeds = {label.rpartition("/")[2] for label in finding.runs}
    for words in LIST_IN_BRACKETS.findall(text):
        first = re.split(r", | and |\)", words[1:])[0]
        if first in seeds:
            return text.replace(words, f"({SEEDS})")
    return ""


def fact_of(finding: Finding, study: Study) -> Fact:
    """Return a finding as a fact of its own."""
    return Fact((finding,), touched_by(finding, study).runs)


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What one rule says at one severity.

    Attributes:
        rule: Name of the rule.
        question: The question that the rule answers; empty for a rule that is not among forensics' own.
        severity: Severity of each of its findings.
        consequence: What goes wrong if nobody acts.
        facts: Different facts, the one that touches most runs first.
        runs: Labels of all runs that it touches.
        groups: Names of the groups of these runs.
        exact: Whether the runs are known one by one; else only their groups are.
    """

    rule: str
    question: str
    severity: Severity
    consequence: Consequence
    facts: tuple[Fact, ...]
    runs: tuple[str, ...]
    groups: tuple[str, ...]
    exact: bool

    @property
    def findings(self) -> list[Finding]:
        """Every finding, fact by fact."""
        findings: list[Finding] = []
        for fact in self.facts:
            findings += fact.findings
        return findings

    @property
    def advice(self) -> str:
        """What to do about its first finding."""
        return self.facts[0].advice


def clusters_of(findings: Sequence[Finding], study: Study) -> list[Cluster]:
    """Return the findings of a study as clusters, the most consequential first."""
    touched = {id(finding): touched_by(finding, study) for finding in findings}
    by_rule: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault((finding.severity, finding.rule), []).append(finding)
    clusters = [_cluster(members, touched) for members in by_rule.values()]
    return sorted(clusters, key=_order)


def _order(cluster: Cluster) -> tuple[bool, int, int, int, str]:
    return (
        cluster.severity == "note",
        GRAVEST_FIRST.index(cluster.consequence),
        WORST_FIRST[cluster.severity],
        -len(cluster.runs),
        cluster.rule,
    )


def _cluster(findings: Sequence[Finding], touched: dict[int, Touched]) -> Cluster:
    first = findings[0]
    alike: dict[str, list[Finding]] = {}
    for finding in findings:
        alike.setdefault(pattern_of(finding), []).append(finding)
    facts = [_fact(members, touched) for members in alike.values()]
    facts.sort(key=lambda fact: -len(fact.runs))
    # A finding of a reader or a task has a rule that forensics does not ask.
    question, consequence = "", DEFAULT_CONSEQUENCE
    if first.rule in forensics.names():
        rule = forensics.load(first.rule)
        question, consequence = rule.question, rule.consequence
    every = [touched[id(finding)] for finding in findings]
    return Cluster(
        rule=first.rule,
        question=question,
        severity=first.severity,
        consequence=consequence,
        facts=tuple(facts),
        runs=_united(fact.runs for fact in facts),
        groups=_united(part.groups for part in every),
        exact=all(part.exact for part in every),
    )


def _fact(findings: Sequence[Finding], touched: dict[int, Touched]) -> Fact:
    def runs_of(finding: Finding) -> Sequence[str]:
        return touched[id(finding)].runs

    largest_first = sorted(findings, key=lambda finding: -len(runs_of(finding)))
    return Fact(tuple(largest_first), _united(map(runs_of, findings)))


def _united(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Return the names of several lists, each once, in the order of their first mention."""
    return tuple(dict.fromkeys(itertools.chain.from_iterable(lists)))


def pattern_of(finding: Finding) -> str:
    """Return a statement without what differs between findings of one kind: names, numbers, lists, plurals.

    >>> first = Finding("r", "note", "q1: 1 of 2 runs is late (seed0).", {"group": "q1"})
    >>> second = Finding("r", "note", "q20: 3 of 9 runs are late (seed1, seed4).", {"group": "q20"})
    >>> pattern_of(first) == pattern_of(second)
    True
    """
    text = LIST_IN_BRACKETS.sub("", finding.statement)
    names = set(finding.runs)
    for value in finding.evidence.values():
        if isinstance(value, str) and len(value) > 1:
            names.add(value)
    # The longest first: q1 is a part of q101.
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "#")
    _, colon, rest = text.partition(": ")
    if colon:
        text = rest
    text = COMMIT.sub("#", text)
    text = NUMBER.sub("#", text)
    text = ENDING.sub(r"\1", text)
    return " ".join(VERBS.get(word, word) for word in text.split())
