"""Readers that a user's own package brings, as entry points of the group ``ired_diag.readers``.

    [project.entry-points."ired_diag.readers"]
    tally = "my_package.tally"

An entry point is a module (or any object) with ``accepts(path)`` and ``read(path)``, as the readers of this
project are (``docs/house.md``): ``read`` returns a ``ScalarLog``; ``read_runs`` in its place returns one for
each run, by name. They are tried before the readers of this project. One that cannot be loaded, or fails, is
named with its package; the other readers still work.

Packages that are installed run code anyway when they are imported, so nothing is trusted here that was not
trusted before. Files of a study never name a reader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.finding import Finding
from ired_diag.readers.scalar_attempt import run_of
from ired_diag.readers.scalar_log import ScalarLog
from ired_diag.runs.run import Run

GROUP = "ired_diag.readers"


class OwnReader:
    """A reader of a user's package; what it does wrong becomes an error that names it."""

    def __init__(self, entry: EntryPoint) -> None:
        """Keep the entry point; its module is imported when it is first asked."""
        self.entry = entry
        self.module: Any = None

    def accepts(self, path: Path) -> bool:
        """Say whether the reader accepts a file.

        Raises:
            DiagError: It cannot be loaded, or fails.
        """
        return bool(self._call("accepts", path))

    def read(self, path: Path) -> list[Run]:
        """Return the runs in a file.

        Raises:
            DiagError: The reader cannot be loaded, fails, or returns something else than logs.
        """
        if hasattr(self._loaded(), "read_runs"):
            logs = self._call("read_runs", path, allow_torn_tail=True)
            logs = list(logs.values()) if isinstance(logs, Mapping) else [logs]
        else:
            logs = [self._call("read", path, allow_torn_tail=True)]
        for log in logs:
            if not isinstance(log, ScalarLog):
                raise self._error(f"read returned {type(log).__name__}, where a ScalarLog is expected")
        return [run_of(path, log, format=self.entry.name) for log in logs]

    def _loaded(self) -> Any:
        if self.module is None:
            try:
                self.module = self.entry.load()
            except Exception as error:  # whatever a foreign package raises when it is imported
                raise self._error(f"cannot be loaded ({_words(error)})") from error
        return self.module

    def _call(self, function: str, *args: Any, **options: Any) -> Any:
        module = self._loaded()
        if not hasattr(module, function):
            raise self._error(f"has no function {function!r}")
        try:
            return getattr(module, function)(*args, **options)
        except (DiagError, OSError):
            raise
        except Exception as error:  # a defect of the foreign reader must not end the command
            raise self._error(f"{function} failed ({_words(error)})") from error

    def _error(self, reason: str) -> UnreadableFile:
        package = self.entry.dist.name if self.entry.dist else "an unknown package"
        return UnreadableFile(f"the reader {self.entry.name!r} of {package} ({self.entry.value}) {reason}.")


@cache  # the search through all installed packages takes longer than reading a small log
def own_readers() -> tuple[OwnReader, ...]:
    """Return the readers that installed packages bring, by name."""
    return tuple(map(OwnReader, sorted(entry_points(group=GROUP), key=_name)))


def with_broken_readers(run: Run, broken: Sequence[UnreadableFile]) -> Run:
    """Return a run with a warning for each reader of a user that could not be asked."""
    warnings = [Finding("own_reader_broken", "warning", f"A reader was skipped: {error}") for error in broken]
    return replace(run, findings=(*run.findings, *warnings)) if warnings else run


def _name(entry: EntryPoint) -> str:
    return entry.name


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
