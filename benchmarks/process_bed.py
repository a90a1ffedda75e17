"""What attacks on processes share: a server of commands, and results that nothing has disturbed.

The results are made once: a trained run, an ensemble, an import, pictures, a report and probe tables. What a
command leaves that was killed, limited or run beside another is compared with them, byte for byte.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.attack import Outcome, failed, survived
from benchmarks.command_server import ROOT, Command, CommandServer
from benchmarks.small_runs import write_experiment

RUN = Path("q700") / "seed0"
TRAIN = ("train", "tiny.json", "--runs", "runs")
LOGS, SEEDS = "logs", 3
NEVER_SEEN = ("Traceback (most recent call last)", "Warning:")


@dataclass(frozen=True)
class Written:
    """The folder that a command wrote into, and the seconds that it took."""

    folder: Path
    seconds: float


class Bed:
    """A server of commands, and what is made once; both begin when they are first used.

    Attributes:
        BIG: Knobs of a run whose memory is worth a limit.
        WRITERS: Names of commands that write into ``out``.
    """

    BIG: ClassVar = {"width": 512, "rank": 8, "batch_size": 512, "train_steps": 15, "validate_every": 5}
    WRITERS = ("import", "figures", "report", "probe", "probe without pictures")

    def __init__(self) -> None:
        """Make nothing yet."""
        self._written: dict[str, Written] = {}

    @cached_property
    def server(self) -> CommandServer:
        """Forks the commands."""
        return CommandServer()

    def _made(self, name: str, *words: object, knobs: Mapping[str, Any] | None = None) -> Path:
        """Return the folder that a command makes, undisturbed."""
        place = self.server.folder / name
        place.mkdir()
        write_experiment(place, **(knobs or {}))
        command = self.server.run(*words, folder=place)
        if command.status != 0:
            raise RuntimeError(f"{' '.join(command.words)}: {command.text}")
        return place

    @cached_property
    def trained_big(self) -> Path:
        """A run with ``BIG`` knobs."""
        return self._made("trained-big", *TRAIN, knobs=self.BIG) / "runs"

    @cached_property
    def trained(self) -> Path:
        """A run that nothing has disturbed."""
        return self._made("trained", *TRAIN) / "runs"

    @cached_property
    def ensemble(self) -> Path:
        """Three seeds, trained together."""
        return self._made("ensemble", *TRAIN, "--seeds", f"0-{SEEDS - 1}", "--together", SEEDS) / "runs"

    @cached_property
    def writers(self) -> dict[str, tuple[object, ...]]:
        """The words of these commands."""
        runs = self.ensemble
        probe = (runs / RUN, "--samples", 4, "--out", "out")
        figures = ("figures", "q700", "--runs", runs, "--out", "out", "--only", "learning-curves")
        words: tuple[tuple[object, ...], ...] = (
            ("import", ROOT / "sample_runs" / "slurm_logs", "--runs", "out"),
            figures,
            ("report", "q700", "--runs", runs, "--out", "out/report.html"),
            ("probe", "conditioning", *probe),
            ("probe", "floor", *probe, "--figures", "none", "--checkpoint", "all"),
        )
        return dict(zip(self.WRITERS, words, strict=True))

    def written(self, command: str) -> Written:
        """Return what one of these commands writes, undisturbed, and how long it takes."""
        if command not in self._written:
            words, begin = self.writers[command], time.monotonic()
            place = self._made(f"written-{command}", *words)
            self._written[command] = Written(place / "out", time.monotonic() - begin)
        return self._written[command]

    def study(self, folder: Path) -> Path:
        """Copy the ensemble into a folder, and return the runs folder in it."""
        return Path(shutil.copytree(self.ensemble, folder / "runs"))


def train_or_resume(words: Sequence[object], folder: Path) -> tuple[object, ...]:
    """Return the words that train in a folder, or go on where there are runs."""
    begun = any((folder / "runs").rglob("config.json"))
    return (*words, "--resume") if begun else tuple(words)


def odd_words(command: Command) -> str | None:
    """Return why what a command prints is not fit to be read: a traceback, a warning of a library."""
    return next((f"it printed {words!r}" for words in NEVER_SEEN if words in command.text), None)


def judged(command: Command, *, allowed: Sequence[int] = (0,), check: Callable[[], list[str]]) -> Outcome:
    """Return how an attack ended: by the exit status of a command, what it printed, and what a check finds.

    Args:
        command: The last command.
        allowed: Exit statuses.
        check: Names what is wrong with what the command left.
    """
    reason = odd_words(command)
    if command.status not in allowed:
        reason = f"exit status {command.status}, expected one of {list(allowed)}"
    wrong = [] if reason else check()
    if wrong:
        reason = f"not as undisturbed: {', '.join(wrong[:5])}"
    if reason is None:
        return survived()
    return failed(reason, command=f"ired-diag {' '.join(command.words)}", output=command.text)
