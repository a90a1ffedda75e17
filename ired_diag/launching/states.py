"""What became of each run of a launch: from its folder, SLURM's queue, its own words, and its output files.

The run folder counts first: what is complete there is complete. A task that the queue holds runs or waits. Of
one that ended, the scheduler's word counts before its own (a cancelled training also says that it was asked
for an end), and its own before what the ``.out`` and ``.err`` files let one infer. A task that none of them
says anything of is *lost*: its machine may have died, or somebody removed it after the queue forgot it.

The queue is asked before the folders are read: a run that ends in between counts as running, not as lost.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.json_object import read_json_object
from ired_diag.launching.events import Event, read_events
from ired_diag.launching.launch import Launch, Member, Submission
from ired_diag.launching.scheduler import Queue, Queued, SchedulerSilent, ask_queue
from ired_diag.readers.slurm_ending import find_ending
from ired_diag.runs.ending import Ending
from ired_diag.runs.files import exists
from ired_diag.runs.find import CONFIG, METRICS
from ired_diag.runs.stored_values import ending_of
from ired_diag.training.lock import holder

State = Literal[
    "complete",
    "stopped",
    "running",
    "waiting",
    "saved",
    "failed",
    "cancelled",
    "time limit",
    "lost",
    "unknown",
    "not submitted",
]
FINISHED: tuple[State, ...] = ("complete", "stopped")
ACTIVE: tuple[State, ...] = ("running", "waiting")
BY_SCHEDULER: dict[str, State] = {
    "CANCELLED": "cancelled",
    "PREEMPTED": "cancelled",
    "REVOKED": "cancelled",
    "TIMEOUT": "time limit",
    "DEADLINE": "time limit",
    "OUT_OF_MEMORY": "failed",
    "NODE_FAIL": "failed",
    "BOOT_FAIL": "failed",
}
BY_FILES: dict[str, State] = {
    "cancelled": "cancelled",
    "time_limit": "time limit",
    "killed": "failed",
    "out_of_memory": "failed",
    "traceback": "failed",
    "argument_error": "failed",
    "file_not_found": "failed",
    "failed": "failed",
}
TAIL = 1 << 16  # bytes at the end of a history in which its last row is


@dataclass(frozen=True, kw_only=True)
class Status:
    """How a run of a launch stands.

    Attributes:
        index: Its index in the arrays.
        folder: Its run folder.
        state: In a word.
        detail: Why, where anything says so.
        step: The last step that it logged; None before its first.
        steps: How many it will take; None before its start.
        job: SLURM's name of its last task, ``4711_3``; empty where it was never submitted.
    """

    index: int
    folder: Path
    state: State
    detail: str = ""
    step: int | None = None
    steps: int | None = None
    job: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to train."""
        return self.state in FINISHED

    @property
    def is_active(self) -> bool:
        """Whether it is trained now, or will be."""
        return self.state in ACTIVE


def statuses(launch: Launch, members: Sequence[Member] | None = None) -> list[Status]:
    """Return how the runs of a launch stand.

    Args:
        launch: The launch.
        members: Which of its runs. Default: all of them.
    """
    chosen = launch.members if members is None else members
    queue: Queue | None = None
    silence = ""
    try:
        queue = ask_queue(launch.scripts)
    except SchedulerSilent as error:
        silence = str(error)
    return [status_of(launch, member, queue, silence=silence) for member in chosen]


def status_of(launch: Launch, member: Member, queue: Queue | None, *, silence: str = "") -> Status:
    """Return how a run stands.

    Args:
        launch: The launch.
        member: The run.
        queue: What SLURM's queue says; None where it is not known.
        silence: Why it is not known.
    """
    folder = launch.run_folder(member)
    submission = launch.last_submission(member.index)
    status = Status(
        index=member.index,
        folder=folder,
        state="not submitted",
        step=last_logged_step(folder),
    )
    if submission is not None:
        status = replace(status, job=f"{submission.job or 'unknown'}_{member.index}")
    try:
        content = read_json_object(folder / CONFIG) if exists(folder / CONFIG) else {}
        status = replace(status, steps=_steps_in(content))
        if content and ending_of(content, folder / CONFIG).complete:
            return replace(status, state="complete")
        events = read_events(launch.events(member.index))
    except UnreadableFile as error:
        return replace(status, state="unknown", detail=str(error))
    if submission is None:
        return _trained_elsewhere(status) or status
    own = [event for event in events if event.job == submission.job]
    if queue is None:
        words = f"its last word: {_event_in_words(own[-1])}" if own else ""
        return replace(status, state="unknown", detail=_joined(silence.rstrip("."), words))
    if not submission.job:
        return replace(status, state="unknown", detail="its submission was cut off: ired-diag launch resume")
    queued = queue.get((submission.job, member.index))
    if queued is not None and queued.is_active:
        state: State = "running" if queued.is_running else "waiting"
        return replace(status, state=state, detail=_reason_of_active(queued, own))
    return _trained_elsewhere(status) or _ended(status, launch, submission, own, queued)


