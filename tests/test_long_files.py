"""Long files are read in pieces, with the same result as at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ired_diag import table as tables
from ired_diag.readers import long_logs
from ired_diag.readers.slurm_ending import find_ending
from ired_diag.runs import history as histories
from ired_diag.runs import history_columns
from ired_diag.runs.history import History, read_history, rows_of
from ired_diag.table import read_table, rows_without, write_table

BARS = b"".join(
    b"\rloss: %.4f: %3d%%|%-10s| %d/1000 [00:%02d<01:00, 9.9it/s]"
    % (0.5 + step % 7 / 100, step // 10, b"#" * (step // 100), step, step % 60)
    for step in range(1001)
)


def lines(count: int, *, attempt: int = 1, first: int = 1) -> list[str]:
    rng = np.random.default_rng(first)
    rows = []
    for step in range(first, first + count):
        row: dict[str, object] = {"step": step, "attempt": attempt, "loss": float(rng.standard_normal())}
        if step % 10 == 0:
            row["validation/mse"] = int(rng.integers(9)) if step % 20 else float(rng.random())
        rows.append(json.dumps(row))
    return rows


RESTARTED = [*lines(300), *lines(200, attempt=2, first=101)]
FILES = {
    "plain": lines(400),
    "restarted": RESTARTED,
    "attempts in turn": [*RESTARTED, *lines(3, first=90)],
    "a line that is no row": [*lines(150), "no JSON", '{"step": 1.5}', *lines(80, first=151)],
    "restarted, with a bad line": [*RESTARTED[:350], "{", *RESTARTED[350:]],
    "nan": [*lines(50), '{"step": 51, "loss": NaN, "gap": Infinity}', *lines(60, first=52)],
    "nested": [*lines(50), '{"step": 51, "loss": {"a": 1}}', *lines(60, first=52)],
    "steps again": [*lines(100), *lines(100, first=51)],
    "a huge number": [*lines(90), '{"step": 91, "loss": 1' + "0" * 309 + "}", *lines(9, first=92)],
    "half a line": [*lines(200), '{"step": 201, "lo'],
}


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (histories, history_columns):
        monkeypatch.setattr(module, "PIECE", 1000)


@pytest.mark.parametrize("name", FILES)
def test_a_history_in_pieces_is_that_of_its_rows(name: str, small_pieces: None, tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    ending = "" if name == "half a line" else "\n"
    path.write_text("\n".join(FILES[name]) + ending)
    rows, bad_lines = rows_of(path.read_bytes())
    expected = History.of(rows, bad_lines=tuple(bad_lines), torn_tail=not ending)
    read = read_history(path)
    assert list(read.series) == list(expected.series)
    assert read == expected
    if bad_lines:
        assert (read.starts, read.replaced) == (expected.starts, expected.replaced)


def test_an_attempt_beyond_64_bits_is_read_by_rows(small_pieces: None, tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    odd = '{"step": 5, "attempt": 99999999999999999999, "loss": 1}'
    path.write_text("\n".join([*lines(100), odd]) + "\n")
    read = read_history(path)
    assert read.attempts == 99999999999999999999
    assert read.series["loss"].steps.tolist() == [1, 2, 3, 4, 5]


@pytest.fixture
def small_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_logs, "ENDS", 500)
    monkeypatch.setattr(long_logs, "PIECE", 4000)


def test_bars_that_repeat_are_left_out_and_all_else_is_kept(small_ends: None, tmp_path: Path) -> None:
    message = b"\nRuntimeError: CUDA out of memory\n"
    content = b"Cloning\n" + BARS + message + BARS + b"\nslurmstepd: error: killed\n"
    path = tmp_path / "job.err"
    path.write_bytes(content)
    short = long_logs.read_log_bytes(path, long=0)
    assert len(short) < len(content) / 4
    assert short.startswith(b"Cloning\n")
    assert message in short
    assert short.endswith(content[-500:])
    assert find_ending(b"", short) == find_ending(b"", content)
    left = iter(content.replace(b"\r", b"\n").split(b"\n"))
    assert all(line in left for line in short.replace(b"\r", b"\n").split(b"\n"))  # in their order


def test_a_bar_of_nan_is_kept(small_ends: None, tmp_path: Path) -> None:
    path = tmp_path / "job.err"
    bar = b"\rloss: nan:  50%|#####     | 500/1000 [00:09<01:00, 9.9it/s]"
    path.write_bytes(BARS + bar + BARS)
    assert bar in long_logs.read_log_bytes(path, long=0)


def test_a_short_log_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "job.err"
    path.write_bytes(BARS)
    assert long_logs.read_log_bytes(path) == BARS


def test_a_long_table_is_continued_in_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tables, "LONG", 100)
    monkeypatch.setattr(tables, "PART", 64)
    path = tmp_path / "probe.parquet"
    old = {"x": np.arange(500), "word": np.array(["a", "bb"] * 250)}
    write_table(path, old, {}, key={"step": 1})
    new = {"x": np.arange(3), "word": np.array(["c", "c", "d"])}
    for step in (2, 3, 2):  # rows of step 2 are replaced
        write_table(path, new, {}, key={"step": step}, among=rows_without(path, step=step))
    whole, _ = read_table(path)
    assert whole["step"].tolist() == [1] * 500 + [3] * 3 + [2] * 3
    assert whole["word"][-6:].tolist() == ["c", "c", "d"] * 2
    part, _ = read_table(path, step=3)
    assert part["x"].tolist() == [0, 1, 2]
    none, _ = read_table(path, step=9)
    assert len(none["x"]) == 0
