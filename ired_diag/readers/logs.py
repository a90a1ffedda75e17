"""Foreign logs, one by one or a folder of them: each file by the reader that accepts it.

The event files of one folder are one run. A dump of ``sacct`` says how jobs ended, a ``.err`` file belongs
to the ``.out`` file next to it, and a configuration to the log next to it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ired_diag.errors import DiagError, NotReadable, UnreadableFile, unreadable
from ired_diag.readers import (
    metrics_csv,
    read_by_step,
    readers,
    sacct,
    slurm,
    tensorboard,
    text_log,
    trainer_state,
)
from ired_diag.readers.continued_logs import join_continuations
from ired_diag.readers.death import DiedWithoutMetrics, death_of
from ired_diag.readers.elastic_restarts import join_restarts
from ired_diag.readers.endings import settle_endings, with_deaths_next_to_them
from ired_diag.readers.folder_parts import is_read_with_run, run_folder_of
from ired_diag.readers.foreign_configuration import is_configuration
from ired_diag.readers.identity import identify
from ired_diag.readers.joined_parts import join_files_of_run
from ired_diag.readers.joined_results import join_results
from ired_diag.readers.json_of_step import join_steps
from ired_diag.readers.own_readers import own_readers, with_broken_readers
from ired_diag.readers.process_logs import join_processes
from ired_diag.readers.reading_ahead import read_ahead
from ired_diag.readers.sacct import JobEnding
from ired_diag.readers.same_run import join_same_runs
from ired_diag.readers.seed_table_metrics import is_table_of_seeds
from ired_diag.readers.split_tables import join_parts
from ired_diag.readers.task_seeds import without_sweep_seeds
from ired_diag.readers.tensorboard_csv import join_tags
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_store import SUFFIX
from ired_diag.runs.files import is_special
from ired_diag.runs.find import Unreadable, contents_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Skipped

NOT_OPENED = "is a pipe, a socket, a device or a link to itself, and was not opened"
# A program that quotes what logs say is no log.
SOURCE_CODE = (
    *(".py", ".pyi", ".ipynb", ".sh", ".bash", ".zsh", ".pl", ".rb", ".lua", ".js", ".ts", ".java", ".go"),
    *(".c", ".cc", ".cpp", ".cu", ".h", ".hpp", ".rs", ".jl", ".r"),
)
LOG_SUFFIXES = (".out", ".log", ".csv", ".tsv", ".jsonl", ".ndjson", ".txt")


class Remembered(Protocol):
    """What earlier commands read of logs."""

    def knows(self, path: Path) -> bool:
        """Say whether a log was read and has not changed since."""

    def log(self, path: Path, read: Callable[[Path], Sequence[Run]]) -> Sequence[Run]:
        """Return the runs in a log, which is read where it is not known."""


@dataclass(kw_only=True)
class Logs:
    """The content of logs.

    Attributes:
        attempts: Attempts in the order read.
        accounts: How jobs ended, by dumps of ``sacct``.
        skipped: Every file that is not a log, with the reason.
        unreadable: Files and folders that cannot be read, with the reason.
        read: Reads a log. Default: ``read_log``; a caller may pass a function that remembers what it read.
        seed_key: The key of the configurations that is the seed. Default: detected by its name.
        remembered: What was read before, by earlier commands; None where nothing is kept.
    """

    attempts: list[Run] = field(default_factory=list)
    accounts: list[JobEnding] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    read: Callable[[Path], Sequence[Run]] | None = None
    seed_key: str | None = None
    remembered: Remembered | None = None
    _deaths: dict[Path, Ending] = field(default_factory=dict)
    _read: set[Path] = field(default_factory=set)
    _run_folders: dict[Path, Path] = field(default_factory=dict)
    _run_states: dict[Path, Path] = field(default_factory=dict)
    _runs_ahead: dict[Path, list[Run]] = field(default_factory=dict)

    def add(self, path: Path) -> None:
        """Read one log, or a folder of event files; what was read before is not read again.

        Raises:
            UnreadableFile: It is of no known format, or damaged.
        """
        resolved = path.resolve()
        if resolved in self._read:
            return
        self._read.add(resolved)
        if path.is_file() and _accepts_accounts(path):
            self._add_accounts(path)
            return
        try:
            self.attempts.extend(self._runs_in(path))
        except DiedWithoutMetrics as death:
            self._note_death(path)
            self.skipped.append(Skipped(path, str(death).removeprefix(f"{path}: ")))

    def _runs_in(self, path: Path) -> Sequence[Run]:
        """Return the runs in a log: as remembered, as read ahead, or read now."""
        read = self.read or read_log
        ahead = self._runs_ahead.pop(path, None)
        if ahead is not None:
            read = {path: ahead}.__getitem__
        return read(path) if self.remembered is None else self.remembered.log(path, read)

    def _note_death(self, path: Path) -> None:
        if death := death_of(path):
            self._deaths[path] = death

    def add_folder(self, folder: Path) -> None:
        """Read every file under a folder that is not in a run folder of this project."""
        contents = contents_of(folder, results_apart=False)
        self.unreadable.extend(contents.unreadable)
        self.add_files(contents.files)

    def add_files(self, files: Sequence[Path], *, list_all: bool = True) -> None:
        """Read the files of a folder, and note which are not logs.

        Args:
            files: The files, sorted.
            list_all: Note every file that is not a log; else only files that are named like a log.
        """
        if self.read is None or self.read is read_log:
            waiting = list(files)
            if self.remembered is not None:
                waiting = [path for path in files if not self.remembered.knows(path)]
            self._runs_ahead = read_ahead(waiting, read_log)
        for path in files:
            if is_special(path):
                self.skipped.append(Skipped(path, NOT_OPENED))
                continue
            if is_configuration(path) or path.name.endswith(SUFFIX) or is_read_with_run(path):
                self._note_if_unreadable(path)
                continue
            if path.suffix == ".err":
                self._add_errors(path)
                continue
            self._try(self._log_of(path), list_it=list_all or _is_named_like_a_log(path))

    def _note_if_unreadable(self, path: Path) -> None:
        if path.is_file() and not os.access(path, os.R_OK):
            self.unreadable.append(Unreadable(path, os.strerror(errno.EACCES)))

    def _add_errors(self, path: Path) -> None:
        """Read a ``.err`` file without a log next to it, where it holds progress bars."""
        if is_read_with_log(path):
            return
        self._note_if_unreadable(path)
        if not os.access(path, os.R_OK):
            return
        if slurm.accepts(path):
            self._try(path, list_it=True)
        else:
            self._note_death(path)
            self.skipped.append(Skipped(path, _alone(path, self._deaths.get(path))))

    def _log_of(self, path: Path) -> Path:
        """Return the log that a file in a folder is part of: one of its own, or that of the run above."""
        if tensorboard.NAMED in path.name:
            folder = path.parent
            if folder not in self._run_folders:
                self._run_folders[folder] = tensorboard.run_folder(folder)
            return self._run_folders[folder]
        if path.name == trainer_state.NAME:
            return self._state_of_run(path)
        return run_folder_of(path) or path

    def _state_of_run(self, path: Path) -> Path:
        """Return the trainer's state that stands for the run; all states of one output folder are one run."""
        inside = trainer_state.CHECKPOINT.fullmatch(path.parent.name)
        output = path.parent.parent if inside else path.parent
        if output not in self._run_states:
            self._run_states[output] = trainer_state.state_of_run(path)
        return self._run_states[output]

    def settled(self) -> list[Run]:
        """Return the attempts with their endings; a run in several formats is one attempt."""
        whole = join_parts(join_tags(join_steps(self.attempts)))
        joined = join_results(join_files_of_run(join_same_runs(whole)))
        ended = with_deaths_next_to_them(without_sweep_seeds(joined), self._deaths)
        silent = [skipped.path for skipped in self.skipped]
        runs, of_other_processes = join_processes(ended, without_metrics=silent, deaths=self._deaths)
        self.skipped.extend(of_other_processes)
        trainings = join_continuations(join_restarts(runs))
        attempts = identify(trainings, seed_key=self.seed_key)
        return settle_endings(attempts, self.accounts)

    def _try(self, path: Path, *, list_it: bool) -> None:
        try:
            self.add(path)
        except NotReadable as error:
            self.unreadable.append(Unreadable.of(path, error))
        except DiagError as error:
            if not list_it:
                return
            self.skipped.append(Skipped(path, str(error).removeprefix(f"{path}: ")))

    def _add_accounts(self, path: Path) -> None:
        accounts = sacct.read(path)
        self.accounts.extend(accounts.jobs)
        lines = len(accounts.damaged) + accounts.torn_tail
        if lines:
            reason = f"sacct's accounts were read but for {lines} damaged lines"
            self.skipped.append(Skipped(path, reason))


