"""The comparison with TensorBoard's own reader: run small, and made to disagree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import read_tensorboard
from benchmarks.read_tensorboard import ALL, OURS, PART, check

pytestmark = pytest.mark.slow

pytest.importorskip("tensorboard")


def test_it_runs_small_and_every_reader_keeps_what_it_says(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    small = ["--scalars", "11000", "--repeats", "1", "--json", str(told)]
    assert read_tensorboard.main(small) in (0, 3)  # how fast is not asked of so few
    kept = {
        kind: {reader: int(found["kept"]) for reader, found in readers.items()}
        for kind, readers in json.loads(told.read_text()).items()
    }
    assert kept["simple"] == {OURS: 11_000, PART: 10_000, ALL: 11_000}
    assert kept["tensor"] == {OURS: 11_000, PART: 10, ALL: 11_000}


def test_a_value_that_differs_or_is_lost_is_told() -> None:
    right = {"x": [(0, 0.5), (1, 0.25)]}
    check({OURS: right, PART: {"x": [(1, 0.25)]}, ALL: right}, 2)
    with pytest.raises(AssertionError, match="lost"):
        check({OURS: {"x": right["x"][:1]}, PART: {}, ALL: right}, 2)
    with pytest.raises(AssertionError, match="disagree"):
        check({OURS: right, PART: {}, ALL: {"x": [(0, 0.5), (1, 0.75)]}}, 2)
    with pytest.raises(AssertionError, match="does not know"):
        check({OURS: right, PART: {"x": [(1, 0.75)]}, ALL: right}, 2)
