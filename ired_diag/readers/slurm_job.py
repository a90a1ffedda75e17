"""What a batch script prints about its job: ids, seed, commit, machine, start and end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

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
    """A job as its log tells it.

    Attributes:
        job: The id in the file name, which is the array's where there is one; else the logged one.
        task: The array task's number.
        seed: The seed that was set, else the one that was announced.
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
    """Return what a log and its file name tell of the job.

    Args:
        content: The ``.out`` file.
        path: Its path; only the name is used.
    """
    ids = JOB_ID.search(content)
    logged_job = (ids[2] or ids[1]).decode() if ids else None
    logged_task = (ids and ids[3]) or _first(TASK_ID, content)
    named = FILE_NAME.match(path.name) or _name_with(logged_job, path)
    job = named["job"] if named else logged_job
    task = named["task"] if named and named["task"] else logged_task and logged_task.decode()
    task = None if task == NO_TASK else task
    seed = _first(SEED_SET, content) or _first(SEED_ANNOUNCED, content)
    told = {
        "job_id": ids and ids[1],
        "git_commit": _first(COMMIT, content) or _first(COMMIT_SHORT, content),
        "git_url": _first(REPOSITORY, content),
        "host": _first(HOST, content),
        "gpu": _first(GPU, content),
    }
    provenance: dict[str, Any] = {k: v.decode("utf-8", "replace") for k, v in told.items() if v}
    if task is not None:
        provenance["task"] = int(task)
    if steps := _first(TRAINING, content):
        provenance["training_started"] = True
        provenance["train_steps"] = int(steps)
    if inputs := _first(INPUTS, content):
        provenance["input_dimension"] = int(inputs)
    for name, pattern in (("started", STARTED), ("ended", ENDED)):
        dates = pattern.findall(content)
        if dates and (date := parse_date(dates[-1 if name == "ended" else 0].decode("utf-8", "replace"))):
            provenance[name], provenance["time_zone"] = date
    number = None if task is None else int(task)
    return Job(job, number, int(seed) if seed else None, provenance, bool(SWEEP.search(content[:PREAMBLE])))


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
    return named["stem"] if named and named["stem"] else path.stem


def parse_date(text: str) -> tuple[str, str] | None:
    """Return a date as (ISO 8601 without zone, name of the zone), or None where it is none.

    The zone stays a name: "EST" is the clock that the cluster showed, and no offset is made up for it.

    >>> parse_date("Sat Jan 24 00:53:55 EST 2026")
    ('2026-01-24T00:53:55', 'EST')
    >>> parse_date("Sat 24 Jan 2026 01:00:00 PM EST")
    ('2026-01-24T13:00:00', 'EST')
    """
    found = next((match for pattern in DATES if (match := pattern.search(text))), None)
    if not found:
        return None
    first, second = found["day"].split()
    month, day = (second, first) if first.isdigit() else (first, second)
    clock = "%I:%M:%S %p" if found["half"] else "%H:%M:%S"
    told = f"{month} {day} {found['year']} {found['clock']}{found['half'] or ''}"
    try:
        return datetime.strptime(told, f"%b %d %Y {clock}").isoformat(), found["zone"]
    except ValueError:
        return None


def _first(pattern: re.Pattern[bytes], content: bytes) -> bytes | None:
    found = pattern.search(content)
    return found[1] if found else None
