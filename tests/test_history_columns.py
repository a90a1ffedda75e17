"""Histories read as columns: the same as row by row, whatever the rows hold, and without an object a row."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.dashboard.following import join
from ired_diag.runs import history as histories
from ired_diag.runs.history import History, Row, history_of, rows_of, to_jsonl

NAMES = st.sampled_from(["validation/mse", "train/loss", "é", "", "a b", "attempt2"])
NUMBERS = st.floats() | st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**53 + 1, -0.0, 5e-324, 1e308])
STEPS = st.integers(0, 6) | st.integers(-(2**62), 2**62)
LINES = st.lists(
    st.builds(
        lambda step, values, attempt: {"step": step, **attempt, **values},
        STEPS,
        st.dictionaries(NAMES, NUMBERS | st.none()),
        st.builds(dict) | st.builds(lambda number: {"attempt": number}, st.integers(-1, 4)),
    ),
    min_size=1,
    max_size=12,
)


def by_rows(content: bytes) -> History:
    """The twin: every line an object, told one after the other."""
    rows, bad = rows_of(content)
    return History.of(rows, bad_lines=tuple(bad), torn_tail=not content.endswith(b"\n") and bool(content))


def jsonl(lines: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def assert_same(told: History, expected: History) -> None:
    assert told == expected
    for name, series in told.series.items():
        assert series.steps.dtype == np.int64 and series.values.dtype == np.float64
        assert np.array_equal(np.signbit(series.values), np.signbit(expected.series[name].values)) or any(
            math.isnan(value) for value in series.values
        )


@settings(deadline=None, max_examples=300)
@given(lines=LINES)
def test_columns_tell_what_rows_tell(lines: list[dict[str, Any]]) -> None:
    content = jsonl(lines)
    assert_same(history_of(content), by_rows(content))
    assert_same(history_of(content[:-3]), by_rows(content[:-3]))


@settings(deadline=None)
@given(lines=LINES, cut=st.integers(0, 12))
def test_a_part_and_the_rest_joined_are_the_whole(lines: list[dict[str, Any]], cut: int) -> None:
    lines = [{**line, "attempt": 1} for line in lines]
    whole = history_of(jsonl(lines))
    joined = join(history_of(jsonl(lines[:cut])), by_rows(jsonl(lines[cut:])))
    assert {name: series for name, series in whole.series.items() if len(series)} == dict(joined.series)


def test_metrics_stand_in_the_order_in_which_the_first_attempt_tells_them() -> None:
    rows = [Row(1, {"c": 1.0, "a": 1.0}, 2), Row(0, {"b": 1.0}, 1), Row(2, {"a": 1.0, "b": 2.0}, 2)]
    content = to_jsonl(rows)
    assert list(history_of(content).series) == list(by_rows(content).series) == ["b", "c", "a"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b'{"step": 1}',
        b'{"step": 1}\n',
        b'{"step": 1, "a": null}\n{"step": 2, "a": null}\n',
        b'{"step": 1, "a": true}\n{"step": 2, "a": false}\n',
        b'{"step": 1, "a": "0.5"}\n{"step": 2, "a": "high"}\n',
        b'{"step": 1, "a": "2026-11-21"}\n',
        b'{"step": 1, "a": 1}\n{"step": 2, "a": 1.5}\n',
        b'{"step": 1, "a": [1]}\n{"step": 2, "a": 2}\n',
        b'{"step": 1, "a": 1, "a": 2}\n',
        b'{"step": 1, "a": 1e999}\n',
        b'{"step": 1, "a": Infinity, "' + b"1" * 400 + b'": 2}\n',
        b'{"step": 1, "a": ' + b"9" * 400 + b"}\n",
        b'{"step": 1, "a": 18446744073709551615}\n',
        b'{"step": 1, "attempt": 2}\n{"step": 1, "a": 3}\n',
        b'{"step": 5, "b": 1}\n{"step": 3, "a": 1, "b": 2}\n{"step": 5, "b": 9}\n',
        b'{"step": 5, "b": 1, "attempt": 2}\n{"step": 3, "a": 1, "attempt": 1}\n',
    ],
    ids=lambda content: repr(content[:40]),
)
def test_odd_files_are_read_alike(content: bytes) -> None:
    assert_same(history_of(content), by_rows(content))


def test_the_plain_case_makes_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    content = to_jsonl([Row(step, {"a": 1.0 / step}) for step in range(1, 500)])
    expected = by_rows(content)
    monkeypatch.delattr(histories, "Row")
    monkeypatch.delattr(histories, "_rows_by_line")
    assert history_of(content) == expected
