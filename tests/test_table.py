"""Tables: declared columns, and Parquet files with their metadata."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ired_diag.errors import UnreadableFile
from ired_diag.table import Column, check_table, concatenate, read_table, select, write_table

COLUMNS = (Column("level", "1", "noise level"), Column("kind", "1", "which"), Column("x", "m", "how far"))
TABLE = {
    "level": np.array([0, 1, 1]),
    "kind": np.array(["a", "b", "a"]),
    "x": np.array([0.5, np.nan, -np.inf]),
}


def test_a_table_comes_back_as_it_was_written_with_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "probes" / "x.parquet"
    write_table(path, TABLE, {"probe": "x"})
    table, metadata = read_table(path)
    assert list(table) == list(TABLE)
    np.testing.assert_array_equal(table["x"], TABLE["x"])
    assert table["kind"].tolist() == ["a", "b", "a"]
    assert metadata == {"format": 1, "probe": "x"}


def test_select_and_concatenate_are_rows_and_nothing_else() -> None:
    parts = [select(TABLE, kind="a"), select(TABLE, kind="b")]
    assert [part["level"].tolist() for part in parts] == [[0, 1], [1]]
    assert sorted(concatenate(parts)["level"].tolist()) == [0, 1, 1]


@pytest.mark.parametrize(
    "table",
    [
        {k: v for k, v in TABLE.items() if k != "x"},
        {**TABLE, "y": TABLE["x"]},
        {**TABLE, "x": TABLE["x"][:2]},
        dict(reversed(TABLE.items())),
    ],
)
def test_a_table_that_is_not_as_declared_is_a_defect(table: dict[str, np.ndarray]) -> None:
    check_table(TABLE, COLUMNS, "x")
    with pytest.raises(ValueError, match="x: "):
        check_table(table, COLUMNS, "x")


def test_damaged_foreign_and_newer_tables_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write_table(path, TABLE, {"format": 2})
    with pytest.raises(UnreadableFile, match="format 2"):
        read_table(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UnreadableFile, match="cannot be read as a table"):
        read_table(path)
    with pytest.raises(UnreadableFile):
        read_table(tmp_path / "nothing.parquet")
