"""The log of one run from the rows of a store, where the store itself says whose a row is.

Nothing is split here by columns, as in a file of unknown rows (``row_logs``): a store may log a value named
``fold`` or ``lr`` and still means one run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ired_diag.finding import Finding
from ired_diag.readers.restarts import find_restarts, starts_of
from ired_diag.readers.row_table import Column, RowTable
from ired_diag.readers.scalar_log import Damage, ScalarLog

FEWEST_WITHOUT_STEP = 3  # values at step 0: fewer may be a value that was logged again
MOST_LISTED = 6  # names of metrics

Value = tuple[str, int, float]  # name, step, value


def log_of_table(
    table: RowTable,
    *,
    stated: Mapping[str, Any],
    damaged: Sequence[Damage] = (),
    left_out: Mapping[str, int] | None = None,
    notes: Sequence[Finding] = (),
) -> ScalarLog:
    """Return the log of one run; a step that goes back is a start from a checkpoint (``restarts``)."""
    restarts = find_restarts(table)
    return ScalarLog(
        points=table.points(starts_of(len(table), restarts)),
        damaged=tuple(damaged),
        left_out=left_out or {},
        stated=stated,
        unit="entry",
        restarts=tuple(int(table.steps[row]) for row in restarts),
        notes=tuple(notes),
    )


def table_of_values(values: Iterable[Value]) -> tuple[RowTable, list[Finding]]:
    """Return single values, in the order in which they were logged, as rows of a table.

    A metric whose values all stand at step 0 was logged without a step: its values are numbered.
    """
    steps: list[int] = []
    rows: dict[str, tuple[list[int], list[float]]] = {}
    for row, (name, step, value) in enumerate(values):
        steps.append(step)
        places, column = rows.setdefault(name, ([], []))
        places.append(row)
        column.append(value)
    all_steps = np.array(steps, dtype=np.int64)
    columns = {}
    numbered = []
    for name, (places, column) in rows.items():
        columns[name] = Column(np.array(places, dtype=np.int64), np.array(column, dtype=np.float64))
        if len(places) >= FEWEST_WITHOUT_STEP and not all_steps[places].any():
            all_steps[places] = np.arange(len(places))
            numbered.append(name)
    return RowTable(counter="step", steps=all_steps, columns=columns, texts={}), _numbered(numbered)


def _numbered(names: Sequence[str]) -> list[Finding]:
    if not names:
        return []
    listed = ", ".join(names[:MOST_LISTED])
    if len(names) > MOST_LISTED:
        listed += f" and {len(names) - MOST_LISTED} more"
    statement = f"All values of {listed} were logged at step 0; they are numbered in the order of the log."
    return [Finding("values_without_step", "note", statement, evidence={"metrics": len(names)})]
