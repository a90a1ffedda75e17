"""Tables of one number for each seed and task, by hand or by another tool.

    algorithm,game,seed,score        method,seed,Pong,Breakout        game,seed_0,seed_1    (a file a method)
    dqn,Pong,0,18.2                  dqn,0,18.2,310                   Pong,18.2,17.9
    dqn,Breakout,0,310               ppo,0,20.1,280                   Breakout,310,295

    task,seed,ours,baseline          a column of tasks, and a column for each group
    Pong,0,18.2,17.1

    {"dqn": [[18.2, 310], [17.9, 295]], …}       rliable's arrays: a row a run, a column a task (or .npz)
    {"dqn": {"Pong": [18.2, 17.9], …}, …}        by task, a list of seeds

In a long table a column says the task: the one that is named, else one of a well-known name (``TASKS``) with
several cells. Without one, several columns of numbers are the tasks, or metrics. A seed is a row's, as
``seed_table`` reads it; in arrays and lists it is the position.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.errors import UnreadableFile
from ired_diag.json_text import parse_json
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
from ired_diag.readers.table_results import layout_of_metric, results_among, with_only_result

ARRAYS = ".npz"
TASKS = (
    "task task_name task_id game env env_id env_name environment dataset dataset_name benchmark problem"
    " scenario domain suite level"
).split()
AXES = 2  # of an array: runs and tasks
MOST_LISTED = 12  # columns in a message


@dataclass(frozen=True, kw_only=True)
class TaskTable:
    """Numbers by task, by group, by seed.

    Attributes:
        values: By task; None where a seed has no number.
        metric: What the numbers are; None where no name says it, and where each task is a metric of its own.
        column: The column that says the task; empty where columns, or places in arrays, are the tasks.
        are_columns: Whether tasks are columns of numbers.
        notes: Sentences on what was taken for what.
    """

    values: Mapping[str, SeedValues]
    metric: str | None = None
    column: str = ""
    are_columns: bool = False
    notes: Sequence[str] = field(default=())


def is_array_file(path: Path) -> bool:
    """Say whether a path is NumPy's archive of named arrays."""
    return path.suffix.lower() == ARRAYS and path.is_file() and zipfile.is_zipfile(path)


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
        return _from_arrays(path, _arrays_in(path))
    text = text_of_rows(path)
    if text is None:
        return _from_arrays(path, _nested_lists_in(path))
    layout = layout_of(path, text)
    place = None if columns else _task_place(path, layout, task)
    if place is None:
        return _from_columns(path, layout, columns)
    return _from_long(path, layout, place, metric)


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
        raise UnreadableFile(f"{path}: no column {name!r} says the task. There are: {_listed(header)}.")
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
        names = _listed([layout.header[i] for i in groups])
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
        notes=[f"{path}: the columns {_listed(names)} are taken as the tasks; {layout.words}."],
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
                f"{path}: no column of numbers {unknown[0]!r}. There are: {_listed(available)}."
            )
        return [by_name[normal_name(name)] for name in columns]
    places = results_among(layout.numbers, layout.header)
    places = [i for i in places if normal_name(layout.header[i]) not in HYPERPARAMETERS]
    if len(places) < 2:
        raise UnreadableFile(
            f"{path}: one task only. Expected a column that says the task (name it with --tasks COLUMN), or "
            f"a column of numbers for each task, found the columns: {_listed(layout.header)}."
        )
    return places


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:MOST_LISTED])
    more = len(names) - len(shown)
    if more:
        shown.append(f"and {more} more")
    return ", ".join(shown)


