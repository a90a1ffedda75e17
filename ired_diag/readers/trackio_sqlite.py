"""The runs in a database of trackio, ``<project>.db``.

    metrics   run_id, run_name, step, metrics: a JSON object, with "NaN" and "Infinity" as texts
    configs   run_id, run_name, config: a JSON object; _Group is the run's group

A run is recognised by its id, in older files by its name. Its rows are read in the order in which they were
written: steps may go back. Numbers in nested objects are named with slashes.

Reference: trackio 0.43, sqlite_storage.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ired_diag.readers.metrics_jsonl import Entry, read_entries, read_object
from ired_diag.readers.scalar_log import Damage, ScalarLog
from ired_diag.readers.store_names import invented_names, stated_names
from ired_diag.readers.store_rows import log_of_table

STEP = "step of trackio"  # no metric has this name
GROUP = "_Group"


@dataclass
class _TrackioRun:
    """A run: its name, its rows, its configuration, and what was skipped."""

    name: str
    entries: list[Entry] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    damaged: list[Damage] = field(default_factory=list)


def is_store(columns: Mapping[str, Sequence[str]]) -> bool:
    """Say whether a database with these columns, by table, is trackio's."""
    return {"run_name", "step", "metrics"} <= set(columns.get("metrics", ()))


def logs_in(
    connection: sqlite3.Connection, columns: Mapping[str, Sequence[str]], project: str
) -> dict[str, ScalarLog]:
    """Return the log of each run by its id.

    Args:
        connection: The database.
        columns: The columns of each table.
        project: The name of the project: that of the file.
    """
    runs = _runs(connection, columns)
    logged = {key: run for key, run in runs.items() if run.entries}
    names = [run.name for run in logged.values()]
    logs = {}
    for (key, run), invented in zip(logged.items(), invented_names(names), strict=True):
        logs[key] = _log(key, run, project, invented=invented)
    return logs


def _runs(connection: sqlite3.Connection, columns: Mapping[str, Sequence[str]]) -> dict[str, _TrackioRun]:
    runs: dict[str, _TrackioRun] = {}
    key = _key(columns["metrics"])
    query = f"SELECT rowid, {key}, run_name, step, metrics FROM metrics ORDER BY rowid"
    for row, run_id, name, step, metrics in connection.execute(query):
        run = runs.setdefault(str(run_id), _TrackioRun(str(name)))
        try:
            run.entries.append((row, {**_object(metrics), STEP: step}))
        except ValueError as error:
            run.damaged.append(Damage(row, f"a row that is not a JSON object ({error})"))
    if "configs" in columns:
        _add_configurations(connection, _key(columns["configs"]), runs)
    return runs


def _add_configurations(connection: sqlite3.Connection, key: str, runs: Mapping[str, _TrackioRun]) -> None:
    query = f"SELECT rowid, {key}, config FROM configs ORDER BY rowid"
    for row, run_id, config in connection.execute(query):
        run = runs.get(str(run_id))
        if run is None:
            continue
        try:
            run.config.update(_object(config))
        except ValueError as error:
            run.damaged.append(Damage(row, f"a configuration that is not a JSON object ({error})"))


def _key(columns: Iterable[str]) -> str:
    return "run_id" if "run_id" in columns else "run_name"


def _object(text: object) -> dict[str, Any]:
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogatepass")
    if not isinstance(text, bytes):
        raise ValueError(f"found {type(text).__name__}")
    return read_object(text)


def _log(key: str, run: _TrackioRun, project: str, *, invented: bool) -> ScalarLog:
    columns = read_entries(run.entries, STEP, run.name)
    group = run.config.get(GROUP)
    stated: dict[str, Any] = dict(
        stated_names(run.name, project=project, group=str(group or ""), invented=invented, id=key)
    )
    config = {key: value for key, value in run.config.items() if not key.startswith("_")}
    if config:
        stated["config"] = config
    return log_of_table(
        columns.table,
        stated=stated,
        damaged=[*run.damaged, *columns.damaged],
        left_out=columns.left_out,
    )
