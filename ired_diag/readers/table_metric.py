"""What the numbers of a table measure, by the names in it.

    method,seed,accuracy     seed,val_acc_ours,val_acc_base     accuracy.csv: seed,ours,base
    accuracy                 val_acc                            accuracy

A long table names the metric in the header of its column of numbers, unless that word fits any number
(``value``): then a column ``metric`` may, or the name of the file. In a wide table, and in JSON, each column
is an experiment, and the words that all column names begin or end with may name the metric: those before the
first hyperparameter (``acc_lr0.1``), and only where they say a direction (``runs.direction``). Else the
name of the file may say it.

Columns that measure different things cannot be compared, and a wrong direction reverses the answer. So names
that contradict each other are refused: columns with words of both directions, and columns of one direction in
a file whose whole name is a metric of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.readers.run_columns import HYPERPARAMETERS, METRIC_NAMES, normal_name
from ired_diag.readers.table_layout import TableLayout
from ired_diag.runs.direction import lower_by_name
from ired_diag.runs.metric_words import (
    ALL_MEASURES,
    DETAILS,
    SPLITS,
    TEST_SPLITS,
    TRAINING,
    measures_in,
    words_of,
)

ANY_NUMBER = frozenset("value values number result results metric metric_value measurement final y".split())
WORDS_OF_METRICS = frozenset({*ALL_MEASURES, *DETAILS, *SPLITS, *TEST_SPLITS, *TRAINING})

Words = tuple[str, ...]


def metric_of_long(path: Path, layout: TableLayout) -> str | None:
    """Return the metric of a table with a column of numbers; None where several columns may be it.

    Args:
        path: The table, whose name may be a metric.
        layout: What its columns are.
    """
    if len(layout.numbers) != 1:
        return metric_of_file(path)
    header = layout.header[layout.numbers[0]]
    if normal_name(header) not in ANY_NUMBER:
        return header
    return _in_column_of_names(layout) or metric_of_file(path) or header


def metric_of_columns(path: Path, columns: Sequence[str]) -> str | None:
    """Return the metric of a table with a column for each experiment; None where no name says it.

    Args:
        path: The table, whose name may be a metric.
        columns: Names of the columns of numbers.

    Raises:
        UnreadableFile: Names contradict each other.
    """
    metric = metric_in_names(columns)
    if metric is None:
        _refuse_two_directions(path, columns)
        return metric_of_file(path)
    lower = lower_by_name(metric)
    lower_by_file = lower_by_name(path.stem)
    file_is_metric = WORDS_OF_METRICS.issuperset(words_of(path.stem))
    if file_is_metric and lower_by_file not in (None, lower):
        raise UnreadableFile(
            f"{path}: its columns are named after {metric} ({_direction(lower)}), the file after {path.stem} "
            f"({_direction(lower_by_file)}). Say what the numbers are: --metric NAME."
        )
    return metric


def metric_of_file(path: Path) -> str | None:
    """Return the name of a file where it is that of a metric; None for others, such as ``results.csv``."""
    return path.stem if lower_by_name(path.stem) is not None else None


def metric_in_names(names: Sequence[str]) -> str | None:
    """Return the metric that all names begin or end with; None where no such words say a direction.

    >>> metric_in_names(["val_accuracy_ours", "val_accuracy_base"]), metric_in_names(["a bleu", "b bleu"])
    ('val_accuracy', 'bleu')
    >>> metric_in_names(["sgd", "adam"]) is None
    True
    """
    words = [words_of(name) for name in names]
    if not words:
        return None
    first = _before_hyperparameter(_common_start(words))
    last = _common_end(words)
    are_equal = len(set(words)) == 1
    alike = first if are_equal else first + last
    for choice in (alike, first, last, _shared_measures(words)):
        metric = "_".join(choice)
        if metric and lower_by_name(metric) is not None:
            return metric
    return None


def _common_start(names: Sequence[Words]) -> Words:
    """Return the words that all names begin with."""
    shared = []
    for words in zip(*names, strict=False):
        if len(set(words)) > 1:
            break
        shared.append(words[0])
    return tuple(shared)


def _common_end(names: Sequence[Words]) -> Words:
    return _common_start([name[::-1] for name in names])[::-1]


def _before_hyperparameter(words: Words) -> Words:
    for place, word in enumerate(words):
        if word.rstrip("0123456789") in HYPERPARAMETERS:
            return words[:place]
    return words


def _shared_measures(names: Sequence[Words]) -> Words:
    """Return the measures that all names hold, wherever in the name they stand."""
    first, *others = map(measures_in, names)
    return tuple(word for word in first if all(word in other for other in others))


def _refuse_two_directions(path: Path, columns: Sequence[str]) -> None:
    """Refuse columns that each hold the word of a metric, some of errors and some of success."""
    directions = {column: lower_by_name(column) for column in columns}
    if set(directions.values()) != {True, False}:
        return
    down = next(column for column, lower in directions.items() if lower)
    up = next(column for column, lower in directions.items() if not lower)
    raise UnreadableFile(
        f"{path}: the columns measure different things: of {down!r} lower is better, of {up!r} higher. "
        "If all columns hold the same metric, name it: --metric NAME."
    )


def _in_column_of_names(layout: TableLayout) -> str | None:
    """Return the metric in a column ``metric``, where all rows have the same."""
    for place, name in enumerate(layout.header):
        if normal_name(name) in METRIC_NAMES[:5] and place not in layout.numbers:
            cells = {row[place] for _, row in layout.rows if row[place]}
            if len(cells) == 1:
                return cells.pop()
    return None


def _direction(lower: bool | None) -> str:
    return "lower is better" if lower else "higher is better"
