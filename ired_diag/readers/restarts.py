"""Where a training that wrote its rows into one log was started again.

A metric whose step goes back was started again there. Each metric is compared with itself alone: an
evaluation of step 100 that is written after the training row of step 120 is no restart. Nor is a single late
row at a step that was not logged before, with the log going on behind it, nor the last row of a log that
evaluates an earlier checkpoint once more and holds fewer metrics than were logged after it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ired_diag.readers.row_table import Column, RowTable


def find_restarts(table: RowTable) -> list[int]:
    """Return the rows at which training was started again, in order."""
    candidates = sorted({pair for column in table.columns.values() for pair in _steps_back(table, column)})
    restarts: list[int] = []
    begin = 0
    for row, before in candidates:
        if before >= begin and row > begin and not _evaluates_again(table, row):
            restarts.append(row)
            begin = row
    return restarts


def starts_of(rows: int, restarts: list[int]) -> NDArray[np.int64]:
    """Return the number, from 1, of the start that logged each row, of shape (rows,)."""
    begins = np.zeros(rows, dtype=np.int64)
    begins[restarts] = 1
    return 1 + np.cumsum(begins)


def _steps_back(table: RowTable, column: Column) -> Iterator[tuple[int, int]]:
    """Yield the rows at which a metric goes back, each with the row of the metric before it."""
    steps = table.steps[column.rows]
    backs = np.flatnonzero(steps[1:] < steps[:-1]) + 1
    if not len(backs):
        return
    highest = np.maximum.accumulate(steps)
    for i in backs.tolist():
        is_late = i + 1 < len(steps) and steps[i + 1] > highest[i - 1] and steps[i] not in steps[:i]
        if not is_late:
            yield int(column.rows[i]), int(column.rows[i - 1])


def _evaluates_again(table: RowTable, row: int) -> bool:
    """Say whether the last row of a log only evaluates an earlier step once more."""
    if row != len(table) - 1:
        return False
    step = table.steps[row]
    own = [c for c in table.columns.values() if c.rows[-1] == row]
    others = [c for c in table.columns.values() if c.rows[-1] != row]
    return bool(own) and any(np.any(table.steps[c.rows] > step) for c in others)
