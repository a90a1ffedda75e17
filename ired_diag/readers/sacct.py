"""How jobs ended, by SLURM's own accounts: the output of ``sacct -P`` (``--parsable2``).

The first line names the columns, a bar between them; a line follows for each job and each of its steps:

    JobID|JobName|State|ExitCode|Elapsed|MaxRSS
    123_4|train|TIMEOUT|0:0|08:00:12|
    123_4.batch|batch|CANCELLED|0:15|08:00:14|4203416K

``123_4`` is task 4 of array 123, ``123+0`` part 0 of a job of several parts, what stands after the dot a
step. The ending is that of the job's own line. A step is asked only where the job's state says less: a job
that FAILED with a step out of memory ran out of memory; one that FAILED by a signal was killed by it. A job
told twice (it was requeued) ended as its last line says. With ``-p`` each line ends in a bar: read alike.

Reference: SLURM 23.11, ``sacct`` manual, "Job state codes" and "Job accounting fields".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.runs.ending import Ending, State

HEAD = 4096
REQUIRED = ("JobID", "State")
JOB = re.compile(r"(?P<job>\d{1,18})(?:_(?P<task>\d{1,9}))?(?:\+\d+)?(?:\.(?P<step>[\w+-]+))?", re.ASCII)
PENDING_TASKS = re.compile(r"\d+_\[[\d,:%-]+(?:\.\.\.)?\]", re.ASCII)
EXIT_CODE = re.compile(r"(?P<code>\d{1,5}):(?P<signal>\d{1,3})", re.ASCII)
CANCELLED_BY = re.compile(r"CANCELLED by \d+", re.ASCII)

STATES: dict[str, State] = {
    "COMPLETED": "complete",
    "TIMEOUT": "time_limit",
    "DEADLINE": "time_limit",
    "OUT_OF_MEMORY": "out_of_memory",
    "CANCELLED": "cancelled",
    "PREEMPTED": "cancelled",
    "REVOKED": "cancelled",
    "NODE_FAIL": "cancelled",  # as the reader of logs takes SLURM's "DUE TO NODE FAILURE"
    "BOOT_FAIL": "cancelled",
    "FAILED": "unexplained",  # a status other than 0; why, the job's own files say
    "RUNNING": "cut_off",
    "PENDING": "cut_off",
    "REQUEUED": "cut_off",
    "RESIZING": "cut_off",
    "SUSPENDED": "cut_off",
    "COMPLETING": "cut_off",
}


@dataclass(frozen=True)
class JobEnding:
    """How one job, or one task of an array, ended.

    Attributes:
        job: The job's id, which is the array's where there is one.
        task: The array task's number.
        ending: How it ended; the detail is what sacct says of it.
    """

    job: str
    task: int | None
    ending: Ending


@dataclass(frozen=True)
class Accounts:
    """What a dump tells.

    Attributes:
        jobs: In the order in which each is first told.
        damaged: Numbers of the lines that could not be read, the header's being 1.
        torn_tail: Whether the last line was cut; nothing is read from it.
    """

    jobs: tuple[JobEnding, ...]
    damaged: tuple[int, ...] = ()
    torn_tail: bool = False


@dataclass(frozen=True)
class _Line:
    """A line: the job, the step (None for the job itself), its state, in SLURM's word too, and exit code."""

    job: tuple[str, int | None]
    step: str | None
    state: State
    word: str
    exit_code: str


def accepts(path: Path) -> bool:
    """Say whether ``path`` is such a dump, by the names in its first line."""
    with path.open("rb") as file:
        first = file.read(HEAD).split(b"\n")[0].decode("utf-8", "replace")
    return set(REQUIRED) <= set(_columns(first))


def read(path: Path) -> Accounts:
    """Return how the jobs in the dump at ``path`` ended.

    Raises:
        UnreadableFile: The file cannot be read, or its first line does not name the columns needed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}.") from error
    *lines, tail = content.decode("utf-8", "replace").split("\n")
    columns = _columns(lines[0] if lines else tail)
    if missing := [name for name in REQUIRED if columns.count(name) != 1]:
        raise UnreadableFile(
            f"{path}: expected a first line that names the column {missing[0]!r} once, as `sacct -P -o "
            f"JobID,JobName,State,ExitCode` writes it, found {(lines[0] if lines else tail)[:80]!r}."
        )
    told: dict[tuple[str, int | None], list[_Line]] = {}
    damaged = []
    for number, text in enumerate(lines[1:], start=2):
        line = _line(text, columns)
        if line:
            told.setdefault(line.job, []).append(line)
        elif text.strip() and not PENDING_TASKS.match(text):
            damaged.append(number)
    jobs = tuple(JobEnding(*job, ending) for job, of in told.items() if (ending := _ending(of)))
    return Accounts(jobs, tuple(damaged), bool(lines) and bool(tail.strip()))


def _columns(line: str) -> list[str]:
    return line.rstrip("\r").removesuffix("|").split("|")


def _line(text: str, columns: list[str]) -> _Line | None:
    """Return what a line tells, None where it is damaged."""
    cells = text.rstrip("\r").split("|")
    if len(cells) == len(columns) + 1 and not cells[-1]:
        cells.pop()
    if len(cells) != len(columns):
        return None
    told = dict(zip(columns, cells, strict=True))
    named, state, exit_code = JOB.fullmatch(told["JobID"]), _state(told["State"]), told.get("ExitCode", "")
    if not named or state is None or (exit_code and not EXIT_CODE.fullmatch(exit_code)):
        return None
    task = None if named["task"] is None else int(named["task"])
    return _Line((named["job"], task), named["step"], state, told["State"], exit_code)


def _state(state: str) -> State | None:
    return "cancelled" if CANCELLED_BY.fullmatch(state) else STATES.get(state.removesuffix("+"))


def _ending(lines: list[_Line]) -> Ending | None:
    """Return how a job ended by its own last line and the steps; None where only steps are told."""
    own = [place for place, line in enumerate(lines) if line.step is None]
    if not own:
        return None
    line, steps = lines[own[-1]], lines[own[-1] + 1 :]
    detail = _detail(line)
    if line.state == "unexplained":
        starved = next((step for step in steps if step.state == "out_of_memory"), None)
        if starved:
            return Ending("out_of_memory", f"{detail}; step {starved.step}: {_detail(starved)}")
        if _signal(line):
            return Ending("killed", detail)
    return Ending(line.state, "" if line.state == "complete" else detail)


def _signal(line: _Line) -> int:
    """Return the signal that ended a job: SLURM's own, or the shell's status of 128 and the signal."""
    told = EXIT_CODE.fullmatch(line.exit_code)
    if not told:
        return 0
    code, signal = int(told["code"]), int(told["signal"])
    return signal or (code - 128 if 128 < code < 128 + 65 else 0)


def _detail(line: _Line) -> str:
    return f"{line.word}, exit code {line.exit_code}" if line.exit_code else line.word
