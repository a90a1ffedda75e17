"""Files and folders that may not be read, as a user whom permissions bind."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.attack import Attack, Outcome, failed
from benchmarks.attack_bed import FORMATS, Format, run_folder, whole, write
from benchmarks.attack_commands import HEAVY, ON_LOGS, command_attack, spread
from benchmarks.attacked_command import outcome_of

NOBODY = 65534
MODES = {"no right": 0o000, "the right to read": 0o444, "the right to enter": 0o111}


def attacks(seed: int) -> Iterator[Attack]:
    """Yield the attacks; nothing is drawn. Where the user is root, each runs as another user."""
    index = count()
    for format in FORMATS:
        logs = format.files is not run_folder
        for where in ("file", "folder"):
            for name, mode in MODES.items():
                for _ in range(3):
                    k = next(index)
                    label = f"{format.name}: {name} to its {where} {k}"
                    make = _closed(format, where, mode)
                    yield as_nobody(command_attack("permissions", label, spread(k, logs=logs), make))


def _closed(format: Format, where: str, mode: int) -> Callable[[Path], None]:
    def make(study: Path) -> None:
        write(study, whole(format))
        path = study / format.attacked
        path = path.parent if where == "folder" and path.parent != study else path
        path.chmod(mode)

    return make


def as_nobody(attack: Attack) -> Attack:
    """Return an attack that runs in a process of its own, as a user who is not root."""

    def run(folder: Path) -> Outcome:
        if os.geteuid() != 0:
            return attack.run(folder)
        _import_all()
        os.chown(folder, NOBODY, NOBODY)
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        process = context.Process(target=_run_as_nobody, args=(attack, folder, theirs))
        process.start()
        theirs.close()
        try:
            outcome: Outcome = ours.recv()
        except EOFError:
            outcome = failed("ended the process")
        process.join()
        return outcome

    return Attack(attack.group, attack.name, run)


@cache
def _import_all() -> None:
    """Run commands and read each format, so that all is imported: another user may not read this Python."""
    if find_spec("pandas"):
        import_module("pandas")  # pyarrow imports it when it first returns an array
    for format in FORMATS:
        with tempfile.TemporaryDirectory() as place:
            study, out = Path(place, "study"), Path(place, "out")
            out.mkdir()
            write(study, whole(format))
            for command in (*ON_LOGS, *HEAVY) if format is FORMATS[0] else ON_LOGS[:1]:
                outcome_of(command.arguments(study, out), study, command.expected)


def _run_as_nobody(attack: Attack, folder: Path, pipe: Connection) -> None:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    os.environ["HOME"] = os.environ["MPLCONFIGDIR"] = str(folder)
    pipe.send(attack.run(folder))
