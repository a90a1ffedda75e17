"""Tables of final values as runs: one number a seed, and no curve.

    method,seed,val_loss,time_h          seed,baseline,muon
    muon,0,0.4247,1.2                    0,0.4453,0.4247

Each seed of each group is a run that logged its numbers once (``readers.seed_table`` says which column is
what). A long table may hold several metrics: all of them are values of the same run.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ired_diag.errors import AmbiguousName, UnreadableFile
from ired_diag.finding import Finding
from ired_diag.open import open_study
from ired_diag.readers import metrics_csv, trainer_state
from ired_diag.readers.record_table import LINES, are_records
from ired_diag.readers.seed_table import (
    SUFFIXES,
    columns_of_table,
    is_table_of_folds,
    metric_of_table,
    notes_on_table,
    read_seed_table,
    source_seeds_of_table,
)
from ired_diag.readers.seed_table_metrics import UNNAMED
from ired_diag.runs.ending import Ending
from ired_diag.runs.find import CONFIG, RESULTS_CONFIG
from ired_diag.runs.fold_keys import FOLD_KEY
from ired_diag.runs.history import History, Row
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.run import Run
from ired_diag.runs.study import Skipped, Study
from ired_diag.seed_sources import label_of_keys


def open_runs_or_table(path: Path, *, grouping: Grouping | None = None) -> Study:
    """Return the runs at a path; where there are none, those of the tables of final values there.

    Args:
        path: A folder of runs or logs, a log, a table, or a folder that has tables only.
        grouping: What the user says of groups and seeds of logs.

    Raises:
        UnreadableFile: The path is a table that cannot be read.
    """
    if is_table(path):
        return study_of_tables([path])
    study = open_study(path, grouping=grouping)
    if study.runs or not path.is_dir():
        return study
    tables, skipped = [], []
    for file in sorted(filter(is_table, path.iterdir())):
        try:
            # One column tells whether a file is such a table; a table of one column needs no name.
            column = next(iter(columns_of_table(file)), None)
            read_seed_table(file, column=column)
            tables.append(file)
        except UnreadableFile as error:
            skipped.append(Skipped(file, str(error)))
    if not tables:
        return study
    return study_of_tables(tables, skipped)


def is_table(path: Path) -> bool:
    """Say whether a path is a table of one number a seed, and no run's configuration or metrics."""
    if path.suffix.lower() not in SUFFIXES or path.name in (CONFIG, RESULTS_CONFIG):
        return False
    if not path.is_file():
        return False
    if path.suffix.lower() in LINES:
        return are_records(path)
    return not trainer_state.accepts(path) and not metrics_csv.accepts(path)


def study_of_tables(paths: Sequence[Path], skipped: Sequence[Skipped] = ()) -> Study:
    """Return the runs that the numbers of tables stand for, with all metrics of each.

    Raises:
        AmbiguousName: Two tables hold values of one group.
    """
    runs: list[Run] = []
    places: dict[str, Path] = {}
    for path in paths:
        for run in _runs_with_all_metrics(path):
            if places.setdefault(run.experiment, path) != path:
                raise _in_two_tables(run.experiment, places[run.experiment], path)
            runs.append(run)
    return Study.of(runs, skipped)


def runs_of_tables(paths: Sequence[Path], metric: str | None) -> dict[str, list[Run]]:
    """Return the runs that the numbers of tables stand for, by group.

    Args:
        paths: CSV or JSON files.
        metric: Name of the metric that their numbers are; None leaves it to the name of their column.
    """
    groups: dict[str, list[Run]] = {}
    tables = {path: read_seed_table(path, column=metric) for path in paths}
    named_by_file = _named_by_file(tables)
    for path, table in tables.items():
        measure = metric or metric_of_table(path, list(table)) or UNNAMED
        notes = notes_on_table(path)
        for in_table, values in table.items():
            name = named_by_file.get(path, in_table)
            if name in groups:
                raise _in_two_tables(name, groups[name][0].path, path)
            groups[name] = runs_of_table(path, name, measure, values, notes=notes, in_table=in_table)
    return groups


