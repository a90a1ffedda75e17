"""Several runs in one text log, each with its number or its seed: an experiment that is repeated in a loop.

    Run: 01, Epoch: 01, Loss: 0.69, Valid: 50.00%     in every line (OGB's examples)
    === Seed 3 ===                                    in a line above the lines of a run

They are taken apart where a number of runs or seeds stands with every line, or above the first one, where it
has several values, and where the steps begin again, near the first one, as often as the number changes, and
not in between. Then each is a run; without such a number only the last one is read (``text_log``). A number
of trials numbers settings, and no repetitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.readers.restarts import find_restarts
from ired_diag.readers.row_table import RowTable
from ired_diag.readers.run_columns import RUNS, SEEDS, normal_name
from ired_diag.readers.text_rows import TextRows
from ired_diag.readers.text_scan import Scan

MOST_APART = 0.1  # of the steps of the shortest run: how far the first steps of runs may be apart
IN_TEXT = RUNS - {"trial", "trial_id", "trial_name", "trial_number"}

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class RunOfText:
    """The rows of one run, and what the log says of it: ``seed`` or ``run``."""

    stated: dict[str, Any]
    table: RowTable


def runs_in_text(scan: Scan, rows: TextRows) -> list[RunOfText]:
    """Return the runs of a text log, in the order of the log; none where it is one run."""
    table = rows.table
    for name, numbers in (*_in_rows(table), *_above_rows(scan, rows)):
        if _parts_runs(table, numbers):
            bare = RowTable(
                counter=table.counter,
                steps=table.steps,
                columns={other: column for other, column in table.columns.items() if other != name},
                texts=table.texts,
            )
            seeds = [seeds for other, seeds in _above_rows(scan, rows) if other in SEEDS]
            parts = []
            for number in _ordered(numbers):
                is_own = numbers == number
                stated = {**_seed_above(seeds, is_own), **_stated(name, number)}
                parts.append(RunOfText(stated, bare.only(is_own)))
            return parts
    return []


def _seed_above(seeds: Sequence[Numbers], rows: NDArray[np.bool_]) -> dict[str, Any]:
    """Return the seed that a line above the first of some rows states, next to the number of their run."""
    return {"seed": int(seeds[0][rows][0])} if seeds else {}


def stated_seed(scan: Scan, rows: TextRows) -> int | None:
    """Return the seed that stands in a line of its own above the rows of a run; None where none does.

    A training that goes on may print another one: that above the first row of those that last counts.
    """
    steps = rows.table.steps
    first = int(np.flatnonzero(steps == steps.min())[-1])
    for name, numbers in _above_rows(scan, rows):
        if name in SEEDS:
            return int(numbers[first])
    return None


def _in_rows(table: RowTable) -> list[tuple[str, Numbers]]:
    """Return the columns that number runs or seeds, with their number in each row."""
    found = []
    for name, column in table.columns.items():
        is_number = normal_name(name) in SEEDS | IN_TEXT and bool(
            np.all(column.values == np.rint(column.values))
        )
        if is_number and len(column.rows) and column.rows[0] == 0:
            place = np.searchsorted(column.rows, np.arange(len(table)), side="right") - 1
            found.append((name, column.values[place]))
    return found


def _above_rows(scan: Scan, rows: TextRows) -> list[tuple[str, Numbers]]:
    """Return what lines above the rows number: for each row, the last such line before it."""
    found = []
    for marks in scan.of_kind("run"):
        lines, values = marks.joined()
        if lines[0] < rows.lines[0]:
            place = np.searchsorted(lines, rows.lines, side="right") - 1
            found.append((marks.layout.fields[0].name, values[:, 0][place]))
    return found


def _parts_runs(table: RowTable, numbers: Numbers) -> bool:
    """Say whether the steps begin again where a number changes, and only there."""
    changes = np.flatnonzero(np.diff(numbers) != 0) + 1
    if not 1 < len(set(numbers.tolist())) == len(changes) + 1:
        return False
    begins = [0, *changes.tolist()]
    ends = [*changes.tolist(), len(table)]
    firsts = np.array([table.steps[begin] for begin in begins])
    shortest = min(int(np.ptp(table.steps[begin:end])) for begin, end in zip(begins, ends, strict=True))
    begin_alike = int(np.ptp(firsts)) <= MOST_APART * shortest
    return begin_alike and find_restarts(table) == changes.tolist()


def _ordered(numbers: Numbers) -> list[float]:
    return list(dict.fromkeys(numbers.tolist()))


def _stated(name: str, number: float) -> dict[str, Any]:
    plain = normal_name(name)
    return {"seed": int(number)} if plain in SEEDS else {"run": f"{plain}{number:g}"}
