"""What a user asks of SLURM: ``time=240,gpus=1,partition=gpu``.

Each key is one option of sbatch. Most of these options have environment variables too, which count for more
than what stands in a batch script; where a key is given, its variables are left out (``scheduler``).

Reference: sbatch(1), Options, Input environment variables.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ired_diag.errors import DiagError

WARNING = 120  # seconds before the time limit at which a training is asked to save
DAY, HOUR, MINUTE = 86400, 3600, 60  # in seconds
# minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes, days-hours:minutes:seconds
TIME = re.compile(r"(?:(?P<days>\d{1,5})-)?(?P<parts>\d{1,9}(?::\d{1,2}){0,2})")
# Blanks, quotes and # would end a value, or begin a comment.
SAFE = r"[^\s\"'\\#=]+"


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key of ``--slurm``.

    Attributes:
        option: The option of sbatch, with ``{}`` for the value; empty where it is no option of its own.
        pattern: Regular expression of the values.
        expected: What a value looks like, for messages.
        variables: Environment variables that would count for more.
    """

    option: str
    pattern: str = SAFE
    expected: str
    variables: tuple[str, ...] = ()


KEYS: Mapping[str, Key] = {
    "time": Key(
        option="--time={}",
        pattern=TIME.pattern,
        expected="minutes, or SLURM's forms: 240, 4:00:00, 1-12",
        variables=("SBATCH_TIMELIMIT",),
    ),
    "partition": Key(
        option="--partition={}",
        expected="names of partitions",
        variables=("SBATCH_PARTITION",),
    ),
    "gpus": Key(
        option="--gres=gpu:{}",
        pattern=r"(?:[\w.-]+:)?[1-9]\d{0,2}",
        expected="a number of GPUs, or a kind and a number: 1, a100:1",
        variables=("SBATCH_GRES", "SBATCH_GPUS", "SBATCH_GPUS_PER_NODE", "SBATCH_GPUS_PER_TASK"),
    ),
    "cpus": Key(
        option="--cpus-per-task={}",
        pattern=r"[1-9]\d{0,3}",
        expected="a number of CPU cores for each run",
        variables=("SBATCH_CPUS_PER_TASK",),
    ),
    "memory": Key(
        option="--mem={}",
        pattern=r"[1-9]\d*[KMGT]?",
        expected="memory for each run: 8G",
        variables=("SBATCH_MEM_PER_NODE", "SBATCH_MEM_PER_CPU", "SBATCH_MEM_PER_GPU"),
    ),
    "parallel": Key(
        option="",
        pattern=r"[1-9]\d{0,4}",
        expected="the most runs that train at once",
    ),
    "account": Key(
        option="--account={}",
        expected="the name of an account",
        variables=("SBATCH_ACCOUNT",),
    ),
    "qos": Key(
        option="--qos={}",
        expected="the name of a quality of service",
        variables=("SBATCH_QOS",),
    ),
    "constraint": Key(
        option="--constraint={}",
        expected="features of nodes: a100, a100|h100",
        variables=("SBATCH_CONSTRAINT",),
    ),
    "exclude": Key(option="--exclude={}", expected="names of nodes"),
    "reservation": Key(
        option="--reservation={}",
        expected="the name of a reservation",
        variables=("SBATCH_RESERVATION",),
    ),
    "warning": Key(
        option="",
        pattern=r"[1-9]\d{0,3}",
        expected=f"seconds before the time limit at which a run is saved (default: {WARNING})",
    ),
}


