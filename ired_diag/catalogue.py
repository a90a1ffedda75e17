"""The catalogue: runs as they were read, so that a log or run folder that has not changed is not read twice.

One SQLite file in the user's cache directory holds, by the place of each source, the state that its files had
(size, time of change, inode) and the runs that were read from it (``packed_runs``), or the reason why none
were. It is asked before a source is read, and told afterwards; where it is damaged, locked, full or of other
code, sources are read, and nothing else happens.

SQLite, because ten thousand small files take ten times as long as ten thousand rows of one, and because two
processes may write at once. No write-ahead log is used: it needs memory that machines of a network disk do
not share.

Kept are run folders, and those logs whose readers look at nothing but the log and the ``.err`` file next to
it. A folder of a tracker, or a table with its settings in a file above it, is read each time. So is what
changed within the last seconds, since two writes may bear the same time.

References: SQLite, "Write-Ahead Logging", section 1, and "Using SQLite Over a Network".
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.readers.death import DiedWithoutMetrics
from ired_diag.readers.own_readers import own_readers
from ired_diag.runs.code_state import state_of_code
from ired_diag.runs.fingerprints import Fingerprint, fingerprint, tree
from ired_diag.runs.packed_runs import pack, unpack
from ired_diag.runs.run import Run
from ired_diag.user_cache import user_cache

FILE = "catalogue.sqlite"
GIVEN = "ired_diag.given"  # audit event (PEP 578): a file whose runs are given and that is not opened
TABLE = """
    CREATE TABLE IF NOT EXISTS sources (
        place TEXT PRIMARY KEY, code TEXT, state TEXT, error TEXT, runs BLOB, checksum INTEGER, used INTEGER
    ) WITHOUT ROWID
