"""What distinguishes the rows of one seed in a table of results: a setting, or a second repetition.

    model,pred_len,seed,mse          model,fold,seed,score
    A,96,0,0.38                      A,0,0,0.90
    A,192,0,0.42                     A,1,0,0.91

A setting is chosen before the training, so each of its values stands in several rows; a measured number
hardly ever repeats. A column of numbers is a setting where seeds of an experiment stand in several rows
without it and in one with it, each of its values stands in two rows or more, and its name is that of no
measure. Fractions count only where all of them stand in equally many rows, as in a grid. Where several
columns would do, and would part the rows differently, the table is refused.

A column that numbers repetitions (``fold``, ``rep``, ``trial``) next to the seed is a second repetition: each
pair of both counts as one value.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.readers.row_table import CLOCK
from ired_diag.readers.run_columns import RUNS
from ired_diag.readers.table_cells import Rows, number_of, repeats
from ired_diag.runs.metric_words import measures_in, words_of

FEWEST_ROWS = 2  # that hold a value of a setting


def second_repetition(rows: Rows, *, keys: Sequence[int], names: Mapping[int, str]) -> int | None:
    """Return the column that numbers repetitions of a seed; None where none does, or several may.

    Args:
        rows: The rows of the table.
        keys: Places of the seed and of the columns that name the experiment.
        names: Normal names of the columns of numbers, by their places.
    """
    numbering = []
    parting = []
    for place, name in names.items():
        if name not in RUNS or not _repeats_its_values(rows, place):
            continue
        numbering.append(place)
        if not repeats(rows, [*keys, place]):
            parting.append(place)
    choices = parting or numbering
    if len(choices) != 1:
        return None
    return choices[0]


def setting_columns(
    path: Path, rows: Rows, *, header: Sequence[str], keys: Sequence[int], names: Mapping[int, str]
) -> list[int]:
    """Return the columns of numbers that are settings; none where no such column parts the rows.

    Args:
        path: The table, for the message.
        rows: Its rows.
        header: Names of all columns, for the message.
        keys: Places of the columns that say the seed and the experiment.
        names: Normal names of the columns of numbers, by their places.

    Raises:
        UnreadableFile: Several columns part the rows, and differently.
    """
    choices = []
    parting = []
    for place, name in names.items():
        if not _may_be_setting(rows, place, name):
            continue
        choices.append(place)
        if not repeats(rows, [*keys, place]):
            parting.append(place)
    if parting:
        partitions = {_parts(rows, place) for place in parting}
        if len(partitions) > 1:
            raise _unclear(path, rows, header, parting)
        return parting
    if choices and not repeats(rows, [*keys, *choices]):
        return choices
    return []


def _unclear(path: Path, rows: Rows, header: Sequence[str], places: Sequence[int]) -> UnreadableFile:
    """Return the error that several columns part the rows, and differently."""
    names = [repr(header[place]) for place in places]
    listed = " or ".join(names)
    first = places[0]
    _, first_row = rows[0]
    example = f"{header[first]}={first_row[first]}"
    return UnreadableFile(
        f"{path}: a seed of an experiment stands in several rows, and it is unclear whether {listed} "
        "says which experiment a row is of. Write the cells of that column as text, such as "
        f"'{example}', or leave the other column out."
    )


def _may_be_setting(rows: Rows, place: int, name: str) -> bool:
    """Say whether a column of numbers may be a setting, by its name and by how often its values stand."""
    if measures_in(words_of(name)) or CLOCK.search(name):
        return False
    if not _repeats_its_values(rows, place):
        return False
    counts = _counts(rows, place)
    are_whole = True
    for cell in counts:
        value = _value(cell)
        if value is None:
            return False
        if not value.is_integer():
            are_whole = False
    frequencies = set(counts.values())
    return are_whole or len(frequencies) == 1


def _value(cell: str) -> float | None:
    """Return the finite number in a cell; None where there is none."""
    try:
        value = number_of(cell, decimal_comma=True)
    except ValueError:
        return None
    if value is None or not math.isfinite(value):
        return None
    return value


def _counts(rows: Rows, place: int) -> Counter[str]:
    """Return in how many rows each cell of a column stands."""
    counts: Counter[str] = Counter()
    for _, row in rows:
        counts[row[place]] += 1
    return counts


def _repeats_its_values(rows: Rows, place: int) -> bool:
    """Say whether a column holds several values, and each of them in several rows."""
    counts = _counts(rows, place)
    return len(counts) > 1 and min(counts.values()) >= FEWEST_ROWS


def _parts(rows: Rows, place: int) -> tuple[int, ...]:
    """Return a number for the value of each row, equal for two columns that part the rows alike."""
    numbers: dict[str, int] = {}
    parts = []
    for _, row in rows:
        number = numbers.setdefault(row[place], len(numbers))
        parts.append(number)
    return tuple(parts)
