"""The number that a prediction asks of a probe's table, for one run.

The table is read as the probe left it in the run's folder: the rows of one checkpoint, of one kind of
weights and of one measurement. Rows are chosen by the values of other columns (``where``), and compared
with others (``minus``) of the same checkpoint row by row, in the order in which the probe measured them:
problem by problem. A row without a value is left out and counted; where that is more than a tenth, or where
an infinite value would make a mean infinite, there is no number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import DiagError
from ired_diag.plans.declared import Cell, Prediction
from ired_diag.runs.run import Run
from ired_diag.table import Table, read_table

FOLDER = "probes"  # in a run's folder
MOST_MISSING = 0.1  # of the rows
MOST_SHOWN = 8  # values of a column, in an error

Array = NDArray[np.float64]


class NotProbed(DiagError):
    """A run to which the probe was not put."""


@dataclass(frozen=True)
class Measured:
    """A number and what it was measured with.

    Attributes:
        value: The number; NaN where there is none.
        settings: What runs must share to be compared: how many problems, and their seed.
        notes: What is to be said of it.
    """

    value: float
    settings: str
    notes: Sequence[str] = ()


def number_of_rows(prediction: Prediction, run: Run) -> Measured:
    """Return the statistic of a probe's rows that a prediction asks for.

    Args:
        prediction: A prediction about a probe.
        run: The run.

    Raises:
        NotProbed: The probe was not put to the run, or not to that checkpoint.
        DiagError: The table has no such column, or rows of several measurements.
    """
    path = run.path / FOLDER / f"{prediction.probe}.parquet"
    if not path.is_file():
        raise NotProbed(f"The probe {prediction.probe} was not put to {run.label}.")
    table, metadata = read_table(path)
    rows = _of_checkpoint(prediction, run, table)
    settings = _settings(prediction, run, rows, metadata.get("settings", {}))
    wanted = _rows_where(rows, prediction.where, path)
    values = _column(wanted, prediction.column, path)
    if prediction.minus:
        others = _rows_where(rows, prediction.minus, path)
        references = _column(others, prediction.column, path)
        if len(values) != len(references):
            raise DiagError(
                f"{path}: {len(values)} rows of 'where' cannot be compared row by row with "
                f"{len(references)} rows of 'minus'."
            )
        return _of_pairs(prediction, values, references, settings, run)
    return _of_values(prediction, values, settings, run)


def _of_checkpoint(prediction: Prediction, run: Run, table: Table) -> Table:
    steps = np.unique(table["step"])
    step = steps.max()
    if prediction.checkpoint != "last":
        step = prediction.checkpoint
        if step not in steps:
            raise NotProbed(
                f"The probe {prediction.probe} was not put to {run.label} at step {prediction.checkpoint}."
            )
    elif run.checkpoints:
        newest = _newest_step(run.checkpoints)
        if newest is not None and newest > step >= 0:
            raise NotProbed(
                f"The probe {prediction.probe} was put to {run.label} at step {step}, and its last "
                f"checkpoint is of step {newest}."
            )
    chosen = table["step"] == step
    if prediction.weights:
        chosen = chosen & (table["weights"] == prediction.weights)
        if not chosen.any():
            raise NotProbed(
                f"The probe {prediction.probe} was not put to the {prediction.weights} weights of "
                f"{run.label}."
            )
    return {name: column[chosen] for name, column in table.items()}


def _newest_step(checkpoints: Sequence[Path]) -> int | None:
    """Return the largest step in the names of checkpoints; None where none names one."""
    steps = []
    for path in checkpoints:
        digits = path.stem.removeprefix("step-")
        if digits.isdigit():
            steps.append(int(digits))
    return max(steps, default=None)


def _settings(
    prediction: Prediction, run: Run, rows: Table, stored: Mapping[str, Mapping[str, object]]
) -> str:
    """Return what runs must share to be compared.

    Raises:
        DiagError: The rows are of several measurements, and the plan cannot say which.
    """
    measurements = np.unique(rows["settings"]).tolist()
    weights = np.unique(rows["weights"]).tolist()
    if len(weights) > 1:
        raise DiagError(
            f"{run.label}: the probe {prediction.probe} looked at {' and '.join(weights)} weights. Say "
            "which in the plan: 'weights: raw'."
        )
    if len(measurements) > 1:
        raise DiagError(
            f"{run.label}: the probe {prediction.probe} measured this checkpoint {len(measurements)} times "
            "with different settings. Remove its table and put it again, once."
        )
    (key,) = measurements
    kept = stored.get(key, {})
    return f"{kept.get('samples')} problems, seed {kept.get('seed')}"


def _rows_where(rows: Table, where: Mapping[str, Cell], path: Path) -> Table:
    chosen = np.ones(len(rows["step"]), dtype=bool)
    for name, value in where.items():
        _check_column(rows, name, path)
        column = rows[name]
        matches = column == value
        if not np.any(matches):
            present = np.unique(column)[:MOST_SHOWN]
            listed = ", ".join(map(str, present.tolist()))
            raise DiagError(f"{path}: no row has {name} = {value!r}. There are: {listed}.")
        chosen = chosen & matches
    if not chosen.any():
        raise DiagError(f"{path}: no row has {dict(where)}.")
    return {name: column[chosen] for name, column in rows.items()}


def _column(rows: Table, name: str, path: Path) -> Array:
    _check_column(rows, name, path)
    try:
        return np.asarray(rows[name], dtype=np.float64)
    except ValueError as error:
        raise DiagError(
            f"{path}: the column {name!r} holds words, and a prediction needs numbers."
        ) from error


def _check_column(rows: Table, name: str, path: Path) -> None:
    if name not in rows:
        listed = ", ".join(rows)
        raise DiagError(f"{path}: no column {name!r}. There are: {listed}.")


def _of_pairs(prediction: Prediction, values: Array, references: Array, settings: str, run: Run) -> Measured:
    usable = ~(np.isnan(values) | np.isnan(references))
    notes = _notes(usable, run)
    if notes is None:
        return Measured(math.nan, settings, _too_few(usable, run))
    if prediction.statistic == "share_larger":
        larger = (values > references)[usable]
        ties = (values == references)[usable]
        share = float(larger.mean()) + float(ties.mean()) / 2
        return Measured(share, settings, notes)
    with np.errstate(invalid="ignore"):
        differences = (values - references)[usable]
    # Infinity minus infinity is no number; what is left may still be infinite.
    differences = differences[~np.isnan(differences)]
    centre = _centre(prediction, differences)
    return Measured(centre, settings, notes)


def _of_values(prediction: Prediction, values: Array, settings: str, run: Run) -> Measured:
    usable = ~np.isnan(values)
    notes = _notes(usable, run)
    if notes is None:
        return Measured(math.nan, settings, _too_few(usable, run))
    centre = _centre(prediction, values[usable])
    return Measured(centre, settings, notes)


def _centre(prediction: Prediction, values: Array) -> float:
    """Return the mean or the median; NaN where it is not finite."""
    if not len(values):
        return math.nan
    centre = float(values.mean())
    if prediction.statistic == "median":
        centre = float(np.median(values))
    if not math.isfinite(centre):
        return math.nan
    return centre


def _notes(usable: NDArray[np.bool_], run: Run) -> list[str] | None:
    """Return how many rows have no value; None where these are too many."""
    count = len(usable)
    missing = count - int(usable.sum())
    if missing > MOST_MISSING * count:
        return None
    if not missing:
        return []
    return [f"{run.label}: {missing} of {count} rows have no value, and are left out."]


def _too_few(usable: NDArray[np.bool_], run: Run) -> list[str]:
    count = len(usable)
    missing = count - int(usable.sum())
    return [f"{run.label}: {missing} of {count} rows have no value: no number is taken of the others."]