"""
ALONE = frozenset(("slurm", "text_log"))  # formats whose readers look at the log and its ``.err`` file alone
UNSETTLED = 2.0  # seconds in which two writes may bear the same time
LOCKED = 2.0  # seconds that another process is waited for
MOST_BYTES = 2 << 30  # of all that is kept
LARGEST = 64 << 20  # bytes of one source's runs
DAY = 86_400
ERRORS: dict[str, type[UnreadableFile]] = {
    error.__name__: error for error in (UnreadableFile, DiedWithoutMetrics)
}

ReadLog = Callable[[Path], Sequence[Run]]
ReadFolder = Callable[[Path], Run]


class Row(NamedTuple):
    """What is kept of a source: its place, the states of its files, its runs or the error in their place."""

    place: str
    state: str
    error: str
    runs: bytes


@dataclass
class Catalogue:
    """Runs by the places of their sources.

    Attributes:
        file: The SQLite file; it is made when the first source is kept.
        found: How many sources were found unchanged.
        read: How many sources were read.
    """

    file: Path
    found: int = 0
    read: int = 0
    _new: list[Row] = field(default_factory=list)
    _used: list[str] = field(default_factory=list)
    _connection: sqlite3.Connection | None = None
    _is_broken: bool = False

    def log(self, path: Path, read: ReadLog) -> Sequence[Run]:
        """Return the runs in a log, as ``read`` returns them.

        Args:
            path: The log.
            read: Reads it, where it is not kept or has changed.

        Raises:
            UnreadableFile: As ``read`` does.
        """
        kept = self.kept_log(path)
        if kept is not None:
            return kept
        before = _state_of_log(path)
        try:
            runs = read(path)
        except (UnreadableFile, DiedWithoutMetrics) as error:
            if type(error).__name__ in ERRORS and type(error) is ERRORS[type(error).__name__]:
                self.keep_log(path, before, (), error=error)
            raise
        self.keep_log(path, before, runs)
        return runs

    def knows(self, path: Path) -> bool:
        """Say whether a log is kept, or the reason why it holds no run, and has not changed since."""
        state = _state_of_log(path)
        if state is None or own_readers():
            return False
        return self._row(_key(path), _as_text(state)) is not None

    def kept_log(self, path: Path) -> Sequence[Run] | None:
        """Return the runs in a log that has not changed since it was kept; None where it must be read.

        Raises:
            UnreadableFile: It could not be read, and has not changed since.
        """
        state = _state_of_log(path)
        if state is None or own_readers():
            return None
        return self._kept(path, _as_text(state), files=state)

    def keep_log(
        self,
        path: Path,
        state: dict[str, Fingerprint | None] | None,
        runs: Sequence[Run],
        *,
        error: UnreadableFile | None = None,
    ) -> None:
        """Note what was read of a log, to be kept when the catalogue is closed.

        Args:
            path: The log.
            state: The states of its files before it was read.
            runs: What was read.
            error: The error in its place.
        """
        self.read += 1
        stands_alone = all(run.format in ALONE and _known(state, run.sources) for run in runs)
        is_other = error is not None and path.suffix != ".out"
        if state is None or not stands_alone or is_other or own_readers():
            return
        if _is_settled(state):  # what changes while it is read has another state when it is asked for
            self._note(path, _as_text(state), runs, error)

    def folder(self, folder: Path, read: ReadFolder) -> Run:
        """Return the run in a folder, as ``read`` returns it."""
        before = tree(folder)
        kept = self._kept(folder, _digest(before), files=before)
        if kept:
            return kept[0]
        run = read(folder)
        self.read += 1
        if _is_settled(before):  # what changes while it is read has another state when it is asked for
            self._note(folder, _digest(before), [run], None)
        return run

    def close(self) -> None:
        """Write what is new, and close the file."""
        try:
            if self._new or self._used:
                self._write()
        except (sqlite3.Error, OSError):
            self._forget()
        finally:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _kept(self, place: Path, state: str, *, files: Iterable[str]) -> Sequence[Run] | None:
        row = self._row(_key(place), state)
        if row is None:
            return None
        for file in files:  # it counts as read, for whoever notes what an answer rests on
            sys.audit(GIVEN, file)
        error, runs = row
        if error:
            name, _, words = error.partition(":")
            if name not in ERRORS:
                return None
            self.found += 1
            raise ERRORS[name](words)
        try:
            unpacked = unpack(runs)
        except DiagError:
            return None
        self.found += 1
        return unpacked

    def _row(self, place: str, state: str) -> tuple[str, bytes] | None:
        """Return the error and the runs that are kept of a source in this state."""
        try:
            connection = self._connected(make=False)
            if connection is None:
                return None
            found = connection.execute(
                "SELECT error, runs, checksum, used FROM sources WHERE place = ? AND code = ? AND state = ?",
                (place, state_of_code(), state),
            ).fetchone()
            if found is None:
                return None
            error, runs, checksum, used = found
            if checksum != _checksum(error, runs):
                raise sqlite3.DatabaseError("a row is damaged")
            if used < _today():
                self._used.append(place)
            return str(error), bytes(runs)
        except (sqlite3.Error, OSError, TypeError, ValueError):
            self._forget()
            return None

    def _note(self, place: Path, state: str, runs: Sequence[Run], error: UnreadableFile | None) -> None:
        text = "" if error is None else f"{type(error).__name__}:{error}"
        try:
            packed = pack(runs)
        except TypeError:  # a user's own reader put something there that is no part of a run
            return
        if len(packed) <= LARGEST:
            self._new.append(Row(_key(place), state, text, packed))

    def _connected(self, *, make: bool) -> sqlite3.Connection | None:
        """Return the connection; None where there is no file and none is to be made."""
        if self._is_broken:
            return None
        if self._connection is None:
            if not make and not self.file.is_file():
                return None
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.file, timeout=LOCKED, isolation_level=None)
            self._connection.execute("PRAGMA synchronous = OFF")  # lost at a power cut, and read again
            self._connection.execute(TABLE)
        return self._connection

    def _write(self) -> None:
        connection = self._connected(make=True)
        if connection is None:
            return
        code, today = state_of_code(), _today()
        rows = []
        for row in self._new:
            checksum = _checksum(row.error, row.runs)
            rows.append((row.place, code, row.state, row.error, row.runs, checksum, today))
        with transaction(connection):
            connection.executemany("INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            connection.executemany(
                "UPDATE sources SET used = ? WHERE place = ?", [(today, place) for place in self._used]
            )
        if rows:
            self._shrink(connection)

    def _shrink(self, connection: sqlite3.Connection) -> None:
        """Remove what was unused for the longest, until the rest is within the limit."""
        (count,) = connection.execute("SELECT COUNT(*) FROM sources").fetchone()
        while count and self.file.stat().st_size > MOST_BYTES:
            with transaction(connection):
                connection.execute(
                    "DELETE FROM sources WHERE place IN (SELECT place FROM sources ORDER BY used LIMIT ?)",
                    (count // 2 + 1,),
                )
            connection.execute("VACUUM")
            (count,) = connection.execute("SELECT COUNT(*) FROM sources").fetchone()

    def _forget(self) -> None:
        """Remove a file that cannot be used, unless another process only holds it for a while."""
        self._is_broken = True
        self._new.clear()
        connection, self._connection = self._connection, None
        with contextlib.suppress(sqlite3.Error):
            if connection is not None:
                connection.close()
        if not is_whole(self.file):
            with contextlib.suppress(OSError):
                self.file.unlink()


@contextmanager
def open_catalogue(file: Path | None = None) -> Iterator[Catalogue]:
    """Open the catalogue, and write at the end what is new.

    Args:
        file: The SQLite file. Default: in the user's cache directory.
    """
    catalogue = Catalogue(file or user_cache("catalogue") / FILE)
    try:
        yield catalogue
    finally:
        catalogue.close()


def _key(place: Path) -> str:
    """Return the key of a source: its place, and the words that its runs name it by."""
    return f"{place.resolve()}\n{place}"


def _state_of_log(path: Path) -> dict[str, Fingerprint | None] | None:
    """Return the states of a log and of the ``.err`` file that may stand next to it; None of a folder."""
    own = fingerprint(path)
    if own is None or path.is_dir():
        return None
    return {str(path): own, str(path.with_suffix(".err")): fingerprint(path.with_suffix(".err"))}


def _known(state: dict[str, Fingerprint | None] | None, sources: Sequence[Path]) -> bool:
    """Say whether the states of all files of a run are known."""
    return state is not None and all(str(source) in state for source in sources)


def _is_settled(states: dict[str, Fingerprint] | dict[str, Fingerprint | None]) -> bool:
    changed = [state.changed for state in states.values() if state is not None]
    return max(changed, default=0) < (time.time() - UNSETTLED) * 1e9


def _as_text(states: dict[str, Fingerprint | None]) -> str:
    return json.dumps([[path, None if state is None else list(state)] for path, state in states.items()])


def _digest(states: dict[str, Fingerprint]) -> str:
    text = repr(sorted(states.items())).encode(errors="surrogateescape")
    return hashlib.sha256(text).hexdigest()


def _checksum(error: str, runs: bytes) -> int:
    """Return a checksum of what is kept: SQLite itself notices no flipped bit."""
    return zlib.crc32(runs, zlib.crc32(error.encode("utf-8", "surrogatepass")))


def _today() -> int:
    return int(time.time()) // DAY


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all that the block executes, or nothing where it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def is_whole(file: Path) -> bool:
    """Say whether a file is a database that can be read, or there is none."""
    if not file.exists():
        return True
    try:
        connection = sqlite3.connect(file, timeout=LOCKED)
        try:
            return bool(connection.execute("PRAGMA quick_check").fetchone() == ("ok",))
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return True  # locked, or may not be read: somebody else's business
    except sqlite3.DatabaseError:
        return False
