"""Within one folder, and read-only: what a server that answers an agent may open.

Names and paths are looked at first: ``..``, ``~``, and whatever resolves to a place outside, also by a link,
are refused. Below that stands an audit hook of Python in the process that computes, so that it also holds for
what files name and for links that are met on the way: under the folder nothing is opened for writing, made,
moved or removed, and nothing is opened whose real place is outside. The rest of the disk is closed but for
Python itself, the system's folders and the user's cache.

Reference: PEP 578, Python Runtime Audit Hooks.
"""

from __future__ import annotations

import errno
import glob
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import ired_diag
from app.dashboard.history_cache import cache_folder
from ired_diag.errors import DiagError
from ired_diag.named_paths import parse_named_paths

SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/lib64", "/opt", "/proc", "/sys", "/usr")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PACKAGES = "-packages"  # in the name of a folder that packages are installed in
OPENED = ("open", "os.listdir", "os.scandir", "sqlite3.connect")
CHANGED = (
    "os.chmod",
    "os.chown",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
    "os.utime",
    "shutil.copyfile",
    "shutil.move",
    "shutil.rmtree",
)


class Outside(DiagError):
    """A path that leads out of the folder that a server may read."""


@dataclass(frozen=True)
class Confinement:
    """A folder.

    Attributes:
        root: The folder, resolved.
    """

    root: Path

    def check(self, argument: str, text: str) -> str:
        """Return a name, a path or a ``NAME=GLOB`` that stays within the folder.

        Args:
            argument: Name of the argument, for messages.
            text: What was passed.

        Raises:
            Outside: It leads out of the folder.
            DiagError: It is empty.
        """
        if not text.strip() or "\0" in text:
            raise DiagError(f"{argument}: expected a name or a path, found {text!r}.")
        name, equals, pattern = text.partition("=")
        for part in (text, pattern) if equals else (text,):
            self._check_words(argument, text, part)
        self._check_place(argument, text, Path(text))
        if equals and "/" not in name:
            self._check_matches(argument, text, pattern)
        return text

    def _check_words(self, argument: str, text: str, part: str) -> None:
        if part.startswith("~") or ".." in Path(part).parts:
            raise self._outside(argument, text)
        if Path(part).is_absolute():
            self._check_place(argument, text, _before_magic(part))

    def _check_matches(self, argument: str, text: str, pattern: str) -> None:
        before_magic = _before_magic(pattern)
        self._check_place(argument, text, before_magic)
        matches = parse_named_paths(text)
        for path in matches.paths if matches else ():
            self._check_place(argument, text, path)

    def _check_place(self, argument: str, text: str, path: Path) -> None:
        if not self.holds(self.root / path):
            raise self._outside(argument, text)

    def holds(self, path: Path | str) -> bool:
        """Say whether the real place of a path is within the folder."""
        real = os.path.realpath(path)
        return _is_under(real, str(self.root))

    def _outside(self, argument: str, text: str) -> Outside:
        return Outside(
            f"{argument}: {text!r} leads out of the folder that this server may read ({self.root}). Pass a "
            "path within it, without '..' and without links that lead out."
        )


def _before_magic(pattern: str) -> Path:
    """Return the folders of a pattern before its first part with a wildcard."""
    parts = []
    for part in Path(pattern).parts:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)


def _is_under(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


@cache
def close_everything_else(root: str) -> None:
    """Let this process, for the rest of its life, read only one folder and write nothing there.

    Args:
        root: The folder, resolved.
    """
    sys.dont_write_bytecode = True
    hook = _Hook(root, _allowed())
    sys.addaudithook(hook)


def _allowed() -> tuple[str, ...]:
    """Return the folders outside that the program itself needs."""
    program = Path(ired_diag.__file__).parents[1]
    places = [*SYSTEM, sys.prefix, sys.base_prefix, str(program), str(cache_folder().parent)]
    # Not the other entries: where a program is started with -m, the first one is the working folder.
    places += [path for path in sys.path if PACKAGES in path]
    return tuple(dict.fromkeys(os.path.realpath(place) for place in places))


@dataclass(frozen=True)
class _Hook:
    root: str
    allowed: Sequence[str]

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in OPENED and arguments:
            self._check_opened(event, arguments)
        elif event in CHANGED:
            for path in filter(_is_path, arguments):
                self._check_change(path)

    def _check_opened(self, event: str, arguments: tuple[Any, ...]) -> None:
        path = arguments[0]
        if not _is_path(path):
            return
        place = _absolute(path)
        if event == "open" and arguments[2] is not None and arguments[2] & WRITING:
            self._check_change(path)
        real = os.path.realpath(place)
        if _is_under(real, self.root):
            return
        if _is_under(place, self.root):
            raise _refused(place, "leads out of the folder that may be read")
        if not any(_is_under(real, folder) for folder in self.allowed):
            raise _refused(place, "is outside the folder that may be read")

    def _check_change(self, path: Any) -> None:
        place = _absolute(path)
        if _is_under(os.path.realpath(place), self.root) or _is_under(place, self.root):
            raise _refused(place, "is read-only here")


def _is_path(value: object) -> bool:
    return isinstance(value, str | bytes | os.PathLike) and value not in (b"", "")


def _absolute(path: Any) -> str:
    text = os.fsdecode(path)
    if text.startswith("file:"):  # how a database is named for sqlite
        text = text.removeprefix("file:").partition("?")[0]
    return os.path.abspath(text)  # noqa: PTH100 (links must stay)


def _refused(place: str, reason: str) -> PermissionError:
    return PermissionError(errno.EACCES, reason, place)
