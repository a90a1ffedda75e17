"""The findings of a report: each once, the most consequential first."""

from __future__ import annotations

from collections.abc import Sequence

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Verdict
from ired_diag.claims.folding import spreads_folded
from ired_diag.finding import Finding

WORST_FIRST = {"error": 0, "warning": 1, "note": 2}
CONCLUSIONS = ("significance", "equivalence", "wins", "selection", "bold", "best_readout", "p", "wrong_test")
HABIT = "claim_p_zero"  # a note on the whole report, however many of its p values are 0


def findings_of(verdicts: Sequence[Verdict], book: Book) -> list[Finding]:
    """Return the findings, worst first; a remark on the same groups is made once."""
    kept: dict[object, Finding] = {}
    for number, verdict in enumerate(spreads_folded(verdicts, book)):
        for finding in verdict.findings:
            kept.setdefault(_identity(finding, verdict, number, book), finding)
    return sorted(kept.values(), key=_consequence)


def _identity(finding: Finding, verdict: Verdict, number: int, book: Book) -> object:
    """Return what two findings share of which only the first is kept.

    Args:
        finding: The finding.
        verdict: That it is of.
        number: Of the verdict: each claim that fails has findings of its own.
        book: What is known.
    """
    if finding.severity == "note" and finding.rule == HABIT:
        return finding.rule
    if verdict.outcome != "holds":
        return finding.rule, number
    groups = frozenset(book.key(label) for label in verdict.claim.groups)
    return finding.rule, groups


def _consequence(finding: Finding) -> tuple[int, bool]:
    """Return a key that sorts the most consequential first: a wrong conclusion before a wrong number."""
    rule = finding.rule.removeprefix("claim_")
    return WORST_FIRST[finding.severity], rule not in CONCLUSIONS
