"""The tasks that are built in: one file each, which holds ``TASK``; and a user's own, from a Python file."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from ired_diag.config import TrainingConfig, parse_config
from ired_diag.errors import DiagError, NotFound
from ired_diag.own_task import check_task
from ired_diag.python_file import built_by
from ired_diag.runs.run import Run
from ired_diag.task import Task

DEFAULT = "inverse"  # of a configuration that names no task: the study's files
KEY = "task"  # of a configuration that names one


def names() -> list[str]:
    """Return the names of the tasks that are built in, sorted."""
    return list(_names())


@functools.cache  # rules ask for each configuration, and the folder does not change
def _names() -> tuple[str, ...]:
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def load(name: str | Task) -> Task:
    """Return a task.

    Args:
        name: Name of a built-in task, or ``FILE.py:FUNCTION``: a function without arguments that returns a
            ``Task``. The file is Python and is run. Or a user's own task itself.

    Raises:
        NotFound: There is no such task, file or function.
        UnreadableFile: The file cannot be run.
        DiagError: What the function returns is not a ``Task``, or a field of it is of the wrong kind.
    """
    if isinstance(name, Task):
        check_task(name, where=f"The task {name.name}")
        return name
    # A name of a built-in task is that of a module, and has neither.
    if ":" in name or name.endswith(".py"):
        return _own(name)
    if name not in _names():
        raise NotFound(
            f"--task {name!r}: there is no such task. Built in: {', '.join(names())}; a task of your own is "
            "FILE.py:FUNCTION."
        )
    return _built_in(name)


@functools.cache
def _built_in(name: str) -> Task:
    task: Task = import_module(f"ired_diag.tasks.{name}").TASK
    return task


def _own(name: str) -> Task:
    task = built_by(name, option="--task")
    if not isinstance(task, Task):
        path, _, function = name.rpartition(":")
        raise DiagError(
            f"{path}: {function}() must return an ired_diag.task.Task, found {type(task).__name__}."
        )
    check_task(task, where=name.rpartition(":")[0])
    return task


def is_built_in(name: str) -> bool:
    """Say whether a task of this name is built in, so that loading it runs no file of a user's."""
    return name in _names()


def recognised(keys: Mapping[str, Any]) -> Task | None:
    """Return the built-in task whose configurations have these keys; None where none has."""
    for task in map(load, names()):
        if task.recognises(keys):
            return task
    return None


def judged_by(metric: str) -> list[Task]:
    """Return the built-in tasks that are judged by a metric of this name."""
    return [task for task in map(load, names()) if task.metric.name == metric]


def file_of(name: str | Task | None) -> Path | None:
    """Return the Python file of a task of the user's; None of one built in, or typed in a notebook."""
    if isinstance(name, Task):
        return _source_of(name)
    if name is None or is_built_in(name):
        return None
    file, _, _ = name.rpartition(":")
    return Path(file)


def function_of(name: str | Task | None) -> str:
    """Return the function of a user's file that makes a task; empty where none is named."""
    if not isinstance(name, str) or is_built_in(name):
        return ""
    return name.rpartition(":")[2]


def option_of(run: Run) -> tuple[str, ...]:
    """Return the words of a command line that name a run's task; none of one that is built in.

    They run as printed where the run's record holds the file and the function.
    """
    if not run.task or is_built_in(run.task):
        return ()
    file = run.provenance.get("task_file") or "FILE.py"
    function = run.provenance.get("task_function") or "FUNCTION"
    return ("--task", f"{file}:{function}")


def _source_of(task: Task) -> Path | None:
    """Return the file that a task's loss is written in."""
    if is_built_in(task.name):
        return None
    try:
        file = inspect.getsourcefile(task.loss)
    except TypeError:
        return None
    return Path(file) if file and Path(file).is_file() else None


def of_run(run: Run) -> Task:
    """Return the task that a run was trained on, where it is built in.

    Raises:
        DiagError: It is a task of the user's, whose file is not run unless it is named.
    """
    name = run.task or task_of(run.configuration or {}).name
    if is_built_in(name):
        return load(name)
    raise DiagError(
        f"{run.label}: trains the task {name!r}, which is not built in. Name the file that makes it: "
        f"{' '.join(option_of(run)) or '--task FILE.py:FUNCTION'}. The file is run."
    )


def task_of(keys: Mapping[str, Any]) -> Task:
    """Return the task that a configuration names; the study's where it names none.

    Raises:
        NotFound: There is no such task.
    """
    return load(str(keys.get(KEY) or DEFAULT))


def parse(keys: Mapping[str, Any], *, where: str = "configuration") -> tuple[Task, TrainingConfig]:
    """Return the task that a configuration names, and its settings.

    Args:
        keys: As read from a JSON file or a log's configuration block.
        where: What to call it in an error.

    Raises:
        NotFound: There is no such task.
        WrongConfiguration: With every key that is unknown, not implemented, or of a wrong value.
    """
    task = task_of(keys)
    return task, settings_of(task, keys, where=where)


def parse_settings(keys: Mapping[str, Any], *, where: str = "configuration") -> TrainingConfig:
    """Return the settings that a configuration holds, of the task that it names.

    Raises:
        NotFound: There is no such task.
        WrongConfiguration: With every key that is unknown, not implemented, or of a wrong value.
    """
    return parse(keys, where=where)[1]


def settings_of(task: Task, keys: Mapping[str, Any], *, where: str = "configuration") -> TrainingConfig:
    """Return the settings of a task that a configuration holds.

    Raises:
        WrongConfiguration: With every key that is unknown, not implemented, or of a wrong value.
    """
    settings = dict(keys)
    settings.pop(KEY, None)
    return parse_config(settings, task.settings, where=where)
