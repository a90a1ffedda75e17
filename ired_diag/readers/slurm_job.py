"""What a batch script prints about its job: ids, seed, commit, machine, start and end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ired_diag.readers.line_search import first_at_line_start, lines_holding

# <name>_<job>[_<task>].out, or SLURM's own slurm-<job>[_<task>].out. Of a job without an array, SLURM writes
# 4294967294 (NO_VAL) for %a: there is no task.
NO_TASK = "4294967294"
FILE_NAME = re.compile(r"^(?P<stem>.*?)[_-](?P<job>\d{4,})(?:_(?P<task>\d{1,9}|4294967294))?(?:\.\w+)?$")

JOB_ID = re.compile(rb"^Job ID: (\d+)(?: \(Array Job ID: (\d+), Task ID: (\d{1,10})\))?", re.MULTILINE)
TASK_ID = re.compile(rb"^Array [Tt]ask(?: ID)?: (\d{1,9})\b", re.MULTILINE)
SEED_SET = re.compile(rb"^(?:Setting random seed|Random seed set to): (\d{1,18})\b", re.MULTILINE)
SEED_ANNOUNCED = re.compile(rb"^Seed: (\d{1,18})\b", re.MULTILINE)
COMMIT = re.compile(rb"^Git SHA: ([0-9a-f]{7,40})", re.MULTILINE)
COMMIT_SHORT = re.compile(rb"^Repository cloned and checked out to: ([0-9a-f]{7,40})", re.MULTILINE)
REPOSITORY = re.compile(rb"^Git URL: (\S+)", re.MULTILINE)
HOST = re.compile(rb"^Running on host: (\S+)", re.MULTILINE)
GPU = re.compile(rb"^\|\s+\d+\s+(\S[^|]*?)\s{2,}(?:On|Off)\s+\|", re.MULTILINE)
STARTED = re.compile(rb"^Job started at (.+?)\r?$", re.MULTILINE)
ENDED = re.compile(rb"^[^\n]* completed at (.+?)\r?$", re.MULTILINE)
# A task that trains the n-th configuration of a sweep: its number is not a seed.
SWEEP = re.compile(
    rb"^(?:Starting|Running|Launching|Training|Using|Sweep|Config|Array|Task|Variant|Trial)\b[^\n]*?"
    rb"\b(?:[Ss]weep|[Cc]onfig(?:uration)?|[Vv]ariant|[Ss]etting|[Gg]rid|[Tt]rial|[Cc]ombination)"
    rb"(?: (?:config(?:uration)?|index|idx|id|number|no\.?|point|item))?[ \t]*[:=#]?[ \t]*#?\d{1,6}\b",
    re.MULTILINE,
)
TRAINING = re.compile(rb"^Training for (\d{1,18}) steps", re.MULTILINE)
INPUTS = re.compile(rb"^[ \t]*Input dimension: (\d{1,15})\b", re.MULTILINE)

# date(1), in the C locale and in newer en_US: Sat Jan 24 00:53:55 EST 2026, Sat 24 Jan 2026 12:53:55 AM EST
DATES = (
    re.compile(
        r"\w{3} (?P<day>\w{3} +\d+) (?P<clock>[\d:]{8})(?P<half> [AP]M)? (?P<zone>\S+) (?P<year>\d{4})"
    ),
    re.compile(
        r"\w{3} (?P<day>\d+ \w{3}) (?P<year>\d{4}) (?P<clock>[\d:]{8})(?P<half> [AP]M)? (?P<zone>\S+)"
    ),
)


PREAMBLE = 1 << 14  # bytes in which a batch script says what it starts


@dataclass(frozen=True)
class Job:
    """A job as its log describes it.

    Attributes:
        job: The id in the file name, which is the array's where there is one; else the logged id.
        task: The array task's number.
        seed: The seed that was set, else the seed that was announced.
        provenance: Everything else that the log states, by name.
        is_sweep: Whether the log says that the task is a configuration of a sweep, so that its number is not
            a seed.
    """

    job: str | None
    task: int | None
    seed: int | None
    provenance: dict[str, Any]
    is_sweep: bool = False


def read_job(content: bytes, path: Path) -> Job:
    """Return what a log and its file name say of the job.

    Args:
        content: The ``.out`` file.
        path: Its path; only the name is used.
    """
    job, task = _job_and_task(content, path)
    seed = _first(SEED_SET, content, b"Setting random seed: ", b"Random seed set to: ")
    seed = seed or _first(SEED_ANNOUNCED, content, b"Seed: ")
    return Job(
        job=job,
        task=task,
        seed=int(seed) if seed else None,
        provenance=_provenance(content, job=job, task=task) | _start_and_end(content),
        is_sweep=SWEEP.search(content[:PREAMBLE]) is not None,
    )


def _job_and_task(content: bytes, path: Path) -> tuple[str | None, int | None]:
    """Return the id of the job or array, and the array task's number: from the file name, else as logged."""
    job: str | None = None
    task: str | None = None
    ids = first_at_line_start(JOB_ID, content, b"Job ID: ")
    logged_task = _first(TASK_ID, content, b"Array task", b"Array Task")
    if ids:
        job = (ids[2] or ids[1]).decode()
        logged_task = ids[3] or logged_task
    if logged_task:
        task = logged_task.decode()
    named = FILE_NAME.match(path.name) or _name_with(job, path)
    if named:
        job = named["job"]
        task = named["task"] or task
    is_task = task is not None and task != NO_TASK
    return job, int(task) if task and is_task else None


