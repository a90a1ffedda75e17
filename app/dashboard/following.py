"""A history that is still being written: only what was appended is read.

Lines are whole up to the last newline. When a file has grown, under the same inode, and the bytes before its
old last newline are the same, only the lines after it are read and joined. Of a step that was logged twice,
the last attempt counts; where lines of an earlier attempt come late, the whole file is read again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.dashboard import verdict_cache
from app.dashboard.history_cache import HistoryCache, ReadFile
from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.runs.fingerprints import Fingerprint, fingerprint
from ired_diag.runs.history import History, Series, history_of, rows_of

COMPARED = 256  # bytes before the last newline that must be the same


@dataclass
class Follower:
    """Reads histories, and remembers them.

    Attributes:
        cache: Where they are kept between sessions. None: nowhere.
        parsed: Number of times that a whole file was parsed.
        appended: Number of times that only its new lines were parsed.
    """

    cache: HistoryCache | None = None
    parsed: int = 0
    appended: int = 0
    _kept: dict[Path, ReadFile] = field(default_factory=dict)

    def read(self, path: Path) -> History:
        """Return the history in a JSON lines file, as ``read_history`` does.

        Raises:
            UnreadableFile: The file is missing or cannot be read.
        """
        return self._newest(path).history

    def read_state(self, path: Path, state: Fingerprint) -> History:
        """Return the history in a file as it was in a state; what was appended since is left out.

        Raises:
            UnreadableFile: The file is gone, or something else than an appended line has changed.
        """
        file = self._kept.get(path)
        if file is not None and file.fingerprint == state:
            return file.history
        now = fingerprint(path)
        if now == state:
            file = self._newest(path)
            if file.fingerprint == state:
                return file.history
            now = file.fingerprint
        kept = self.cache.read(path, state) if self.cache else None
        if kept is not None:
            return kept.history
        if now is None or now.inode != state.inode or now.size < state.size:
            raise UnreadableFile(
                f"{path}: it was removed or written again while it was looked at. Look again."
            )
        try:
            with path.open("rb") as content:
                return history_of(content.read(state.size))
        except OSError as error:
            raise unreadable(path, error) from error

    def forget(self, gone: set[str]) -> None:
        """Forget files that are gone, by path."""
        for path in gone:
            self._kept.pop(Path(path), None)

    def shrink_cache(self) -> None:
        """Keep the cache within its limit."""
        if self.cache is not None and self.parsed:
            self.cache.shrink()
            verdict_cache.shrink()

    def _newest(self, path: Path) -> ReadFile:
        """Return a file as it is now.

        Raises:
            UnreadableFile: The file is missing or cannot be read.
        """
        now, file = fingerprint(path), self._kept.get(path)
        if file is None or file.fingerprint != now:
            try:
                file = self._read(path, now, file)
            except OSError as error:
                raise unreadable(path, error) from error
            self._kept[path] = file
        return file

    def _read(self, path: Path, now: Fingerprint | None, before: ReadFile | None) -> ReadFile:
        if now is None:
            return self._whole_file(path, Fingerprint(-1, 0, 0))  # the file is gone: opening it says so
        if before is not None:
            return self._appended(path, before, now) or self._whole_file(path, now)
        kept = self.cache.read(path) if self.cache else None
        if kept is None or kept.fingerprint == now:
            return kept or self._whole_file(path, now)
        return self._appended(path, kept, now) or self._whole_file(path, now)

    def _whole_file(self, path: Path, now: Fingerprint) -> ReadFile:
        with path.open("rb") as file:
            content = file.read(now.size)
        history = history_of(content)
        self.parsed += 1
        whole = content.rfind(b"\n") + 1
        read = ReadFile(
            fingerprint=now,
            history=history,
            whole=whole,
            lines=content.count(b"\n"),
            ending=content[max(whole - COMPARED, 0) : whole],
        )
        if self.cache:
            self.cache.keep(path, read)
        return read

    def _appended(self, path: Path, before: ReadFile, now: Fingerprint) -> ReadFile | None:
        """Return a file with its new lines; None where the whole file must be read again."""
        if now.inode != before.fingerprint.inode or now.size < before.fingerprint.size or not before.whole:
            return None
        with path.open("rb") as file:
            file.seek(before.whole - len(before.ending))
            if file.read(len(before.ending)) != before.ending:
                return None
            added = file.read(now.size - before.whole)
        rows, bad = rows_of(added)
        if any(row.attempt != before.history.attempts for row in rows):  # a later start ends earlier rows
            return None
        self.appended += 1
        whole = added.rfind(b"\n") + 1
        bad_lines = tuple(before.lines + number for number in bad)
        new_lines = History.of(rows, bad_lines=bad_lines, torn_tail=whole < len(added))
        return ReadFile(
            fingerprint=now,
            history=join(before.history, new_lines),
            whole=before.whole + whole,
            lines=before.lines + added.count(b"\n"),
            ending=(before.ending + added[:whole])[-COMPARED:],
        )


def join(history: History, more: History) -> History:
    """Return a history with what was logged after it, by the same attempt or a later one."""
    series = dict(history.series)
    for name, new in more.series.items():
        series[name] = _joined(series.get(name), new)
    return History(
        series,
        max(history.attempts, more.attempts),
        (*history.bad_lines, *more.bad_lines),
        more.torn_tail,
    )


def _joined(old: Series | None, new: Series) -> Series:
    if old is None:
        return new
    kept = ~np.isin(old.steps, new.steps)
    steps = np.concatenate([old.steps[kept], new.steps])
    values = np.concatenate([old.values[kept], new.values])
    order = np.argsort(steps, kind="stable")
    return Series(steps[order], values[order])
