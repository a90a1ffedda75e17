"""What one task of an array does: train the run of its index, and say how that ended.

SLURM warns a job before its time limit (SIGUSR2). The training then saves, this program asks SLURM to start
the job again, and ends with status 75 (``EX_TEMPFAIL`` of sysexits.h: a failure that another try may mend).
A job that is taken away for a more important one does the same. Whoever cancels a job means it: after SIGTERM
alone nothing is started again, and the state is saved.

A run that does not get on must not be started for ever. It has failed where it took no step between its start
and the warning, or where its checkpoint was at the same step after two requeues running.

Reference: scontrol(1), requeue; sbatch(1), --signal.
"""

from __future__ import annotations

import platform
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ired_diag.devices import choose_device
from ired_diag.errors import DiagError, NotFound
from ired_diag.json_object import read_json_object
from ired_diag.launching import scheduler
from ired_diag.launching.events import Event, Kind, append_event, read_events
from ired_diag.launching.launch import Launch, Member, read_launch
from ired_diag.launching.log_lines import COMPLETE, head_lines, step_lines
from ired_diag.launching.specification import Manner, read_specification
from ired_diag.runs.checkpoint_choice import step_of
from ired_diag.runs.files import is_file
from ired_diag.runs.find import CONFIG
from ired_diag.runs.store import find_checkpoints
from ired_diag.runs.stored_values import ending_of
from ired_diag.training import run_files
from ired_diag.training.interrupt import Stop
from ired_diag.training.opening import Options
from ired_diag.training.plan import PlannedRun
from ired_diag.training.recorder import Announce
from ired_diag.training.trainer import Interrupted, train_together

EXIT_COMPLETE, EXIT_STOPPED, EXIT_SAVED = 0, 3, 75
GPUS = ("SLURM_JOB_GPUS", "SLURM_GPUS_ON_NODE", "SLURM_STEP_GPUS")  # set where a job was given some


class NoProgress(DiagError):
    """A run that was started again and again does not get on."""


@dataclass(frozen=True)
class Journal:
    """Where a start of a task says what becomes of it.

    Attributes:
        path: The file of its index.
        environment: The variables that SLURM sets for a job.
    """

    path: Path
    environment: Mapping[str, str]

    @property
    def job(self) -> str:
        """The id of the array."""
        return self.environment.get("SLURM_ARRAY_JOB_ID", "")

    @property
    def own_job(self) -> str:
        """The id of this task alone, as scontrol takes it."""
        return self.environment.get("SLURM_JOB_ID", "")

    @property
    def restart(self) -> int:
        """How often SLURM had started this job before."""
        count = self.environment.get("SLURM_RESTART_COUNT", "0")
        return int(count) if count.isdecimal() else 0

    def add(self, kind: Kind, step: int, detail: str = "", *, is_requeued: bool = False) -> Event:
        """Append what happened."""
        event = Event(
            kind=kind,
            job=self.job,
            restart=self.restart,
            step=step,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            host=platform.node(),
            detail=detail,
            is_requeued=is_requeued,
        )
        append_event(self.path, event)
        return event


@dataclass(frozen=True, kw_only=True)
class Voice:
    """How a task is heard.

    Attributes:
        say: Called with each line for the ``.out`` file.
        announce: Called with each trouble, as it happens.
        heard: Called when a signal asks for an end.
    """

    say: Callable[[str], None]
    announce: Announce
    heard: Callable[[], None]


def work(folder: Path, index: int, *, stop: Stop, environment: Mapping[str, str], voice: Voice) -> int:
    """Train the run of an index, and return the exit status.

    Args:
        folder: The launch folder.
        index: Index in the array.
        stop: Where a signal's wish is noted; the caller listens already.
        environment: The variables that SLURM sets for a job.
        voice: How the task is heard.

    Raises:
        DiagError: The run cannot be trained; the events say why.
    """
    launch = read_launch(folder)
    member = _member(launch, index)
    journal = Journal(launch.events(index), environment)
    run_folder = launch.run_folder(member)
    begun = saved_step(run_folder)
    journal.add("start", begun)
    try:
        check_progress(read_events(journal.path), journal.job)
        run, manner = read_specification(launch.specification(index), run_folder)
        for line in head_lines(run, environment):
            voice.say(line)
        try:
            train_together([run], _options(run, manner, stop=stop, environment=environment, voice=voice))
        except Interrupted:
            return _after_signal(run_folder, journal, begun, stop)
    except Exception as error:
        detail = str(error)
        if not isinstance(error, DiagError):
            detail = f"{type(error).__name__}: {error}"
        journal.add("failed", saved_step(run_folder), detail)
        raise
    return _after_training(run_folder, journal, voice)


