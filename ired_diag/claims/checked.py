"""What became of a report: the verdict on each of its claims, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ired_diag.claims.claim import Verdict
from ired_diag.finding import Finding


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A report, checked.

    Attributes:
        verdicts: One for each claim, in reading order.
        readout: Which readout of the runs the report quotes; None where its numbers agree with none.
        groups: The group of runs that each label means.
        findings: What is wrong or odd, worst first, then in reading order.
        metric: The metric by which the runs are judged, and its direction, in words; empty without runs.
        not_read: How many numbers in tables and sentences are part of no claim.
    """

    verdicts: Sequence[Verdict]
    readout: str | None
    groups: Mapping[str, str | None]
    findings: Sequence[Finding]
    metric: Sequence[str] = ()
    not_read: int = 0

    @property
    def counts(self) -> Mapping[str, int]:
        """How many claims hold, fail, and could not be checked."""
        counted = Counter(verdict.outcome for verdict in self.verdicts)
        return {outcome: counted[outcome] for outcome in ("holds", "fails", "unchecked")}

    @property
    def share(self) -> float | None:
        """The share of the claims that could be checked; None of a report without a claim."""
        if not self.verdicts:
            return None
        return 1 - self.counts["unchecked"] / len(self.verdicts)
