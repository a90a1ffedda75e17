"""Two groups compared on the same frozen problems, where a probe has measured the error of each problem.

Which probe that is, and which of its rows and columns hold the errors, is said by the task
(``task.ProblemErrors``). Each run then has an error for each of many problems, the same for all runs. The
difference of the groups is uncertain by seeds and by problems at once (``stats.two_level_bootstrap``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag import tasks
from ired_diag.comparison.seeds import Members, Seed
from ired_diag.errors import UnreadableFile
from ired_diag.stats.two_level_bootstrap import TwoLevel, two_level_bootstrap
from ired_diag.table import read_table
from ired_diag.task import ProblemErrors

Array = NDArray[np.float64]
Rows = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class PerSample:
    """The difference a - b of one error on the same problems.

    Attributes:
        error: Name of the error.
        result: The difference with its interval over seeds and problems; None where it is unknown.
        reason: Why it is unknown.
    """

    error: str
    result: TwoLevel | None
    reason: str = ""


@dataclass(frozen=True)
class ErrorTable:
    """The errors of one run.

    Attributes:
        problems: Which problems the run was looked at on: equal where they are the same.
        errors: The run's errors, of shape (problems,), by the name of the error.
    """

    problems: tuple[Any, ...]
    errors: Mapping[str, Array]


def problem_errors() -> ProblemErrors:
    """Return where the errors of each problem stand.

    Raises:
        ValueError: The default task has no such table: a defect of that task.
    """
    where = tasks.load(tasks.DEFAULT).problem_errors
    if where is None:
        raise ValueError(f"the task {tasks.DEFAULT} names no errors of problems")
    return where


def per_sample(a: Members, b: Members, shared: Sequence[str], *, draw: int) -> list[PerSample]:
    """Return the differences of two groups on the same problems, one for each kind of error.

    Args:
        a: The first group.
        b: The second group.
        shared: Seeds that are paired; empty where the seeds are not pairs.
        draw: Random seed of the resampling.
    """
    where = problem_errors()
    tables_a = _tables_of(a)
    tables_b = _tables_of(b)
    if shared:
        in_both = [label for label in shared if label in tables_a and label in tables_b]
        tables_a = _only(in_both, tables_a)
        tables_b = _only(in_both, tables_b)
    if not tables_a or not tables_b:
        return _unknown(f"no table of {where.probe} of both groups")
    # On other problems another error is no difference of the groups.
    problems = _problems_of([*tables_a.values(), *tables_b.values()])
    if len(problems) > 1:
        return _unknown(f"their tables of {where.probe} are of other problems")
    differences = []
    for name in where.errors:
        result = two_level_bootstrap(
            _errors_in(tables_a.values(), name),
            _errors_in(tables_b.values(), name),
            paired=bool(shared),
            seed=draw,
        )
        differences.append(PerSample(name, result))
    return differences


def _only(labels: Sequence[str], tables: Mapping[str, ErrorTable]) -> dict[str, ErrorTable]:
    return {label: tables[label] for label in labels}


def _unknown(reason: str) -> list[PerSample]:
    return [PerSample(name, None, reason) for name in problem_errors().errors]


def _problems_of(tables: Iterable[ErrorTable]) -> set[tuple[Any, ...]]:
    return {table.problems for table in tables}


def _errors_in(tables: Iterable[ErrorTable], name: str) -> Array:
    """Return one error of several runs, of shape (runs, problems)."""
    return np.array([table.errors[name] for table in tables])


def _tables_of(members: Members) -> dict[str, ErrorTable]:
    """Return the tables of a group's seeds that have one, by seed."""
    tables = {}
    for seed in members.seeds:
        table = _table_of(seed)
        if table is not None:
            tables[seed.label] = table
    return tables


def _table_of(seed: Seed) -> ErrorTable | None:
    """Return the errors of a run at its last checkpoint; None where the probe has not looked at it."""
    where = problem_errors()
    if seed.folder is None:
        return None
    path = seed.folder / "probes" / f"{where.probe}.parquet"
    if not path.is_file():
        return None
    rows, metadata = read_table(path, **where.rows)
    if not len(rows["step"]):
        return None
    rows = _rows_of_most(rows, "step")
    settings = metadata.get("settings", {})
    digest = _digest_of_most_samples(rows, settings, path)
    rows = _rows_where(rows, rows["settings"] == digest)
    if where.most:
        rows = _rows_of_most(rows, where.most)
    order = np.argsort(rows["sample"])
    own_settings = settings[digest]
    chosen = {**own_settings.get("config", {}), **own_settings}
    # The count of rows is part of the identity: a table that was cut short holds fewer problems than it says.
    problems = (*map(chosen.get, where.problems), len(order))
    errors = {}
    for name in where.errors:
        in_order = rows[name][order]
        errors[name] = in_order.astype(np.float64)
    return ErrorTable(problems, errors)


def _digest_of_most_samples(rows: Rows, settings: Mapping[str, Any], path: Path) -> str:
    """Return the digest of the settings under which the most problems were looked at."""
    digests: list[str] = []
    for digest in np.unique(rows["settings"]).tolist():
        if digest in settings:
            digests.append(digest)
    if not digests:
        raise UnreadableFile(f"{path}: does not state the settings of its rows. Remove it, and probe again.")
    return max(digests, key=lambda digest: (settings[digest]["samples"], digest))


def _rows_of_most(rows: Rows, name: str) -> Rows:
    """Return the rows in which a column has its largest value."""
    column = rows[name]
    return _rows_where(rows, column == column.max())


def _rows_where(rows: Rows, keep: NDArray[np.bool_]) -> Rows:
    return {name: column[keep] for name, column in rows.items()}


def interval_of(differences: Sequence[PerSample], error: str) -> tuple[float, float]:
    """Return the interval of one error's difference; NaN where it is unknown."""
    for difference in differences:
        if difference.error == error and difference.result is not None:
            return difference.result.low, difference.result.high
    return math.nan, math.nan
