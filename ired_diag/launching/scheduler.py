"""SLURM's own programs: sbatch, squeue, scancel, scontrol.

Only the queue is asked, never the accounting, which many clusters do not have. ``squeue -t all`` also shows
jobs that ended, for as long as SLURM remembers them (``MinJobAge``, five minutes unless a cluster says
otherwise).

Reference: squeue(1), Job state codes; sbatch(1), Input environment variables.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ired_diag.errors import DiagError
from ired_diag.launching.settings import Settings

# Of the job or shell that submits: they are about another job, and sbatch would take some of them as options.
OF_A_JOB = ("SLURM_", "SLURMD_", "PMI_", "PMIX_", "PALS_")
OF_THE_CLUSTER = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT", "SLURM_CLUSTERS")
# Options that the batch script has, and that an environment variable would replace.
OF_THE_SCRIPT = (
    "SBATCH_ARRAY_INX",
    "SBATCH_ERROR",
    "SBATCH_EXPORT",
    "SBATCH_INPUT",
    "SBATCH_JOB_NAME",
    "SBATCH_NO_REQUEUE",
    "SBATCH_OPEN_MODE",
    "SBATCH_OUTPUT",
    "SBATCH_REQUEUE",
    "SBATCH_SIGNAL",
    "SBATCH_WAIT",
)
LONGEST_ANSWER = 120  # seconds; a busy controller answers after tens of seconds
NO_SUCH_JOB = "Invalid job id"
WAITING = (
    "PENDING",
    "CONFIGURING",
    "REQUEUED",
    "REQUEUE_FED",
    "REQUEUE_HOLD",
    "SPECIAL_EXIT",
    "RESV_DEL_HOLD",
)
# A job that is ending still holds its machine, and may still write into the run folder.
RUNNING = ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING")


class SchedulerSilent(DiagError):
    """SLURM is not here, or does not answer: nothing is known of its jobs."""


@dataclass(frozen=True)
class Queued:
    """What the queue says of a task.

    Attributes:
        state: SLURM's word: ``PENDING``, ``RUNNING``, ``TIMEOUT``, ….
        reason: Why it waits, or why it ended.
    """

    state: str
    reason: str

    @property
    def is_waiting(self) -> bool:
        """Whether it will run."""
        return self.state in WAITING

    @property
    def is_running(self) -> bool:
        """Whether it runs, or is about to have ended."""
        return self.state in RUNNING

    @property
    def is_active(self) -> bool:
        """Whether it runs or will run."""
        return self.is_waiting or self.is_running


Queue = Mapping[tuple[str, int], Queued]  # by the id of the array, and the index


def submit(script: Path, settings: Settings) -> str:
    """Submit a batch script in its folder, and return the id of its array.

    Raises:
        SchedulerSilent: SLURM is not here, or does not answer.
        DiagError: SLURM refuses it.
    """
    environment = clean_environment(os.environ, settings.overriding_variables)
    answer = _run(
        ["sbatch", "--parsable", script.name],
        folder=script.parent,
        environment=environment,
    )
    job = answer.stdout.strip().partition(";")[0]
    if answer.returncode or not job.isdecimal():
        reason = " ".join((answer.stderr or answer.stdout).split())
        raise DiagError(f"{script}: sbatch refused it: {reason}")
    return job


def clean_environment(environment: Mapping[str, str], overriding: set[str]) -> dict[str, str]:
    """Return an environment to submit from: without what another job left in it, or would replace options.

    Args:
        environment: That of this process.
        overriding: Variables that would count for more than what the user asked.
    """
    kept = {}
    for name, value in environment.items():
        is_of_a_job = name.startswith(OF_A_JOB) and name not in OF_THE_CLUSTER
        if not is_of_a_job and name not in OF_THE_SCRIPT and name not in overriding:
            kept[name] = value
    return kept


def ask_queue(scripts: Mapping[str, str]) -> Queue:
    """Return what the queue says of the tasks of arrays; those that it has forgotten are left out.

    Args:
        scripts: The batch script of each array, by its id.

    Raises:
        SchedulerSilent: SLURM is not here, or does not answer.
    """
    if not scripts:
        return {}
    answer = _run(["squeue", "-t", "all", "-r", "-h", "-j", ",".join(scripts), "-o", "%F|%K|%T|%r|%o"])
    if answer.returncode:
        if NO_SUCH_JOB in answer.stderr:
            return {}  # none of them is remembered
        raise SchedulerSilent(f"squeue does not answer: {_last_line(answer.stderr)}")
    queue = {}
    for line in answer.stdout.splitlines():
        fields = line.strip().split("|", maxsplit=4)
        if len(fields) < 5 or not fields[1].isdecimal():
            continue
        job, index, state, reason, command = fields
        # A cluster that was set up again counts its jobs from 1 on: the id may be that of another job.
        if _end_of(command) == _end_of(scripts.get(job, "")):
            queue[job, int(index)] = Queued(state, "" if reason == "None" else reason)
    return queue


def _end_of(script: str) -> tuple[str, ...]:
    """Return the end of a script's path: what stands before it may be a link, or another name of the disk."""
    return Path(script).parts[-3:]