def _named_by_file(tables: Mapping[Path, Mapping[str, object]]) -> dict[Path, str]:
    """Return the names of tables that are one group each, where nothing in them tells the groups apart.

    A table of seeds and one metric, with no column that names an experiment, is called by the metric: several
    such tables are told apart by their files.
    """
    in_tables = Counter(itertools.chain.from_iterable(tables.values()))
    named: dict[Path, str] = {}
    for path, table in tables.items():
        name = next(iter(table), "")
        if len(table) == 1 and in_tables[name] > 1 and name == metric_of_table(path, list(table)):
            named[path] = path.stem
    if len(set(named.values())) < len(named):
        return {path: str(path) for path in named}
    return named


def runs_of_table(
    path: Path,
    name: str,
    metric: str,
    values: Mapping[int, float | None],
    *,
    notes: Sequence[Finding] = (),
    in_table: str = "",
) -> list[Run]:
    """Return the runs that stand for the numbers of one group of a table, by seed.

    Args:
        path: The table.
        name: Its group.
        metric: What its numbers measure.
        values: The number of each seed; None where it has none.
        notes: What is to be said of the table.
        in_table: What the table calls the group, where it is another name.
    """
    source_seeds = source_seeds_of_table(path).get(in_table or name, {})
    are_folds = is_table_of_folds(path)
    runs: list[Run] = []
    for seed, value in values.items():
        numbers = {}
        if value is not None:
            numbers[metric] = value
        run = _run_of(path, name, seed, numbers, metric=metric, notes=notes)
        if are_folds:
            run = _as_fold(run)
        runs.append(_with_source_seeds(run, source_seeds.get(seed, {}), runs))
    return runs


def _runs_with_all_metrics(path: Path) -> list[Run]:
    columns = columns_of_table(path)
    if len(columns) < 2:
        groups = runs_of_tables([path], None)
        return list(itertools.chain.from_iterable(groups.values()))
    numbers: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    for column in columns:
        for name, values in read_seed_table(path, column=column).items():
            for seed, value in values.items():
                # A seed without any number is a run all the same, one that failed.
                of_seed = numbers[name, seed]
                if value is not None:
                    of_seed[column] = value
    notes = notes_on_table(path)
    source_seeds = source_seeds_of_table(path)
    are_folds = is_table_of_folds(path)
    runs: list[Run] = []
    for (name, seed), of_seed in numbers.items():
        run = _run_of(path, name, seed, of_seed, notes=notes)
        if are_folds:
            run = _as_fold(run)
        runs.append(_with_source_seeds(run, source_seeds.get(name, {}).get(seed, {}), runs))
    return runs


def _with_source_seeds(run: Run, seeds: Mapping[str, int], others: Sequence[Run]) -> Run:
    """Return a run that states the seeds of its sources and is called by them; the same run without any."""
    if not seeds:
        return run
    label = label_of_keys(seeds)
    repeated = [
        other for other in others if other.experiment == run.experiment and other.configuration == seeds
    ]
    if repeated:
        label = f"{label}-again{len(repeated)}"
    return replace(
        run,
        seed=None,
        run_name=label,
        configuration=dict(seeds),
        identity_keys=frozenset(seeds),
    )


def _as_fold(run: Run) -> Run:
    """Return the run that a row of a fold stands for: the number of its row is that of the fold."""
    return replace(
        run,
        seed=None,
        run_name=f"fold{run.seed}",
        configuration={FOLD_KEY: run.seed},
        identity_keys=frozenset((FOLD_KEY,)),
    )


def _run_of(
    path: Path,
    name: str,
    seed: int,
    values: dict[str, float],
    *,
    metric: str | None = None,
    notes: Sequence[Finding] = (),
) -> Run:
    """Return the run that stands for the numbers of one seed in a table."""
    rows = []
    if values:
        rows.append(Row(0, values))
    return Run(
        experiment=name,
        name=None,
        variant=None,
        seed=seed,
        path=path,
        configuration=None,
        history=History.of(rows),
        ending=Ending("complete"),
        metric=metric,
        findings=tuple(notes),
        of_table=True,
    )


def _in_two_tables(name: str, first: Path, second: Path) -> AmbiguousName:
    return AmbiguousName(
        f"{name}: both {first} and {second} have values of it. Pass one of them, or name each: NAME=FILE."
    )
