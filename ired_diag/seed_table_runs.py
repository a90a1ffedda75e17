"""Open paths for a diagnosis: runs and logs, and the tables of one number a seed that are among them.

A table that is named by itself is opened as runs that evaluated once. In a folder without runs so are its
tables; next to runs a table most likely repeats them, and is left to the rules that look at tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ired_diag.final_values import is_table, runs_of_table
from ired_diag.grouping import open_arguments
from ired_diag.readers.seed_table import notes_on_table
from ired_diag.readers.seed_table_metrics import has_seed_metrics, is_table_of_seeds, read_seed_metrics
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study


def open_with_tables(arguments: Sequence[str], *, grouping: Grouping, metric: str | None = None) -> Study:
    """Return the study that paths and ``NAME=GLOB`` mean, tables of seeds included.

    Args:
        arguments: Paths; and ``NAME=GLOB``, whose runs are one experiment of that name.
        grouping: What the user says of groups and seeds.
        metric: The metric of a table with several. Default: the first column that is a measure.

    Raises:
        NotFound: There is nothing at a path.
        DiagError: A named file is neither a log nor such a table.
    """
    tables: list[Path] = []
    others = []
    for argument in arguments:
        path = Path(argument)
        if is_table(path) and has_seed_metrics(path, metric):
            tables.append(path)
        else:
            others.append(argument)
    study = Study(())
    if others:
        study = open_arguments(others, grouping=grouping)
    # Next to runs a table most likely repeats them.
    if not study.runs and not study.evaluations:
        tables += [file.path for file in study.skipped if is_table_of_seeds(file.path, metric)]
    runs = list(study.runs)
    opened: set[Path] = set()
    for path in tables:
        if has_seed_metrics(path, metric):
            of_table = _runs_of(path, metric)
            runs += of_table
            opened.update(run.path for run in of_table)
    rest = tuple(skipped for skipped in study.skipped if skipped.path not in opened)
    return replace(study, runs=Study.of(runs).runs, skipped=rest)


def _runs_of(path: Path, metric: str | None) -> list[Run]:
    """Return the runs of the first metric of a table."""
    name, table = next(iter(read_seed_metrics(path, column=metric).items()))
    notes = notes_on_table(path)
    runs = []
    for group, values in table.items():
        runs += runs_of_table(path, group, name, values, notes=notes)
    return runs
