"""Foreign logs, one by one or a folder of them: each file by the reader that accepts it.

The event files of one folder are one run. A dump of ``sacct`` tells how jobs ended, a ``.err`` file belongs
to the ``.out`` file beside it, and a configuration to the log beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.readers import readers, sacct
from ired_diag.readers.endings import settle_endings
from ired_diag.readers.joined_results import join_results
from ired_diag.readers.sacct import JobEnding
from ired_diag.readers.same_run import join_same_runs
from ired_diag.readers.scalar_attempt import BESIDE
from ired_diag.readers.tensorboard import NAMED
from ired_diag.runs.attempt import Attempt
from ired_diag.runs.evaluation_store import SUFFIX
from ired_diag.runs.study import Skipped


@dataclass
class Logs:
    """What logs tell.

    Attributes:
        attempts: In the order read.
        accounts: How jobs ended, by dumps of ``sacct``.
        skipped: Every file that is no log, with the reason.
        read: Reads one log; ``read_log``, unless what was read before is remembered.
    """

    attempts: list[Attempt] = field(default_factory=list)
    accounts: list[JobEnding] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    read: Callable[[Path], Sequence[Attempt]] | None = None
    _read: set[Path] = field(default_factory=set)

    def add(self, path: Path) -> None:
        """Read one log, or a folder of event files; what was read before is not read again.

        Raises:
            UnreadableFile: It is of no format that is known, or damaged.
        """
        if path.resolve() in self._read:
            return
        self._read.add(path.resolve())
        if path.is_file() and _accepts_accounts(path):
            self._add_accounts(path)
        else:
            self.attempts.extend((self.read or read_log)(path))

    def add_folder(self, folder: Path, *, leave: Sequence[Path] = ()) -> None:
        """Read every file under a folder, but for the folders in ``leave``; note what is no log."""
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")):
            if (
                path.name in BESIDE
                or path.name.endswith(SUFFIX)
                or any(path.is_relative_to(inside) for inside in leave)
            ):
                continue
            if path.suffix == ".err":
                if not is_read_with_log(path):
                    self.skipped.append(Skipped(path, "has no .out file beside it"))
                continue
            self._try(path.parent if NAMED in path.name else path)

    def settled(self) -> list[Attempt]:
        """Return the attempts, one run told in several formats joined, with the endings that are known."""
        return settle_endings(join_results(join_same_runs(self.attempts)), self.accounts)

    def _try(self, path: Path) -> None:
        try:
            self.add(path)
        except DiagError as error:
            self.skipped.append(Skipped(path, str(error).removeprefix(f"{path}: ")))

    def _add_accounts(self, path: Path) -> None:
        told = sacct.read(path)
        self.accounts.extend(told.jobs)
        if told.damaged or told.torn_tail:
            lines = len(told.damaged) + told.torn_tail
            self.skipped.append(Skipped(path, f"sacct's accounts were read but for {lines} damaged lines"))


def read_logs(paths: Iterable[Path]) -> Logs:
    """Return what files and folders tell; a file named by itself must be readable.

    Raises:
        UnreadableFile: A named file is of no known format, or damaged.
    """
    logs = Logs()
    for path in paths:
        if path.is_dir():
            logs.add_folder(path)
        elif not is_read_with_log(path):
            logs.add(path)
    return logs


def is_read_with_log(path: Path) -> bool:
    """Say whether a file is the ``.err`` of a log beside it, and is read with that log."""
    return path.suffix == ".err" and path.with_suffix(".out").is_file()


def read_log(path: Path) -> list[Attempt]:
    """Return the runs that a foreign log tells, read by the first reader that accepts it.

    Args:
        path: A log, or a folder of event files.

    Raises:
        UnreadableFile: It is of no format that is known, or damaged.
    """
    known = readers()
    if path.is_dir():
        return known["tensorboard"].read(path)
    for reader in known.values():
        try:
            accepted = reader.accepts(path)
        except OSError as error:
            raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}.") from error
        if accepted:
            return reader.read(path)
    if path.stat().st_size == 0:
        raise UnreadableFile(f"{path}: is empty.")
    raise UnreadableFile(f"{path}: is not a log of a known format ({', '.join(known)}).")


def _accepts_accounts(path: Path) -> bool:
    try:
        return sacct.accepts(path)
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}.") from error
