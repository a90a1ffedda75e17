"""Which column of a table of final results is what: the seed, the experiment, the numbers.

    method,seed,accuracy            run;model;test_mse           seed,q101,q102
    sgd,0,0.91                      1;A;0,0970                   0,0.00970,0.00981

The seed is a column of that name, else one that numbers repetitions (``run``, ``trial``, ``fold`` …). A
column of texts, or of a well-known name (``experiment``, ``method``, ``model`` …), says whose a row is: a
long table. Where several vary, all of them name the experiment: ``A/mined``. A table without any is wide,
with a column for each experiment. All other columns are numbers. Columns without a name count rows, and
columns such as ``host`` or ``time`` say where a row comes from: neither is read. A table with a column for
each seed (``method,seed_0,seed_1``) is read as the long one with the same numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.readers.run_columns import EXPERIMENTS, HYPERPARAMETERS, NEVER_RUNS, RUNS, SEEDS, normal_name
from ired_diag.runs.identity_keys import identifies_by_name

MISSING = frozenset(("", "na", "n/a", "#n/a", "-", "--", "none", "null", "<na>"))
SUMMARIES = re.compile(
    r"(?:mean|avg|average|std|sd|stdev|std_?dev|sem|se|stderr|median|min|max|total|count|var|variance|ci|ci95)\b.*",
    re.IGNORECASE,
)
NUMBER_OF = re.compile(r"_?(?:#|no|nr|num|number|idx|index)$")  # Run #, seed_no
SEED_OF_COLUMN = re.compile(r"(?:seed|run|trial|fold|rep)[\s_#-]*\d+", re.IGNORECASE)
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?\s*%?")  # 11,207, quoted where commas separate
INDEX = re.compile(r"(?:unnamed: \d+)?", re.IGNORECASE)  # pandas' name of a column without one
FEWEST_ROWS = 2  # a column of so few rows may differ in all of them by chance
NAMES = frozenset((*EXPERIMENTS, "name"))

Row = list[str]
Rows = Sequence[tuple[int, Row]]  # each with its number in the file


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
    """

    header: Row
    rows: Rows
    seed: int
    groups: Sequence[int]
    numbers: Sequence[int]
    decimal_comma: bool = False

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
    header, rows = _with_a_row_for_each_seed(header, rows)
    names = _names_of_columns(path, header)
    seed = _seed_column(path, header, names)
    rows = [(number, row) for number, row in rows if not SUMMARIES.fullmatch(row[seed])]
    others = []
    for i, name in names.items():
        if i != seed and not _says_nothing(name, rows, i):
            others.append(i)
    groups, numbers = _groups_and_numbers(others, names, rows)
    if groups or _repeats(rows, [seed]):
        groups, numbers = _without_names_of_rows(groups, numbers, names, rows)
    if groups and _repeats(rows, [seed, *groups]):
        groups, numbers = _with_knobs_as_groups(groups, numbers, names, rows)
    return TableLayout(
        header=header,
        rows=rows,
        seed=seed,
        groups=groups,
        numbers=numbers,
        decimal_comma=delimiter != ",",  # between commas, a decimal comma would end the cell
    )


def _names_of_columns(path: Path, header: Row) -> dict[int, str]:
    """Return the normal name of each column that has a name, by its place."""
    names: dict[int, str] = {}
    for i, name in enumerate(header):
        if INDEX.fullmatch(name):
            continue
        normal = normal_name(name)
        if normal in names.values():
            raise UnreadableFile(f"{path}: a column stands twice in: {', '.join(header)}.")
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


def number_of(text: str, *, decimal_comma: bool = False) -> float | None:
    """Return the number in a cell, percent without their sign; None where it is empty or says so.

    >>> number_of("94.1%"), number_of("0,097", decimal_comma=True), number_of("n/a"), number_of("11,207")
    (94.1, 0.097, None, 11207.0)

    Raises:
        ValueError: It is not a number.
    """
    bare = text.strip()
    if bare.lower() in MISSING:
        return None
    if decimal_comma and re.fullmatch(r"[^.,]*,\d+\D*(?:e[-+]?\d+)?\D*", bare, re.IGNORECASE):
        bare = bare.replace(",", ".")
    elif THOUSANDS.fullmatch(bare):
        bare = bare.replace(",", "")
    return float(bare.removesuffix("%").strip())


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


def _seed_column(path: Path, header: Row, names: dict[int, str]) -> int:
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
    return not rows or not all(_is_number(row[i]) for _, row in rows)


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


def _repeats(rows: Rows, columns: Sequence[int]) -> bool:
    """Say whether two rows have the same cells in these columns."""
    seen: set[tuple[str, ...]] = set()
    for _, row in rows:
        cells = tuple(row[i] for i in columns)
        if cells in seen:
            return True
        seen.add(cells)
    return False


def _is_text(cells: Sequence[str]) -> bool:
    """Say whether a column has texts and no number."""
    filled = [cell for cell in cells if cell.lower() not in MISSING]
    return bool(filled) and not any(map(_is_number, filled))


def _is_number(cell: str) -> bool:
    try:
        number_of(cell, decimal_comma=True)
    except ValueError:
        return False
    return True
