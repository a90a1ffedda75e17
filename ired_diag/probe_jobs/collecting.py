"""The answers of jobs, read from the tables that their receipts name.

A table's metadata holds the answer to each of its rows, so that no row is read and no checkpoint is opened. A
comparison needs the rows: it is computed only where it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ired_diag.errors import DiagError
from ired_diag.finding import Finding
from ired_diag.probe_jobs.receipt import CheckpointReceipt, Entry, Receipt, RowKey, finding_of
from ired_diag.probing.driver import Answer, Unanswered, table_of
from ired_diag.probing.probe import Probe
from ired_diag.probing.tables import NO_STEP
from ired_diag.probing.targets import Target
from ired_diag.table import read_columns, read_table

Findings = Mapping[RowKey, Finding]
LOST = "its rows are no longer in the table; the same command measures them again"


def collect(
    targets: Sequence[Target], receipts: Sequence[Receipt], probes: Sequence[Probe]
) -> Iterator[Answer | Unanswered]:
    """Yield the answers to each target, in the order of the targets; none of a target without a receipt.

    Args:
        targets: The checkpoints that were asked for.
        receipts: What the jobs did.
        probes: The probes that were put.
    """
    by_name = {probe.name: probe for probe in probes}
    by_path: dict[str, CheckpointReceipt] = {}
    for receipt in receipts:
        by_path.update({checkpoint.path: checkpoint for checkpoint in receipt.checkpoints})
    findings: dict[Path, Findings] = {}
    for target in targets:
        checkpoint = by_path.get(str(target.file.absolute()))
        if checkpoint is None:
            continue
        for entry in checkpoint.entries:
            path = table_of(target, by_name[entry.probe]).path
            if path not in findings:
                findings[path] = _findings(path)
            finding = findings[path].get(entry.key)
            if finding is None:
                yield Unanswered(target.label, entry.probe, target.file, LOST)
                continue
            yield _answer(target, entry, checkpoint.notes, path, finding)
        for refusal in checkpoint.refusals:
            yield Unanswered(target.label, refusal.probe, target.file, refusal.reason)


def _findings(path: Path) -> Findings:
    """Return the answers in a table's metadata."""
    try:
        _, metadata = read_columns(path)
    except DiagError:
        return {}
    findings = {}
    for row in metadata.get("answers", []):
        findings[row["step"], row["weights"], row["settings"]] = finding_of(row)
    return findings


def _answer(target: Target, entry: Entry, notes: tuple[Finding, ...], path: Path, finding: Finding) -> Answer:
    return Answer(
        label=target.label,
        probe=entry.probe,
        checkpoint=target.file,
        step=None if entry.step == NO_STEP else entry.step,
        weights=entry.weights,
        finding=finding,
        comparison={},
        table=path,
        figures=[target.folder / Path(figure).name for figure in entry.figures],
        notes=notes,
        known=entry.known,
        where={"step": entry.step, "weights": entry.weights, "settings": entry.settings},
    )


def with_comparisons(
    answers: Sequence[Answer],
    probes: Sequence[Probe],
    *,
    is_shown: Callable[[Answer], bool] = lambda answer: True,
) -> list[Answer]:
    """Return answers with the comparison behind each that is shown, computed from its rows.

    Args:
        answers: Answers.
        probes: The probes that were put.
        is_shown: Which of them are shown with a comparison. Default: all.
    """
    by_name = {probe.name: probe for probe in probes}
    compared = []
    for answer in answers:
        if not is_shown(answer):
            compared.append(answer)
            continue
        probe = by_name[answer.probe]
        stored, _ = read_table(answer.table, **answer.where)
        rows = {column.name: stored[column.name] for column in probe.columns}
        compared.append(replace(answer, comparison=probe.comparison(rows)))
    return compared