def _steps_in(content: dict[str, object]) -> int | None:
    config = content.get("config")
    steps = config.get("train_steps") if isinstance(config, dict) else None
    return steps if isinstance(steps, int) else None


def _reason_of_active(queued: Queued, own: Sequence[Event]) -> str:
    parts = []
    if queued.is_waiting:
        parts.append(queued.reason)
    starts = [event for event in own if event.kind == "start"]
    if starts and queued.is_running:
        parts.append(f"on {starts[-1].host}")
    requeues = len(starts) if queued.is_waiting else len(starts) - 1
    if requeues > 0:
        parts.append(f"requeued {_times(requeues)}")
    return ", ".join(filter(None, parts))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _trained_elsewhere(status: Status) -> Status | None:
    """Return that a run is trained though SLURM has no task for it; None where it is not."""
    owner = holder(status.folder)
    if owner is None:
        return None
    return replace(status, state="running", detail=f"by {owner}, not by a job of this launch")


def _ended(
    status: Status, launch: Launch, submission: Submission, own: Sequence[Event], queued: Queued | None
) -> Status:
    """Return how a run stands that is not complete and has no task any more."""
    last = own[-1] if own else None
    words = _event_in_words(last) if last is not None and last.kind != "start" else ""
    # SLURM calls it failed, because its exit status is not 0.
    if last is not None and last.kind == "stopped":
        return replace(status, state="stopped", detail=last.detail)
    if queued is not None and queued.state in BY_SCHEDULER:
        detail = _joined(f"SLURM: {queued.state}", queued.reason, words)
        return replace(status, state=BY_SCHEDULER[queued.state], detail=detail)
    if status.index in submission.cancelled:
        return replace(status, state="cancelled", detail=_joined("by ired-diag launch cancel", words))
    ending = _ending_in_files(launch, status.index, submission.job)
    if ending.cause == "scheduler" or ending.state in ("time_limit", "cancelled"):
        return replace(status, state=BY_FILES[ending.state], detail=_joined(ending.detail, words))
    if last is not None and last.kind == "failed":
        return replace(status, state="failed", detail=last.detail)
    if last is not None and last.kind == "saved" and not last.is_requeued:
        return replace(status, state="saved", detail=words)
    if ending.state in BY_FILES:
        return replace(status, state=BY_FILES[ending.state], detail=ending.detail)
    if queued is not None:
        return replace(status, state="failed", detail=_joined(f"SLURM: {queued.state}", queued.reason))
    return replace(status, state="lost", detail=_last_sign(submission, own))


def _last_sign(submission: Submission, own: Sequence[Event]) -> str:
    gone = "SLURM does not know it any more"
    if not own:
        return f"submitted {submission.submitted}, never started; {gone}"
    return f"last sign: {_event_in_words(own[-1])}, {own[-1].time}; {gone}"


def _event_in_words(event: Event) -> str:
    if event.kind == "start":
        return f"started at step {event.step} on {event.host}"
    if event.kind == "saved":
        words = f"saved at step {event.step}: {event.detail}"
        return f"{words}, asked to be started again" if event.is_requeued else words
    return _joined(f"{event.kind} at step {event.step}", event.detail)


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _ending_in_files(launch: Launch, index: int, job: str) -> Ending:
    """Return how a task ended, as its ``.out`` and ``.err`` files say."""
    contents: list[bytes] = []
    for path in launch.outputs(index, job):
        try:
            contents.append(path.read_bytes())
        except FileNotFoundError:
            contents.append(b"")
        except OSError:
            return Ending("unreadable")
    out, err = contents
    return find_ending(out, err)


def last_logged_step(folder: Path) -> int | None:
    """Return the step of the last whole row of a run's history; None where there is none."""
    try:
        with (folder / METRICS).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL))
            tail = file.read()
    except OSError:
        return None
    # The last row may be half written while the run trains.
    whole = tail[: tail.rfind(b"\n") + 1]
    for line in reversed(whole.splitlines()):
        try:
            step = json.loads(line)["step"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(step, int):
            return step
    return None


def known(all_statuses: Sequence[Status]) -> None:
    """Refuse to submit or cancel where it is unknown what SLURM does with a run.

    Raises:
        SchedulerSilent: It is.
    """
    for status in all_statuses:
        if status.state == "unknown":
            raise SchedulerSilent(f"{status.folder}: {status.detail}")


def check_members(launch: Launch, indices: Sequence[int] | None) -> list[Member]:
    """Return the runs of some indices; all of them where none is named.

    Raises:
        DiagError: An index is that of no run.
    """
    if indices is None:
        return list(launch.members)
    by_index = {member.index: member for member in launch.members}
    for index in indices:
        if index not in by_index:
            listed = ", ".join(map(str, by_index))
            raise DiagError(f"{launch.folder}: has no run of index {index}. The indices are: {listed}.")
    return [by_index[index] for index in indices]
