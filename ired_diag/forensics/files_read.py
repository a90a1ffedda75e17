"""What readers found odd about the files of runs: damaged records, torn ends, configurations in parts.

A reader skips and counts what it cannot read, and says so in the run's findings. The same word on several
runs of a group is told once, with the first as an example.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Rule, listed
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and kind of damage."""
    kinds: dict[tuple[str, str, str], list[tuple[Run, Finding]]] = defaultdict(list)
    for run in study.runs:
        for finding in run.findings:
            kinds[run.group, finding.rule, finding.severity].append((run, finding))
    for (group, kind, _), told in kinds.items():
        run, first = told[0]
        runs = list(dict.fromkeys(one.seed_label for one, _ in told))
        where = run.label if len(runs) == 1 else f"{group} ({listed(runs)}), the first"
        evidence = {**first.evidence, "group": group, "kind": kind, "runs": len(runs), "file": run.path.name}
        advice = first.advice or f"See it with: ired-diag ls {run.path}"
        statement = f"{where}: {first.statement[0].lower()}{first.statement[1:]}"
        yield replace(first, rule="files_read", statement=statement, evidence=evidence, advice=advice)


RULE = Rule(
    "files_read",
    "Could the files be read whole?",
    find,
    consequence="hygiene",
    refuted_by=("The file is read whole by the program that wrote it; the skipped lines hold no number."),
    near_miss=(
        "Lines of a program's own words between its records; NaN, NA or an empty field, which are data."
    ),
    example=("300 records of a progress bar are cut in their middle: what they held is lost."),
)
