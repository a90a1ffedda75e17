"""A column "vs. baseline" is of differences where one of them agrees; else it may be of anything.

A head with Δ, "difference" or "change" says so itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from ired_diag.claims.changes import CHANGE, MAY_BE_OTHER, STATED
from ired_diag.claims.claim import Claim, Verdict, unchecked


def agreeing_columns(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts; what fails in a column that only names a row and never agrees is unchecked."""
    held = {_column(v.claim) for v in verdicts if v.outcome == "holds" and v.claim.seed == CHANGE}

    def may_be_other(verdict: Verdict) -> bool:
        claim = verdict.claim
        named = claim.seed == CHANGE and not STATED.search(claim.context.split("\n")[0])
        return named and verdict.outcome == "fails" and _column(claim) not in held

    return [unchecked(v.claim, MAY_BE_OTHER) if may_be_other(v) else v for v in verdicts]


def _column(claim: Claim) -> tuple[int, str]:
    return claim.table, claim.context.split("\n")[0]
