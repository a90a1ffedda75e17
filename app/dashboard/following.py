"""A history that is still being written: only what was appended is read.

Lines are whole up to the last newline. When a file has grown, under the same inode, and what stood before
its last newline still ends alike, the lines behind it are read alone and joined. A step told twice is told
by the last attempt; where lines of an earlier attempt come late, the file is read anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.dashboard import verdict_cache
from app.dashboard.fingerprints import Fingerprint, fingerprint
from app.dashboard.history_cache import HistoryCache, Known
from ired_diag.errors import unreadable
from ired_diag.runs.history import History, Series, history_of, rows_of

COMPARED = 256  # bytes before the last newline that must be the same


@dataclass
class Follower:
    """Reads histories, and remembers them.

    Attributes:
        cache: Where they are kept between sessions; nowhere without it.
        parsed: How often a whole file was parsed.
        appended: How often only its new lines were.
    """

    cache: HistoryCache | None = None
    parsed: int = 0
    appended: int = 0
    _known: dict[Path, Known] = field(default_factory=dict)

    def read(self, path: Path) -> History:
        """Return the history in a JSON lines file, as ``read_history`` does.

        Raises:
            UnreadableFile: The file is missing or cannot be read.
        """
        now, known = fingerprint(path), self._known.get(path)
        if known is None or known.fingerprint != now:
            try:
                known = self._read(path, now, known)
            except OSError as error:
                raise unreadable(path, error) from error
            self._known[path] = known
        return known.history

    def forget(self, gone: set[str]) -> None:
        """Forget files that are gone, by path."""
        self._known = {path: known for path, known in self._known.items() if str(path) not in gone}

    def shrink_cache(self) -> None:
        """Keep the cache within its limit."""
        if self.cache is not None and self.parsed:
            self.cache.shrink()
            verdict_cache.shrink()

    def _read(self, path: Path, now: Fingerprint | None, known: Known | None) -> Known:
        if now is None:
            return self._anew(path, Fingerprint(-1, 0, 0))  # gone: to open it says so
        if known is not None:
            return self._appended(path, known, now) or self._anew(path, now)
        kept = self.cache.read(path, now) if self.cache else None
        return kept or self._anew(path, now)

    def _anew(self, path: Path, now: Fingerprint) -> Known:
        with path.open("rb") as file:
            content = file.read(now.size)
        history = history_of(content)
        self.parsed += 1
        whole = content.rfind(b"\n") + 1
        ending = content[max(whole - COMPARED, 0) : whole]
        known = Known(now, history, whole, content.count(b"\n"), ending)
        if self.cache:
            self.cache.keep(path, known)
        return known

    def _appended(self, path: Path, known: Known, now: Fingerprint) -> Known | None:
        """Return what is known with the new lines; None where the file must be read anew."""
        if now.inode != known.fingerprint.inode or now.size < known.fingerprint.size or not known.whole:
            return None
        with path.open("rb") as file:
            file.seek(known.whole - len(known.ending))
            if file.read(len(known.ending)) != known.ending:
                return None
            added = file.read(now.size - known.whole)
        rows, bad = rows_of(added)
        if any(row.attempt != known.history.attempts for row in rows):  # a later start ends earlier rows
            return None
        self.appended += 1
        whole = added.rfind(b"\n") + 1
        numbers = tuple(known.lines + number for number in bad)
        more = History.of(rows, bad_lines=numbers, torn_tail=whole < len(added))
        ending = (known.ending + added[:whole])[-COMPARED:]
        return Known(
            now, join(known.history, more), known.whole + whole, known.lines + added.count(b"\n"), ending
        )


def join(history: History, more: History) -> History:
    """Return a history with what was told behind it, by the same attempt or a later one."""
    told = {name: _joined(history.series.get(name), series) for name, series in more.series.items()}
    return History(
        {**history.series, **told},
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
