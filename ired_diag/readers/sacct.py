"""How jobs ended, by SLURM's own accounts: the output of ``sacct``.

With ``-P`` (``--parsable2``) or ``-p`` the first line names the columns, a bar between them; a line follows
for each job and each of its steps:

    JobID|JobName|State|ExitCode|Elapsed|MaxRSS
    123_4|train|TIMEOUT|0:0|08:00:12|
    123_4.batch|batch|CANCELLED|0:15|08:00:14|4203416K

Without either, ``sacct`` prints a table of fixed widths. The second line is a rule of dashes, which says
where each column stands, and what does not fit is cut and marked with a plus sign:

    JobID           JobName      State ExitCode
    ------------ ---------- ---------- --------
    123_4             train OUT_OF_ME+    0:125
    123_4.batch       batch CANCELLED+     0:15

``123_4`` is task 4 of array 123, ``123+0`` part 0 of a job of several parts, what stands after the dot a
step. The ending is that of the job's own line. The steps count only where the job's state says less: a job
that FAILED with a step out of memory ran out of memory; a job that FAILED by a signal was killed by it. A job
that is listed twice (it was requeued) ended as its last line says.

Reference: SLURM 23.11, ``sacct`` manual, "Job state codes" and "Job accounting fields".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.runs.ending import Cause, Ending, State

HEAD = 4096
REQUIRED = ("JobID", "State")
JOB = re.compile(r"(?P<job>\d{1,18})(?:_(?P<task>\d{1,9}))?(?:\+\d+)?(?:\.(?P<step>[\w+-]*))?", re.ASCII)
PENDING_TASKS = re.compile(r"\d+_\[[\d,:%-]+(?:\.\.\.)?[\]+]", re.ASCII)
EXIT_CODE = re.compile(r"(?P<code>\d{1,5}):(?P<signal>\d{1,3})", re.ASCII)
CANCELLED_BY = re.compile(r"CANCELLED by \d*\+?", re.ASCII)
RULE = re.compile(r"-+(?: +-+)*")

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
CAUSES: dict[State, Cause] = {
    "time_limit": "scheduler",
    "cancelled": "scheduler",
    "out_of_memory": "oom_killer",  # SLURM's cgroup counts the memory of the machine, not of the GPU
}


@dataclass(frozen=True)
class JobEnding:
    """How a job, or a task of an array, ended.

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
    """What a dump says.

    Attributes:
        jobs: Jobs in the order in which each is first listed.
        damaged: Numbers of the lines that could not be read, the header's being 1.
        torn_tail: Whether the last line was cut; nothing is read from it.
    """

    jobs: tuple[JobEnding, ...]
    damaged: tuple[int, ...] = ()
    torn_tail: bool = False


@dataclass(frozen=True)
class _Columns:
    """The columns of a dump: their names, and where each stands in a table of fixed widths."""

    names: tuple[str, ...]
    places: tuple[tuple[int, int], ...] = ()

    def cells(self, text: str) -> dict[str, str] | None:
        """Return the cells of a line by name, None where their number is wrong."""
        if self.places:
            cells = self._cells_of_fixed_width(text)
        else:
            cells = self._cells_between_bars(text)
        if len(cells) != len(self.names):
            return None
        return dict(zip(self.names, cells, strict=True))

    def _cells_of_fixed_width(self, text: str) -> list[str]:
        """Return the cells of a line; none of a line that is empty or too long."""
        end_of_last = self.places[-1][1]
        is_too_long = len(text.rstrip()) > end_of_last
        if is_too_long or not text.strip():
            return []
        return [text[start:end].strip() for start, end in self.places]

    def _cells_between_bars(self, text: str) -> list[str]:
        cells = text.split("|")
        ends_with_bar = len(cells) == len(self.names) + 1 and not cells[-1]
        if ends_with_bar:
            cells.pop()
        return cells


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A line of a dump.

    Attributes:
        job: The job's id and the array task's number.
        step: The step; None for the job itself.
        state: The state that the line says.
        word: The same in SLURM's word.
        exit_code: Status and signal, as ``1:0``.
    """

    job: tuple[str, int | None]
    step: str | None
    state: State
    word: str
    exit_code: str

    @property
    def detail(self) -> str:
        """The state and the exit code in words."""
        if not self.exit_code:
            return self.word
        return f"{self.word}, exit code {self.exit_code}"


def accepts(path: Path) -> bool:
    """Say whether ``path`` is such a dump, by the names in its first lines."""
    with path.open("rb") as file:
        lines = file.read(HEAD).decode("utf-8", "replace").split("\n")
    return set(REQUIRED) <= set(_columns(lines).names)


def read(path: Path) -> Accounts:
    """Return how the jobs in the dump at ``path`` ended.

    Raises:
        UnreadableFile: The file cannot be read, or its first line does not name the columns needed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    lines = content.decode("utf-8", "replace").split("\n")
    columns = _columns(lines)
    for name in REQUIRED:
        if columns.names.count(name) != 1:
            raise UnreadableFile(
                f"{path}: expected a first line that names the column {name!r} once, as `sacct -P -o "
                f"JobID,JobName,State,ExitCode` writes it, found {lines[0][:80]!r}."
            )
    lines_of_job: dict[tuple[str, int | None], list[_Line]] = {}
    damaged = []
    *whole, tail = lines
    for number, text in enumerate(whole[1:], start=2):
        line = _line(text.rstrip("\r"), columns)
        if line:
            lines_of_job.setdefault(line.job, []).append(line)
        elif not _says_nothing(text):
            damaged.append(number)
    jobs = []
    for (job, task), of_job in lines_of_job.items():
        ending = _ending(of_job)
        if ending:
            jobs.append(JobEnding(job=job, task=task, ending=ending))
    torn_tail = bool(whole) and bool(tail.strip())
    return Accounts(tuple(jobs), tuple(damaged), torn_tail)


