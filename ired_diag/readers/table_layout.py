"""Which column of a table of final results is what: the seed, the experiment, the numbers.

    method,seed,accuracy            run;model;test_mse           seed,q101,q102
    sgd,0,0.91                      1;A;0,0970                   0,0.00970,0.00981

The seed is a column of that name, else one that numbers repetitions (``run``, ``trial``, ``fold`` …). A
column of texts, or of a well-known name (``experiment``, ``method``, ``model`` …), says whose a row is: a
long table. Where several vary, all of them name the experiment: ``A/mined``. A table without any is wide,
with a column for each experiment. All other columns are numbers. Columns without a name count rows, and
columns such as ``host`` or ``time`` say where a row comes from: neither is read. A table with a column for
each seed (``method,seed_0,seed_1``) is read as the long one with the same numbers, one of Optuna's trials
(``optuna_trials``) with their settings as experiments. Where a seed of an experiment stands in several rows,
``table_settings`` says which column distinguishes them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.readers.optuna_trials import is_table_of_trials, note_on_trials, results_of_trials
from ired_diag.readers.run_columns import EXPERIMENTS, HYPERPARAMETERS, NEVER_RUNS, RUNS, SEEDS, normal_name
from ired_diag.readers.table_cells import MISSING, Row, Rows, is_number, repeats
from ired_diag.readers.table_settings import second_repetition, setting_columns
from ired_diag.runs.identity_keys import identifies_by_name
from ired_diag.runs.metric_words import measures_in, words_of
from ired_diag.seed_sources import source_of_key

SUMMARIES = re.compile(
    r"(?:mean|avg|average|std|sd|stdev|std_?dev|sem|se|stderr|median|min|max|total|count|var|variance|ci|ci95)\b.*",
    re.IGNORECASE,
)
NUMBER_OF = re.compile(r"_?(?:#|no|nr|num|number|idx|index)$")  # Run #, seed_no
SEED_OF_COLUMN = re.compile(r"(?:seed|run|trial|fold|rep)[\s_#-]*\d+", re.IGNORECASE)
INDEX = re.compile(r"(?:unnamed: \d+)?", re.IGNORECASE)  # pandas' name of a column without one
FEWEST_ROWS = 2  # a column of so few rows may differ in all of them by chance
NAMES = frozenset((*EXPERIMENTS, "name"))


@dataclass(frozen=True, kw_only=True)
class TableLayout:
    """A table and what its columns are.

    Attributes:
        header: Names of the columns.
        rows: Number of each row in the file, and its cells.
        seed: Place of the column of seeds.
        groups: Places of the columns that name the experiment; empty in a wide table.
        numbers: Places of the columns of numbers.
        decimal_comma: Whether numbers have a comma for the point: ``0,0970``.
        settings: Those of ``groups`` that hold a number, which needs its name: ``pred_len=96``.
        repetition: Place of a column that numbers repetitions of each seed, such as folds.
        sources: Places of the columns that hold seeds of single sources of randomness: ``data_seed``. Empty
            where the seed by itself tells the runs of a group apart.
        notes: Sentences on what was taken for what.
    """

    header: Row
    rows: Rows
    seed: int
    groups: Sequence[int]
    numbers: Sequence[int]
    decimal_comma: bool = False
    settings: Sequence[int] = ()
    repetition: int | None = None
    sources: Sequence[int] = ()
    notes: Sequence[str] = ()

    @property
    def words(self) -> str:
        """What was taken for what: ``'seed' is taken as the seed and 'method' as the experiment``."""
        taken = f"{self.header[self.seed]!r} is taken as the seed"
        if not self.groups:
            return taken
        groups = " and ".join(repr(self.header[i]) for i in self.groups)
        return f"{taken} and {groups} as the experiment"


def layout_of(path: Path, text: str) -> TableLayout:
    """Return the columns of a table by what they are.

    Raises:
        UnreadableFile: It is not a table, or no column says the seed; the message names its columns.
    """
    header, rows, delimiter = _cells(path, text)
    notes: list[str] = []
    if is_table_of_trials(header):
        notes.append(note_on_trials(header, rows))
        header, rows = results_of_trials(header, rows)
    header, rows = _with_a_row_for_each_seed(header, rows)
    names = _names_of_columns(path, header)
    sources = _source_columns(names, rows)
    seed = _seed_column(path, header, names, sources)
    rows = [(number, row) for number, row in rows if not SUMMARIES.fullmatch(row[seed])]
    others = []
    for i, name in names.items():
        if i not in (seed, *sources) and not _says_nothing(name, rows, i):
            others.append(i)
    groups, numbers = _groups_and_numbers(others, names, rows)
    if groups or repeats(rows, [seed, *sources]):
        groups, numbers = _without_names_of_rows(groups, numbers, names, rows)
    if groups and repeats(rows, [seed, *sources, *groups]):
        groups, numbers = _with_knobs_as_groups(groups, numbers, names, rows)
    layout = TableLayout(
        header=header,
        rows=rows,
        seed=seed,
        groups=groups,
        numbers=numbers,
        decimal_comma=delimiter != ",",  # between commas, a decimal comma would end the cell
        notes=notes,
        sources=sources,
    )
    layout = _with_distinct_rows(path, layout, names)
    return replace(layout, settings=_settings_among(layout.groups, names, rows))


def _with_distinct_rows(path: Path, layout: TableLayout, names: dict[int, str]) -> TableLayout:
    """Return a layout with the columns that distinguish several rows of one seed of an experiment."""
    rows = layout.rows
    keys = [layout.seed, *layout.sources, *layout.groups]
    if not repeats(rows, keys):
        return layout
    numbers = list(layout.numbers)
    repetition = second_repetition(rows, keys=keys, names=_named(numbers, names))
    if repetition is not None:
        numbers.remove(repetition)
        keys.append(repetition)
    layout = replace(layout, numbers=numbers, repetition=repetition)
    if not repeats(rows, keys):
        return layout
    settings = setting_columns(path, rows, header=layout.header, keys=keys, names=_named(numbers, names))
    results = [i for i in numbers if i not in settings]
    if not settings or not _are_results(results, names, is_wide=not layout.groups):
        return layout
    return replace(layout, groups=[*layout.groups, *settings], numbers=results)


def _settings_among(groups: Sequence[int], names: dict[int, str], rows: Rows) -> list[int]:
    """Return the columns among those that name the experiment which hold a setting, and no name."""
    settings = []
    for i in groups:
        name = names[i]
        if name in NAMES:
            continue
        cells = [row[i] for _, row in rows]
        if name in HYPERPARAMETERS or not _is_text(cells):
            settings.append(i)
    return settings


def _named(places: Sequence[int], names: dict[int, str]) -> dict[int, str]:
    return {i: names[i] for i in places}


def _are_results(places: Sequence[int], names: dict[int, str], *, is_wide: bool) -> bool:
    """Say whether columns may be results: any number next to names of experiments, else only a measure."""
    if not is_wide:
        return bool(places)
    return any(measures_in(words_of(names[i])) for i in places)


def _names_of_columns(path: Path, header: Row) -> dict[int, str]:
    """Return the normal name of each column that has a name, by its place."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for i, name in enumerate(header):
        if INDEX.fullmatch(name):
            continue
        normal = normal_name(name)
        if normal in taken:
            raise UnreadableFile(f"{path}: the column {name[:40]!r} stands twice.")
        taken.add(normal)
        names[i] = normal
    return names


