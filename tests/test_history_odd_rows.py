"""Histories with rows that are no rows: both ways of reading agree on what to leave out."""

from __future__ import annotations

from pathlib import Path

import pytest

from ired_diag.runs.history import History, read_history

GOOD = '{"step": 1, "a": 0.5}\n'


def read(tmp_path: Path, text: str) -> History:
    path = tmp_path / "metrics.jsonl"
    path.write_text(text)
    return read_history(path)


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 2, "attempt": "2", "a": 1}',
        '{"step": 2, "attempt": 1.5, "a": 1}',
        '{"step": 2, "attempt": null, "a": 1}',
        '{"step": 2, "attempt": [1], "a": 1}',
        '{"step": true, "a": 1}',
        '{"step": ' + "9" * 30 + ', "a": 1}',
        '{"step": 2, "a": ' + "9" * 400 + "}",
        '{"step": 2, "a": {"b": 1}}',
        '{"step": 2} {"step": 3}',
        '{"step":\n2}',
        "[" * 65,
    ],
)
def test_a_row_that_is_none_is_left_out_and_counted_the_same_alone_or_in_company(
    tmp_path: Path, line: str
) -> None:
    for company in ("", "not JSON at all\n"):
        history = read(tmp_path, GOOD + line + "\n" + company)
        assert history.series["a"].values.tolist() == [0.5]
        assert history.series["a"].steps.tolist() == [1]
        assert history.attempts == 1
        assert history.bad_lines[0] == 2
