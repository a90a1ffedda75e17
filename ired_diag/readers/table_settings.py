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
    for place, name in names.items():
        if name in RUNS and _repeats_its_values(rows, place):
            numbering.append(place)
    parting = [place for place in numbering if not repeats(rows, [*keys, place])]
    if parting:
        return parting[0] if len(parting) == 1 else None
    return numbering[0] if len(numbering) == 1 else None


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
    choices = [place for place, name in names.items() if _may_be_setting(rows, place, name)]
    parting = [place for place in choices if not repeats(rows, [*keys, place])]
    if parting:
        if len({_parts(rows, place) for place in parting}) > 1:
            listed = " or ".join(repr(header[place]) for place in parting)
            raise UnreadableFile(
                f"{path}: a seed of an experiment stands in several rows, and it is unclear whether {listed} "
                "says which experiment a row is of. Write the cells of that column as text, such as "
                f"'{header[parting[0]]}={rows[0][1][parting[0]]}', or leave the other column out."
            )
        return parting
    if choices and not repeats(rows, [*keys, *choices]):
        return choices
    return []


def _may_be_setting(rows: Rows, place: int, name: str) -> bool:
    """Say whether a column of numbers may be a setting, by its name and by how often its values stand."""
    if measures_in(words_of(name)) or CLOCK.search(name):
        return False
    if not _repeats_its_values(rows, place):
        return False
    counts = Counter(row[place] for _, row in rows)
    values = [number_of(cell, decimal_comma=True) for cell in counts]
    if any(value is None or value != value for value in values):
        return False
    are_whole = all(value is not None and value.is_integer() for value in values)
    are_as_frequent = len(set(counts.values())) == 1
    return are_whole or are_as_frequent


def _repeats_its_values(rows: Rows, place: int) -> bool:
    """Say whether a column holds several values, and each of them in several rows."""
    counts = Counter(row[place] for _, row in rows)
    return len(counts) > 1 and min(counts.values()) >= FEWEST_ROWS


def _parts(rows: Rows, place: int) -> tuple[int, ...]:
    """Return a number for the value of each row, equal for two columns that part the rows alike."""
    numbers: dict[str, int] = {}
    return tuple(numbers.setdefault(row[place], len(numbers)) for _, row in rows)
