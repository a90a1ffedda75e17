"""The logs of the runs in one table: whose a row is, which step it is of, which start of training wrote it.

A step may stand in several rows for three reasons:

    several runs     a column says whose row it is (``run_columns``); without one the log is refused
    epochs           the step counts within an epoch and starts again with each: steps are counted through
    restarts         training was started again from a checkpoint and writes on (``restarts``)

What is left, a few steps that stand twice, is counted in a note; the last value of a step counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.readers.restarts import find_restarts, starts_of
from ired_diag.readers.row_table import RowTable, contradictions
from ired_diag.readers.run_columns import (
    SOURCE_SEEDS,
    Explanation,
    epoch_column,
    name_metrics,
    normal_name,
    numbered,
    split_runs,
)
from ired_diag.readers.scalar_log import Damage, ScalarLog

CONFIGURED = re.compile(r"^(?:config|hparams|hyperparameters|args|params)/")
FEWEST_REPEATED = 3  # steps: fewer may be a final evaluation, or a row that was written twice
MOST_REPEATED = 0.2  # of all steps
FEWEST_ROWS = 3  # of a start of training: many shorter ones are rows of several runs that alternate
BATCHES = frozenset(
    """
    batch batch_idx batch_index batch_id minibatch mini_batch iter_in_epoch step_in_epoch batch_in_epoch i
    local_step inner_step
    """.split()
)

Numbers = NDArray[np.float64]


def logs_of(
    table: RowTable,
    path: Path,
    *,
    damaged: Sequence[Damage],
    torn_tail: bool,
    left_out: Mapping[str, int],
    config: Mapping[str, Any] | None = None,
    notes: Sequence[Finding] = (),
) -> dict[str, ScalarLog]:
    """Return the log of each run in a table, by what its columns say of it; empty for a single run.

    Args:
        table: The rows of the file.
        path: The file, for the message.
        damaged: What was skipped in the file.
        torn_tail: Whether the end of the file is only half written.
        left_out: How often a value that is not a number stands in the file, by name.
        config: The hyperparameters that the file states.
        notes: Findings of the reader.

    Raises:
        UnreadableFile: It holds several runs, and no column says whose a row is.
    """
    by_place = tuple(sorted(damaged, key=lambda damage: damage.where))
    logs = {}
    for run in split_runs(name_metrics(table), path, explanation=_explanation):
        rows, own_config = _without_configuration(run.table)
        identity = dict(run.identity)
        source_seeds = identity.pop(SOURCE_SEEDS, {})
        if config or own_config or source_seeds:
            identity["config"] = {**(config or {}), **own_config, **source_seeds}
        if source_seeds and "seed" not in identity:
            # Its seeds are the name of a run in a group, and no name of an experiment.
            identity["group"] = identity.get("experiment") or Path(str(path)).stem
        rows, count_notes = through_epochs(rows)
        restarts = find_restarts(rows)
        starts = starts_of(len(rows), restarts)
        logs[run.name] = ScalarLog(
            points=rows.points(starts),
            damaged=by_place,
            torn_tail=torn_tail,
            left_out=left_out,
            stated=identity,
            restarts=tuple(int(rows.steps[row]) for row in restarts),
            notes=(*notes, *count_notes, *_repeated(rows, starts)),
        )
    return logs


def _without_configuration(table: RowTable) -> tuple[RowTable, dict[str, Any]]:
    """Return a table without the columns of an object ``config`` that never changes, and what they state."""
    config: dict[str, Any] = {}
    columns = {}
    for name, column in table.columns.items():
        if CONFIGURED.match(name) and len(np.unique(column.values)) == 1:
            value = float(column.values[0])
            config[_key_in_configuration(name)] = int(value) if value.is_integer() else value
        else:
            columns[name] = column
    for name, texts in table.texts.items():
        values = set(texts) - {""}
        if CONFIGURED.match(name) and len(values) == 1:
            config[_key_in_configuration(name)] = values.pop()
    return replace(table, columns=columns), config


def _key_in_configuration(name: str) -> str:
    """Return a setting's key as configurations have it, with dots: ``opt.lr`` of ``config/opt/lr``."""
    bare = CONFIGURED.sub("", name)
    return bare.replace("/", ".")