def _member(launch: Launch, index: int) -> Member:
    for member in launch.members:
        if member.index == index:
            return member
    raise NotFound(f"{launch.folder}: has no run of index {index}.")


def _options(
    run: PlannedRun,
    manner: Manner,
    *,
    stop: Stop,
    environment: Mapping[str, str],
    voice: Voice,
) -> Options:
    device = choose_device(manner.device)
    has_gpu = any(environment.get(name) for name in GPUS)
    # A GPU that was asked for and cannot be used is an error, not a slow training.
    if manner.device == "auto" and has_gpu and device.type != "cuda":
        raise DiagError(
            f"SLURM gave this job a GPU on {platform.node()}, and PyTorch cannot use it. Install a build of "
            "PyTorch for it, or train with --device cpu."
        )

    def progress(step: int, steps: int, values: Mapping[str, float]) -> None:
        for line in step_lines(step, values, run.task.metric.name):
            voice.say(line)

    return Options(
        device=device,
        compile=manner.compile,
        stop_on_trouble=manner.stop_on_trouble,
        progress=progress,
        announce=voice.announce,
        heard=voice.heard,
        stop=stop,
    )


def saved_step(folder: Path) -> int:
    """Return the step that a run goes on from; 0 where nothing is saved."""
    last = run_files.last_checkpoint(folder)
    if is_file(last):
        step = step_of(last)
        if step is not None:
            return step
    for path in reversed(find_checkpoints(folder)):
        step = step_of(path)
        if step is not None:
            return step
    return 0


def check_progress(events: Sequence[Event], job: str) -> None:
    """Refuse to go on where two requeues running found a run at the same step.

    Args:
        events: Those of its index; the last is this start.
        job: The id of the array.

    Raises:
        NoProgress: They did.
    """
    requeued = []
    for event in events:
        if event.kind == "start" and event.job == job and event.restart > 0:
            requeued.append(event)
    if len(requeued) < 2:
        return
    before, now = requeued[-2:]
    if now.step <= before.step:
        raise NoProgress(
            f"no progress between two requeues: the checkpoint is at step {now.step}, as it was at the start "
            f"before, {before.time} on {before.host}. Save more often (checkpoint_every) or ask for more "
            "time, then: ired-diag launch resume."
        )


def _after_signal(folder: Path, journal: Journal, begun: int, stop: Stop) -> int:
    """Say that all is saved, ask SLURM for another start where that is wanted, and return the exit status."""
    step = saved_step(folder)
    name = stop.signal.name if stop.signal else "a signal"
    preempted = scheduler.is_preempted(journal.own_job)
    is_warning = stop.signal == signal.SIGUSR2
    if is_warning and not preempted and step <= begun:
        raise NoProgress(
            f"no step was taken between the start at step {begun} and the warning before the time limit. Ask "
            "for more time: ired-diag launch resume --slurm time=…"
        )
    if not is_warning and not preempted:
        journal.add("saved", step, f"{name} asked for an end")
        return EXIT_SAVED
    reason = "preempted" if preempted else "the time limit came near"
    # First the word, then the deed: a job that is requeued is killed.
    journal.add("saved", step, reason, is_requeued=True)
    refusal = scheduler.requeue(journal.own_job)
    if refusal:
        journal.add("saved", step, f"{reason}; SLURM does not start it again: {refusal}")
    return EXIT_SAVED


def _after_training(folder: Path, journal: Journal, voice: Voice) -> int:
    # A run that was complete before its job started comes here too.
    path = folder / CONFIG
    ending = ending_of(read_json_object(path), path)
    step = saved_step(folder)
    if not ending.complete:
        journal.add("stopped", step, ending.detail)
        return EXIT_STOPPED
    journal.add("complete", step, ending.detail)
    voice.say(COMPLETE)
    return EXIT_COMPLETE
