"""What holds for every probe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import probes
from ired_diag.probing.tables import Key
from ired_diag.table import write_table


def test_every_file_in_the_folder_is_a_probe_of_that_name() -> None:
    known = probes.load_all()
    (folder,) = probes.__path__
    files = [path.stem for path in Path(folder).rglob("*.py") if path.stem != "__init__"]
    assert list(known) == sorted(files)
    assert known
    for name, probe in known.items():
        assert probe.name == name
        assert probe.question.endswith("?")


def test_every_column_has_a_unit_and_a_meaning() -> None:
    for probe in probes.load_all().values():
        columns = [*probe.columns, *probe.comparison_columns]
        assert all(column.unit and column.meaning for column in columns)
        assert len({column.name for column in probe.columns}) == len(probe.columns)


def test_every_probe_is_documented_and_says_what_it_follows_over_training() -> None:
    documents = Path(__file__).parents[1] / "docs" / "probes"
    for name, probe in probes.load_all().items():
        assert (documents / f"{name}.md").is_file(), name
        assert probe.headlines, name


def test_no_column_has_a_name_of_the_key_that_rows_are_kept_under() -> None:
    """On disk one would take the place of the other, and no row would be found again."""
    key = set(Key(step=0, weights="raw", settings={}).columns())
    for name, probe in probes.load_all().items():
        assert key.isdisjoint(column.name for column in probe.columns), name


def test_a_table_with_a_column_of_its_key_is_refused(tmp_path: Path) -> None:
    rows = {"step": np.arange(3), "value": np.arange(3)}
    with pytest.raises(ValueError, match="cannot have a column 'step'"):
        write_table(tmp_path / "t.parquet", rows, {}, key={"step": 7})
