"""All metrics of a table of one number a seed, each as ``readers.seed_table`` reads one.

A table may hold several metrics (``seed,val_loss,test_loss``); a comparison needs one of them, a search for
rows that were copied needs all.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.readers.seed_table import SeedValues, metric_of_table, read_seed_table
from ired_diag.runs.metric_words import measures_in, words_of

UNNAMED = "value"  # what a table holds that names no metric
SEEDS = frozenset(("seed", "seeds", "fold"))
TRIALS = frozenset(("number", "value", "state"))  # columns of Optuna's tables
LONGEST_LINE = 65_536  # letters of a header


def names_seeds(path: Path) -> bool:
    """Say whether a CSV file has a column of seeds, folds or trials, by its first line."""
    if not path.is_file():  # a pipe or a device has no end
        return False
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader([file.readline(LONGEST_LINE)]), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return _are_trials(header) or any(not SEEDS.isdisjoint(words_of(name)) for name in header)


def _are_trials(header: Sequence[str]) -> bool:
    """Say whether the columns are those of Optuna's ``study.trials_dataframe()``."""
    return TRIALS <= set(header) and any(name.startswith("params_") for name in header)


def is_table_of_seeds(path: Path, metric: str | None) -> bool:
    """Say whether a file of a folder is a CSV table of seeds, folds or trials, and numbers of a metric."""
    return path.suffix.lower() == ".csv" and names_seeds(path) and has_seed_metrics(path, metric)


def has_seed_metrics(path: Path, metric: str | None) -> bool:
    """Say whether a file is a table of seeds from which a metric can be read."""
    try:
        return bool(read_seed_metrics(path, column=metric))
    except DiagError:
        return False


def read_seed_metrics(path: Path, *, column: str | None = None) -> dict[str, SeedValues]:
    """Return the values of each experiment and seed, by metric.

    Args:
        path: A ``.csv`` or ``.json`` file.
        column: The only metric to read.

    Raises:
        UnreadableFile: It is not such a table; the message is that of the table read as one metric.
    """
    try:
        table = read_seed_table(path, column=column)
    except UnreadableFile:
        may_hold_several = not column and path.suffix.lower() == ".csv"
        tables = _by_column(path) if may_hold_several else {}
        if not tables:
            raise
        return tables
    metric = column or metric_of_table(path, list(table)) or UNNAMED
    return {metric: table}


def _by_column(path: Path) -> dict[str, SeedValues]:
    """Return the tables of all columns that are named as measures."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader([file.readline(LONGEST_LINE)]), [])
    tables: dict[str, SeedValues] = {}
    for name in (name.strip() for name in header):
        if measures_in(words_of(name)):
            try:
                tables[name] = read_seed_table(path, column=name)
            except UnreadableFile:
                continue  # a column of words, or of numbers that no seed owns
    return tables
