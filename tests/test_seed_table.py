"""Tables of one number a seed: both layouts of CSV, three of JSON, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ired_diag.errors import UnreadableFile
from ired_diag.readers.seed_table import read_seed_table

EXPECTED = {"q101": {0: 0.5, 1: 1e-5}, "q102": {0: 2.0, 1: 3.0}}


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wide.csv", "seed,q101,q102\n0,0.5,2\n1,1e-5,3\n"),
        ("spaced.csv", "\ufeffSeed, q101, q102\r\n seed0 , 0.5, 2\r\n\r\n1,1e-5,3"),
        ("long.csv", "experiment,seed,mse\nq101,0,0.5\nq102,0,2\nq101,1,1e-5\nq102,1,3\n"),
        ("lists.json", '{"q101": [0.5, 1e-5], "q102": [2, 3]}'),
        ("seeds.json", '{"q101": {"0": 0.5, "1": 1e-5}, "q102": {"seed0": 2, "seed1": 3}, "title": "x"}'),
        ("values.json", '{"q101": {"mining": "none", "values": [0.5, 1e-5]}, "q102": {"values": [2, 3]}}'),
    ],
)
def test_every_layout_tells_the_same(tmp_path: Path, name: str, text: str) -> None:
    assert read_seed_table(written(tmp_path, name, text)) == EXPECTED


def test_the_studys_published_numbers_are_read(shared: Path) -> None:
    found = read_seed_table(shared / "published_results.json")
    assert {name: len(values) for name, values in found.items()} == {"q101": 10, "q102": 10, "q103": 10}
    assert found["q103"][9] == 0.00973886


def test_an_empty_cell_is_a_seed_without_a_value(tmp_path: Path) -> None:
    found = read_seed_table(written(tmp_path, "x.csv", "seed,a,b\n0,,nan\n1,1,2\n"))
    assert found["a"] == {0: None, 1: 1.0}
    assert found["b"][0] is not None
    assert math.isnan(found["b"][0])


def test_a_column_is_chosen_where_there_are_several(tmp_path: Path) -> None:
    path = written(tmp_path, "x.csv", "model,seed,mse,mae\na,0,1,2\n")
    assert read_seed_table(path, column="mae") == {"a": {0: 2.0}}
    with pytest.raises(UnreadableFile, match=r"which column.*mse, mae"):
        read_seed_table(path)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.csv", "", "no column 'seed'"),
        ("x.csv", "run,a\n0,1\n", "no column 'seed'"),
        ("x.csv", "seed,a,a\n0,1,2\n", "stands twice"),
        ("x.csv", "seed,a\n0\n", "row 2: has 1 cells"),
        ("x.csv", "seed,a\n0,1\n0,2\n", "row 3: seed 0 of a is there twice"),
        ("x.csv", "seed,a\n0,one\n", "row 2: 'one' is not a number"),
        ("x.csv", "seed,a\nzero,1\n", "the seed 'zero'"),
        ("x.csv", "seed,a\n", "no experiment"),
        ("x.json", "[1, 2]", "not an object"),
        ("x.json", "{", "not JSON"),
        ("x.json", "[" * 65, "not JSON"),
        ("x.json", '{"a": [1], "a": [2]}', "stands twice"),
        ("x.csv", "seed,a\n0,\x001\n", "not CSV|not a number"),
        ("x.json", '{"title": "x"}', "no experiment"),
    ],
)
def test_what_is_no_such_table_is_refused_with_its_place(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    with pytest.raises(UnreadableFile, match=told):
        read_seed_table(written(tmp_path, name, text))


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60), form=st.sampled_from(["x.csv", "x.json"]))
def test_no_text_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str, form: str) -> None:
    path = tmp_path_factory.mktemp("fuzz") / form
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        found = read_seed_table(path)
    except UnreadableFile:
        return
    assert all(isinstance(value, float) for values in found.values() for value in values.values())


@given(values=st.lists(st.floats(allow_nan=False), min_size=1, max_size=8))
def test_numbers_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    path = tmp_path_factory.mktemp("numbers") / "x.json"
    path.write_text(json.dumps({"a": values}), encoding="utf-8")
    assert list(read_seed_table(path)["a"].values()) == values
