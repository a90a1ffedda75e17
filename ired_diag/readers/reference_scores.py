"""Reference scores: a low and a high one for each task, such as those of a random and a human player.

task,random,human          game,low,high
Pong,-20.7,14.6            Breakout,1.7,30.5
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.readers.run_columns import normal_name
from ired_diag.readers.task_table import TASKS

LOW = ("low", "random", "random_score", "random_agent", "floor", "min", "worst")
HIGH = ("high", "human", "human_score", "expert", "expert_score", "oracle", "max", "best")

References = dict[str, tuple[float, float]]  # low and high by task


def read_references(path: Path) -> References:
    """Return the low and the high score of each task.

    Args:
        path: A CSV file with a column of tasks, one of low and one of high scores.

    Raises:
        UnreadableFile: It is missing or not such a table; the message names row or columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"{path}: cannot be read ({error}).") from error
    header: list[str] = []
    if rows:
        header = list(map(normal_name, rows[0]))
    task = _place(header, TASKS)
    low = _place(header, LOW)
    high = _place(header, HIGH)
    if task is None or low is None or high is None:
        found = ", ".join(header) or "no line"
        raise UnreadableFile(
            f"{path}: expected a table with the columns task, low (or random) and high (or human), "
            f"found: {found}."
        )
    references: References = {}
    cells = len(header)
    for number, row in enumerate(rows[1:], start=2):
        if not "".join(row).strip():
            continue
        where = f"{path}, row {number}"
        if len(row) != cells:
            raise UnreadableFile(f"{where}: has {len(row)} cells, the first line {cells}.")
        name = row[task].strip()
        if name in references:
            raise UnreadableFile(f"{where}: the task {name!r} is there twice.")
        low_cell = row[low]
        high_cell = row[high]
        lowest = _number(low_cell, where)
        highest = _number(high_cell, where)
        if lowest == highest:
            raise UnreadableFile(f"{where}: low and high are the same number, which is no scale.")
        references[name] = (lowest, highest)
    return references


def _place(header: Sequence[str], choices: Sequence[str]) -> int | None:
    for choice in choices:
        if choice in header:
            return header.index(choice)
    return None


def _number(cell: str, where: str) -> float:
    try:
        return float(cell)
    except ValueError as error:
        raise UnreadableFile(f"{where}: {cell!r} is not a number.") from error
