"""What holds for every probe."""

from __future__ import annotations

from pathlib import Path

import probes


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
