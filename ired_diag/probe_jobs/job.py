"""A job: what is asked of some checkpoints, whole in one file, so that no job looks through a study.

The configuration of each run stands in it as it was read when the jobs were planned. Checkpoints are listed
run by run: a file of a hundred checkpoints of one run names the run once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

import ired_diag
from ired_diag import tasks
from ired_diag.errors import UnreadableFile
from ired_diag.json_object import read_json_object
from ired_diag.probing.driver import Request
from ired_diag.probing.probe import Probe
from ired_diag.probing.targets import Target, of_checkpoint
from ired_diag.runs.checkpoint import Weights
from ired_diag.runs.ending import Ending
from ired_diag.runs.files import FORMAT, check_format
from ired_diag.runs.run import Run

# Of a run's provenance: where a task of the user's is written.
TASK_PLACE = ("task_file", "task_function")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of every checkpoint.

    Attributes:
        probes: The version of each probe that is put, by its name.
        weights: Which weights; None for each probe's own choice.
        samples: Number of problems; None for each probe's own number.
        seed: Random seed.
        figures: Whether to draw ``all`` checkpoints, the ``last`` of each run, or ``none``.
        device: Where a job computes.
        task: What the runs were trained on; None: what their configuration names.
        model: ``FILE.py:FUNCTION``, which makes an energy of each checkpoint.
        working: Folder in which a job runs: paths of the user's are relative to it.
        version: Version of this program.
    """

    probes: Mapping[str, int]
    weights: Weights | None
    samples: int | None
    seed: int
    figures: Literal["all", "last", "none"]
    device: str
    task: str | None
    model: str | None
    working: str
    version: str = ired_diag.__version__


@dataclass(frozen=True, kw_only=True)
class RunPart:
    """Some checkpoints of one run.

    Attributes:
        group: Name of the run's group.
        seed: What the run is called in its group.
        path: The run folder or log, absolute.
        task: Name of the task that the run records; empty where it records none.
        task_place: File and function of that task, where the run records them.
        configuration: Of the run; None where the checkpoints' own counts.
        folder: Where its tables are, absolute.
        checkpoints: The files, absolute, the earliest first.
        last: The last checkpoint of the run that is looked at, if it is among them.
    """

    group: str
    seed: str
    path: str
    task: str
    task_place: Mapping[str, str]
    configuration: Mapping[str, Any] | None
    folder: str
    checkpoints: tuple[str, ...]
    last: str | None = None

    @property
    def label(self) -> str:
        """The run's name in messages."""
        return f"{self.group}/{self.seed}"

    @property
    def identity(self) -> str:
        """All that decides the answers except the checkpoints, as text."""
        content = asdict(self)
        del content["checkpoints"], content["last"]
        return json.dumps(content, sort_keys=True, default=str)


@dataclass(frozen=True)
class Job:
    """Some checkpoints, and what is asked of them."""

    question: Question
    parts: tuple[RunPart, ...] = field(default_factory=tuple)

    @property
    def size(self) -> int:
        """The number of checkpoints."""
        return sum(len(part.checkpoints) for part in self.parts)

    @property
    def content(self) -> bytes:
        """The job as its file holds it."""
        runs = [asdict(part) for part in self.parts]
        content = {"format": FORMAT, "question": asdict(self.question), "runs": runs}
        return (json.dumps(content, indent=1, default=str) + "\n").encode()

    @property
    def digest(self) -> str:
        """A hash of the content."""
        return hashlib.sha256(self.content).hexdigest()


def read_job(path: Path) -> Job:
    """Return the job in a file.

    Raises:
        UnreadableFile: It is missing, damaged, or of a newer format.
    """
    content = read_json_object(path)
    check_format(content.get("format"), str(path))
    try:
        question = Question(**content["question"])
        parts = [_part(row) for row in content["runs"]]
    except (KeyError, TypeError) as error:
        raise UnreadableFile(f"{path}: is not a job of probes ({error!r}).") from error
    return Job(question, tuple(parts))


def _part(row: Mapping[str, Any]) -> RunPart:
    return RunPart(**{**row, "checkpoints": tuple(row["checkpoints"])})


def part_of(run: Run, targets: Sequence[Target]) -> RunPart:
    """Return some checkpoints of a run.

    Args:
        run: The run.
        targets: The checkpoints, the earliest first.
    """
    place = {}
    for name in TASK_PLACE:
        if run.provenance.get(name):
            place[name] = str(run.provenance[name])
    last = [str(target.file.absolute()) for target in targets if target.last]
    return RunPart(
        group=run.group,
        seed=run.seed_label,
        path=str(run.path.absolute()),
        task=run.task,
        task_place=place,
        configuration=run.configuration,
        folder=str(targets[0].folder.absolute()),
        checkpoints=tuple(str(target.file.absolute()) for target in targets),
        last=last[-1] if last else None,
    )


def targets_of_job(job: Job, device: torch.device) -> list[Target]:
    """Return the checkpoints of a job as targets."""
    task = None if job.question.task is None else tasks.load(job.question.task)
    targets = []
    for part in job.parts:
        run = Run(
            experiment=part.group,
            run_name=part.seed,
            path=Path(part.path),
            ending=Ending("unknown"),
            configuration=part.configuration,
            provenance=part.task_place,
            task=part.task,
        )
        for file in part.checkpoints:
            target = of_checkpoint(
                run,
                Path(file),
                device=device,
                out=Path(part.folder),
                task=task,
                model=job.question.model,
                last=file == part.last,
            )
            targets.append(target)
    return targets


def request_of_job(job: Job, probes: Mapping[str, Probe]) -> Request:
    """Return what a job asks, as a driver takes it.

    Args:
        job: The job.
        probes: Those that there are, by their names.
    """
    question = job.question
    return Request(
        probes=[probes[name] for name in question.probes],
        weights=question.weights,
        samples=question.samples,
        seed=question.seed,
        figures=question.figures,
    )
