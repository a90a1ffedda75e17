"""The runs in MLflow's SQLite database, ``mlflow.db``, its default since 3.0.

    runs          run_uuid, name, status, lifecycle_stage, experiment_id
    experiments   experiment_id, name
    metrics       run_uuid, key, value, timestamp (ms), step, is_nan
    params, tags  run_uuid, key, value

Values are read in the order of their time. Deleted runs, and runs that logged no metric (a parent of others),
are left out and counted in a note.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from ired_diag.finding import Finding
from ired_diag.readers.mlflow_values import MlflowRun, log_of_run, number_of_mlflow
from ired_diag.readers.scalar_log import Damage, ScalarLog
from ired_diag.readers.step_key import step_in
from ired_diag.readers.store_names import invented_names

TABLES = {"runs", "metrics", "params"}
ORDER = ("timestamp", "step", "rowid")


def is_store(tables: Iterable[str]) -> bool:
    """Say whether a database with these tables is MLflow's."""
    return set(tables) >= TABLES


def logs_in(connection: sqlite3.Connection, columns: Mapping[str, Sequence[str]]) -> dict[str, ScalarLog]:
    """Return the log of each run by its id.

    Args:
        connection: The database.
        columns: The columns of each table.
    """
    runs, deleted = _runs(connection, columns)
    _add_values(connection, columns, runs)
    for table in ("params", "tags"):
        if table in columns:
            for run_id, key, value in connection.execute(f"SELECT run_uuid, key, value FROM {table}"):
                if run_id in runs:
                    getattr(runs[run_id], table)[str(key)] = str(value)
    logged = [run for run in runs.values() if run.values]
    notes = _left_out(deleted, len(runs) - len(logged))
    logs = {}
    for run, invented in zip(logged, invented_names([run.label for run in logged]), strict=True):
        logs[run.id] = log_of_run(run, invented=invented, notes=notes)
        notes = []  # once is enough
    return logs


def _runs(
    connection: sqlite3.Connection, columns: Mapping[str, Sequence[str]]
) -> tuple[dict[str, MlflowRun], int]:
    """Return the runs by id, and how many are deleted."""
    experiments: dict[object, str] = {}
    if "experiments" in columns:
        experiments = dict(connection.execute("SELECT experiment_id, name FROM experiments"))
    wanted = ("name", "experiment_id", "status", "lifecycle_stage")
    cells = [name if name in columns["runs"] else "''" for name in wanted]
    runs: dict[str, MlflowRun] = {}
    deleted = 0
    for run_id, name, experiment, status, stage in connection.execute(
        f"SELECT run_uuid, {', '.join(cells)} FROM runs"
    ):
        if stage == "deleted":
            deleted += 1
            continue
        runs[run_id] = MlflowRun(
            id=str(run_id),
            name=str(name or ""),
            experiment=str(experiments.get(experiment) or ""),
            status=str(status or ""),
        )
    return runs, deleted


def _add_values(
    connection: sqlite3.Connection, columns: Mapping[str, Sequence[str]], runs: Mapping[str, MlflowRun]
) -> None:
    """Add the values of all metrics to their runs, in the order of their time."""
    step = "step" if "step" in columns["metrics"] else "0"
    is_nan = "is_nan" if "is_nan" in columns["metrics"] else "0"
    order = ", ".join(name for name in ORDER if name in (*columns["metrics"], "rowid"))
    query = f"SELECT rowid, run_uuid, key, value, {step}, {is_nan} FROM metrics ORDER BY {order}"
    for row, run_id, key, value, stated_step, nan in connection.execute(query):
        run = runs.get(run_id)
        if run is None:
            continue
        try:
            number = number_of_mlflow(float(value), is_nan=bool(nan))
            run.values.append((str(key), step_in(stated_step), number))
        except (TypeError, ValueError) as error:
            run.damaged.append(Damage(row, f"a value that is not a number at a step ({error})"))


def _left_out(deleted: int, empty: int) -> list[Finding]:
    parts = []
    if deleted:
        parts.append(f"{deleted} deleted runs")
    if empty:
        parts.append(f"{empty} runs without a metric")
    if not parts:
        return []
    statement = f"The store also holds {' and '.join(parts)}, which are left out."
    return [Finding("runs_left_out", "note", statement, evidence={"deleted": deleted, "empty": empty})]
