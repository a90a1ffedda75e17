"""Numbers of runs and tasks in arrays and nested lists: rliable's, and by group and task.

    {"dqn": [[18.2, 310], [17.9, 295]], …}       a row a run, a column a task; the same as .npz
    {"dqn": {"Pong": [18.2, 17.9], …}, …}        by task, a list of seeds

The seed is the position in an array or list. A list of names next to the arrays names the tasks.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import UnreadableFile
from ired_diag.json_text import parse_json
from ired_diag.readers.seed_table import SeedValues

Numbers = NDArray[np.float64]
BySeed = dict[int, float | None]

ARRAYS = ".npz"
AXES = 2  # of an array: runs and tasks
MOST_LISTED = 12  # names in a message


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
    if path.suffix.lower() != ARRAYS or not path.is_file():
        return False
    return zipfile.is_zipfile(path)


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence lists them; of many the first."""
    shown = list(names[:MOST_LISTED])
    more = len(names) - len(shown)
    if more:
        shown.append(f"and {more} more")
    return ", ".join(shown)


def arrays_in(path: Path) -> dict[str, Any]:
    """Return the arrays of NumPy's archive, by group."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UnreadableFile(
            f"{path}: cannot be read as arrays ({error}). Arrays of Python objects are not opened, because "
            "they may hold code: save one array of numbers a group, numpy.savez(FILE, **scores)."
        ) from error


def nested_lists_in(path: Path) -> dict[str, Any]:
    """Return what a JSON object holds, by group."""
    try:
        content = parse_json(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"{path}: is not JSON ({error}).") from error
    if not isinstance(content, Mapping):
        raise UnreadableFile(f"{path}: is not an object with an entry for each group.")
    return dict(content)


def table_of_arrays(path: Path, groups: Mapping[str, Any]) -> TaskTable:
    """Return the numbers of arrays of runs and tasks, or of lists by task.

    Raises:
        UnreadableFile: An entry is neither, or there are not several tasks.
    """
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
    outer = listed(list(groups))
    inner = listed(list(values))
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
    if not isinstance(content, list) or not content:
        return False
    return all(isinstance(name, str) for name in content)


def _array(where: str, content: Any) -> Numbers:
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
    array: Numbers,
    names: Sequence[str],
) -> Iterator[tuple[str, BySeed]]:
    tasks = array.shape[1]
    if names and len(names) != tasks:
        raise UnreadableFile(f"{where}: {tasks} columns, but {len(names)} names of tasks.")
    width = len(str(tasks))
    for t in range(tasks):
        column = array[:, t].tolist()
        by_seed = dict(enumerate(column))
        name = f"task{t + 1:0{width}d}"
        if names:
            name = names[t]
        yield name, by_seed


def _by_task(where: str, content: Mapping[str, Any]) -> Iterator[tuple[str, BySeed]]:
    """Yield the numbers of each task by seed, of an object with a list or an object by seed for each."""
    for task, numbers in content.items():
        entries: Sequence[tuple[Any, Any]] = ()
        if isinstance(numbers, Mapping):
            entries = list(numbers.items())
        elif isinstance(numbers, list):
            entries = list(enumerate(numbers))
        by_seed: BySeed = {}
        for seed, value in entries:
            try:
                number = None
                if value is not None:
                    number = float(value)
                by_seed[int(seed)] = number
            except (TypeError, ValueError) as error:
                raise UnreadableFile(
                    f"{where}, task {task!r}: expected numbers by seed, found {seed!r}: {value!r}."
                ) from error
        if not by_seed:
            raise UnreadableFile(f"{where}, task {task!r}: expected a list of numbers, found {numbers!r}.")
        yield str(task), by_seed