def find_job(script: str) -> str | None:
    """Return the id of the array that a batch script was submitted as; None where the queue has none.

    Raises:
        SchedulerSilent: SLURM is not here, or does not answer.
    """
    answer = _run(["squeue", "-t", "all", "-h", "-u", str(os.getuid()), "-o", "%F|%o"])
    if answer.returncode:
        raise SchedulerSilent(f"squeue does not answer: {_last_line(answer.stderr)}")
    for line in answer.stdout.splitlines():
        job, _, command = line.partition("|")
        if os.path.realpath(command.strip()) == os.path.realpath(script):
            return job.strip()
    return None


def cancel(tasks: Sequence[str]) -> None:
    """Cancel arrays (``4711``) or tasks of them (``4711_3``).

    Raises:
        SchedulerSilent: SLURM is not here, or does not answer.
        DiagError: SLURM refuses.
    """
    answer = _run(["scancel", *tasks])
    if answer.returncode:
        raise DiagError(f"scancel refused: {_one_line(answer.stderr)}")


def has_accounting() -> bool:
    """Say whether SLURM's accounting answers, so that ``sacct`` knows what became of a job."""
    try:
        answer = _run(["sacct", "-X", "-n", "-S", "now"])
    except SchedulerSilent:
        return False
    return answer.returncode == 0


def requeue(job: str) -> str:
    """Ask SLURM to start a job again, and return why it does not; empty where it does."""
    try:
        answer = _run(["scontrol", "requeue", job])
    except SchedulerSilent as error:
        return str(error)
    return _one_line(answer.stderr or answer.stdout) if answer.returncode else ""


def is_preempted(job: str) -> bool:
    """Say whether SLURM takes a job's machine away for another: then it may be started again."""
    try:
        answer = _run(["scontrol", "show", "job", "-o", job])
    except SchedulerSilent:
        return False
    words = answer.stdout.split()
    state = next((word for word in words if word.startswith("JobState=")), "")
    preempted = next((word for word in words if word.startswith("PreemptTime=")), "PreemptTime=None")
    return state == "JobState=RUNNING" and preempted != "PreemptTime=None"


def _run(
    words: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=LONGEST_ANSWER,
            check=False,
        )
    except FileNotFoundError as error:
        raise SchedulerSilent(
            f"{words[0]}: is not on PATH. Ask SLURM on a machine of the cluster, such as its login node."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SchedulerSilent(f"{words[0]}: SLURM gave no answer within {LONGEST_ANSWER} seconds.") from error


def _last_line(text: str) -> str:
    """Return the line that says what failed in the end; those before it say how SLURM came there."""
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "it gives no reason"


def _one_line(text: str) -> str:
    return " ".join(text.split())
