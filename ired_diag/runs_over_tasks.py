"""Names and paths of a command line into groups of seeds for each of several tasks.

Where numbers come from says what runs of one seed share over tasks:

    metrics     one run logs several metrics: everything
    trainings   each task was trained by itself, as a key of the configurations states: the number of a seed
    table       a table with a column of tasks or a column for each, or arrays: unknown
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ired_diag.errors import AmbiguousName, DiagError, NotFound
from ired_diag.final_values import is_table, runs_of_table
from ired_diag.grouping import group_runs
from ired_diag.named_paths import split_arguments
from ired_diag.open import open_study
from ired_diag.readers.task_arrays import TaskTable, is_array_file
from ired_diag.readers.task_table import TASKS, read_task_table
from ired_diag.runs.files import exists
from ired_diag.runs.regroup import Grouping, grouped_by
from ired_diag.runs.run import Run
from ired_diag.runs.study import check_seeds
from ired_diag.runs.task_of_run import tasks_by_key

UNNAMED = "score"  # what arrays without a name for their numbers hold
MOST_LISTED = 8
COLUMNS = "columns"

Kind = Literal["metrics", "trainings", "table"]
Groups = Mapping[str, Sequence[Run]]


@dataclass(frozen=True, kw_only=True)
class TaskRuns:
    """The runs of one task.

    Attributes:
        name: Name of the task, or of the metric.
        groups: Runs by the name of their group.
        metric: Metric that is compared. None: the one by which the runs are judged.
    """

    name: str
    groups: Groups
    metric: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunsOverTasks:
    """The runs of several tasks.

    Attributes:
        tasks: The tasks, in the order of their first run.
        groups: Names of the groups, in the order given.
        kind: Where the numbers come from, which says what runs of one seed share.
        what: What tells the tasks apart: ``column 'game'``, ``key env_id``, ``metrics``.
        notes: Sentences on what was taken for what.
    """

    tasks: Sequence[TaskRuns]
    groups: Sequence[str]
    kind: Kind
    what: str
    notes: Sequence[str] = ()


def runs_over_tasks(
    arguments: Sequence[str],
    runs: Path,
    *,
    task: str | None = None,
    metrics: Sequence[str] = (),
    metric: str | None = None,
    grouping: Grouping | None = None,
) -> RunsOverTasks:
    """Return the runs of each task and group that names and paths mean.

    Args:
        arguments: Names in the runs folder or table, paths, and ``NAME=GLOB``.
        runs: The runs folder, or a table of seeds and tasks.
        task: The column, or the key of the configurations, that says the task. Default: detected by name.
        metrics: Metrics that stand in for tasks.
        metric: The metric of every task. Default: detected by name.
        grouping: What the user says of groups and seeds.

    Raises:
        NotFound: There is nothing of a name or at a path.
        DiagError: There are not several tasks, or tables and runs are mixed.
    """
    grouping = grouping or Grouping()
    if task is not None and metrics:
        raise DiagError("--tasks and --metrics exclude each other: name the column of tasks, or the metrics.")
    tables = _tables_named(arguments, runs)
    if tables is not None:
        return _of_tables(tables, task=task, metrics=metrics, metric=metric)
    if metrics:
        return _of_metrics(arguments, runs, metrics, grouping)
    return _of_trainings(arguments, runs, task=task, metric=metric, grouping=grouping)


@dataclass(frozen=True, kw_only=True)
class _NamedTable:
    """A table, the user's name for its only group, and the groups of it that are meant."""

    path: Path
    name: str = ""
    groups: tuple[str, ...] = ()


