"""A claim: one number or one conclusion of a report, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Literal

from ired_diag.claims.numbers import Printed
from ired_diag.finding import Finding, Severity

Kind = Literal[
    "value",  # of one seed
    "seeds",  # the values of several seeds, in a list
    "mean",
    "level",  # the metric of a group, of which it is not said whether it is a mean
    "sd",
    "se",
    "spread",  # after a ±, of which it is not said whether it is a sd, an error or half an interval
    "interval",
    "quartiles",
    "range",  # smallest and largest of the seeds
    "steps to a value",
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
    "outcomes",  # how many runs, of how many, ended in the way that ``test`` says
    "wins",  # on how many seeds one group is better than the other
    "bold",  # set in bold as the best of its column
    "ranking",  # the order of the means of groups
    "which seed",  # is the best, or the worst
    "equivalent",
    "significant",
    "not significant",
]
Outcome = Literal["holds", "fails", "unchecked"]
Evidence = Mapping[str, float | int | str | bool | None]


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
        implied: Whether its sentence does not name its two groups, and those before it are meant.
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
    df: tuple[Printed, ...] = ()
    test: str = ""
    rivals: Mapping[str, Printed] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    doubt: str = ""
    implied: bool = False

    @property
    def number(self) -> Printed:
        """The number printed."""
        return self.numbers[0]

    @property
    def about(self) -> str:
        """The groups in words: ``q101``, ``q101 and q102``."""
        return " and ".join(self.groups) or "no group named"

    @property
    def only_group(self) -> str:
        """The group, where the claim is about exactly one; else empty."""
        if len(self.groups) != 1:
            return ""
        return self.groups[0]

    @property
    def wording(self) -> str:
        """The words that the number stands in: its sentence, or the head of its column."""
        return self.context.split("\n")[0]

    @property
    def above(self) -> str:
        """The words above these: the heading, and the paragraph before a table."""
        return self.context.partition("\n")[2]

    @property
    def heading(self) -> str:
        """The heading above the claim; empty where there is none."""
        return self.above.split("\n")[0]

    @property
    def caption(self) -> str:
        """The paragraph between the heading and a table; empty where there is none."""
        return self.above.partition("\n")[2].split("\n")[0]

    @property
    def own_words(self) -> str:
        """The words that speak of this number alone; a table has no others than those above it."""
        if self.table:
            return self.context
        return self.wording

    @property
    def words_before(self) -> str:
        """The words before the number in its sentence; empty where the claim has no number."""
        if not self.numbers:
            return ""
        return self.wording[: self.number.start]


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


def holds(claim: Claim, why: str, *findings: Finding) -> Verdict:
    """Return that a claim holds."""
    return Verdict(claim, "holds", why, findings)


def unchecked(claim: Claim, why: str) -> Verdict:
    """Return that a claim could not be checked."""
    return Verdict(claim, "unchecked", why)


def softened(verdict: Verdict, words: str) -> Verdict:
    """Return a verdict whose errors are warnings, with what makes them so."""
    findings = tuple(_softened_finding(finding, words) for finding in verdict.findings)
    return replace(verdict, findings=findings)


def _softened_finding(finding: Finding, words: str) -> Finding:
    severity = finding.severity
    if severity == "error":
        severity = "warning"
    return replace(finding, severity=severity, statement=f"{finding.statement} {words}")


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
    evidence: Evidence = field(default_factory=dict)

    def of(self, claim: Claim) -> Finding:
        """Return the finding: where, about what, and the numbers."""
        where: Evidence = {
            "line": claim.line,
            "claim": claim.kind,
            "groups": " / ".join(claim.groups),
            "printed": claim.said,
        }
        return Finding(
            rule=f"claim_{self.rule}",
            severity=self.severity,
            statement=f"line {claim.line}, {claim.about}: {self.words}",
            evidence=dict(where) | dict(self.evidence),
            advice=self.advice,
        )


def refuted(
    claim: Claim,
    *,
    rule: str,
    words: str,
    severity: Severity = "error",
    advice: str = "",
    evidence: Evidence | None = None,
) -> Verdict:
    """Return that a claim does not hold, with the finding that says why.

    Args:
        claim: The claim that is wrong.
        rule: Name of the finding's rule, without ``claim_``.
        words: What is wrong.
        severity: How bad it is.
        advice: What to do about it.
        evidence: The numbers behind it.
    """
    fault = Fault(rule, severity, words, advice, evidence or {})
    return fails(claim, fault.of(claim))
