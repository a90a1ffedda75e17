"""Which files the reader of columns is given: none that is nested, long-lined or sparse."""

from __future__ import annotations

import json

import pytest

from ired_diag.runs import history as histories
from ired_diag.runs.flat_lines import LONGEST_LINE, MOST_CELLS, may_be_columns
from ired_diag.runs.history import History, history_of

PLAIN = b'{"step": 1, "attempt": 1, "a": NaN}\n{"step": 2, "attempt": 1, "b": null}\n'


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace(b"\n", b"\r\n"),
        b"\n" + PLAIN + b"  \n",
        PLAIN.replace(b'"a"', b'"loss[0]"'),
        PLAIN.replace(b'"a"', b'"{\\"}\\\\"'),
    ],
)
def test_flat_lines_are_read_as_columns(content: bytes) -> None:
    assert may_be_columns(content)


@pytest.mark.parametrize(
    "line",
    [
        b'{"step": 3, "a": {}}',
        b'{"step": 3, "a": []}',
        b'{"step": 3} {"step": 4}',
        b'{"step": 3',
        b'{"step": 3, "a": {"}": 1}',
        b'{"step": 3, "}": {"b": 1}',
        b'{"}": ',
        b"3",
        b'"',
        b"[]",
        b"}",
        b"{",
    ],
)
def test_a_line_that_is_not_one_closed_flat_object_keeps_the_file_from_it(line: bytes) -> None:
    for text in (PLAIN + line + b"\n", line + b"\n" + PLAIN, line + b"\n"):
        assert not may_be_columns(text)


def test_the_length_of_a_line_is_bounded() -> None:
    row = b'{"step": 1, "' + b"a" * (LONGEST_LINE - 18) + b'": 2}\n'
    assert len(row) - 1 == LONGEST_LINE
    assert may_be_columns(row)
    assert not may_be_columns(row.replace(b"a", b"aa", 1))


def test_rows_with_names_of_their_own_make_no_cell_for_each_row_and_name() -> None:
    rows = int(MOST_CELLS**0.5) + 1
    content = b"".join(b'{"step": %d, "m%d": 1}\n' % (step, step) for step in range(rows))
    assert not may_be_columns(content)
    assert may_be_columns(content[: content.index(b"\n", len(content) // 2) + 1])
    assert len(history_of(content).series) == rows


def test_the_reader_of_columns_never_sees_a_nested_file(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    original = histories._columns_by_arrow

    def watched(content: bytes) -> History:
        seen.append(content)
        return original(content)

    monkeypatch.setattr(histories, "_columns_by_arrow", watched)
    nested = json.dumps({"step": 3, "a": {"b": 1}}).encode() + b"\n"
    assert history_of(PLAIN + nested).bad_lines == (3,)
    assert not seen
    assert history_of(PLAIN).series == history_of(PLAIN + nested).series
    assert seen