def read_logs(paths: Iterable[Path], *, read: Callable[[Path], Sequence[Run]] | None = None) -> Logs:
    """Return the content of files and folders; a file named by itself must be readable.

    Args:
        paths: Files and folders.
        read: Reads a log. Default: ``read_log``.

    Raises:
        UnreadableFile: A named file is of no known format, or damaged.
    """
    logs = Logs(read=read)
    for path in paths:
        if path.is_dir():
            logs.add_folder(path)
        elif not is_read_with_log(path):
            logs.add(path)
    return logs


def is_read_with_log(path: Path) -> bool:
    """Say whether a file is the ``.err`` of a log next to it, and is read with that log."""
    return path.suffix == ".err" and path.with_suffix(".out").is_file()


def read_log(path: Path, *, step: str | None = None) -> list[Run]:
    """Return the runs in a foreign log, read by the first reader that accepts it.

    Args:
        path: A log, or a folder of event files.
        step: The column or key that counts the steps, in the tables and JSON lines that have it. Default:
            detected by its name.

    Raises:
        UnreadableFile: It is of no known format, or damaged.
    """
    if path.suffix.lower() in SOURCE_CODE:
        raise UnreadableFile(f"{path}: is source code, not a log.")
    is_folder = path.is_dir()
    if step is not None and not is_folder and (runs := read_by_step(path, step)):
        return runs
    broken: list[UnreadableFile] = []
    if not is_folder and (runs := _read_by_own_readers(path, broken)):
        return runs
    by_format = readers()
    for reader in by_format.values():
        if reader.reads_folders != is_folder:
            continue
        try:
            accepted = reader.accepts(path)
        except OSError as error:
            raise unreadable(path, error) from error
        if accepted:
            return [with_broken_readers(run, broken) for run in reader.read(path)]
    if is_folder:
        return by_format["tensorboard"].read(path)
    if broken:
        raise UnreadableFile(f"{path}: no other reader accepts it, and {broken[0]}") from broken[0]
    if path.stat().st_size == 0:
        raise UnreadableFile(f"{path}: is empty.")
    death = death_of(path)
    if death:
        raise DiedWithoutMetrics(f"{path}: {death.label}: {death.detail}")
    if is_table_of_seeds(path, None):
        raise UnreadableFile(
            f"{path}: is a table with one number for each seed, not a log. ird.compare, ird.diagnose and "
            "ird.figures read it (in a shell: ired-diag stats, diagnose and figures)."
        )
    reason = metrics_csv.without_step(path) or "is not a log of a known format (docs/formats.md lists them)"
    raise UnreadableFile(f"{path}: {reason}.")


def _read_by_own_readers(path: Path, broken: list[UnreadableFile]) -> list[Run]:
    """Return the runs that the first of a user's own readers which accepts a file reads in it; else none.

    Args:
        path: The file.
        broken: Receives the errors of readers that could not say whether they accept it.
    """
    for reader in own_readers():
        try:
            accepted = reader.accepts(path)
        except UnreadableFile as error:
            broken.append(error)
            continue
        except OSError as error:
            raise unreadable(path, error) from error
        if accepted:
            return reader.read(path)
    return []


def _is_named_like_a_log(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() in LOG_SUFFIXES


def _alone(path: Path, death: Ending | None) -> str:
    """Return what to say of a ``.err`` file without its ``.out`` file."""
    reason = "has no .out file next to it"
    for suffix in text_log.WITH_ERRORS:
        log = path.with_suffix(suffix)
        if log.is_file():
            reason = f"is the error stream of {log.name}"
    if death is None:
        return reason
    return f"{reason}; {death.label}: {death.detail}"


def _accepts_accounts(path: Path) -> bool:
    try:
        return sacct.accepts(path)
    except OSError as error:
        raise unreadable(path, error) from error
