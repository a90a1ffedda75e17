"""Tables of one number for each seed and task, by hand or by another tool.

    algorithm,game,seed,score        method,seed,Pong,Breakout        game,seed_0,seed_1    (a file a method)
    dqn,Pong,0,18.2                  dqn,0,18.2,310                   Pong,18.2,17.9
    dqn,Breakout,0,310               ppo,0,20.1,280                   Breakout,310,295

    task,seed,ours,baseline          a column of tasks, and a column for each group
    Pong,0,18.2,17.1

Arrays and nested lists are read by ``task_arrays``.

In a long table a column says the task: the one that is named, else one of a well-known name (``TASKS``) with
several cells. Without one, several columns of numbers are the tasks, or metrics. A seed is a row's, as
``seed_table`` reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.readers.run_columns import HYPERPARAMETERS, normal_name
from ired_diag.readers.seed_table import (
    METRIC,
    SeedValues,
    text_of_rows,
    values_of_columns,
    values_of_long,
)
from ired_diag.readers.table_cells import is_number
from ired_diag.readers.table_layout import TableLayout, layout_of
from ired_diag.readers.table_repetitions import notes_on_repetitions
from ired_diag.readers.table_results import layout_of_metric, results_among, with_only_result
from ired_diag.readers.task_arrays import (
    TaskTable,
    arrays_in,
    is_array_file,
    listed,
    nested_lists_in,
    table_of_arrays,
)

TASKS = (
    "task task_name task_id game env env_id env_name environment dataset dataset_name benchmark problem"
    " scenario domain suite level"
).split()


def read_task_table(
    path: Path,
    *,
    task: str | None = None,
    metric: str | None = None,
    columns: Sequence[str] = (),
) -> TaskTable:
    """Return the numbers of each task, group and seed.

    Args:
        path: A ``.csv``, ``.tsv``, ``.json``, ``.jsonl`` or ``.npz`` file.
        task: The column that says the task. Default: detected by name.
        metric: The column of numbers to read where there are several. Default: the only one.
        columns: Columns that are the tasks, or metrics. Default: by the table.

    Raises:
        UnreadableFile: It is not such a table, or has no several tasks; the message names its columns.
    """
    if is_array_file(path):
        return table_of_arrays(path, arrays_in(path))
    text = text_of_rows(path)
    if text is None:
        return table_of_arrays(path, nested_lists_in(path))
    layout = layout_of(path, text)
    place = None if columns else _task_place(path, layout, task)
    if place is None:
        table = _from_columns(path, layout, columns)
    else:
        table = _from_long(path, layout, place, metric)
    repetitions = [f"{path}: {note.statement}" for note in notes_on_repetitions(layout)]
    return replace(table, notes=[*table.notes, *repetitions])


def _task_place(
    path: Path,
    layout: TableLayout,
    name: str | None,
) -> int | None:
    """Return the column that says the task; None where there is none."""
    header = layout.header
    if name is not None:
        for i, column in enumerate(header):
            if normal_name(column) == normal_name(name):
                return i
        raise UnreadableFile(f"{path}: no column {name!r} says the task. There are: {listed(header)}.")
    for choice in TASKS:
        for i, column in enumerate(header):
            if normal_name(column) == choice and _varies(layout, i):
                return i
    return None


def _varies(layout: TableLayout, place: int) -> bool:
    cells = {row[place] for _, row in layout.rows}
    return len(cells) > 1


def _from_long(
    path: Path,
    layout: TableLayout,
    place: int,
    metric: str | None,
) -> TaskTable:
    layout = _without_column(layout, place)
    layout = layout_of_metric(path, layout, metric)
    if metric is None:
        layout = with_only_result(layout)
    column = layout.header[place]
    groups = _group_columns(layout, metric)
    cells = dict.fromkeys(row[place] for _, row in layout.rows)
    values = {}
    for cell in cells:
        rows = [(number, row) for number, row in layout.rows if row[place] == cell]
        of_task = replace(layout, rows=rows)
        name = _name_of_task(column, cell)
        if groups:
            values[name] = _values_by_column(path, of_task, groups)
        else:
            values[name] = values_of_long(path, of_task, metric, group=path.stem)
    note = f"{path}: the column {column!r} says the task ({len(cells)} tasks); {layout.words}"
    if groups:
        names = listed([layout.header[i] for i in groups])
        note += f", and the columns {names} as the groups"
    measure = metric
    if measure is None and not groups:
        measure = _metric_of(layout)
    return TaskTable(
        values=values,
        metric=measure,
        column=column,
        notes=[f"{note}."],
    )


def _group_columns(layout: TableLayout, metric: str | None) -> list[int]:
    """Return the columns that are the groups: several of numbers, of which not all are named as metrics."""
    if layout.groups or metric is not None or len(layout.numbers) < 2:
        return []
    places = results_among(layout.numbers, layout.header)
    names = [normal_name(layout.header[i]) for i in places]
    if all(METRIC.fullmatch(name) for name in names):
        return []
    return places


def _values_by_column(path: Path, layout: TableLayout, places: Sequence[int]) -> SeedValues:
    """Return the numbers of each column as those of a group."""
    values: SeedValues = {}
    for i in places:
        values |= values_of_columns(path, layout, i, group=layout.header[i])
    return values


def _name_of_task(column: str, cell: str) -> str:
    """Return what a task is called; a number needs the name of its column: ``pred_len=96``."""
    return f"{column}={cell}" if is_number(cell) else cell


def _without_column(layout: TableLayout, place: int) -> TableLayout:
    return replace(
        layout,
        groups=[i for i in layout.groups if i != place],
        numbers=[i for i in layout.numbers if i != place],
        settings=[i for i in layout.settings if i != place],
    )


def _metric_of(layout: TableLayout) -> str | None:
    if len(layout.numbers) != 1:
        return None
    return layout.header[layout.numbers[0]]


def _from_columns(
    path: Path,
    layout: TableLayout,
    columns: Sequence[str],
) -> TaskTable:
    places = _task_columns(path, layout, columns)
    values = {}
    for i in places:
        values[layout.header[i]] = values_of_columns(
            path,
            layout,
            i,
            group=path.stem,
        )
    names = [layout.header[i] for i in places]
    return TaskTable(
        values=values,
        are_columns=True,
        notes=[f"{path}: the columns {listed(names)} are taken as the tasks; {layout.words}."],
    )


def _task_columns(
    path: Path,
    layout: TableLayout,
    columns: Sequence[str],
) -> list[int]:
    """Return the columns that are the tasks: those that are named, else all results."""
    by_name = {normal_name(layout.header[i]): i for i in layout.numbers}
    if columns:
        unknown = [name for name in columns if normal_name(name) not in by_name]
        if unknown:
            available = [layout.header[i] for i in layout.numbers]
            raise UnreadableFile(
                f"{path}: no column of numbers {unknown[0]!r}. There are: {listed(available)}."
            )
        return [by_name[normal_name(name)] for name in columns]
    places = results_among(layout.numbers, layout.header)
    places = [i for i in places if normal_name(layout.header[i]) not in HYPERPARAMETERS]
    if len(places) < 2:
        raise UnreadableFile(
            f"{path}: one task only. Expected a column that says the task (name it with --tasks COLUMN), or "
            f"a column of numbers for each task, found the columns: {listed(layout.header)}."
        )
    return places
