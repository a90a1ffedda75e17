"""Submitting the runs of a launch that are not finished, and cancelling those that are under way.

Nothing is submitted twice. Whoever submits holds the lock of the launch folder; a run that the queue holds,
or whose own lock is held, is left out; and a submission that was cut off before SLURM's answer was written
down is looked for in the queue first. Should two jobs meet all the same, the lock of the run folder lets one
train.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ired_diag.errors import CannotWrite, DiagError
from ired_diag.launching import scheduler
from ired_diag.launching.launch import (
    Launch,
    Member,
    Submission,
    launch_folder,
    read_launch,
    write_launch,
)
from ired_diag.launching.scheduler import SchedulerSilent
from ired_diag.launching.script import script_text
from ired_diag.launching.settings import Settings, parse_slurm
from ired_diag.launching.specification import Manner, check_device, renew_hash, write_specification
from ired_diag.launching.states import Status, known, statuses
from ired_diag.runs.files import is_file, write_atomically
from ired_diag.runs.find import LAUNCH
from ired_diag.training.lock import locked
from ired_diag.training.plan import PlannedRun

DOING = "submitted or cancelled"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where and how the jobs of a launch run.

    Attributes:
        working: Folder in which the trainings run.
        command: Words that start this program.
    """

    working: Path
    command: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An array that was, or would be, submitted.

    Attributes:
        launch: The launch, with the submission where there is one.
        script: Where the batch script is, or would be.
        text: The batch script; empty where there is nothing to submit.
        chosen: The runs that it trains, as they stood before.
        left_out: The runs that were asked for and need no job.
        job: SLURM's id of the array; empty where nothing was submitted.
        notes: What else there is to say.
    """

    launch: Launch
    script: Path
    text: str
    chosen: tuple[Status, ...]
    left_out: tuple[Status, ...]
    job: str = ""
    notes: tuple[str, ...] = ()


def submit_planned(
    planned: Sequence[PlannedRun],
    *,
    runs: Path,
    settings: Settings,
    manner: Manner,
    place: Place,
    resume: bool,
    dry_run: bool,
) -> Prepared:
    """Submit planned runs as one array.

    Args:
        planned: The runs, of one experiment.
        runs: The runs folder.
        settings: What is asked of SLURM.
        manner: How the runs are trained.
        place: Where the jobs run.
        resume: Leave out runs that are under way already; else they are an error.
        dry_run: Write and submit nothing.

    Raises:
        SchedulerSilent: SLURM is not here, or does not answer.
        DiagError: SLURM refuses the array, or a run is under way already.
    """
    check_device(manner.device)
    planned = _with_absolute_folders(planned)
    folder = launch_folder(planned, runs.absolute())
    experiment = planned[0].experiment or planned[0].config.experiment_name
    if dry_run:
        launch = _launch_at(folder, experiment).with_runs(planned)
        members = [launch.member_of(run) for run in planned]
        return _prepare(launch, members, settings, place, refuse_active=not resume)
    _check_sbatch()
    with locked(folder, doing=DOING):
        launch = _adopted(_launch_at(folder, experiment)).with_runs(planned)
        members = [launch.member_of(run) for run in planned]
        prepared = _prepare(launch, members, settings, place, refuse_active=not resume)
        chosen = {status.index for status in prepared.chosen}
        for run, member in zip(planned, members, strict=True):
            if member.index in chosen:
                write_specification(launch.specification(member.index), run, manner)
        return _submitted(prepared, settings)


def resume_launch(
    launch: Launch,
    members: Sequence[Member],
    *,
    texts: Sequence[str],
    place: Place,
    dry_run: bool,
) -> Prepared:
    """Submit the runs of a launch that are neither finished nor under way, as one array.

    Args:
        launch: The launch.
        members: Which of its runs.
        texts: Changes to what its last submission asked of SLURM.
        place: Where the jobs run.
        dry_run: Write and submit nothing.

    Raises:
        SchedulerSilent: SLURM is not here, or does not answer.
        DiagError: SLURM refuses the array.
    """
    if dry_run:
        settings = _changed_settings(launch, texts)
        return _prepare(launch, members, settings, place, refuse_active=False)
    _check_sbatch()
    with locked(launch.folder, doing=DOING):
        launch = _adopted(read_launch(launch.folder))
        settings = _changed_settings(launch, texts)
        prepared = _prepare(launch, members, settings, place, refuse_active=False)
        notes = _notes_of_changed_tasks(prepared)
        return replace(_submitted(prepared, settings), notes=notes)


def cancel_launch(launch: Launch, members: Sequence[Member]) -> list[Status]:
    """Cancel the tasks of runs that run or wait, and return these runs as they stood before.

    Raises:
        SchedulerSilent: SLURM is not here, or does not answer.
        DiagError: SLURM refuses.
    """
    with locked(launch.folder, doing=DOING):
        launch = _adopted(read_launch(launch.folder))
        before = statuses(launch, members)
        known(before)
        # A run that is trained by hand has no task of SLURM's.
        active = [status for status in before if status.is_active and _has_task(status, launch)]
        if not active:
            return []
        # Noted first: what is cancelled and forgotten by the queue would else be lost.
        write_launch(_with_cancelled(launch, active))
        scheduler.cancel([status.job for status in active])
    return active


def _has_task(status: Status, launch: Launch) -> bool:
    queue = scheduler.ask_queue(launch.scripts)
    job, _, index = status.job.rpartition("_")
    queued = queue.get((job, int(index))) if index else None
    return queued is not None and queued.is_active


def _with_cancelled(launch: Launch, active: Sequence[Status]) -> Launch:
    submissions = []
    for submission in launch.submissions:
        names = {f"{submission.job}_{index}": index for index in submission.indices}
        cancelled = {names[status.job] for status in active if status.job in names}
        every = tuple(sorted({*submission.cancelled, *cancelled}))
        submissions.append(replace(submission, cancelled=every))
    return replace(launch, submissions=tuple(submissions))


def _with_absolute_folders(planned: Sequence[PlannedRun]) -> list[PlannedRun]:
    return [replace(run, folder=run.folder.absolute()) for run in planned]


def _check_sbatch() -> None:
    if shutil.which("sbatch") is None:
        raise SchedulerSilent(
            "--launcher slurm: sbatch is not on PATH. Submit on a machine of the cluster, such as its login "
            "node; --dry-run shows the batch script anywhere."
        )


def _launch_at(folder: Path, experiment: str) -> Launch:
    if is_file(folder / LAUNCH):
        return read_launch(folder)
    return Launch(folder=folder, experiment=experiment)


def _adopted(launch: Launch) -> Launch:
    """Return a launch whose last submission has its job, where it was cut off before the job was noted."""
    if not launch.submissions or launch.submissions[-1].job:
        return launch
    *before, last = launch.submissions
    job = scheduler.find_job(last.script)
    kept = before if job is None else [*before, replace(last, job=job)]
    launch = replace(launch, submissions=tuple(kept))
    write_launch(launch)
    return launch


def _prepare(
    launch: Launch,
    members: Sequence[Member],
    settings: Settings,
    place: Place,
    *,
    refuse_active: bool,
) -> Prepared:
    """Return what would be submitted, nothing of it done yet."""
    before = statuses(launch, members)
    known(before)
    active = [status for status in before if status.is_active]
    if active and refuse_active:
        listed = ", ".join(f"{status.folder} ({status.job}: {status.state})" for status in active[:8])
        raise CannotWrite(f"{listed}: submitted already. See how they stand: ired-diag launch status.")
    chosen = [status for status in before if not status.is_active and not status.is_finished]
    number = len(launch.submissions) + 1
    script = launch.script(number)
    text = ""
    if chosen:
        text = script_text(
            experiment=launch.experiment,
            indices=[status.index for status in chosen],
            settings=settings,
            folder=launch.folder,
            working=place.working,
            command=place.command,
        )
    return Prepared(
        launch=launch,
        script=script,
        text=text,
        chosen=tuple(chosen),
        left_out=tuple(status for status in before if status not in chosen),
    )


def _submitted(prepared: Prepared, settings: Settings) -> Prepared:
    """Write the script, submit it, and note the job."""
    if not prepared.chosen:
        return prepared
    launch = prepared.launch
    submission = Submission(
        number=len(launch.submissions) + 1,
        script=str(prepared.script),
        job="",
        indices=tuple(sorted(status.index for status in prepared.chosen)),
        submitted=datetime.now(UTC).isoformat(timespec="seconds"),
        slurm=settings.values,
    )
    write_atomically(prepared.script, prepared.text.encode())
    # Noted before SLURM is asked: a job that nobody knows of could be submitted a second time.
    write_launch(replace(launch, submissions=(*launch.submissions, submission)))
    try:
        job = scheduler.submit(prepared.script, settings)
    except SchedulerSilent:
        raise  # it may have taken the job: the next command looks for it
    except DiagError:
        _withdraw(prepared)
        raise
    launch = replace(launch, submissions=(*launch.submissions, replace(submission, job=job)))
    write_launch(launch)
    return replace(prepared, launch=launch, job=job)


def _withdraw(prepared: Prepared) -> None:
    """Leave a launch as it was before an array that SLURM refuses."""
    launch = prepared.launch
    members = [member for member in launch.members if launch.last_submission(member.index)]
    prepared.script.unlink(missing_ok=True)
    if members:
        write_launch(replace(launch, members=tuple(members)))
    else:
        (launch.folder / LAUNCH).unlink(missing_ok=True)


def _changed_settings(launch: Launch, texts: Sequence[str]) -> Settings:
    """Return what the last submission asked of SLURM, with changes."""
    last: Mapping[str, str] = launch.submissions[-1].slurm if launch.submissions else {}
    before = [f"{name}={value}" for name, value in last.items()]
    return parse_slurm([*before, *texts])


def _notes_of_changed_tasks(prepared: Prepared) -> tuple[str, ...]:
    """Take the files of users' own tasks as they are now, and return a note where one had changed."""
    changed = []
    for status in prepared.chosen:
        if renew_hash(prepared.launch.specification(status.index)):
            changed.append(str(status.folder))
    if not changed:
        return ()
    return (
        f"the file of the task changed since {', '.join(changed)} were submitted; from now on they train "
        "what it says now.",
    )
