"""What readers found odd about the files of runs: damaged records, torn ends, configurations in parts.

A reader skips and counts what it cannot read, and says so in the run's findings. The same finding on several
runs of a group is reported once, with the first run as an example.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and kind of damage."""
    kinds: dict[tuple[str, str, str], list[tuple[Run, Finding]]] = defaultdict(list)
    for run in study.runs:
        for finding in run.findings:
            kinds[run.group, finding.rule, finding.severity].append((run, finding))
    for cases in kinds.values():
        yield _finding(cases)


def _finding(cases: Sequence[tuple[Run, Finding]]) -> Finding:
    """Return the first of the same findings on several runs of a group, with the names of all of them."""
    run, first = cases[0]
    seeds = list(dict.fromkeys(run.seed_label for run, _ in cases))
    where = run.label
    if len(seeds) > 1:
        where = f"{run.group} ({listed(seeds)}), the first"
    evidence: Evidence = {
        **first.evidence,
        "group": run.group,
        "kind": first.rule,
        "runs": len(seeds),
        "file": run.path.name,
    }
    return replace(
        first,
        rule="files_read",
        # The reader's sentence goes on after the name of the run.
        statement=f"{where}: {first.statement[0].lower()}{first.statement[1:]}",
        evidence=evidence,
        advice=first.advice or f"See it with: ired-diag ls {run.path}",
    )


RULE = Rule(
    name="files_read",
    question="Could the files be read whole?",
    find=find,
    consequence="hygiene",
    refuted_by=("The file is read whole by the program that wrote it; the skipped lines hold no number."),
    near_miss=(
        "Lines of a program's own words between its records; NaN, NA or an empty field, which are data."
    ),
    example=("300 records of a progress bar are cut in their middle: what they held is lost."),
)
