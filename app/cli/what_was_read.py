"""What a command read: the files below the paths that its words name, and those that it opened elsewhere.

The first are found by walking through the folders, the second by Python's own record of the files that it
opens (PEP 578). A command that wrote something, started a program or spoke to another machine is no reading.
Files of caches do not count as written, and neither does what is compiled of Python's modules.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import importlib.util
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

from ired_diag.runs.fingerprints import Fingerprint, fingerprint, tree
from ired_diag.user_cache import user_cache

MOST_ENTRIES = 300_000  # files and folders: more take seconds to look at
DEFAULT_FOLDER = "runs"  # where names are looked up
YOUNG = 1800.0  # seconds: a log that was written so lately may be that of a run that is running
UNSETTLED = 2.0  # seconds in which two writes may bear the same time
CHANGES = (
    *("os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "shutil.rmtree"),
    *("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "socket.connect"),
)
HELPERS = "ired_diag.readers.reading_ahead"  # the module that starts processes which read logs for us
GIVEN = "ired_diag.given"  # the catalogue gives what it read of a file before
RUNS = "IRED_DIAG_RUNS"  # in the environment: the folder of runs where no option names one
LISTINGS = ("os.listdir", "os.scandir")
NS = 10**9  # in a second


@dataclass(frozen=True)
class States:
    """The state of everything below the paths that a command names.

    Attributes:
        roots: These paths.
        digest: A digest of each entry's name, size, time of change and inode.
        lately: Those that changed within the last half hour, and when, in seconds since 1970.
    """

    roots: tuple[str, ...]
    digest: str
    lately: dict[str, float]

    def is_settled(self, now: float) -> bool:
        """Say whether nothing changed so lately that the next write could bear the same time."""
        return max(self.lately.values(), default=0.0) < now - UNSETTLED

    def until(self, now: float) -> float:
        """Return when the first file that is young becomes old; infinity where all are old."""
        ends = [math.inf]
        for path in self.lately:
            with contextlib.suppress(OSError):
                written = Path(path).stat().st_mtime
                if written > now - YOUNG:
                    ends.append(written + YOUNG)
        return min(ends)


def states_of(words: Sequence[str]) -> States | None:
    """Return the state of everything below the paths that words name; None of too many files."""
    roots = sorted(set(_paths_in(words)))
    digest = hashlib.sha256()
    lately: dict[str, float] = {}
    oldest = (time.time() - YOUNG - UNSETTLED) * NS
    count = 0
    for root in roots:
        entries = tree(Path(root))
        count += len(entries)
        if count > MOST_ENTRIES:
            return None
        for path, state in sorted(entries.items()):
            digest.update(repr((path, tuple(state))).encode(errors="surrogateescape"))
            if state.changed > oldest:
                lately[path] = state.changed / NS
    digest.update(repr(roots).encode(errors="surrogateescape"))
    return States(tuple(roots), digest.hexdigest(), lately)


def _paths_in(words: Sequence[str]) -> Iterator[str]:
    """Yield what there is at the paths and patterns that words name; a word too many does no harm."""
    for word in (*words[1:], os.environ.get(RUNS) or DEFAULT_FOLDER):
        for text in {word, word.partition("=")[2], *word.partition("=")[2].split(",")}:
            if not text:
                continue
            text = os.path.expanduser(text)  # noqa: PTH111 (an unknown user is no error)
            if glob.has_magic(text):
                yield from glob.glob(text, recursive=True)  # noqa: PTH207 (an absolute pattern too)
            if os.path.lexists(text):
                yield text


@dataclass
class Reading:
    """What a command opens while it lasts.

    Attributes:
        opened: Paths of files that were opened and of folders that were listed.
        changes_something: Whether something was written, started or sent.
    """

    opened: set[str] = field(default_factory=set)
    changes_something: bool = False
    _current: ClassVar[Reading | None] = None
    _is_hooked: ClassVar[bool] = False

    @classmethod
    def begin(cls) -> Self:
        """Begin to note what is opened."""
        reading = cls()
        Reading._current = reading
        if not Reading._is_hooked:
            sys.addaudithook(_note)  # for good: Python has no way to take it away
            Reading._is_hooked = True
        return reading

    def end(self) -> None:
        """Note nothing more."""
        Reading._current = None

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note one event."""
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, str | bytes | os.PathLike):
                return  # an open descriptor
            name = os.fsdecode(path)
            if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                self.changes_something |= not _is_bookkeeping(name)
            else:
                self.opened.add(name)
        elif event in LISTINGS or event == GIVEN:
            (path,) = arguments
            if isinstance(path, str | bytes | os.PathLike):
                self.opened.add(os.fsdecode(path))
        elif event == "sqlite3.connect":
            self.opened.add(str(arguments[0]))
        elif event == "subprocess.Popen" and _reads_for_us(arguments):
            return
        elif event in CHANGES:
            name = arguments[0] if arguments else ""
            self.changes_something |= not (isinstance(name, str) and _is_bookkeeping(name))

    def opened_outside(self, roots: Sequence[str]) -> dict[str, tuple[int, ...] | None]:
        """Return the states of what was opened and does not lie below some paths."""
        below = [os.path.realpath(root) for root in roots]
        standard = os.path.realpath(Path(os.__file__).parent)
        states: dict[str, tuple[int, ...] | None] = {}
        for name in self.opened:
            path = os.path.realpath(_source_of(name))
            if _is_in(path, below) or _is_in(path, (standard, "/proc", "/sys", "/dev")):
                if "site-packages" not in path:
                    continue
            if not _is_bookkeeping(path):
                states[path] = self.state(path)
        return states

    @staticmethod
    def state(path: str) -> tuple[int, ...] | None:
        """Return the state of a file; None where there is none."""
        found: Fingerprint | None = fingerprint(Path(path))
        return None if found is None else tuple(found)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    """Pass an event of the interpreter on to the reading that lasts."""
    reading = Reading._current
    if reading is not None:
        reading.note(event, arguments)


def _reads_for_us(arguments: tuple[Any, ...]) -> bool:
    """Say whether a process is one of ours, which reads logs below the paths of the command."""
    module = sys.modules.get(HELPERS)  # not imported for this: it takes numpy with it
    words = arguments[1]
    return module is not None and isinstance(words, list | tuple) and module.PROGRAM in words


def _source_of(name: str) -> str:
    """Return the source of a compiled module, which changes first; any other path is itself."""
    if not name.endswith(".pyc"):
        return name
    try:
        return importlib.util.source_from_cache(name)
    except ValueError:
        return name


def _is_in(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)


def _is_bookkeeping(name: str) -> bool:
    """Say whether a file is no part of what a command reads or writes for its user."""
    if "__pycache__" in name or name == os.devnull:
        return True
    return _is_in(os.path.realpath(name), [os.path.realpath(user_cache(""))])
