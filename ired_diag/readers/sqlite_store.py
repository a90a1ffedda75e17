"""Stores of runs in a SQLite database: MLflow's (``mlflow_sqlite``) and trackio's (``trackio_sqlite``)."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.readers import mlflow_sqlite, trackio_sqlite
from ired_diag.readers.scalar_log import ScalarLog
from ired_diag.readers.sqlite_file import columns_of, is_database, read_database

MOST_LISTED = 8  # names of tables


def accepts(path: Path) -> bool:
    """Say whether ``path`` is a SQLite database with the tables of MLflow or trackio.

    A damaged database states no tables; it is accepted, so that reading it says what is wrong.
    """
    if not is_database(path):
        return False
    try:
        return read_database(path, _is_store)
    except UnreadableFile:
        return True


def _is_store(connection: sqlite3.Connection) -> bool:
    columns = columns_of(connection)
    return mlflow_sqlite.is_store(columns) or trackio_sqlite.is_store(columns)


def read_runs(path: Path, *, allow_torn_tail: bool = False) -> dict[str, ScalarLog]:
    """Return the log of each run in a store, by the run's id.

    Args:
        path: The database.
        allow_torn_tail: Of no effect: a transaction is whole or not there.

    Raises:
        UnreadableFile: It is damaged, the store of another program, or no run in it logged a metric.
    """
    logs = read_database(path, partial(_logs_in, path))
    if not logs:
        raise UnreadableFile(f"{path}: is a store of runs, and none of them logged a metric.")
    return logs


def _logs_in(path: Path, connection: sqlite3.Connection) -> dict[str, ScalarLog]:
    columns = columns_of(connection)
    if mlflow_sqlite.is_store(columns):
        return mlflow_sqlite.logs_in(connection, columns)
    if trackio_sqlite.is_store(columns):
        return trackio_sqlite.logs_in(connection, columns, path.stem)
    tables = ", ".join(list(columns)[:MOST_LISTED]) or "none"
    raise UnreadableFile(
        f"{path}: expected a SQLite database of MLflow or trackio, found the tables {tables}."
    )
