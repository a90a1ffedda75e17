"""What became of a report: the verdict on each of its claims, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ired_diag.claims.claim import Verdict
from ired_diag.finding import Finding
from ired_diag.runs.name_list import counted

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, repr=False)
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

    def frame(self) -> pd.DataFrame:
        """Return a row for each claim: its line, what is printed, its groups, the outcome and the reason."""
        import pandas as pd

        rows = []
        for verdict in self.verdicts:
            claim = verdict.claim
            groups = ", ".join(claim.groups)
            rows.append((claim.line, claim.kind, claim.said, groups, verdict.outcome, verdict.why))
        return pd.DataFrame(rows, columns=["line", "kind", "printed", "groups", "outcome", "reason"])

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items())
        lines = [f"<Checked: {counted(len(self.verdicts), 'claim')}: {counts}", *self.metric]
        lines += [f"{finding.severity} [{finding.rule}] {finding.statement}" for finding in self.findings]
        return "\n  ".join(lines) + ">"

    def _repr_html_(self) -> str:
        from ired_diag.notebook import frame_as_html, heading_as_html

        counts = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items())
        title = f"{counted(len(self.verdicts), 'claim')}: {counts}"
        findings = "".join(finding._repr_html_() for finding in self.findings)
        return heading_as_html(title, self.metric) + findings + frame_as_html(self.frame())

    @property
    def share(self) -> float | None:
        """The share of the claims that could be checked; None of a report without a claim."""
        if not self.verdicts:
            return None
        return 1 - self.counts["unchecked"] / len(self.verdicts)
