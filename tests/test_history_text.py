"""The text of metrics.jsonl by the column is that of its rows, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest

from ired_diag.runs import history_text as history_text_module
from ired_diag.runs.history import History, Row, Series, history_of, to_jsonl
from ired_diag.runs.history_text import history_text

NAMES = ("./step", "val/loss", "step", "attempt", '5% of "all"', "Verlust/ß", "%s", "with \\ and \n")
ODD = (float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1.0, 1e16, 1e-5, 5e-324, 0.1 + 0.2)


def by_rows(history: History, first_attempt: int = 1) -> bytes:
    """Return the text row by row, the slow way."""
    rows = []
    for row in history.rows():
        rows.append(Row(row.step, row.values, row.attempt + first_attempt - 1))
    return to_jsonl(rows)


def drawn_history(seed: int) -> History:
    """Return rows of a training with gaps and restarts, as a reader gives them."""
    rng = np.random.default_rng(seed)
    rows = []
    for attempt in range(1, int(rng.integers(2, 5))):
        first = int(rng.integers(0, 40))
        for step in range(first, first + int(rng.integers(1, 60)), int(rng.integers(1, 4))):
            names = rng.permutation(NAMES[seed % 2 :])[: rng.integers(1, len(NAMES))]
            values = {
                str(name): float(rng.choice(ODD)) * float(rng.choice((1.0, rng.normal()))) for name in names
            }
            rows.append(Row(step, values, attempt))
    return History.of(rows)


@pytest.mark.parametrize("window", [1, 3, 1 << 14])
@pytest.mark.parametrize("seed", range(40))
def test_the_text_is_that_of_the_rows(seed: int, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_text_module, "WINDOW", window)
    history = drawn_history(seed)
    without_replaced = History(series=history.series, attempts=history.attempts, starts=history.starts)
    for logged in (history, without_replaced):
        assert history_text(logged) == by_rows(logged)
        assert history_text(logged, first_attempt=3) == by_rows(logged, 3)


@pytest.mark.parametrize("window", [2, 1 << 14])
def test_a_metric_may_begin_before_the_first_row_of_the_first_attempt(
    window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_text_module, "WINDOW", window)
    evaluations = History.of([Row(10, {"val": 0.5}), Row(20, {"val": 0.25}), Row(10, {"val": 0.125}, 2)])
    drawn = Series(np.arange(1, 31), np.arange(1, 31) / 7)
    history = evaluations.joined({"train/loss": drawn})
    assert history_text(history) == by_rows(history)
    alone = History(series={"loss": drawn}, starts={2: 9, 3: 4})
    assert history_text(alone) == by_rows(alone)


def test_the_text_is_read_as_the_same_history() -> None:
    steps = np.arange(10, 200, 10)
    losses = {name: Series(steps[skip:], np.log(steps[skip:] / 7)) for skip, name in enumerate(NAMES[3:])}
    history = History(series=losses)
    assert history_of(history_text(history)).series == losses


def test_nothing_logged_is_no_text() -> None:
    empty = Series(np.array([], dtype=np.int64), np.array([]))
    assert history_text(History()) == b""
    assert history_text(History(series={"loss": empty})) == b""


def test_steps_that_do_not_increase_are_written_as_rows() -> None:
    twice = Series(np.array([3, 3, 1]), np.array([0.5, 0.25, 1.0]))
    history = History(series={"loss": twice})
    assert history_text(history) == by_rows(history)