def _arrays_in(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UnreadableFile(
            f"{path}: cannot be read as arrays ({error}). Arrays of Python objects are not opened, because "
            "they may hold code: save one array of numbers a group, numpy.savez(FILE, **scores)."
        ) from error


def _nested_lists_in(path: Path) -> dict[str, Any]:
    try:
        content = parse_json(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"{path}: is not JSON ({error}).") from error
    if not isinstance(content, Mapping):
        raise UnreadableFile(f"{path}: is not an object with an entry for each group.")
    return dict(content)


def _from_arrays(path: Path, groups: Mapping[str, Any]) -> TaskTable:
    names = _task_names(groups)
    values: dict[str, SeedValues] = {}
    shapes = []
    for group, content in groups.items():
        if _names_tasks(content):
            continue
        where = f"{path}, entry {group!r}"
        if isinstance(content, Mapping):
            numbers = dict(_by_task(where, content))
        else:
            array = _array(where, content)
            shapes.append(f"{array.shape[0]} runs of {group}")
            numbers = dict(_of_array(where, array, names))
        for task, by_seed in numbers.items():
            of_task = values.setdefault(task, {})
            of_task[group] = by_seed
    if len(values) < 2:
        raise UnreadableFile(
            f"{path}: expected an entry for each group with an array of shape (runs, tasks) or the lists of "
            f"several tasks, found {len(values)} task{'s' if len(values) != 1 else ''}."
        )
    note = _note_on_nesting(path, values)
    if shapes:
        runs = ", ".join(shapes)
        note = (
            f"{path}: rows of the arrays are taken as runs and columns as tasks "
            f"({runs}; {len(values)} tasks)."
        )
    return TaskTable(values=values, notes=[note])


def _note_on_nesting(path: Path, values: Mapping[str, SeedValues]) -> str:
    """Return which names were taken as groups and which as tasks."""
    groups = dict.fromkeys(group for of_task in values.values() for group in of_task)
    outer = _listed(list(groups))
    inner = _listed(list(values))
    return f"{path}: the outer names ({outer}) are taken as groups, the inner ones ({inner}) as tasks."


def _task_names(groups: Mapping[str, Any]) -> list[str]:
    """Return the names of the tasks, where an entry is a list of texts; empty where none is."""
    for content in groups.values():
        if _names_tasks(content):
            return list(map(str, content))
    return []


def _names_tasks(content: Any) -> bool:
    """Say whether an entry is a list of names: of the columns, not of a group's numbers."""
    if isinstance(content, np.ndarray):
        return content.dtype.kind == "U" and content.ndim == 1
    return isinstance(content, list) and bool(content) and all(isinstance(name, str) for name in content)


def _array(where: str, content: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        array = np.asarray(content, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UnreadableFile(f"{where}: is not an array of numbers with rows of one length.") from error
    if array.ndim != AXES:
        hint = ""
        if array.ndim > AXES:
            hint = " With a third axis of checkpoints, save the last one: scores[..., -1]."
        raise UnreadableFile(
            f"{where}: expected an array of shape (runs, tasks), found the shape {array.shape}.{hint}"
        )
    return array


def _of_array(
    where: str,
    array: np.ndarray[Any, np.dtype[np.float64]],
    names: Sequence[str],
) -> Iterator[tuple[str, dict[int, float | None]]]:
    tasks = array.shape[1]
    if names and len(names) != tasks:
        raise UnreadableFile(f"{where}: {tasks} columns, but {len(names)} names of tasks.")
    width = len(str(tasks))
    for t in range(tasks):
        name = names[t] if names else f"task{t + 1:0{width}d}"
        column = array[:, t].tolist()
        yield name, dict(enumerate(column))


def _by_task(where: str, content: Mapping[str, Any]) -> Iterator[tuple[str, dict[int, float | None]]]:
    """Yield the numbers of each task by seed, of an object with a list or an object by seed for each."""
    for task, numbers in content.items():
        entries: Sequence[tuple[Any, Any]] = ()
        if isinstance(numbers, Mapping):
            entries = list(numbers.items())
        elif isinstance(numbers, list):
            entries = list(enumerate(numbers))
        by_seed: dict[int, float | None] = {}
        for seed, value in entries:
            try:
                by_seed[int(seed)] = None if value is None else float(value)
            except (TypeError, ValueError) as error:
                raise UnreadableFile(
                    f"{where}, task {task!r}: expected numbers by seed, found {seed!r}: {value!r}."
                ) from error
        if not by_seed:
            raise UnreadableFile(f"{where}, task {task!r}: expected a list of numbers, found {numbers!r}.")
        yield str(task), by_seed
