"""What attacks on processes share: a server of commands, and results that nothing has disturbed.

The results are made once: a trained run, an ensemble, an import, pictures, a report and probe tables. What a
command leaves that was killed, limited or run beside another is compared with them, byte for byte.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from benchmarks.attack import Outcome, failed, survived
from benchmarks.command_server import Command, CommandServer
from benchmarks.small_runs import write_experiment

RUN = Path("q900") / "seed0"
TRAIN = ("train", "tiny.json", "--runs", "runs", "--resume")
LOGS, SEEDS = "logs", 3
NEVER_SEEN = ("Traceback (most recent call last)", "Warning:")


class Bed:
    """A server of commands, and what is made once; both begin when they are first used."""

    @cached_property
    def server(self) -> CommandServer:
        """Forks the commands."""
        return CommandServer()

    def _made(self, name: str, *words: object) -> Path:
        """Return the folder that a command makes, undisturbed."""
        place = self.server.folder / name
        place.mkdir()
        write_experiment(place)
        command = self.server.run(*words, folder=place)
        if command.status != 0:
            raise RuntimeError(f"{' '.join(command.words)}: {command.text}")
        return place

    @cached_property
    def trained(self) -> Path:
        """A run that nothing has disturbed."""
        return self._made("trained", *TRAIN) / "runs"

    @cached_property
    def ensemble(self) -> Path:
        """Three seeds, trained together."""
        return self._made("ensemble", *TRAIN, "--seeds", f"0-{SEEDS - 1}", "--together", SEEDS) / "runs"

    def study(self, folder: Path) -> Path:
        """Copy the ensemble into a folder, and return the runs folder in it."""
        return Path(shutil.copytree(self.ensemble, folder / "runs"))


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
