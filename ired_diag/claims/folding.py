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
    failing = {id(v.claim): place for place, v in enumerate(verdicts) if v.outcome == "fails"}
    folded = list(verdicts)
    for place, verdict in enumerate(verdicts):
        mean = _place_of_mean(verdict, book, failing)
        if mean is not None:
            folded[mean] = _joined(folded[mean], verdict)
            folded[place] = replace(verdict, findings=())
    return folded


def _place_of_mean(verdict: Verdict, book: Book, failing: dict[int, int]) -> int | None:
    """Return where the verdict on the mean is that a wrong spread is printed with."""
    claim = verdict.claim
    if (
        [f.rule for f in verdict.findings] != ["claim_spread"]
        or not claim.half_width
        or len(claim.groups) != 1
    ):
        return None
    mean = book.mean_beside(claim, claim.groups[0])
    if mean is None or (claim.table and mean.said != claim.said):
        return None
    return failing.get(id(mean))


def _joined(mean: Verdict, spread: Verdict) -> Verdict:
    first, other = mean.findings[0], spread.findings[0]
    words = other.statement.partition(f"{spread.claim.about}: ")[2] or other.statement
    severity = min(first.severity, other.severity, key=SEVERITY.index)
    both = replace(
        first,
        severity=severity,
        statement=f"{first.statement} Also, {words}",
        evidence=dict(other.evidence) | dict(first.evidence),
    )
    return replace(mean, findings=(both, *mean.findings[1:]))
