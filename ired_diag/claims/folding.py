"""A mean and the number after its ± are printed as one, and are found wrong once.

"0.396 ± 0.021" of which both numbers are wrong is one wrong cell: the finding on the mean says both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Verdict

SEVERITY = ("error", "warning", "note")


def spreads_folded(verdicts: Sequence[Verdict], book: Book) -> list[Verdict]:
    """Return the verdicts; a wrong mean says what is wrong with the spread that it is printed with."""
    failing = {}
    for place, verdict in enumerate(verdicts):
        if verdict.outcome == "fails":
            failing[id(verdict.claim)] = place
    folded = list(verdicts)
    for place, verdict in enumerate(verdicts):
        mean = _place_of_mean(verdict, book, failing)
        if mean is not None:
            folded[mean] = _joined(folded[mean], verdict)
            folded[place] = replace(verdict, findings=())
    return folded


def _place_of_mean(verdict: Verdict, book: Book, failing: dict[int, int]) -> int | None:
    """Return where the verdict on the mean is that a wrong spread is printed with.

    Args:
        verdict: On any claim; None is returned for others than spreads.
        book: What is known.
        failing: Places of the claims that fail, by their identity: equal claims may stand twice.
    """
    claim = verdict.claim
    rules = [finding.rule for finding in verdict.findings]
    if rules != ["claim_spread"] or not claim.half_width or len(claim.groups) != 1:
        return None
    mean = book.mean_beside(claim, claim.only_group)
    if mean is None or (claim.table and mean.said != claim.said):
        return None
    return failing.get(id(mean))


def _joined(mean: Verdict, spread: Verdict) -> Verdict:
    first, *rest = mean.findings
    other = spread.findings[0]
    # The line and the group are said by the first statement already.
    words = other.statement.partition(f"{spread.claim.about}: ")[2] or other.statement
    joined = replace(
        first,
        severity=min(first.severity, other.severity, key=SEVERITY.index),
        statement=f"{first.statement} Also, {words}",
        evidence=dict(other.evidence) | dict(first.evidence),
    )
    return replace(mean, findings=(joined, *rest))