def _tables_named(arguments: Sequence[str], runs: Path) -> list[_NamedTable] | None:
    """Return the tables that are meant; None where runs are meant.

    Raises:
        DiagError: Some arguments are tables, others are not.
    """
    named, others = split_arguments(arguments)
    tables = []
    names = []
    for argument in arguments:
        if argument in named:
            paths = named[argument].paths
            if all(_is_task_table(path) for path in paths):
                tables += [_NamedTable(path=path, name=named[argument].name) for path in paths]
        elif _is_task_table(Path(argument)):
            tables.append(_NamedTable(path=Path(argument)))
        elif argument in others and not exists(Path(argument)):
            names.append(argument)
    if _is_task_table(runs) and len(names) == len(arguments):
        return [_NamedTable(path=runs, groups=tuple(names))]
    if not tables:
        return None
    meant = {str(table.path) for table in tables} | {table.name for table in tables}
    for argument in arguments:
        if argument not in meant and argument not in named:
            raise DiagError(
                f"{argument!r} is not a table, and others are. To choose a group of a table: --runs TABLE, "
                "and the names of its groups."
            )
    return tables


def _is_task_table(path: Path) -> bool:
    return is_array_file(path) or is_table(path)


def _of_tables(
    tables: Sequence[_NamedTable],
    *,
    task: str | None,
    metrics: Sequence[str],
    metric: str | None,
) -> RunsOverTasks:
    by_task: dict[str, dict[str, list[Run]]] = {}
    metric_of: dict[str, str] = {}
    notes: list[str] = []
    read = []
    for named in tables:
        table = read_task_table(named.path, task=task, metric=metric, columns=metrics)
        read.append(table)
        notes += table.notes
        names = _names_of_groups(named, table)
        for name, values in table.values.items():
            measure = name if table.are_columns else metric or table.metric or UNNAMED
            metric_of[name] = measure
            groups = by_task.setdefault(name, {})
            for in_table, group in names.items():
                if in_table not in values:
                    continue
                if group in groups:
                    raise AmbiguousName(
                        f"{group}, task {name}: both {groups[group][0].path} and {named.path} have numbers "
                        "of it. Pass one of them."
                    )
                groups[group] = runs_of_table(
                    named.path,
                    group,
                    measure,
                    values[in_table],
                )
    tasks = []
    for name, groups in by_task.items():
        tasks.append(
            TaskRuns(
                name=name,
                groups=groups,
                metric=metric_of[name],
            )
        )
    column = next((table.column for table in read if table.column), "")
    what = COLUMNS
    if column:
        what = f"column {column!r}"
    return _checked(tasks, kind="table", what=what, notes=notes)


def _names_of_groups(named: _NamedTable, table: TaskTable) -> dict[str, str]:
    """Return what each group of a table that is meant is called.

    Raises:
        AmbiguousName: One name is given to several groups.
        NotFound: The table has no group of a name.
    """
    in_table = list(dict.fromkeys(itertools.chain.from_iterable(table.values.values())))
    if named.name:
        if len(in_table) > 1:
            raise AmbiguousName(
                f"{named.name}: {named.path} holds {len(in_table)} groups ({', '.join(in_table)}). Pass the "
                "table as the runs folder (--runs TABLE) and its groups by their own names."
            )
        return {in_table[0]: named.name}
    for name in named.groups:
        if name not in in_table:
            raise NotFound(f"{named.path}: no group {name!r}. There are: {', '.join(in_table)}.")
    return {name: name for name in named.groups or in_table}


def _of_metrics(
    arguments: Sequence[str],
    runs: Path,
    metrics: Sequence[str],
    grouping: Grouping,
) -> RunsOverTasks:
    notes: list[str] = []
    groups = group_runs(arguments, runs, missing=notes, grouping=grouping)
    tasks = [
        TaskRuns(
            name=metric,
            groups=groups,
            metric=metric,
        )
        for metric in metrics
    ]
    return _checked(tasks, kind="metrics", what="metrics", notes=notes)


