"""Where a training that wrote its rows into one log was started again.

A metric whose step goes back was started again there. Each metric is compared with itself alone: an
evaluation of step 100 that is written after the training row of step 120 is not a restart. A single late row
at a step that was not logged before is not a restart where the log goes on after it. Nor is the last row of a
log that evaluates an earlier checkpoint again and holds fewer metrics than were logged after it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ired_diag.readers.row_table import Column, RowTable


def find_restarts(table: RowTable) -> list[int]:
    """Return the rows at which training was started again, in order."""
    candidates: set[tuple[int, int]] = set()
    for column in table.columns.values():
        candidates.update(_steps_back(table, column))
    restarts: list[int] = []
    begin = 0
    for row, before in sorted(candidates):
        # A rarer metric goes back over the same restart, at a later row.
        spans_last_restart = before < begin or row <= begin
        if not spans_last_restart and not _evaluates_again(table, row):
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
        is_last = i + 1 == len(steps)
        goes_on = not is_last and steps[i + 1] > highest[i - 1]
        is_late_row = goes_on and steps[i] not in steps[:i]
        if not is_late_row:
            yield int(column.rows[i]), int(column.rows[i - 1])


def _evaluates_again(table: RowTable, row: int) -> bool:
    """Say whether the last row of a log only evaluates an earlier step again."""
    if row != len(table) - 1:
        return False
    step = table.steps[row]
    has_metrics = False
    goes_further = False
    for column in table.columns.values():
        if column.rows[-1] == row:
            has_metrics = True
        elif np.any(table.steps[column.rows] > step):
            goes_further = True
    return has_metrics and goes_further
