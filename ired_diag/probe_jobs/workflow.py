"""The jobs of a request: earlier jobs that still fit are kept, the rest is packed into new ones.

A run that got a new checkpoint since leaves the jobs of all others as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.probe_jobs.asking import Tables, valid_receipt
from ired_diag.probe_jobs.job import Job, Question, RunPart, part_of, read_job
from ired_diag.probe_jobs.packing import job_size, pack
from ired_diag.probe_jobs.receipt import Receipt, read_receipt
from ired_diag.probing.targets import Target
from ired_diag.runs.files import write_atomically
from ired_diag.runs.probe_folder import OUT
from ired_diag.runs.store import folder_name

FOLDER = "snakemake"  # in the folder for output
JOBS, DONE, LOGS = "jobs", "done", "logs"
SNAKEFILE = "Snakefile"
DIGITS = 4  # of a job's number, or more where there are more jobs


@dataclass(frozen=True, kw_only=True)
class NamedJob:
    """A job of a workflow.

    Attributes:
        name: Its number as text: the stem of its files.
        job: The job.
        receipt: Of a job that is done; None where something of it is to be measured.
        is_new: Whether no file holds it yet.
    """

    name: str
    job: Job
    receipt: Receipt | None
    is_new: bool


@dataclass(frozen=True)
class Workflow:
    """The jobs of a request, and their folder."""

    folder: Path
    jobs: tuple[NamedJob, ...]

    @property
    def open_jobs(self) -> list[NamedJob]:
        """Those that are not done."""
        return [job for job in self.jobs if job.receipt is None]

    @property
    def size(self) -> int:
        """The number of checkpoints."""
        return sum(job.job.size for job in self.jobs)

    @property
    def snakefile(self) -> Path:
        """The Snakefile."""
        return self.folder / SNAKEFILE

    def file(self, name: str) -> Path:
        """Return the file of a job."""
        return self.folder / JOBS / f"{name}.json"

    def receipt(self, name: str) -> Path:
        """Return where the receipt of a job is."""
        return self.folder / DONE / f"{name}.json"

    def log(self, name: str) -> Path:
        """Return the file of what a job printed."""
        return self.folder / LOGS / f"{name}.log"


def workflow_folder(probe: str, request: Mapping[str, object], out: Path | None) -> Path:
    """Return where the files of a request are: the same request has the same folder.

    Args:
        probe: Name of the probe, or ``all``.
        request: All that was asked, as JSON can hold it.
        out: Folder for tables that the user chose.
    """
    text = json.dumps(request, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return ((out or OUT) / FOLDER / f"{folder_name(probe)}-{digest}").absolute()


def parts_of(targets: Sequence[Target]) -> list[RunPart]:
    """Return the checkpoints of each run, in the order of the runs.

    Args:
        targets: Checkpoints of runs; those of one run follow each other.
    """
    of_runs: list[list[Target]] = []
    for target in targets:
        if of_runs and of_runs[-1][0].run is target.run:
            of_runs[-1].append(target)
        else:
            of_runs.append([target])
    parts = []
    for of_run in of_runs:
        run = of_run[0].run
        if run is not None:
            parts.append(part_of(run, of_run))
    return parts


def plan_jobs(
    folder: Path, parts: Sequence[RunPart], question: Question, size: int | None = None
) -> Workflow:
    """Return the jobs of a request; nothing is written.

    Args:
        folder: The workflow's folder.
        parts: The checkpoints of each run.
        question: What is asked of them.
        size: Checkpoints of a job. Default: by their number.
    """
    tables = Tables()
    stored = _stored_jobs(folder)
    wanted = {}
    for part in parts:
        wanted[part.identity] = set(part.checkpoints)
    jobs = []
    for name, job in stored.items():
        if job.question == question and _take(job, wanted):
            receipt = valid_receipt(job, folder / DONE / f"{name}.json", tables)
            jobs.append(NamedJob(name=name, job=job, receipt=receipt, is_new=False))
    number = _last_number(folder)
    count = sum(len(part.checkpoints) for part in parts)
    rest = []
    for part in parts:
        left = _rest_of(part, wanted[part.identity])
        if left.checkpoints:
            rest.append(left)
    for packed in pack(rest, size or job_size(count)):
        # A number is not given again while its files are there: a job of an earlier command may still run.
        number += 1
        name = f"{number:0{DIGITS}d}"
        job = Job(question, packed)
        jobs.append(NamedJob(name=name, job=job, receipt=None, is_new=True))
    return Workflow(folder, tuple(jobs))


def _take(job: Job, wanted: Mapping[str, set[str]]) -> bool:
    """Say whether all that a job measures is wanted, and take it off what is."""
    for part in job.parts:
        if not set(part.checkpoints) <= wanted.get(part.identity, set()):
            return False
    for part in job.parts:
        wanted[part.identity].difference_update(part.checkpoints)
    return True


def _rest_of(part: RunPart, files: set[str]) -> RunPart:
    """Return a part with those of its checkpoints that no job measures yet."""
    left = tuple(filter(files.__contains__, part.checkpoints))
    last = part.last if part.last in left else None
    return replace(part, checkpoints=left, last=last)


def _stored_jobs(folder: Path) -> dict[str, Job]:
    """Return the jobs that a folder holds; a file that is damaged, or of another version, is left out."""
    jobs = {}
    for path in _job_files(folder):
        try:
            jobs[path.stem] = read_job(path)
        except UnreadableFile:
            continue
    return jobs


def _job_files(folder: Path) -> list[Path]:
    files = []
    for path in (folder / JOBS).glob("*.json"):
        if path.stem.isdecimal():
            files.append(path)
    return sorted(files, key=_number)


def _number(path: Path) -> int:
    return int(path.stem)


def _last_number(folder: Path) -> int:
    return max(map(_number, _job_files(folder)), default=0)


def write_jobs(workflow: Workflow) -> None:
    """Write the jobs that are new, and remove files of others and receipts that do not count.

    Raises:
        CannotWrite: The folder cannot be written.
    """
    names = {job.name for job in workflow.jobs}
    for path in _job_files(workflow.folder):
        if path.stem in names:
            continue
        path.unlink(missing_ok=True)
        workflow.receipt(path.stem).unlink(missing_ok=True)
    for job in workflow.jobs:
        if job.is_new:
            write_atomically(workflow.file(job.name), job.job.content)
        if job.receipt is None:
            workflow.receipt(job.name).unlink(missing_ok=True)


def remove_stale_receipts(folder: Path) -> list[str]:
    """Remove the receipts of jobs that are not done, and return the names of these jobs."""
    tables = Tables()
    stale = []
    for path in _job_files(folder):
        receipt = folder / DONE / path.name
        if not receipt.exists():
            continue
        job = read_job(path)
        if valid_receipt(job, receipt, tables) is None:
            receipt.unlink(missing_ok=True)
            stale.append(path.stem)
    return stale


def with_receipts(workflow: Workflow) -> Workflow:
    """Return a workflow with the receipts that are there now."""
    jobs = []
    for job in workflow.jobs:
        receipt = read_receipt(workflow.receipt(job.name))
        if receipt is not None and receipt.job != job.job.digest:
            receipt = None
        jobs.append(replace(job, receipt=receipt))
    return Workflow(workflow.folder, tuple(jobs))
