"""A diagnosis as ``ired-diag diagnose`` prints it: its clusters, each with a command, and its counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.cli.folder_words import lone_errors_in_words
from app.next_command import Place, command_of_fact, next_command
from ired_diag.finding import Finding, Severity
from ired_diag.finding_clusters import Cluster, Fact, clusters_of
from ired_diag.runs.completion import completion_in_words
from ired_diag.runs.judged import judged_in_words, unjudged_in_words
from ired_diag.runs.name_list import counted
from ired_diag.runs.study import Study
from ired_diag.verdict import Verdict

LEVELS: tuple[Severity, ...] = ("error", "warning", "note")
MOST_METRICS = 3  # lines
SILENCE = "No finding does not mean no problem; --list shows what is checked."


@dataclass(frozen=True)
class Diagnosis:
    """A study with its findings and verdicts.

    Attributes:
        study: The runs.
        findings: Findings of all rules, worst first.
        verdicts: One verdict for each run.
        place: Where the runs are, as the command line says it.
    """

    study: Study
    findings: Sequence[Finding]
    verdicts: Sequence[Verdict]
    place: Place

    @cached_property
    def clusters(self) -> list[Cluster]:
        """The findings by rule, the most consequential first."""
        return clusters_of(self.findings, self.study)

    def command_of(self, cluster: Cluster) -> str:
        """Return the next command of a cluster."""
        return next_command(cluster, self.study, self.place)

    def command_of_fact(self, fact: Fact) -> str | None:
        """Return the command that the advice on a fact means; None where no such command can run."""
        return command_of_fact(fact, self.study, self.place)

    def footer(self) -> list[str]:
        """Return the metric, how the curves and the runs ended, what was not read, and the counts."""
        counts = Counter(finding.severity for finding in self.findings)
        levels = ", ".join(counted(counts[level], level) for level in LEVELS)
        unreadable = [place.statement for place in self.study.unreadable]
        return [
            *self._metrics(),
            *self._curves_and_ends(),
            *unjudged_in_words(self.study.runs),
            *self._unread(),
            *unreadable,
            f"{counted(len(self.verdicts), 'run')}: {levels}. {SILENCE}",
        ]

    def _metrics(self) -> list[str]:
        lines = judged_in_words(self.study.runs)
        if len(lines) <= MOST_METRICS:
            return lines
        shown = lines[: MOST_METRICS - 1]
        hidden = len(lines) - len(shown)
        return [*shown, f"and {hidden} more lines of metrics (--json)"]

    def _curves_and_ends(self) -> Iterator[str]:
        shapes = Counter(verdict.shape for verdict in self.verdicts if verdict.shape)
        ends = Counter(map(completion_in_words, self.study.runs))
        for name, counter in (("curves", shapes), ("runs", ends)):
            if counter:
                words = ", ".join(f"{count} {word}" for word, count in counter.most_common())
                yield f"{name}: {words}".replace("_", " ")

    def _unread(self) -> Iterator[str]:
        count = len(self.study.skipped)
        if count:
            subject = "1 file is not a run" if count == 1 else f"{count} files are not runs"
            yield f"{subject}, listed by: {self.place.command('ls')}"
        yield from lone_errors_in_words(self.study)

    def as_json(self) -> dict[str, object]:
        """Return everything: verdicts, findings, their clusters, and the files that are not runs."""
        return {
            "runs": self.verdicts,
            "findings": self.findings,
            "clusters": list(map(self._cluster_as_json, self.clusters)),
            "skipped": self.study.skipped,
            "unreadable": self.study.unreadable,
        }

    def _cluster_as_json(self, cluster: Cluster) -> dict[str, object]:
        return {
            "rule": cluster.rule,
            "severity": cluster.severity,
            "consequence": cluster.consequence,
            "findings": len(cluster.findings),
            "facts": [fact.statement for fact in cluster.facts],
            "runs": cluster.runs,
            "runs_are_exact": cluster.exact,
            "next": self.command_of(cluster),
        }
