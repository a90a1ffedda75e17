"""What a job does: it measures its checkpoints as ``probe`` does, and writes a receipt.

Each answer is in its table before the next checkpoint is touched. A job that was killed at any moment goes on
from there when it runs again. Where two processes meet at the same job, one of them waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ired_diag.devices import choose_device
from ired_diag.errors import UnreadableFile
from ired_diag.probe_jobs.job import Job, read_job, request_of_job, targets_of_job
from ired_diag.probe_jobs.receipt import (
    CheckpointReceipt,
    Entry,
    Receipt,
    Refusal,
    file_state,
    write_receipt,
)
from ired_diag.probing.driver import Answer, Progress, Unanswered, put_probes
from ired_diag.probing.probe import Probe
from ired_diag.probing.tables import NO_STEP
from ired_diag.probing.workers import Workers, processes_for
from ired_diag.runs.one_writer import one_writer

Reply = Answer | Unanswered
LOCKS = ".locks"


def measure_job(path: Path, receipt: Path, probes: Mapping[str, Probe], *, progress: Progress) -> Receipt:
    """Measure what a job asks, write its receipt, and return it.

    Args:
        path: The job's file.
        receipt: Where its receipt goes.
        probes: The probes that there are, by their names.
        progress: Called with the number of answers given and to be given.

    Raises:
        UnreadableFile: The job's file is missing or damaged, or a table is.
        CannotWrite: A table or the receipt cannot be written.
    """
    with one_writer(receipt.parent / LOCKS / path.stem):
        job = read_job(path)
        check_versions(job, path, probes)
        device = choose_device(job.question.device)
        targets = targets_of_job(job, device)
        states = {str(target.file): file_state(target.file) for target in targets}
        replies: list[Reply] = []
        with Workers(processes_for(len(targets), device)) as workers:
            answers = put_probes(
                targets,
                request_of_job(job, probes),
                progress=progress,
                workers=workers,
                raises_alone=False,
            )
            replies.extend(answers)
        by_path: dict[str, list[Reply]] = {path: [] for path in states}
        for reply in replies:
            by_path[str(reply.checkpoint)].append(reply)
        checkpoints = [_receipt_of(path, states[path], of_path) for path, of_path in by_path.items()]
        done = Receipt(job.digest, tuple(checkpoints))
        write_receipt(receipt, done)
    return done


def check_versions(job: Job, path: Path, probes: Mapping[str, Probe]) -> None:
    """Refuse a job that was planned for other probes than those that are installed.

    Raises:
        UnreadableFile: It was.
    """
    for name, version in job.question.probes.items():
        if name not in probes or probes[name].version != version:
            raise UnreadableFile(
                f"{path}: asks for the probe {name} of version {version}, which this installation does not "
                "have. Run the ired-diag probe command again: it plans the jobs again."
            )


def _receipt_of(path: str, state: tuple[int, int], replies: Sequence[Reply]) -> CheckpointReceipt:
    entries = []
    refusals = []
    notes = {}
    for reply in replies:
        if isinstance(reply, Unanswered):
            refusals.append(Refusal(probe=reply.probe, reason=reply.reason))
            continue
        notes.update({note.statement: note for note in reply.notes})
        entries.append(_entry(reply))
    size, changed = state
    return CheckpointReceipt(
        path=path,
        size=size,
        changed=changed,
        entries=tuple(entries),
        refusals=tuple(refusals),
        notes=tuple(notes.values()),
    )


def _entry(answer: Answer) -> Entry:
    return Entry(
        probe=answer.probe,
        step=NO_STEP if answer.step is None else answer.step,
        weights=answer.weights,
        settings=str(answer.where["settings"]),
        known=answer.known,
        figures=tuple(str(figure.absolute()) for figure in answer.figures),
    )