def _provenance(content: bytes, *, job: str | None, task: int | None) -> dict[str, Any]:
    """Return what a log states of the code, the machine and the training."""
    cloned = b"Repository cloned and checked out to: "
    texts = {
        "job_id": _first(JOB_ID, content, b"Job ID: "),
        "git_commit": _first(COMMIT, content, b"Git SHA: ") or _first(COMMIT_SHORT, content, cloned),
        "git_url": _first(REPOSITORY, content, b"Git URL: "),
        "host": _first(HOST, content, b"Running on host: "),
        "gpu": _first(GPU, content, b"|"),
    }
    provenance: dict[str, Any] = {}
    if job is not None:
        provenance["job"] = job
    for name, text in texts.items():
        if text:
            provenance[name] = text.decode("utf-8", "replace")
    if task is not None:
        provenance["task"] = task
    steps = _first(TRAINING, content, b"Training for ")
    if steps:
        provenance["training_started"] = True
        provenance["train_steps"] = int(steps)
    for line in lines_holding(content, b"Input dimension: "):
        inputs = INPUTS.match(line)
        if inputs:
            provenance["input_dimension"] = int(inputs[1])
            break
    return provenance


def _start_and_end(content: bytes) -> dict[str, Any]:
    """Return when a job started and ended, and the zone of the clock, as far as its log says."""
    times: dict[str, Any] = {}
    started = _first(STARTED, content, b"Job started at ")
    ended = None
    for line in lines_holding(content, b" completed at "):
        match = ENDED.match(line)
        if match:
            ended = match[1]
    for name, text in (("started", started), ("ended", ended)):
        date = parse_date(text.decode("utf-8", "replace")) if text else None
        if date:
            times[name], times["time_zone"] = date
    return times


def _name_with(job: str | None, path: Path) -> re.Match[str] | None:
    """Return the parts of a file name that holds the logged job's id, however short that is."""
    if job is None:
        return None
    return re.match(rf"^(?P<stem>.*?)[_-](?P<job>{job})(?:_(?P<task>\d{{1,9}}))?(?:\.\w+)?$", path.name)


def stem_without_job(path: Path) -> str:
    """Return a log's file name without its job and task numbers.

    >>> stem_without_job(Path("sweep_lr_61638527_1.out")), stem_without_job(Path("notes.out"))
    ('sweep_lr', 'notes')
    """
    named = FILE_NAME.match(path.name)
    stem = named["stem"] if named else ""
    return stem or path.stem


def parse_date(text: str) -> tuple[str, str] | None:
    """Return a date as (ISO 8601 without zone, name of the zone), or None where the text is not a date.

    The zone stays a name: "EST" is the clock that the cluster showed, and no offset is made up for it.

    >>> parse_date("Sat Jan 24 00:53:55 EST 2026")
    ('2026-01-24T00:53:55', 'EST')
    >>> parse_date("Sat 24 Jan 2026 01:00:00 PM EST")
    ('2026-01-24T13:00:00', 'EST')
    """
    parts = DATES[0].search(text) or DATES[1].search(text)
    if not parts:
        return None
    first, second = parts["day"].split()
    month, day = (second, first) if first.isdigit() else (first, second)
    half = parts["half"] or ""
    clock = "%I:%M:%S %p" if half else "%H:%M:%S"
    date = f"{month} {day} {parts['year']} {parts['clock']}{half}"
    try:
        return datetime.strptime(date, f"%b %d %Y {clock}").isoformat(), parts["zone"]
    except ValueError:
        return None


def _first(pattern: re.Pattern[bytes], content: bytes, *starts: bytes) -> bytes | None:
    """Return what the first line states that begins with one of some words and fits a pattern."""
    match = first_at_line_start(pattern, content, *starts)
    return match[1] if match else None
