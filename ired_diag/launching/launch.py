"""A launch: the folder ``slurm`` next to the runs of an experiment, and what was submitted from it.

    runs/<experiment>/slurm/
      launch.json            the run folder of each index, and each submission: job, indices, settings
      submit-1.sbatch        the batch script of the first submission
      tasks/7.json           what the run of index 7 trains, as it was when it was submitted
      tasks/7.events.jsonl   what each start of it said
      q103_4711_7.out, .err  the files of the array

An index means the same run in all submissions. It is the run's seed, where that number is free.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ired_diag.errors import DiagError, NotFound, UnreadableFile
from ired_diag.json_object import read_json_object
from ired_diag.launching.script import job_name
from ired_diag.runs.files import FORMAT, check_format, is_file, write_atomically
from ired_diag.runs.find import KIND, LAUNCH
from ired_diag.runs.store import folder_name
from ired_diag.training.plan import PlannedRun

FOLDER = "slurm"
TASKS = "tasks"
REPLACED = "%\\"  # by SLURM, in the paths of output files
MOST_INDICES = 1000  # SLURM's MaxArraySize is 1001, unless a cluster says otherwise


@dataclass(frozen=True)
class Member:
    """A run of a launch.

    Attributes:
        index: Its index in the arrays.
        folder: Its run folder, relative to the folder of the experiment.
    """

    index: int
    folder: str


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One array.

    Attributes:
        number: Which submission of the launch it is, from 1 on.
        script: The batch script, as it was submitted.
        job: SLURM's id of the array; empty where the submission was cut off before SLURM answered.
        indices: What it trains.
        submitted: When, in ISO 8601.
        slurm: What was asked of SLURM.
        cancelled: The indices that ``launch cancel`` ended.
    """

    number: int
    script: str
    job: str
    indices: tuple[int, ...]
    submitted: str
    slurm: Mapping[str, str]
    cancelled: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What ``launch.json`` says.

    Attributes:
        folder: The launch folder.
        experiment: Name of the experiment.
        members: The runs, by index.
        submissions: The arrays, in their order.
    """

    folder: Path
    experiment: str
    members: tuple[Member, ...] = ()
    submissions: tuple[Submission, ...] = ()

    @property
    def scripts(self) -> dict[str, str]:
        """The batch script of each array, by its id."""
        return {submission.job: submission.script for submission in self.submissions if submission.job}

    def run_folder(self, member: Member) -> Path:
        """Return where a run is."""
        return self.folder.parent / member.folder

    def last_submission(self, index: int) -> Submission | None:
        """Return the last array that an index was part of."""
        for submission in reversed(self.submissions):
            if index in submission.indices:
                return submission
        return None

    def script(self, number: int) -> Path:
        """Return the batch script of a submission."""
        return self.folder / f"submit-{number}.sbatch"

    def specification(self, index: int) -> Path:
        """Return the file that says what a run trains."""
        return self.folder / TASKS / f"{index}.json"

    def events(self, index: int) -> Path:
        """Return the file of what each start of a run said."""
        return self.folder / TASKS / f"{index}.events.jsonl"

    def outputs(self, index: int, job: str) -> tuple[Path, Path]:
        """Return the ``.out`` and the ``.err`` file of a task."""
        stem = f"{job_name(self.experiment)}_{job}_{index}"
        return self.folder / f"{stem}.out", self.folder / f"{stem}.err"

    def with_runs(self, planned: Sequence[PlannedRun]) -> Launch:
        """Return the launch with an index for each of these runs; those that have one keep it.

        Raises:
            DiagError: There are more runs than an array can have.
        """
        members = {member.folder: member for member in self.members}
        taken = {member.index for member in self.members}
        for run in planned:
            folder = str(run.folder.relative_to(self.folder.parent))
            if folder not in members:
                index = _free_index(run.config.seed, taken)
                taken.add(index)
                members[folder] = Member(index, folder)
        return replace(self, members=tuple(sorted(members.values(), key=_index)))

    def member_of(self, run: PlannedRun) -> Member:
        """Return the member that a planned run is."""
        folder = str(run.folder.relative_to(self.folder.parent))
        return next(member for member in self.members if member.folder == folder)


def _index(member: Member) -> int:
    return member.index


def _free_index(wanted: int, taken: set[int]) -> int:
    """Return the wanted index where it is free and possible, else the first that is."""
    if wanted <= MOST_INDICES and wanted not in taken:
        return wanted
    for index in range(MOST_INDICES + 1):
        if index not in taken:
            return index
    raise DiagError(
        f"SLURM's arrays have {MOST_INDICES + 1} tasks at most. Train fewer seeds, or some of them under "
        "another name with --name NAME."
    )


def launch_folder(planned: Sequence[PlannedRun], runs: Path) -> Path:
    """Return the launch folder of runs that are planned.

    Raises:
        DiagError: They belong to several experiments, or SLURM would not write into the folder.
    """
    experiments = {run.folder.relative_to(runs).parts[0] for run in planned}
    if len(experiments) > 1:
        listed = ", ".join(sorted(experiments))
        raise DiagError(f"--launcher slurm: one experiment at a time, not {listed}.")
    folder = runs.absolute() / experiments.pop() / FOLDER
    if any(letter in str(folder) for letter in REPLACED):
        raise DiagError(
            f"{folder}: SLURM replaces % and \\ in the paths of output files. Choose another --runs DIR."
        )
    return folder


def find_launch(named: str, runs: Path) -> Launch:
    """Return the launch that a name or a path means.

    Args:
        named: An experiment's folder, a launch folder, or the name of an experiment under ``runs``.
        runs: The runs folder.

    Raises:
        NotFound: There is no such launch.
        UnreadableFile: Its ``launch.json`` is damaged.
    """
    candidates = [Path(named), Path(named) / FOLDER, runs / folder_name(named) / FOLDER]
    for folder in candidates:
        if is_file(folder / LAUNCH):
            return read_launch(folder.absolute())
    raise NotFound(
        f"{named}: was not launched on SLURM: there is no {candidates[1] / LAUNCH}, nor "
        f"{candidates[2] / LAUNCH}. Launch it with ired-diag train NAME --launcher slurm."
    )


def read_launch(folder: Path) -> Launch:
    """Return what a launch folder says.

    Raises:
        UnreadableFile: It is damaged, or of a newer format.
    """
    path = folder / LAUNCH
    content = read_json_object(path)
    check_format(content.get("format"), str(path))
    try:
        members = [Member(int(row["index"]), str(row["folder"])) for row in content["runs"]]
        submissions = [_submission(row) for row in content["submissions"]]
        experiment = str(content["experiment"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableFile(f"{path}: is not what a launch wrote ({error!r}).") from error
    return Launch(
        folder=folder,
        experiment=experiment,
        members=tuple(members),
        submissions=tuple(submissions),
    )


def _submission(row: Mapping[str, Any]) -> Submission:
    return Submission(
        number=int(row["number"]),
        script=str(row["script"]),
        job=str(row["job"]),
        indices=tuple(map(int, row["indices"])),
        submitted=str(row["submitted"]),
        slurm=dict(row["slurm"]),
        cancelled=tuple(map(int, row["cancelled"])),
    )


def write_launch(launch: Launch) -> None:
    """Write ``launch.json``.

    Raises:
        CannotWrite: The folder cannot be written.
    """
    content = {
        "format": FORMAT,
        "kind": KIND,
        "experiment": launch.experiment,
        "runs": [asdict(member) for member in launch.members],
        "submissions": [asdict(submission) for submission in launch.submissions],
    }
    text = json.dumps(content, indent=2) + "\n"
    write_atomically(launch.folder / LAUNCH, text.encode())
