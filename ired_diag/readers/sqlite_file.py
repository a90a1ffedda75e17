"""A SQLite database of another program, read without a trace: no lock, no write, no file left next to it.

Opening a database "read only" is not enough: where its journal is a write-ahead log (``-wal``), SQLite makes
``-wal`` and ``-shm`` files next to it even then, and takes locks in them that a training may wait for. So a
database whose journals are empty is opened as immutable, which takes no lock at all. One with a journal next
to it is copied with its journal, and the copy is opened: committed transactions of the log are read, others
are not. In both cases the file must not have changed meanwhile, else it is read again.

What the file says of itself is not trusted: only plain tables are read, no view and no virtual table, and a
query that runs far beyond the size of real stores is ended.

Reference: SQLite, "Write-Ahead Logging", section 5; "URI Filenames", parameter immutable.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from ired_diag.errors import UnreadableFile, unreadable

MAGIC = b"SQLite format 3\0"
JOURNALS = ("-wal", "-journal")
TRIES = 5
OPERATIONS = 10_000_000  # of SQLite's machine, between two looks at how long a query runs
MOST_LOOKS = 1_000

Content = TypeVar("Content")
State = tuple[int, int]  # size, time of the last change in ns


def is_database(path: Path) -> bool:
    """Say whether a file is a SQLite database, by its first bytes."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_database(path: Path, read: Callable[[sqlite3.Connection], Content]) -> Content:
    """Return what a function reads from a database.

    Args:
        path: The database.
        read: Reads it.

    Raises:
        UnreadableFile: It is damaged, or changes all the time.
    """
    for _ in range(TRIES):
        try:
            before = _state(path)
            content, error = _attempt(path, read)
            is_unchanged = _state(path) == before
        except OSError as reason:
            raise unreadable(path, reason) from reason
        if not is_unchanged:
            continue
        if content is None:
            raise UnreadableFile(f"{path}: is a damaged SQLite database ({error}).") from error
        return content
    raise UnreadableFile(f"{path}: changed {TRIES} times while it was read; try again when less is written.")


def _attempt(
    path: Path, read: Callable[[sqlite3.Connection], Content]
) -> tuple[Content | None, Exception | None]:
    try:
        if not any(map(_is_filled, _journals(path))):
            return _read(f"{path.resolve().as_uri()}?mode=ro&immutable=1", read), None
        with tempfile.TemporaryDirectory(prefix="ired-diag-") as folder:
            copy = Path(folder, "copy.db")
            shutil.copyfile(path, copy)
            for journal, suffix in zip(_journals(path), JOURNALS, strict=True):
                if _is_filled(journal):
                    shutil.copyfile(journal, f"{copy}{suffix}")
            return _read(copy.as_uri(), read), None
    except (sqlite3.Error, UnicodeDecodeError, OverflowError, MemoryError) as error:
        return None, error


def _read(uri: str, read: Callable[[sqlite3.Connection], Content]) -> Content:
    looks = iter(range(MOST_LOOKS))
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        connection.text_factory = _text
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA mmap_size = 0")
        # A handler that returns a true value ends the query.
        connection.set_progress_handler(lambda: next(looks, None) is None, OPERATIONS)
        return read(connection)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def _journals(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}{suffix}") for suffix in JOURNALS]


def _is_filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _state(path: Path) -> State:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def columns_of(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the columns of each plain table, by the table's name."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0"
    columns = {}
    for (table,) in connection.execute(query).fetchall():
        rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        columns[str(table)] = [str(name) for (name,) in rows]
    return columns
