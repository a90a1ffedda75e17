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

MISSING = frozenset(("", "na", "n/a", "#n/a", "-", "--", "none", "null", "<na>"))
SUMMARIES = re.compile(
    r"(?:mean|avg|average|std|sd|stdev|std_?dev|sem|se|stderr|median|min|max|total|count|var|variance|ci|ci95)\b.*",
    re.IGNORECASE,
)
NUMBER_OF = re.compile(r"_?(?:#|no|nr|num|number|idx|index)$")  # Run #, seed_no
SEED_OF_COLUMN = re.compile(r"(?:seed|run|trial|fold|rep)[\s_#-]*\d+", re.IGNORECASE)
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?\s*%?")  # 11,207, quoted where commas separate
INDEX = re.compile(r"(?:unnamed: \d+)?", re.IGNORECASE)  # pandas' name of a column without one
NAMES = frozenset((*EXPERIMENTS, "name"))

Row = list[str]


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
    rows: Sequence[tuple[int, Row]]
    seed: int
    groups: Sequence[int]
    numbers: Sequence[int]
    decimal_comma: bool = False

    @property
    def words(self) -> str:
        """What was taken for what: ``'seed' is taken as the seed and 'method' as the experiment``."""
        groups = " and ".join(repr(self.header[i]) for i in self.groups)
        taken = f"{self.header[self.seed]!r} is taken as the seed"
        return f"{taken} and {groups} as the experiment" if groups else taken


def layout_of(path: Path, text: str) -> TableLayout:
    """Return the columns of a table by what they are.

    Raises:
        UnreadableFile: It is no table, or no column says the seed; the message names its columns.
    """
    header, rows, delimiter = _with_a_row_for_each_seed(*_cells(path, text))
    kept = [i for i, name in enumerate(header) if not INDEX.fullmatch(name)]
    names = {i: normal_name(header[i]) for i in kept}
    if len(set(names.values())) < len(kept):
        raise UnreadableFile(f"{path}: a column stands twice in: {', '.join(header)}.")
    seed = _seed_column(path, header, names)
    rows = [(number, row) for number, row in rows if not SUMMARIES.fullmatch(row[seed])]
    decimal_comma = delimiter != ","
    others = [i for i in kept if i != seed and not _says_nothing(names[i], rows, i)]
    texts = [i for i in others if names[i] in NAMES or _is_text([row[i] for _, row in rows])]
    numbers = [i for i in others if i not in texts]
    groups = _naming(texts, names, rows)
    if not numbers and not any(names[i] in NAMES for i in texts):
        numbers, groups = others, []  # their cells are no numbers: an error that names the first
    if groups and _repeats(rows, [seed, *groups]):
        varied = [i for i in numbers if names[i] in HYPERPARAMETERS and _varies(rows, i)]
        if len(varied) < len(numbers):
            groups, numbers = [*groups, *varied], [i for i in numbers if i not in varied]
    return TableLayout(
        header=header, rows=rows, seed=seed, groups=groups, numbers=numbers, decimal_comma=decimal_comma
    )


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
    try:
        read = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(map(str.strip, row))]
    except csv.Error as error:
        raise UnreadableFile(f"{path}: is not CSV ({error}).") from error
    header, *others = [[cell.strip() for cell in row] for row in read] or [[]]
    for number, row in enumerate(others, start=2):
        if len(row) != len(header):
            raise UnreadableFile(f"{path}, row {number}: has {len(row)} cells, the first line {len(header)}.")
    return header, list(enumerate(others, start=2)), delimiter


def _with_a_row_for_each_seed(
    header: Row, rows: list[tuple[int, Row]], delimiter: str
) -> tuple[Row, list[tuple[int, Row]], str]:
    """Return a table with a row for each seed, where it has a column for each: ``seed_0``, ``seed_1`` …."""
    seeds = [i for i, name in enumerate(header) if SEED_OF_COLUMN.fullmatch(name)]
    others = [i for i, name in enumerate(header) if i not in seeds and not INDEX.fullmatch(name)]
    others = [i for i in others if not SUMMARIES.fullmatch(header[i])]
    if len(seeds) < 2 or not others or any(normal_name(header[i]) in SEEDS | RUNS for i in others):
        return header, rows, delimiter
    long = [
        (number, [*(row[i] for i in others), header[place], row[place]])
        for number, row in rows
        for place in seeds
    ]
    return [*(header[i] for i in others), "seed", "value"], long, delimiter


def _seed_column(path: Path, header: Row, names: dict[int, str]) -> int:
    bare = {i: NUMBER_OF.sub("", name) for i, name in names.items()}
    for named, known in ((names, SEEDS), (bare, SEEDS), (names, RUNS), (bare, RUNS)):
        found = [i for i, name in named.items() if name in known]
        if len(found) == 1:
            return found[0]
        if found:
            which = ", ".join(header[i] for i in found)
            raise UnreadableFile(
                f"{path}: which column says the seed? There are {which}. Rename one to 'seed'."
            )
    raise UnreadableFile(
        f"{path}: no column says the seed. Expected a column 'seed' (or run, trial, fold, rep) with a whole "
        f"number in each row, found the columns: {', '.join(header)}."
    )


def _says_nothing(name: str, rows: Sequence[tuple[int, Row]], i: int) -> bool:
    """Say whether a column is about where a row comes from, or empty but for its name."""
    return name in NEVER_RUNS and not (rows and all(_is_number(row[i]) for _, row in rows))


def _naming(texts: Sequence[int], names: dict[int, str], rows: Sequence[tuple[int, Row]]) -> list[int]:
    """Return which columns of texts name the experiment: those that vary; of none that does, the first."""
    varied = [i for i in texts if _varies(rows, i)]
    return varied or [*[i for i in texts if names[i] in NAMES], *texts][:1]


def _varies(rows: Sequence[tuple[int, Row]], i: int) -> bool:
    return len({row[i] for _, row in rows}) > 1


def _repeats(rows: Sequence[tuple[int, Row]], columns: Sequence[int]) -> bool:
    keys = [tuple(row[i] for i in columns) for _, row in rows]
    return len(set(keys)) < len(keys)


def _is_text(cells: Sequence[str]) -> bool:
    """Say whether a column has texts and no number."""
    told = [cell for cell in cells if cell.lower() not in MISSING]
    return bool(told) and not any(map(_is_number, told))


def _is_number(cell: str) -> bool:
    try:
        number_of(cell, decimal_comma=True)
    except ValueError:
        return False
    return True
