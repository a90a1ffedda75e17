"""What is under a folder: run folders of this project, Trainer1D results folders, and all other files.

A ``config.json`` is that of a run folder of this project only where it has our ``format`` key: many programs
write a file of that name, and it must hide nothing. One that is damaged is taken for ours where the file that
a training of ours appends to, ``metrics.jsonl``, is next to it. One that may not be read is taken for ours
there too, or where its folder has a seed's name; a folder that may not be listed is a run of ours by its name
alone. Whatever else may not be read is listed: it may hold runs, and must not vanish.

The folder of a launch on SLURM (``LAUNCH``) holds output files of trainings whose run folders are next to it.
Read as logs they would be further runs of the same seeds, so they are listed only where it is named itself.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.json_text import read_json
from ired_diag.runs.files import is_file, is_special
from ired_diag.runs.links import walk
from ired_diag.seed_sources import LABEL

CONFIG, METRICS, ATTEMPTS = "config.json", "metrics.jsonl", "attempts"
RESULTS_CONFIG = "experiment_config.json"
LAUNCH, KIND, OUTPUTS = "launch.json", "slurm launch", (".out", ".err")
MILESTONE = re.compile(r"model-.*\.pt")
SEED_FOLDER = re.compile(rf"seed(\d{{1,18}})(?:-\d+)?|unseeded-.+|{LABEL.pattern}")
HEAD = 256
BEGINS_WITH_FORMAT = re.compile(rb'\s*\{\s*"format"\s*:\s*\d')
LeaveOut = Callable[[str, Sequence[str]], bool]  # of a folder and the names of its files
BEGINS_AS_LAUNCH = re.compile(rb'\s*\{\s*"format"\s*:\s*\d+,\s*"kind"\s*:\s*"slurm launch"')


@dataclass(frozen=True)
class Unreadable:
    """A file or folder that may not be read, and why; whether it is a run is unknown."""

    path: Path
    reason: str

    @classmethod
    def of(cls, path: Path, error: UnreadableFile) -> Unreadable:
        """Return what an error says of a path, or of a file in it."""
        place, _, reason = str(error).rstrip(".").rpartition(": not readable: ")
        if place != str(path):
            reason = f"{Path(place).name}: {reason}"
        return cls(path, reason)

    @property
    def statement(self) -> str:
        """One line that says so."""
        return f"not readable: {self.path}: {self.reason}"


@dataclass
class Contents:
    """What is under a folder, itself included.

    Attributes:
        runs: Run folders of this project; what is inside them belongs to them.
        results: Trainer1D results folders.
        files: All files in neither of these, but for hidden ones.
        unreadable_runs: Folders that are runs of this project by their names and may not be listed.
        unreadable: Folders that may not be listed and of which nothing else is known.
    """

    runs: list[Path] = field(default_factory=list)
    results: list[Path] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    unreadable_runs: list[Unreadable] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    def note_unlistable(self, error: OSError) -> None:
        """Note a folder that could not be listed; one that is gone by now is nothing."""
        if isinstance(error, FileNotFoundError):
            return
        folder = Unreadable(Path(error.filename), error.strerror or str(error))
        is_run = SEED_FOLDER.fullmatch(folder.path.name) is not None
        if is_run:
            self.unreadable_runs.append(folder)
        else:
            self.unreadable.append(folder)

    def sort(self) -> None:
        """Sort each list by path."""
        self.runs.sort()
        self.results.sort()
        self.files.sort()
        self.unreadable_runs.sort(key=_path)
        self.unreadable.sort(key=_path)


def contents_of(
    root: Path,
    *,
    results_apart: bool = True,
    leave_out: LeaveOut | None = None,
) -> Contents:
    """Return what is under a folder, each list sorted.

    Args:
        root: The folder.
        results_apart: Leave the files in results folders out of the list of files.
        leave_out: Says which folders below the root are passed over, with all that is in them.
    """
    contents = Contents()
    inside_results: set[str] = set()
    for folder, folders, names in walk(root, may_be_run=may_be_run, onerror=contents.note_unlistable):
        if leave_out is not None and leave_out(folder, names):
            folders.clear()
            continue
        if not os.access(folder, os.X_OK):  # its files have names, and nothing else can be said of them
            contents.note_unlistable(PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder))
            folders.clear()
            continue
        if ATTEMPTS in folders and CONFIG in names:
            folders.remove(ATTEMPTS)
        if CONFIG in names and is_run_folder(Path(folder), names):
            contents.runs.append(Path(folder))
            folders.clear()
            continue
        if LAUNCH in names and is_launch_folder(Path(folder)):
            folders.clear()
            if Path(folder) == root:
                outputs = [name for name in names if name.endswith(OUTPUTS)]
                contents.files.extend(Path(folder, name) for name in outputs)
            continue
        is_results = results_apart and _is_results(names)
        if is_results:
            contents.results.append(Path(folder))
        if is_results or str(Path(folder).parent) in inside_results:
            inside_results.add(folder)
            continue
        visible = [name for name in names if not name.startswith(".")]
        contents.files.extend(Path(folder, name) for name in visible)
    contents.sort()
    return contents


def _path(folder: Unreadable) -> Path:
    return folder.path


def may_be_run(names: Iterable[str]) -> bool:
    """Say whether a folder with these names in it may be a run folder or a results folder."""
    return CONFIG in names or _is_results(names)


def _is_results(names: Iterable[str]) -> bool:
    return any(name == RESULTS_CONFIG or MILESTONE.fullmatch(name) for name in names)


def is_launch_folder(folder: Path) -> bool:
    """Say whether a folder is that of a launch of ours: others write a ``launch.json`` too."""
    path = folder / LAUNCH
    if is_special(path):
        return False
    try:
        with path.open("rb") as file:
            return BEGINS_AS_LAUNCH.match(file.read(HEAD)) is not None
    except OSError:
        return False


def is_run_folder(folder: Path, names: Iterable[str] = ()) -> bool:
    """Say whether a folder is a run of this project: its ``config.json`` has our ``format`` key.

    Args:
        folder: The folder.
        names: The names in it, which decide where its files may not be read.
    """
    path = folder / CONFIG
    if is_special(path):
        return False
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
        if BEGINS_WITH_FORMAT.match(head):
            return True
        content = read_json(path)
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        if isinstance(error, PermissionError) and SEED_FOLDER.fullmatch(folder.name):
            return True
        return METRICS in names or is_file(folder / METRICS)
    version = content.get("format") if isinstance(content, dict) else None
    return isinstance(version, int) and not isinstance(version, bool)
