"""Histories: what was written is read back, by pyarrow as line by line; what cannot be read is counted."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ired_diag.errors import UnreadableFile
from ired_diag.runs import history as histories
from ired_diag.runs.history import History, Row, read_history, to_jsonl

Told = dict[str, dict[int, float]]
Write = Callable[[bytes], Path]

BAD_LINE = b"no JSON\n"

STEPS = st.integers(-5, 20) | st.integers(-(2**62), 2**62)
VALUES = st.floats() | st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(
    st.builds(
        Row,
        STEPS,
        st.dictionaries(st.sampled_from(["validation/mse", "train/mse_error", "é", ""]), VALUES),
        st.integers(1, 3),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_bytes(content: bytes) -> Path:
        path = tmp_path / "metrics.jsonl"
        path.write_bytes(content)
        return path

    return write_bytes


def told(history: History) -> Told:
    return {
        name: dict(zip(s.steps.tolist(), s.values.tolist(), strict=True))
        for name, s in history.series.items()
    }


def told_by_rows(rows: Sequence[Row]) -> Told:
    """A naive twin: an attempt first deletes all from its first step on, then each value overwrites."""
    found: Told = {}
    for attempt in (1, 2, 3):
        own = [row for row in rows if row.attempt == attempt]
        for row in own[:1]:
            for name in found:
                found[name] = {step: value for step, value in found[name].items() if step < row.step}
        for row in own:
            for name, value in row.values.items():
                found.setdefault(name, {})[row.step] = float(value)
    return {name: values for name, values in found.items() if values}


def line(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values).encode() + b"\n"


@settings(deadline=None)
@given(rows=ROWS)
def test_rows_are_read_back_by_pyarrow_as_line_by_line(
    rows: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "random.jsonl"
    path.write_bytes(to_jsonl(rows))
    whole = read_history(path)
    path.write_bytes(to_jsonl(rows) + BAD_LINE)
    by_line = read_history(path)
    np.testing.assert_equal(told(whole), told_by_rows(rows))
    np.testing.assert_equal(told(by_line), told_by_rows(rows))
    assert whole.attempts == by_line.attempts == max(row.attempt for row in rows)
    assert (whole.bad_lines, by_line.bad_lines) == ((), (len(rows) + 1,))


def test_a_file_without_a_fault_is_not_read_line_by_line(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(histories, "_rows_by_line")
    rows = [Row(10, {"a": math.nan, "b": 1}), Row(20, {"a": math.inf}, 2)]
    np.testing.assert_equal(told(read_history(write(to_jsonl(rows)))), told_by_rows(rows))
    with pytest.raises(NameError, match="_rows_by_line"):
        read_history(write(BAD_LINE))


@pytest.mark.parametrize("tail", [b"", BAD_LINE], ids=["pyarrow", "by line"])
def test_nan_and_infinity_are_data(write: Write, tail: bytes) -> None:
    text = b'{"step": 1, "a": NaN, "b": -Infinity}\n{"step": 2, "a": Infinity, "b": 0.5}\n'
    found = told(read_history(write(text + tail)))
    np.testing.assert_equal(found, {"a": {1: math.nan, 2: math.inf}, "b": {1: -math.inf, 2: 0.5}})


@pytest.mark.parametrize("tail", [b"", BAD_LINE], ids=["pyarrow", "by line"])
def test_null_is_nothing_logged_and_the_attempt_is_one_where_it_is_not_told(
    write: Write, tail: bytes
) -> None:
    text = line({"step": 1, "a": None, "b": 2}) + line({"step": 2, "a": 3})
    history = read_history(write(text + tail))
    assert told(history) == {"a": {2: 3.0}, "b": {1: 2.0}}
    assert history.attempts == 1


@pytest.mark.parametrize(
    "bad",
    [
        b"no JSON",
        b"[1, 2]",
        b'"step"',
        b"17",
        b"{}",
        b'{"a": 1}',
        b'{"step": null, "a": 1}',
        b'{"step": true, "a": 1}',
        b'{"step": 1.0, "a": 1}',
        b'{"step": "1", "a": 1}',
        b'{"step": 1, "a": "high"}',
        b'{"step": 1, "a": [1]}',
        b'{"step": 1, "a": {"b": 1}}',
        b'{"step": 1, "a": 1',
        b'{"step": 1, "\xff": 1}',
        b"\0" * 40,
    ],
    ids=repr,
)
def test_a_bad_line_is_counted_by_its_number_and_the_others_are_read(write: Write, bad: bytes) -> None:
    good = [line({"step": step, "a": step / 10}) for step in (1, 2, 3)]
    history = read_history(write(good[0] + bad + b"\n" + good[1] + b"\n" + bad + b"\n" + good[2]))
    assert history.bad_lines == (2, 5)
    assert told(history) == {"a": {1: 0.1, 2: 0.2, 3: 0.3}}
    assert not history.torn_tail
    alone = read_history(write(bad + b"\n"))
    assert (alone.bad_lines, told(alone), alone.last_step) == ((1,), {}, None)


@pytest.mark.parametrize("first", [b"", BAD_LINE], ids=["pyarrow", "by line"])
def test_no_cut_of_a_file_ever_changes_a_number(write: Write, first: bytes) -> None:
    rows = [Row(1000, {"a": 1.25, "b": -17}), Row(2000, {"a": math.nan, "b": 123456}, 2)]
    content = first + to_jsonl(rows)
    for end in range(len(first), len(content) + 1):
        history = read_history(write(content[:end]))
        whole = content[:end].count(b"\n") - bool(first)
        np.testing.assert_equal(told(history), told_by_rows(rows[:whole]))
        assert history.torn_tail == (content[end - 1 : end] != b"\n" and end > 0)
        assert history.bad_lines == ((1,) if first else ())


def test_a_step_told_twice_keeps_the_last_line(write: Write) -> None:
    rows = [Row(10, {"a": 1, "b": 5}), Row(10, {"a": 2}), Row(5, {"a": 3})]
    assert told(read_history(write(to_jsonl(rows)))) == {"a": {5: 3.0, 10: 2.0}, "b": {10: 5.0}}


def test_a_later_attempt_ends_what_was_logged_from_its_first_step_on_wherever_its_line_stands(
    write: Write,
) -> None:
    rows = [Row(10, {"a": 2}, 2), Row(5, {"a": 0}, 1), Row(10, {"a": 1}, 1), Row(20, {"a": 4, "b": 1}, 1)]
    history = read_history(write(to_jsonl(rows)))
    assert told(history) == {"a": {5: 0.0, 10: 2.0}}
    assert history.attempts == 2
    third = read_history(write(to_jsonl([*rows, Row(7, {"b": 3}, 3)])))
    assert told(third) == {"a": {5: 0.0}, "b": {7: 3.0}}


def test_series_are_sorted_by_step_and_typed() -> None:
    series = History.of([Row(30, {"a": 3}), Row(10, {"a": 1}), Row(20, {"a": 2})]).series["a"]
    assert series.steps.dtype == np.int64
    assert series.values.dtype == np.float64
    assert (series.steps.tolist(), series.values.tolist()) == ([10, 20, 30], [1.0, 2.0, 3.0])
    assert len(series) == 3


def test_the_last_step_is_that_of_any_metric() -> None:
    history = History.of([Row(10, {"a": 1}), Row(30, {"b": 1}), Row(20, {"a": 1})])
    assert history.last_step == 30


@pytest.mark.parametrize("content", [b"", b"\n", b" \n\r\n"])
def test_a_file_without_a_line_is_an_empty_history(write: Write, content: bytes) -> None:
    assert read_history(write(content)) == History()
    assert History().last_step is None


def test_a_file_of_one_torn_line_is_an_empty_history_with_a_torn_tail(write: Write) -> None:
    assert read_history(write(b'{"step": 1, "a": 1}')) == History(torn_tail=True)


def test_windows_line_ends_and_blank_lines_are_no_fault(write: Write) -> None:
    text = b'{"step": 1, "a": 1}\r\n\r\n\n{"step": 2, "a": 2}\r\n'
    assert told(read_history(write(text))) == {"a": {1: 1.0, 2: 2.0}}
    history = read_history(write(text + BAD_LINE))
    assert told(history) == {"a": {1: 1.0, 2: 2.0}}
    assert history.bad_lines == (5,)


def test_a_file_larger_than_a_block_of_pyarrow_is_read_whole(write: Write) -> None:
    rows = [Row(step, {"a": step / 7, f"only/{step % 3}": step}) for step in range(25_000)]
    content = to_jsonl(rows)
    assert len(content) > 1 << 20
    assert told(read_history(write(content))) == told_by_rows(rows)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cannot be read"):
        read_history(tmp_path / "none.jsonl")
