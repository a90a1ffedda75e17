"""Run folders without their histories, in the catalogue: what a table of runs needs, and nothing more.

A row holds a run as it was read, the outlines of its metrics, and the verdict on its curve. It is used while
the states of all files of the run are the same. Ten thousand rows are read at once; a history is read when a
curve is shown (``later_series``). A row that is damaged, of other code or of another state of the files only
means that the run is read again; a file that is no database is removed (``catalogue``).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ired_diag.catalogue import FILE, LOCKED, is_whole, transaction
from ired_diag.errors import DiagError
from ired_diag.runs.code_state import state_of_code
from ired_diag.runs.fingerprints import Fingerprint
from ired_diag.runs.history import Series
from ired_diag.runs.later_series import Outline, later, outlines_of
from ired_diag.runs.packed_runs import pack, unpack
from ired_diag.runs.run import Run
from ired_diag.verdict import Verdict

TABLE = """
    CREATE TABLE IF NOT EXISTS headers (
        root TEXT, place TEXT, code TEXT, state TEXT, run BLOB, outline TEXT, verdict TEXT, checksum INTEGER,
        used INTEGER, PRIMARY KEY (root, place)
    ) WITHOUT ROWID
"""
UNSETTLED = 2.0  # seconds in which two writes may bear the same time
MOST_ROWS = 300_000  # of all roots together, about 1 GB
DAY = 86_400

ReadHistory = Callable[[Path, Fingerprint], Mapping[str, Series]]  # of a run folder, in a state of its file


@dataclass
class Header:
    """What is kept of a run folder.

    Attributes:
        state: Digest of the states of its files.
        run: The run, packed, without its history.
        outline: Its history without the metrics' values, and the state of the file that holds them, as JSON.
        verdict: The verdict on its curve as JSON; empty before one was made.
    """

    state: str
    run: bytes
    outline: str
    verdict: str = ""

    @property
    def checksum(self) -> int:
        """A checksum of it all: SQLite itself notices no flipped bit."""
        text = "\n".join((self.state, self.outline, self.verdict))
        return zlib.crc32(self.run, zlib.crc32(text.encode("utf-8", "surrogatepass")))


@dataclass
class KeptHeaders:
    """The run folders under a root.

    Attributes:
        root: The root.
        file: The catalogue's file; it is made when the first header is kept.
        found: How many runs were taken from it.
    """

    root: Path
    file: Path
    found: int = 0
    _headers: dict[str, Header] = field(default_factory=dict)
    _changed: set[str] = field(default_factory=set)
    _is_loaded: bool = False

    def run(self, folder: Path, states: object, read: ReadHistory) -> Run | None:
        """Return the run in a folder as it was read; None where it must be read again.

        Args:
            folder: The folder.
            states: States of all its files.
            read: Reads its metrics when they are used first.
        """
        self._load()
        header = self._headers.get(str(folder))
        if header is None or header.state != _digest(states):
            return None
        try:
            (run,) = unpack(header.run)
            outline = json.loads(header.outline)
            metrics = [Outline(*metric) for metric in outline["metrics"]]
            source = Fingerprint(*outline["source"])
        except (DiagError, ValueError, TypeError, KeyError):  # other code packed it: it is read again
            return None
        self.found += 1
        series = later(metrics, lambda: read(folder, source))
        return replace(run, history=replace(run.history, series=series))

    def note(self, folder: Path, states: object, run: Run, source: Fingerprint | None) -> None:
        """Note a run that was read, to be kept when the headers are written.

        Args:
            folder: Its folder.
            states: States of all its files before it was read.
            run: The run.
            source: State of the file of its history before it was read. None: there is none.
        """
        if source is None or source.changed > (time.time() - UNSETTLED) * 1e9:
            return
        outline = {"metrics": outlines_of(run.history), "source": source}
        bare = replace(run, history=replace(run.history, series={}))
        try:
            packed = pack([bare])
        except TypeError:  # something that could not be unpacked
            return
        self._headers[str(folder)] = Header(_digest(states), packed, json.dumps(outline))
        self._changed.add(str(folder))

    def verdict(self, run: Run) -> Verdict | None:
        """Return the verdict on a run by its own metric, None where none is kept."""
        header = self._headers.get(str(run.path))
        if header is None or not header.verdict:
            return None
        try:
            return Verdict(**json.loads(header.verdict))
        except (ValueError, TypeError):
            return None

    def note_verdict(self, run: Run, verdict: Verdict) -> None:
        """Note the verdict on a run by its own metric, to be kept when the headers are written."""
        header = self._headers.get(str(run.path))
        if header is None or header.verdict:
            return
        header.verdict = json.dumps({**asdict(verdict), "direction": None})
        self._changed.add(str(run.path))

    def write(self) -> None:
        """Write what is new; where that cannot be done, nothing happens."""
        if not self._changed:
            return
        rows = []
        day = int(time.time()) // DAY
        for place in self._changed:
            header = self._headers[place]
            content = (header.state, header.run, header.outline, header.verdict, header.checksum)
            rows.append((self._root, place, state_of_code(), *content, day))
        self._changed.clear()
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connected()) as connection, transaction(connection):
                connection.executemany("INSERT OR REPLACE INTO headers VALUES (?,?,?,?,?,?,?,?,?)", rows)
                connection.execute(
                    "DELETE FROM headers WHERE (root, place) IN "
                    "(SELECT root, place FROM headers ORDER BY used DESC LIMIT -1 OFFSET ?)",
                    (MOST_ROWS,),
                )
        except (sqlite3.Error, OSError):
            self._remove_what_is_no_database()

    @property
    def _root(self) -> str:
        """The root, and the words that its runs name it by."""
        return f"{os.path.realpath(self.root)}\n{self.root}"

    def _load(self) -> None:
        if self._is_loaded:
            return
        self._is_loaded = True
        if not self.file.is_file():
            return
        try:
            with closing(self._connected()) as connection:
                self._read_rows(connection)
        except (sqlite3.Error, OSError, TypeError, ValueError):
            self._headers.clear()
            self._remove_what_is_no_database()

    def _read_rows(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute(
            "SELECT place, state, run, outline, verdict, checksum FROM headers WHERE root = ? AND code = ?",
            (self._root, state_of_code()),
        )
        for place, state, run, outline, verdict, checksum in rows:
            header = Header(state, run, outline, verdict)
            if header.checksum == checksum:
                self._headers[place] = header
        day = int(time.time()) // DAY
        connection.execute("UPDATE headers SET used = ? WHERE root = ? AND used < ?", (day, self._root, day))

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.file, timeout=LOCKED, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = OFF")  # lost at a power cut, and read again
            connection.execute(TABLE)
        except BaseException:
            connection.close()
            raise
        return connection

    def _remove_what_is_no_database(self) -> None:
        if not is_whole(self.file):
            with contextlib.suppress(OSError):
                self.file.unlink()


def catalogue_file(cache: Path) -> Path:
    """Return the file of the catalogue next to the folder of the histories."""
    return cache.with_name("catalogue") / FILE


def _digest(states: object) -> str:
    return hashlib.sha256(repr(states).encode(errors="surrogateescape")).hexdigest()[:32]