def _explanation(table: RowTable) -> Explanation:
    """Return whether rows at one step come from restarts or from epochs, and not from several runs."""
    if not contradictions(table, table.steps):
        return "certain"
    rows, _ = through_epochs(table)
    restarts = find_restarts(rows)
    starts = starts_of(len(rows), restarts)
    repeated = contradictions(rows, numbered(starts, rows.steps))
    steps = len(np.unique(rows.steps))
    is_often = repeated >= FEWEST_REPEATED and repeated > MOST_REPEATED * steps
    is_everywhere = repeated == steps and len(rows) > FEWEST_REPEATED
    if is_often or is_everywhere:
        return "none"
    steps_by_start = [rows.steps[starts == start] for start in np.unique(starts)]
    if look_like_runs(steps_by_start):
        return "none"
    is_from_scratch = any(rows.steps[row] <= rows.steps[0] for row in restarts)
    return "possible" if is_from_scratch else "certain"


def look_like_runs(parts: Sequence[NDArray[np.int64]]) -> bool:
    """Say whether what the starts of one training logged are rather the rows of three or more runs.

    They are where all cover the same steps from the first to the last, and where they alternate.
    """
    if len(parts) < 3:
        return False
    steps = [np.unique(part) for part in parts]
    cover_the_same = all(np.array_equal(other, steps[0]) for other in steps[1:])
    if cover_the_same and len(steps[0]) > 1:
        return True
    median_rows = float(np.median([len(part) for part in parts]))
    return median_rows < FEWEST_ROWS


def _repeated(table: RowTable, starts: NDArray[np.int64]) -> list[Finding]:
    """Return a finding that some steps hold several rows that differ, if so."""
    repeated = contradictions(table, numbered(starts, table.steps))
    if not repeated:
        return []
    steps = "1 step stands" if repeated == 1 else f"{repeated} steps stand"
    statement = f"{steps} in several rows with different values; the last row of a step counts."
    return [Finding("repeated_steps", "note", statement, evidence={"steps": repeated})]


def through_epochs(table: RowTable, *, length: float | None = None) -> tuple[RowTable, list[Finding]]:
    """Return rows whose steps are counted through all epochs, where the log counts them within each epoch.

    Args:
        table: The rows.
        length: How many steps an epoch has, where the log states it. Default: by the steps themselves.
    """
    counts = _counts_and_epochs(table)
    if counts is None:
        return table, []
    inner, epochs = counts
    if not _starts_with_each_epoch(inner, epochs):
        return table, []
    length = length or _steps_in_epoch(inner, epochs)
    first = epochs.min() if epochs.min() <= 1 else 0.0
    filled = np.where(np.isnan(inner), _last_before(inner), inner)
    steps = np.rint((epochs - first) * length + filled).astype(np.int64)
    statement = (
        f"The log counts steps within each epoch; they are counted through here: {length:g} steps an epoch."
    )
    note = Finding("steps_within_epochs", "note", statement, evidence={"steps_per_epoch": float(length)})
    return replace(table, steps=steps), [note]


def _counts_and_epochs(table: RowTable) -> tuple[Numbers, Numbers] | None:
    """Return the count within an epoch and the epoch of each row; None where the log does not hold both."""
    batches = _batch_column(table)
    steps = table.steps.astype(np.float64)
    if batches is not None and normal_name(table.counter) == "epoch":
        return batches, steps
    epochs = epoch_column(table)
    return None if epochs is None else (steps, epochs)


def _batch_column(table: RowTable) -> Numbers | None:
    """Return the number of the batch within the epoch of each row, NaN where a row has none."""
    for name, column in table.columns.items():
        is_whole = np.all(column.values == np.rint(column.values))
        if normal_name(name) in BATCHES and is_whole:
            batches = np.full(len(table), np.nan)
            batches[column.rows] = column.values
            return batches
    return None


def _starts_with_each_epoch(inner: Numbers, epochs: Numbers) -> bool:
    """Say whether a count goes back where, and only where, the epoch goes on."""
    stated = ~np.isnan(inner)
    back = np.diff(inner[stated]) < 0
    forward = np.diff(epochs[stated]) > 0
    if not forward.any() or not np.all(epochs == np.rint(epochs)):
        return False
    if float(np.mean(back[forward])) <= 0.8:
        return False
    return float(np.mean(forward[back])) > 0.5


def _steps_in_epoch(inner: Numbers, epochs: Numbers) -> float:
    """Return how many steps an epoch has: from its first to its last count, and on to the next first."""
    stated = ~np.isnan(inner)
    gaps = np.diff(inner[stated])
    rises = gaps[gaps > 0]
    interval = float(np.median(rises)) if len(rises) else 1.0
    return float(np.nanmax(inner) - np.nanmin(inner)) + interval


def _last_before(values: Numbers) -> Numbers:
    """Return at each place the last number at or before it, 0 where there is none."""
    places = np.where(np.isnan(values), 0, np.arange(len(values)))
    last = values[np.maximum.accumulate(places)]
    return np.where(np.isnan(last), 0.0, last)
