"""Neptune's exported Parquet: its schema, written by pyarrow, read point by point."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from ired_diag.errors import UnreadableFile
from ired_diag.folder_survey import survey
from ired_diag.open import open_study
from ired_diag.readers import neptune_parquet, sqlite_store

SCHEMA = pa.schema(
    [
        ("project_id", pa.string()),
        ("run_id", pa.string()),
        ("attribute_path", pa.string()),
        ("attribute_type", pa.string()),
        ("step", pa.decimal128(18, 6)),
        ("int_value", pa.int64()),
        ("float_value", pa.float64()),
        ("string_value", pa.string()),
        ("bool_value", pa.bool_()),
    ]
)


def point(run: str, path: str, step: str, value: float) -> dict[str, object]:
    return row(run, path, "float_series", step=Decimal(step), float_value=value)


def row(run: str, path: str, kind: str, **values: object) -> dict[str, object]:
    return {"project_id": "me/toy", "run_id": run, "attribute_path": path, "attribute_type": kind, **values}


def written(folder: Path, rows: Sequence[dict[str, object]]) -> Path:
    path = folder / "toy_part_0.parquet"
    pa.parquet.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), path)
    return path


def test_series_are_metrics_and_single_values_the_configuration(tmp_path: Path) -> None:
    rows = []
    for seed in (0, 1):
        run = f"TOY-{seed}"
        rows += [point(run, "val/loss", str(step), 1.0 / (1 + step + seed)) for step in range(5)]
        rows += [point(run, "val/loss", "5", math.nan), point(run, "val/loss", "6", -math.inf)]
        rows.append(row(run, "parameters/seed", "int", int_value=seed))
        rows.append(row(run, "parameters/opt", "string", string_value="adam"))
        rows.append(row(run, "sys/name", "string", string_value="baseline"))
        rows.append(point(run, "monitoring/cpu", "0", 50.0))
    path = written(tmp_path, rows)
    log = neptune_parquet.read_runs(path)["TOY-1"]
    values = log.points["val/loss"].values.tolist()
    assert values[:5] == [1.0 / (2 + step) for step in range(5)]
    assert math.isnan(values[5])
    assert values[6] == -math.inf
    assert log.left_out == {"monitoring/cpu": 1}
    runs = open_study(path).runs
    assert [run.label for run in runs] == ["baseline/seed0", "baseline/seed1"]
    assert runs[0].configuration == {"parameters.seed": 0, "parameters.opt": "adam"}


def test_a_step_that_is_not_whole_is_counted(tmp_path: Path) -> None:
    path = written(tmp_path, [point("a", "loss", "1", 0.5), point("a", "loss", "1.5", 0.4)])
    (log,) = neptune_parquet.read_runs(path).values()
    assert [damage.where for damage in log.damaged] == [2]


def test_parquet_of_another_kind_is_named_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pa.parquet.write_table(pa.table({"step": [1], "loss": [0.5]}), path)
    with pytest.raises(UnreadableFile, match="found the columns step, loss"):
        neptune_parquet.read_runs(path)


@pytest.mark.parametrize("end", [4, 100, -1])
def test_a_file_without_its_end_is_an_error(end: int, tmp_path: Path) -> None:
    path = written(tmp_path, [point("a", "loss", "1", 0.5)])
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(UnreadableFile, match="damaged Parquet"):
        neptune_parquet.read_runs(path)


def test_only_tables_with_the_columns_of_neptune_are_accepted(tmp_path: Path) -> None:
    assert neptune_parquet.accepts(written(tmp_path, [point("a", "loss", "1", 0.5)]))
    probe = tmp_path / "accuracy.parquet"
    pa.parquet.write_table(pa.table({"step": [1], "weights": ["ema"], "mse": [0.5]}), probe)
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(probe.read_bytes()[:-6])
    assert not neptune_parquet.accepts(probe)
    assert not neptune_parquet.accepts(torn)
    assert survey(tmp_path).kinds == {"neptune_parquet": 1}


def test_a_database_of_another_program_is_no_store_of_runs(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (id INTEGER, text TEXT)")
    connection.close()
    assert not sqlite_store.accepts(path)
    assert survey(tmp_path).kinds == {}