@dataclass(frozen=True)
class Settings:
    """What is asked of SLURM.

    Attributes:
        values: The keys that are given, in the order of ``KEYS``.
    """

    values: Mapping[str, str]

    @property
    def parallel(self) -> int | None:
        """The most runs that train at once; None: as many as SLURM lets."""
        value = self.values.get("parallel")
        return int(value) if value else None

    @property
    def warning(self) -> int:
        """Seconds before the time limit at which a run is asked to save."""
        return int(self.values.get("warning", WARNING))

    @property
    def wants_gpu(self) -> bool:
        """Whether a GPU is asked for."""
        return "gpus" in self.values

    @property
    def options(self) -> list[str]:
        """The options of sbatch."""
        options = []
        for name, value in self.values.items():
            if KEYS[name].option:
                options.append(KEYS[name].option.format(value))
        return options

    @property
    def overriding_variables(self) -> set[str]:
        """Environment variables that would count for more than what was asked."""
        variables: set[str] = set()
        for name in self.values:
            variables.update(KEYS[name].variables)
        return variables


def parse_slurm(texts: Sequence[str], *, warned: bool = True) -> Settings:
    """Return what ``--slurm`` asks for.

    Args:
        texts: ``key=value,key=value`` each; a later value of a key counts. What follows a comma and has no
            ``=`` belongs to the value before it: ``partition=gpu,long,time=240``.
        warned: Whether the jobs are warned before their time limit, which must then be longer than that.

    Raises:
        DiagError: A key is unknown, or a value is not of its form.

    >>> parse_slurm(["partition=gpu,long,time=240", "gpus=1"]).options
    ['--time=240', '--partition=gpu,long', '--gres=gpu:1']
    """
    given: dict[str, str] = {}
    for text in texts:
        given.update(_parts(text))
    for name, value in given.items():
        _check(name, value)
    settings = Settings({name: given[name] for name in KEYS if name in given})
    if not warned:
        _check_unwarned(settings)
        return settings
    time = settings.values.get("time")
    if time is not None and seconds_of(time) <= settings.warning:
        raise DiagError(
            f"--slurm time={time}: a run is asked to save {settings.warning} seconds before its time limit, "
            "which would be at its start. Give it more time, or less warning: --slurm warning=30."
        )
    return settings


def _check_unwarned(settings: Settings) -> None:
    """Refuse a warning where nothing listens to it."""
    if "warning" in settings.values:
        raise DiagError(
            "--slurm warning=…: is for trainings, which save their state then. A probe writes each answer as "
            "soon as it is measured: leave it out."
        )


def _parts(text: str) -> dict[str, str]:
    """Return the keys and values of one text."""
    values: dict[str, str] = {}
    last = None
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if equals:
            last = name.strip()
            values[last] = value.strip()
        elif last is not None:
            values[last] += f",{part.strip()}"
        else:
            raise DiagError(f"--slurm {text!r}: expected KEY=VALUE, such as time=240,gpus=1. {_listed()}")
    return values


def _check(name: str, value: str) -> None:
    key = KEYS.get(name)
    if key is None:
        close = difflib.get_close_matches(name, KEYS, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise DiagError(f"--slurm {name}={value}: there is no such key. {hint}{_listed()}")
    if not re.fullmatch(key.pattern, value):
        raise DiagError(f"--slurm {name}={value}: expected {key.expected}.")


def _listed() -> str:
    return f"The keys are: {', '.join(KEYS)}."


def seconds_of(time: str) -> int:
    """Return a time limit in seconds.

    Args:
        time: Minutes, or one of SLURM's forms.

    >>> seconds_of("240"), seconds_of("1:30"), seconds_of("4:00:00"), seconds_of("1-12"), seconds_of("1-0:30")
    (14400, 90, 14400, 129600, 88200)
    """
    match = TIME.fullmatch(time)
    if match is None:
        raise DiagError(f"--slurm time={time}: expected {KEYS['time'].expected}.")
    parts = [int(part) for part in match["parts"].split(":")]
    if match["days"] is not None:
        units = (HOUR, MINUTE, 1)  # the first part after the days is hours
        return int(match["days"]) * DAY + _sum_of(parts, units)
    if len(parts) == len((HOUR, MINUTE, 1)):
        return _sum_of(parts, (HOUR, MINUTE, 1))
    return _sum_of(parts, (MINUTE, 1))


def _sum_of(parts: Sequence[int], units: Sequence[int]) -> int:
    return sum(part * unit for part, unit in zip(parts, units, strict=False))
