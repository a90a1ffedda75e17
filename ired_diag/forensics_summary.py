"""Findings as they are read: under the question that they answer, an advice that several share once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ired_diag import forensics
from ired_diag.finding import Finding, Severity


@dataclass(frozen=True)
class Alike:
    """Findings of one rule with the same advice but for names and numbers, and that of the first."""

    findings: tuple[Finding, ...]
    advice: str


@dataclass(frozen=True)
class Answer:
    """What one rule found at one severity."""

    severity: Severity
    rule: str
    question: str
    parts: tuple[Alike, ...]


def answers_of(found: Sequence[Finding]) -> list[Answer]:
    """Return findings by severity and rule, in the order given.

    Args:
        found: As ``forensics.diagnose`` returns them: worst first, by rule. Of a rule that is none of
            forensics' own there is no question.
    """
    answers = []
    for (severity, rule), findings in groupby(found, key=lambda finding: (finding.severity, finding.rule)):
        alike: dict[str, list[Finding]] = {}
        for finding in findings:
            alike.setdefault(_without_names(finding), []).append(finding)
        parts = tuple(Alike(tuple(told), _shared(told)) for told in alike.values())
        question = forensics.load(rule).question if rule in forensics.names() else ""
        answers.append(Answer(severity, rule, question, parts))
    return answers


def _shared(told: Sequence[Finding]) -> str:
    advice = told[0].advice
    return f"{advice} The others likewise." if advice and len(told) > 1 else advice


def _without_names(finding: Finding) -> str:
    """Return an advice without the names and numbers of its finding, as which it is the same for several."""
    advice = finding.advice
    for told in finding.evidence.values():
        if isinstance(told, str) and told:
            advice = advice.replace(told, "…")
    return re.sub(r"@?\d[\d.]*", "#", advice)
