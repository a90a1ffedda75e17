"""A column "vs. baseline" is of differences where one of them agrees; else it may be of anything.

A head with Δ, "difference" or "change" says so itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from ired_diag.claims.changes import CHANGE, MAY_BE_OTHER, STATED
from ired_diag.claims.claim import Claim, Verdict, unchecked


def agreeing_columns(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts; what fails in a column that only names a row and never agrees is unchecked."""
    agreeing = set()
    for verdict in verdicts:
        if verdict.outcome == "holds" and verdict.claim.seed == CHANGE:
            agreeing.add(_column(verdict.claim))
    judged = []
    for verdict in verdicts:
        claim = verdict.claim
        only_names_a_row = claim.seed == CHANGE and not STATED.search(claim.wording)
        if verdict.outcome == "fails" and only_names_a_row and _column(claim) not in agreeing:
            judged.append(unchecked(claim, MAY_BE_OTHER))
        else:
            judged.append(verdict)
    return judged


def _column(claim: Claim) -> tuple[int, str]:
    return claim.table, claim.wording
