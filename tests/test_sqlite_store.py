"""SQLite stores: read without a lock and without a trace; damaged, hostile and odd ones are named."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.open import open_study
from ired_diag.readers import sqlite_store

MLFLOW = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, status TEXT, lifecycle_stage TEXT,
    experiment_id INTEGER);
CREATE TABLE metrics (key TEXT, value FLOAT, timestamp INTEGER, run_uuid TEXT, step INTEGER, is_nan BOOLEAN);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
INSERT INTO experiments VALUES (1, 'toy');
"""
TRACKIO = """
CREATE TABLE metrics (id INTEGER PRIMARY KEY, timestamp TEXT, run_name TEXT, step INTEGER, metrics TEXT);
CREATE TABLE configs (id INTEGER PRIMARY KEY, run_name TEXT, config TEXT, created_at TEXT);
"""


def mlflow_store(folder: Path, runs: Sequence[tuple[str, str, str]], *, values: int = 3) -> Path:
    """Write a store with runs of a name, a status and a stage."""
    path = folder / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(MLFLOW)
        for number, (name, status, stage) in enumerate(runs):
            connection.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, 1)", (f"id{number}", name, status, stage)
            )
            connection.execute("INSERT INTO params VALUES ('seed', ?, ?)", (str(number), f"id{number}"))
            for step in range(values):
                row = ("loss", 1 / (1 + step), step, f"id{number}", 10 * step, 0)
                connection.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
    return path


def trackio_store(folder: Path, rows: Sequence[tuple[str, int, object]]) -> Path:
    """Write a store of an old trackio, without ids of runs, from run, step and metrics."""
    path = folder / "toy.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(TRACKIO)
        for name, step, metrics in rows:
            text = metrics if isinstance(metrics, bytes) else json.dumps(metrics)
            connection.execute(
                "INSERT INTO metrics (run_name, step, metrics) VALUES (?, ?, ?)", (name, step, text)
            )
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_store_at_rest_is_left_as_it_was(journal: str, tmp_path: Path) -> None:
    path = mlflow_store(tmp_path, [("a", "FINISHED", "active")])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
    before = contents(tmp_path)
    assert before.keys() == {"mlflow.db"}
    sqlite_store.read_runs(path)
    assert contents(tmp_path) == before


def test_a_store_in_a_folder_that_may_not_be_written_is_read(tmp_path: Path) -> None:
    path = mlflow_store(tmp_path, [("a", "FINISHED", "active")])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert len(sqlite_store.read_runs(path)) == 1
    finally:
        tmp_path.chmod(0o755)


def test_what_is_committed_in_the_journal_of_a_live_store_counts_and_nothing_waits(tmp_path: Path) -> None:
    path = mlflow_store(tmp_path, [("a", "RUNNING", "active")])
    writer = sqlite3.connect(path, timeout=0)
    with closing(writer):
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        with writer:
            writer.execute("INSERT INTO metrics VALUES ('loss', 0.2, 9, 'id0', 90, 0)")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO metrics VALUES ('loss', 0.1, 10, 'id0', 100, 0)")
        before = contents(tmp_path)
        assert "mlflow.db-wal" in before
        (log,) = sqlite_store.read_runs(path).values()
        assert log.points["loss"].steps.tolist() == [0, 10, 20, 90]
        assert contents(tmp_path) == before
        writer.commit()
        (log,) = sqlite_store.read_runs(path).values()
        assert log.points["loss"].steps.tolist() == [0, 10, 20, 90, 100]
        assert writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0  # 1: somebody reads it


def test_a_store_that_another_process_has_locked_is_read(tmp_path: Path) -> None:
    path = mlflow_store(tmp_path, [("a", "RUNNING", "active")])
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("INSERT INTO metrics VALUES ('loss', 0.1, 10, 'id0', 100, 0)")
        (log,) = sqlite_store.read_runs(path).values()
        assert log.points["loss"].steps.tolist() == [0, 10, 20]
        writer.execute("COMMIT")