def _with_knobs_as_groups(
    groups: list[int], numbers: list[int], names: dict[int, str], rows: Rows
) -> tuple[list[int], list[int]]:
    """Return groups with the hyperparameters that vary, and the other columns of numbers if any is left."""
    knobs: list[int] = []
    results: list[int] = []
    for i in numbers:
        if names[i] in HYPERPARAMETERS and _varies(rows, i):
            knobs.append(i)
        else:
            results.append(i)
    if not results:
        return groups, numbers
    return [*groups, *knobs], results


def _groups_and_numbers(columns: list[int], names: dict[int, str], rows: Rows) -> tuple[list[int], list[int]]:
    """Return which columns name the experiment, and which hold numbers."""
    texts: list[int] = []
    numbers: list[int] = []
    for i in columns:
        cells = [row[i] for _, row in rows]
        if names[i] in NAMES or _is_text(cells):
            texts.append(i)
        else:
            numbers.append(i)
    has_named_group = any(names[i] in NAMES for i in texts)
    if not numbers and not has_named_group:
        return [], columns  # their cells are not numbers: an error that names the first
    return _naming(texts, names, rows), numbers


def _cells(path: Path, text: str) -> tuple[Row, list[tuple[int, Row]], str]:
    """Return the header, the rows with their numbers, and the delimiter: comma, semicolon or tab."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    rows: list[Row] = []
    try:
        for cells in csv.reader(io.StringIO(text), delimiter=delimiter):
            row = [cell.strip() for cell in cells]
            if any(row):
                rows.append(row)
    except csv.Error as error:
        raise UnreadableFile(f"{path}: is not CSV ({error}).") from error
    if not rows:
        return [], [], delimiter
    header, *others = rows
    numbered = list(enumerate(others, start=2))
    for number, row in numbered:
        if len(row) != len(header):
            raise UnreadableFile(f"{path}, row {number}: has {len(row)} cells, the first line {len(header)}.")
    return header, numbered, delimiter


def _with_a_row_for_each_seed(header: Row, rows: list[tuple[int, Row]]) -> tuple[Row, list[tuple[int, Row]]]:
    """Return a table with a row for each seed, where it has a column for each: ``seed_0``, ``seed_1`` …."""
    seeds: list[int] = []
    others: list[int] = []
    for i, name in enumerate(header):
        if SEED_OF_COLUMN.fullmatch(name):
            seeds.append(i)
        elif not INDEX.fullmatch(name) and not SUMMARIES.fullmatch(name):
            others.append(i)
    has_seed_column = any(normal_name(header[i]) in SEEDS | RUNS for i in others)
    if len(seeds) < 2 or not others or has_seed_column:
        return header, rows
    long = []
    for number, row in rows:
        kept = [row[i] for i in others]
        for place in seeds:
            long.append((number, [*kept, header[place], row[place]]))
    names = [header[i] for i in others]
    return [*names, "seed", "value"], long


def _source_columns(names: dict[int, str], rows: Rows) -> list[int]:
    """Return the columns of seeds of single sources that vary, each a whole number in every row."""
    columns = []
    for i, name in names.items():
        if source_of_key(name) is None:
            continue
        are_whole = all(row[i].isdecimal() for _, row in rows)
        if rows and are_whole:
            columns.append(i)
    return columns


def _seed_column(path: Path, header: Row, names: dict[int, str], sources: Sequence[int]) -> int:
    bare = {i: NUMBER_OF.sub("", name) for i, name in names.items()}
    for columns, choices in ((names, SEEDS), (bare, SEEDS), (names, RUNS), (bare, RUNS)):
        places = [i for i, name in columns.items() if name in choices]
        if len(places) == 1:
            return places[0]
        if places:
            which = ", ".join(header[i] for i in places)
            raise UnreadableFile(
                f"{path}: which column says the seed? There are {which}. Rename one to 'seed'."
            )
    if sources:
        return sources[0]
    raise UnreadableFile(
        f"{path}: no column says the seed. Expected a column 'seed' (or run, trial, fold, rep) with a whole "
        f"number in each row, found the columns: {', '.join(header)}."
    )


def _says_nothing(name: str, rows: Rows, i: int) -> bool:
    """Say whether a column is empty, or about where a row comes from without a number in every row."""
    if rows and all(row[i].lower() in MISSING for _, row in rows):
        return True
    if name not in NEVER_RUNS:
        return False
    return not rows or not all(is_number(row[i]) for _, row in rows)


def _naming(texts: Sequence[int], names: dict[int, str], rows: Rows) -> list[int]:
    """Return which columns of texts name the experiment: those that vary; if none varies, the first."""
    varied = [i for i in texts if _varies(rows, i)]
    if varied:
        return varied
    well_known = [i for i in texts if names[i] in NAMES]
    return [*well_known, *texts][:1]


def _varies(rows: Rows, i: int) -> bool:
    """Say whether a column holds different cells."""
    cells = {row[i] for _, row in rows}
    return len(cells) > 1


def _without_names_of_rows(
    groups: list[int], numbers: list[int], names: dict[int, str], rows: Rows
) -> tuple[list[int], list[int]]:
    """Return groups without ids, paths and names of runs, which name a row each; and the other numbers.

    Where nothing else names the experiment, hyperparameters that vary do.
    """
    shared = [i for i in groups if not _names_each_row(rows, i)]
    if shared or not all(identifies_by_name(names[i]) for i in groups):
        return shared or groups, numbers
    knobs, results = _with_knobs_as_groups([], numbers, names, rows)
    return (knobs, results) if knobs else (groups, numbers)


def _names_each_row(rows: Rows, i: int) -> bool:
    """Say whether no two rows have the same cell in a column: an id, a path, the name of a run."""
    cells = {row[i] for _, row in rows}
    return len(cells) == len(rows) > FEWEST_ROWS


def _is_text(cells: Sequence[str]) -> bool:
    """Say whether a column has texts and no number."""
    filled = [cell for cell in cells if cell.lower() not in MISSING]
    return bool(filled) and not any(map(is_number, filled))
