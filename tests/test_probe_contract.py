"""What holds for every probe."""

from __future__ import annotations

import pkgutil

import probes


def test_every_file_in_the_folder_is_a_probe_of_that_name() -> None:
    known = probes.load()
    assert list(known) == sorted(module.name for module in pkgutil.iter_modules(probes.__path__))
    assert known
    for name, probe in known.items():
        assert probe.name == name
        assert probe.question.endswith("?")


def test_every_column_has_a_unit_and_a_meaning() -> None:
    for probe in probes.load().values():
        columns = [*probe.columns, *probe.comparison_columns]
        assert all(column.unit and column.meaning for column in columns)
        assert len({column.name for column in probe.columns}) == len(probe.columns)