def _of_trainings(
    arguments: Sequence[str],
    runs: Path,
    *,
    task: str | None,
    metric: str | None,
    grouping: Grouping,
) -> RunsOverTasks:
    members = dict(_members_by_group(arguments, runs, grouping))
    everything = list(itertools.chain.from_iterable(members.values()))
    if not everything:
        raise NotFound("There are no runs at these paths.")
    key, by_task = tasks_by_key(everything, task, choices=TASKS)
    group_of: dict[int, str] = {}
    for group, of_group in members.items():
        group_of |= dict.fromkeys(map(id, of_group), group)
    tasks = []
    for name, of_task in by_task.items():
        groups: dict[str, list[Run]] = {group: [] for group in members}
        for run in of_task:
            groups[group_of[id(run)]].append(_called_by_seed(run, group_of[id(run)]))
        for group, of_group in groups.items():
            check_seeds(f"{group}, task {name}", of_group)
        filled = {group: of_group for group, of_group in groups.items() if of_group}
        tasks.append(TaskRuns(name=name, groups=filled, metric=metric))
    return _checked(tasks, kind="trainings", what=f"key {key!r} of the configurations", notes=[])


def _hint_at_columns(tasks: Sequence[TaskRuns], what: str) -> str:
    """Return what to do where the columns of a table may be groups, and were taken as tasks."""
    if what != COLUMNS:
        return ""
    names = ", ".join(task.name for task in tasks[:MOST_LISTED])
    return (
        f" The columns {names} were taken as the tasks of one group. If each is a group, on one task: "
        "ired-diag stats TABLE."
    )


def _called_by_seed(run: Run, group: str) -> Run:
    """Return a run that is called by its seed, where it has one: its task may have been part of its name."""
    if run.seed is None:
        return replace(run, experiment=group, variant=None)
    return replace(run, experiment=group, variant=None, run_name="")


def _members_by_group(
    arguments: Sequence[str],
    runs: Path,
    grouping: Grouping,
) -> Iterator[tuple[str, list[Run]]]:
    """Yield each group and its runs of all tasks."""
    named, others = split_arguments(arguments)
    paths = []
    for argument in arguments:
        if argument in named:
            members = open_study(named[argument].paths, grouping=grouping).runs
            yield named[argument].name, list(members)
        elif exists(Path(argument)):
            paths.append(Path(argument))
        elif argument in others:
            variants = open_study(runs, grouping=grouping).variants(argument)
            yield argument, list(itertools.chain.from_iterable(variants.values()))
    if paths:
        members = open_study(paths, grouping=grouping).runs
        if grouping.by:
            members = tuple(grouped_by(members, grouping.by))
        by_experiment: dict[str, list[Run]] = {}
        for run in members:
            by_experiment.setdefault(run.experiment, []).append(run)
        yield from by_experiment.items()


def _checked(
    tasks: Sequence[TaskRuns],
    *,
    kind: Kind,
    what: str,
    notes: Sequence[str],
) -> RunsOverTasks:
    """Return the runs; tasks that not every group has are left out, with a note.

    Raises:
        DiagError: There are fewer than two groups, or fewer than two tasks that all of them have.
    """
    groups = list(dict.fromkeys(itertools.chain.from_iterable(task.groups for task in tasks)))
    if len(groups) < 2:
        raise DiagError(
            f"Two groups or more are compared, found {len(groups)} ({', '.join(groups) or 'none'}). "
            "Name each: NAME=GLOB, or a table with a column that names the method."
            + _hint_at_columns(tasks, what)
        )
    shared = [task for task in tasks if len(task.groups) == len(groups)]
    lacking = [task.name for task in tasks if len(task.groups) < len(groups)]
    notes = list(notes)
    if lacking:
        names = ", ".join(lacking[:MOST_LISTED])
        if len(lacking) > MOST_LISTED:
            names += f" and {len(lacking) - MOST_LISTED} more"
        left_out = "are left out: not every group has them"
        if len(lacking) == 1:
            left_out = "is left out: not every group has it"
        notes.append(f"{len(lacking)} of {len(tasks)} tasks {left_out} ({names}).")
    if len(shared) < 2:
        raise DiagError(
            f"Expected two tasks or more that all groups have, found {len(shared)} ({what}). To compare one "
            "task: ired-diag stats."
        )
    return RunsOverTasks(
        tasks=shared,
        groups=groups,
        kind=kind,
        what=what,
        notes=notes,
    )
