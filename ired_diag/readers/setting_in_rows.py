"""Which columns of numbers in a log are settings of its runs, by how their values stand in the rows.

    experiment,seed,epoch,pred_len,val_loss
    A,0,0,96,1.0        epochs 0 to 9 with 96, then epochs 0 to 9 with 192: two trainings,
    A,0,0,192,1.2       and not one that was started again

A setting keeps its value through a training. So it parts the rows of a log into parts that begin at the same
step, and either all have the same steps, or the same values of the setting stand in several runs that other
columns name. A counter of restarts parts the rows into parts that break off at different steps, in one run.
Fractions count only where all parts have the same steps, three or more. Names of measures, clocks, counters
and processes are no settings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ired_diag.readers.row_table import CLOCK, Column, RowTable
from ired_diag.runs.metric_words import measures_in, words_of

FEWEST_STEPS = 3  # of a part, where a column holds fractions
NO_SETTINGS = frozenset(
    """
    epoch epochs batch batch_idx iteration iter step global_step samples tokens frames episodes
    local_rank global_rank world_size worker worker_id process process_id process_index thread shard node
    client client_id fold
    """.split()
)

Numbering = NDArray[np.int64]


def may_be_setting(name: str, normal: str, column: Column, rows: int) -> bool:
    """Say whether a column may be a setting, by its name and its values alone.

    Args:
        name: Name of the column.
        normal: The same in lower case, with underscores.
        column: Its numbers.
        rows: How many rows the log has.
    """
    if normal in NO_SETTINGS or CLOCK.search(name) or measures_in(words_of(name)):
        return False
    if len(column.rows) != rows or not np.all(np.isfinite(column.values)):
        return False
    different = len(np.unique(column.values))
    return 2 <= different <= rows / FEWEST_STEPS


def is_setting_of_runs(
    table: RowTable, runs: Numbering, values: Numbering, columns: Sequence[Column]
) -> bool:
    """Say whether columns part the rows of runs as settings do.

    Args:
        table: The rows of the log.
        runs: The number of the run of each row, as far as other columns state it, of shape (rows,).
        values: The number of the values of the columns in each row, of shape (rows,).
        columns: The columns.
    """
    has_equal_steps = True
    values_of_runs: set[tuple[int, ...]] = set()
    numbers_of_runs = np.unique(runs)
    for run in numbers_of_runs:
        is_of_run = runs == run
        own_values = np.unique(values[is_of_run])
        values_of_runs.add(tuple(own_values.tolist()))
        first: Numbering | None = None
        for value in own_values:
            is_of_part = is_of_run & (values == value)
            steps = np.unique(table.steps[is_of_part])
            if first is None:
                first = steps
            if steps[0] != first[0]:
                return False
            if len(steps) < 2 or not np.array_equal(steps, first):
                has_equal_steps = False
    if has_equal_steps:
        return True
    have_same_values = len(numbers_of_runs) > 1 and len(values_of_runs) == 1
    return have_same_values and _are_whole(columns)


def _are_whole(columns: Sequence[Column]) -> bool:
    for column in columns:
        rounded = np.rint(column.values)
        if not np.array_equal(column.values, rounded):
            return False
    return True
