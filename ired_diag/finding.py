"""A finding: one verdict, with the numbers behind it and what to do next.

Probes, readers and forensic rules all end in findings, so that a researcher reads one kind of sentence
wherever it comes from. ``evidence`` is numbers and names, never prose alone; ``advice`` names the next
command or the next thing to look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["note", "warning", "error"]
Evidence = dict[str, float | int | str | bool | None]


@dataclass(frozen=True)
class Finding:
    """One verdict on a file, a run or a study.

    Attributes:
        rule: Name of the rule that found it, stable across versions.
        severity: ``note`` (good to know), ``warning`` (may change a conclusion), ``error`` (does).
        statement: One sentence in plain words.
        evidence: The numbers and names that the sentence rests on.
        advice: The next command or the next thing to do.
        runs: Labels of the runs that it speaks of; empty where only its statement and evidence name them.
    """

    rule: str
    severity: Severity
    statement: str
    evidence: Mapping[str, float | int | str | bool | None] = field(default_factory=dict)
    advice: str = ""
    runs: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        from ired_diag.notebook import finding_as_html

        return finding_as_html(self.severity, rule=self.rule, statement=self.statement, advice=self.advice)
