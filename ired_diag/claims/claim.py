"""A claim: one number or one conclusion of a report, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Literal

from ired_diag.claims.numbers import Printed
from ired_diag.finding import Finding, Severity

Kind = Literal[
    "value",  # of one seed
    "mean",
    "level",  # the metric of a group, of which it is not said whether it is a mean
    "sd",
    "se",
    "spread",  # after a ±, of which it is not said whether it is a sd, an error or half an interval
    "interval",
    "quartiles",
    "n",
    "best",
    "worst",
    "median",
    "t",
    "df",
    "p",
    "statistic",  # U, W, F, χ², H or z; ``test`` says which
    "one sample p",  # of the mean of a list against a number, as a program prints it
    "effect",
    "difference",
    "percent",
    "ratio",
    "wins",  # on how many seeds one group is better than the other
    "bold",  # set in bold as the best of its column
    "equivalent",
    "significant",
    "not significant",
]
Outcome = Literal["holds", "fails", "unchecked"]


@dataclass(frozen=True)
class Claim:
    """One number, or one conclusion, that a report states.

    Attributes:
        kind: What it is a claim of.
        line: Where it stands.
        said: As it is printed.
        groups: The labels it is about: one group, two that are compared, or none that is named.
        numbers: What is printed: one number, or the two ends of an interval.
        context: The words around it.
        block: Of its table row or sentence: claims of one block belong together.
        seed: Of a value, which seed's.
        half_width: Of an interval, whether the number is its half-width.
        metric: Of what it is, in the words of its column or sentence; empty where they do not say.
        table: The line of its table's head; 0 in a sentence.
        df: Degrees of freedom printed with a statistic.
        test: Of a statistic, its name; of a p by a program, the alternative.
        rivals: Of a number set in bold, the others of its column by their label.
        others: The groups that a number of a sentence may be about as well.
        doubt: Why it is not certain what the number is; empty where it is.
    """

    kind: Kind
    line: int
    said: str
    _: KW_ONLY
    groups: tuple[str, ...] = ()
    numbers: tuple[Printed, ...] = ()
    context: str = ""
    block: int = 0
    seed: str = ""
    half_width: bool = False
    metric: str = ""
    table: int = 0
    df: tuple[float, ...] = ()
    test: str = ""
    rivals: Mapping[str, Printed] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def number(self) -> Printed:
        """The number printed."""
        return self.numbers[0]

    @property
    def about(self) -> str:
        """The groups in words: ``q101``, ``q101 and q102``."""
        return " and ".join(self.groups) or "no group named"


@dataclass(frozen=True)
class Verdict:
    """What became of a claim.

    Attributes:
        claim: Which.
        outcome: ``holds``, ``fails``, or ``unchecked`` with the reason in ``why``.
        why: What was recomputed, from what; why nothing could be.
        findings: What is wrong, or odd about a claim that holds.
    """

    claim: Claim
    outcome: Outcome
    why: str
    findings: tuple[Finding, ...] = ()


def heading_of(claim: Claim) -> str:
    """Return the heading above a claim; empty where there is none."""
    lines = claim.context.split("\n")
    return lines[1] if len(lines) > 1 else ""


def holds(claim: Claim, why: str, *findings: Finding) -> Verdict:
    """Return that a claim holds."""
    return Verdict(claim, "holds", why, findings)


def unchecked(claim: Claim, why: str) -> Verdict:
    """Return that a claim could not be checked."""
    return Verdict(claim, "unchecked", why)


def softened(verdict: Verdict, words: str) -> Verdict:
    """Return a verdict whose errors are warnings, with what makes them so."""
    findings = tuple(
        replace(
            f, severity="warning" if f.severity == "error" else f.severity, statement=f"{f.statement} {words}"
        )
        for f in verdict.findings
    )
    return replace(verdict, findings=findings)


def fails(claim: Claim, *findings: Finding) -> Verdict:
    """Return that a claim does not hold."""
    return Verdict(claim, "fails", findings[0].statement, findings)


@dataclass(frozen=True)
class Fault:
    """What a check says of a claim, before it is a finding."""

    rule: str
    severity: Severity
    words: str
    advice: str = ""
    evidence: Mapping[str, float | int | str | bool | None] = field(default_factory=dict)

    def of(self, claim: Claim) -> Finding:
        """Return the finding: where, about what, and the numbers."""
        where: dict[str, float | int | str | bool | None] = {
            "line": claim.line,
            "claim": claim.kind,
            "groups": " / ".join(claim.groups),
            "printed": claim.said,
        }
        statement = f"line {claim.line}, {claim.about}: {self.words}"
        return Finding(
            f"claim_{self.rule}", self.severity, statement, where | dict(self.evidence), self.advice
        )