def _says_nothing(text: str) -> bool:
    text = text.strip()
    return not text or bool(RULE.fullmatch(text)) or bool(PENDING_TASKS.match(text))


def _columns(lines: list[str]) -> _Columns:
    """Return the columns that the first lines name; none where they name none."""
    first = lines[0].rstrip("\r")
    rule = lines[1].rstrip() if len(lines) > 1 else ""
    if "|" not in first and RULE.fullmatch(rule):
        places = tuple(match.span() for match in re.finditer(r"-+", rule))
        names = tuple(first[start:end].strip() for start, end in places)
        return _Columns(names, places)
    return _Columns(tuple(first.removesuffix("|").split("|")))


def _line(text: str, columns: _Columns) -> _Line | None:
    """Return what a line says, None where it is damaged."""
    cells = columns.cells(text)
    if cells is None:
        return None
    job = JOB.fullmatch(_uncut_job(cells["JobID"]))
    state = _state(cells["State"])
    exit_code = cells.get("ExitCode", "")
    if not job or state is None:
        return None
    if exit_code and not EXIT_CODE.fullmatch(exit_code):
        return None
    task = None if job["task"] is None else int(job["task"])
    return _Line(
        job=(job["job"], task),
        step=job["step"],
        state=state,
        word=cells["State"],
        exit_code=exit_code,
    )


def _uncut_job(text: str) -> str:
    """Return a job's id without the mark of a cut, where only the name of its step was cut."""
    return text.removesuffix("+") if "." in text else text


def _state(word: str) -> State | None:
    """Return the state that a word means; a word that was cut means the only state that begins so."""
    if CANCELLED_BY.fullmatch(word):
        return "cancelled"
    start = word.removesuffix("+")
    if start in STATES:
        return STATES[start]
    if start == word or len(word) < 3:
        return None
    begun = {state for name, state in STATES.items() if name.startswith(start)}
    if "CANCELLED by ".startswith(start):
        begun.add("cancelled")
    return begun.pop() if len(begun) == 1 else None


def _ending(lines: list[_Line]) -> Ending | None:
    """Return how a job ended by its own last line and the steps; None where only steps are listed."""
    own_places = [place for place, line in enumerate(lines) if line.step is None]
    if not own_places:
        return None
    line = lines[own_places[-1]]
    steps = lines[own_places[-1] + 1 :]
    if line.state == "complete":
        return Ending("complete")
    if line.state == "unexplained":
        explained = _ending_by_steps(line, steps)
        if explained:
            return explained
    return Ending(line.state, line.detail, cause=CAUSES.get(line.state, ""))


def _ending_by_steps(line: _Line, steps: list[_Line]) -> Ending | None:
    """Return why a job failed: a step ran out of memory, or a signal ended the job."""
    for step in steps:
        if step.state == "out_of_memory":
            detail = f"{line.detail}; step {step.step}: {step.detail}"
            return Ending("out_of_memory", detail, cause="oom_killer")
    signal = _signal(line)
    if not signal:
        return None
    cause: Cause = "segfault" if signal == 11 else ""
    return Ending("killed", line.detail, cause=cause)


def _signal(line: _Line) -> int:
    """Return the signal that ended a job: SLURM's own, or the shell's status of 128 and the signal."""
    match = EXIT_CODE.fullmatch(line.exit_code)
    if not match:
        return 0
    code = int(match["code"])
    signal = int(match["signal"])
    if not signal and 128 < code < 128 + 65:  # signals are numbered from 1 to 64
        return code - 128
    return signal