def test_infinity_nan_and_text_in_mlflow(tmp_path: Path) -> None:
    path = mlflow_store(tmp_path, [("a", "FINISHED", "active")], values=0)
    with closing(sqlite3.connect(path)) as connection, connection:
        for time, (value, is_nan) in enumerate(
            [(0.0, 1), (1.7976931348623157e308, 0), ("word", 0), (2.0, 0)]
        ):
            row = ("loss", value, time, "id0", 10 * time, is_nan)
            connection.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
    (log,) = sqlite_store.read_runs(path).values()
    values = log.points["loss"].values.tolist()
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, 2.0]
    assert len(log.damaged) == 1


def test_values_of_mlflow_are_read_in_the_order_of_their_time(tmp_path: Path) -> None:
    path = mlflow_store(tmp_path, [("a", "FINISHED", "active")], values=0)
    values = [(n, 10 * n) for n in range(8)] + [(50 + n, 30 + 10 * n) for n in range(3)]
    with closing(sqlite3.connect(path)) as connection, connection:
        for time, (value, step) in reversed(list(enumerate(values))):
            row = ("loss", value, time, "id0", step, 0)
            connection.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
    (run,) = open_study(path).runs
    assert run.history.series["loss"].values.tolist() == [0, 1, 2, 50, 51, 52]


def test_deleted_runs_and_runs_without_a_metric_are_counted(tmp_path: Path) -> None:
    path = mlflow_store(tmp_path, [("a", "FINISHED", "active"), ("b", "FINISHED", "deleted")])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO runs VALUES ('parent', 'p', 'FINISHED', 'active', 1)")
    (run,) = open_study(path).runs
    assert [note.evidence for note in run.findings] == [{"deleted": 1, "empty": 1}]


def test_names_that_mlflow_invents_are_no_experiments(tmp_path: Path) -> None:
    names = ["bright-crow-842", "calm-dog-17", "ppo-hopper-1", "ppo-hopper-2"]
    mlflow_store(tmp_path, [(name, "FAILED", "active") for name in names])
    runs = open_study(tmp_path).runs
    assert sorted({run.group for run in runs}) == ["ppo-hopper", "toy"]
    assert {run.ending.state for run in runs} == {"failed"}


def test_runs_of_one_name_without_a_seed_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    path = mlflow_store(tmp_path, [("baseline", "FINISHED", "active")] * 2)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM params")
        for table in ("runs", "metrics"):
            for number in range(2):
                whole = f"{number}bcd" * 8
                connection.execute(
                    f"UPDATE {table} SET run_uuid = ? WHERE run_uuid = ?", (whole, f"id{number}")
                )
    assert [run.label for run in open_study(path).runs] == ["baseline/0bcd0bcd", "baseline/1bcd1bcd"]


def test_rows_of_an_old_trackio_are_read_by_the_name_of_the_run(tmp_path: Path) -> None:
    rows = [("a", 0, {"loss": 1.0}), ("b", 0, {"loss": "NaN"}), ("a", 5, {"loss": "-Infinity", "fold": 3})]
    logs = sqlite_store.read_runs(trackio_store(tmp_path, [*rows, ("a", 9, b"{torn")]))
    assert logs["a"].points["loss"].values.tolist() == [1.0, -math.inf]
    assert logs["a"].points["fold"].steps.tolist() == [5]
    assert len(logs["a"].damaged) == 1
    assert math.isnan(logs["b"].points["loss"].values[0])


def test_a_database_of_another_program_is_named_by_its_tables(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE trials (id INTEGER)")
    with pytest.raises(UnreadableFile, match="found the tables trials"):
        sqlite_store.read_runs(path)


def test_a_view_that_never_ends_is_not_asked(tmp_path: Path) -> None:
    path = tmp_path / "hostile.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(MLFLOW.replace("CREATE TABLE metrics", "CREATE TABLE unused"))
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT * FROM n"
        connection.execute(f"CREATE VIEW metrics AS {endless}")
    with pytest.raises(UnreadableFile, match="found the tables"):
        sqlite_store.read_runs(path)


def test_a_damaged_store_is_an_error_on_one_line(tmp_path: Path) -> None:
    path = mlflow_store(tmp_path, [(f"r{n}", "FINISHED", "active") for n in range(50)], values=50)
    content = bytearray(path.read_bytes())
    content[4096:20_000] = b"\xa5" * (20_000 - 4096)
    path.write_bytes(content)
    with pytest.raises(DiagError, match="damaged SQLite database"):
        sqlite_store.read_runs(path)
