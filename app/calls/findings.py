"""The findings of a diagnosis: a list in the order of the command, which a notebook shows as a table.

What goes wrong if nobody acts decides the order: wrong conclusion > wrong number > lost compute > hygiene,
and notes come last (``ired_diag.finding_clusters``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.next_command import IN_ADVICE, Place, advice_in_words, command_of_fact
from ired_diag.finding import Finding
from ired_diag.finding_clusters import Cluster, clusters_of, fact_of
from ired_diag.runs.name_list import counted
from ired_diag.runs.study import Study

if TYPE_CHECKING:
    import pandas as pd

LEVELS = ("error", "warning", "note")
COLUMNS = ("severity", "consequence", "rule", "statement", "runs", "advice")
NOTHING = "No finding does not mean no problem."


class Findings(list[Finding]):
    """Findings, the most consequential first.

    Attributes:
        clusters: The same by rule and severity: each fact once with all of its runs, and what goes wrong if
            nobody acts (``cluster.consequence``).
    """

    def __init__(self, clusters: Sequence[Cluster] = ()) -> None:
        """Hold the findings of clusters, in their order."""
        super().__init__(finding for cluster in clusters for finding in cluster.findings)
        self.clusters = tuple(clusters)

    def frame(self) -> pd.DataFrame:
        """Return a row for each finding: its severity, what goes wrong, its rule, statement, runs, advice."""
        import pandas as pd

        return pd.DataFrame(list(self._rows()), columns=list(COLUMNS))

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for cluster in self.clusters:
            for finding in cluster.findings:
                yield (
                    finding.severity,
                    cluster.consequence,
                    finding.rule,
                    finding.statement,
                    ", ".join(finding.runs),
                    finding.advice,
                )

    def __repr__(self) -> str:
        counts = [counted(sum(f.severity == level for f in self), level) for level in LEVELS]
        lines = [f"<Findings: {', '.join(counts)}>"]
        for cluster in self.clusters:
            lines.append(f"{cluster.severity} [{cluster.rule}] {cluster.facts[0].statement}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from ired_diag.notebook import finding_as_html, heading_as_html

        counts = [counted(sum(f.severity == level for f in self), level) for level in LEVELS]
        parts = [heading_as_html(", ".join(counts), [] if self else [NOTHING])]
        for cluster in self.clusters:
            more = ""
            if len(cluster.findings) > 1:
                more = f" (the first of {len(cluster.findings)} findings of this rule)"
            first = cluster.facts[0]
            parts.append(
                finding_as_html(
                    cluster.severity,
                    rule=cluster.rule,
                    statement=f"{first.statement}{more}",
                    advice=first.advice,
                )
            )
        return "".join(parts)


def findings_of(findings: Sequence[Finding], study: Study, place: Place) -> Findings:
    """Return the findings of a study, the most consequential first.

    Args:
        findings: What the rules say.
        study: The runs.
        place: Where they are. A command in an advice is completed for it, so that it runs as it stands; one
            that could not run is left out.
    """
    completed = [replace(finding, advice=_completed(finding, study, place)) for finding in findings]
    return Findings(clusters_of(completed, study))


def _completed(finding: Finding, study: Study, place: Place) -> str:
    if IN_ADVICE.search(finding.advice) is None:
        return finding.advice
    words = advice_in_words(finding.advice)
    command = command_of_fact(fact_of(finding, study), study, place)
    if command is None:
        return words
    return f"{words.rstrip('.')}: {command}" if words else command
