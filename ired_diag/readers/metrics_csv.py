"""Metrics as CSV with a column that counts steps: Lightning's CSVLogger, wandb's export, any other.

    epoch,step,train/loss,val/loss          "Step","mild-sun-7 - loss","mild-sun-7 - loss__MIN",…
    0,49,0.71,                              "0","0.71","0.71",…
    0,99,,0.68

Cells stand between commas, semicolons (then a decimal comma is one), tabs, bars, or the blanks that align the
columns (rllab's and Spinning Up's tables, ``log.txt`` of AWR). An empty cell, ``NA``,
``None`` and the like are a metric that was not measured at that step. ``NaN`` and ``Infinity`` are data. A
column without one number is text: it may say whose row it is (``run_columns``), else it is left out. A line
with more or fewer cells than the header, or whose step is not a whole number, is skipped and counted; so is a
single cell that is not a number. A header in the middle of the file begins an appended session. Lines are
split before quotes are looked at: a lost quote costs its line, not the rest of the file.

A row without a step belongs to the row before it: some loggers write an evaluation so. Where that row holds
the same metric already, or no row stands before it, the row is skipped and named.

A panel of wandb exports columns "run - metric", with the least and largest value of the bucket that a point
stands for. The run's name is taken off the metrics'; the twins are left out where they equal the metric.
Runs that are grouped in the panel are one column "Group: name - metric": their mean, with their range.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.finding import Finding
from ired_diag.readers.counted_rows import COUNT, count_note, is_index, may_be_counted
from ired_diag.readers.row_logs import logs_of
from ired_diag.readers.row_table import Column, RowTable
from ired_diag.readers.scalar_log import Damage, Points, ScalarLog, only_run
from ired_diag.readers.step_key import (
    choose_step_key,
    is_usual_step,
    number_in,
    step_in,
    step_keys,
    torn_message,
)

HEAD = 4096
BETWEEN = " - "  # of a run's name and a metric, in wandb's export
TWINS = ("__MIN", "__MAX")
OF_GROUP = re.compile(r"([\w./ -]+): (.+)")  # "Group: baseline", or a setting: "lr: 0.1"
MEAN_OF_GROUP = "mean of the group"
MOST_LISTED = 8  # names of columns
BLANKS = " "  # as many as align the columns
DELIMITERS = (",", ";", "\t", "|", BLANKS)
FEWEST_COUNTED = 3  # rows of a table without steps
FEWEST_ALIGNED = 3  # columns of a table without other delimiters: fewer are the words of a sentence
TIME_OF_ROW = re.compile(r"\d{1,3}(?::\d\d){1,2}(?:\.\d+)?")
NOT_MEASURED = frozenset(("", "na", "n/a", "#n/a", "null", "none", "nil", "<na>", "-", "--", "?"))
DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*")


@dataclass(kw_only=True)
class Cells:
    """The rows of a table as texts.

    Attributes:
        header: The names of the columns, each once.
        repeated: The columns whose name stood there before, with that name.
        lines: The line in the file of each row.
        rows: The cells of each row.
        damaged: The lines that are not rows.
        torn: A last line that is only half written.
        notes: What was read in one of several ways.
    """

    header: list[str]
    repeated: dict[str, str]
    lines: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    damaged: list[Damage] = field(default_factory=list)
    torn: str = ""
    notes: list[Finding] = field(default_factory=list)


def accepts(path: Path, *, step: str | None = None) -> bool:
    """Say whether ``path`` is such a table: its header names several columns, one for steps.

    Args:
        path: The file.
        step: The column that counts the steps. Default: one of the usual names.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if b"\0" in head or head.lstrip()[:1] in (b"{", b"["):
        return False
    lines = _lines(head.decode("utf-8-sig", "replace"))
    try:
        _find_header(lines, step, "")
    except (UnreadableFile, csv.Error):
        return step is None and len(_counted(lines)) > 0
    return True


def read(path: Path, *, allow_torn_tail: bool = False, step: str | None = None) -> ScalarLog:
    """Return the metrics of the only run in a table.

    Args:
        path: The file.
        allow_torn_tail: Drop a half-written last line.
        step: The column that counts the steps. Default: detected by its name.

    Raises:
        UnreadableFile: It is not such a table, or its last line is torn.
        DiagError: It is an export of several runs; ``read_runs`` reads them.
    """
    return only_run(path, read_runs(path, allow_torn_tail=allow_torn_tail, step=step))


def read_runs(path: Path, *, allow_torn_tail: bool = False, step: str | None = None) -> dict[str, ScalarLog]:
    """Return the metrics of each run in a table, by the run's name; the name is empty where none is stated.

    Args:
        path: The file.
        allow_torn_tail: Drop a half-written last line.
        step: The column that counts the steps. Default: detected by its name.

    Raises:
        UnreadableFile: It is not such a table, its last line is torn, or it is unclear whose its rows are.
    """
    cells = _read_cells(path, step)
    if cells.torn and not allow_torn_tail:
        raise UnreadableFile(torn_message(f"{path}, last line", cells.torn[-60:]))
    return logs_of_cells(cells, path, step=step)


def logs_of_cells(cells: Cells, path: Path, *, step: str | None = None) -> dict[str, ScalarLog]:
    """Return the log of each run among the rows of a table, as ``read_runs`` does.

    Args:
        cells: The table; its header names a column that counts the steps.
        path: The file, for messages.
        step: The column that counts the steps. Default: detected by its name.

    Raises:
        UnreadableFile: It is unclear whose the rows are.
    """
    table, left_out = _table(cells, step, path)
    logs = logs_of(
        table,
        path,
        damaged=cells.damaged,
        torn_tail=bool(cells.torn),
        left_out=left_out,
        notes=cells.notes,
    )
    if list(logs) != [""]:
        return logs
    log = logs[""]
    runs = {}
    for run, points in _by_run(log.points).items():
        own = _without_twins(points)
        stated = dict(log.stated)
        notes = log.notes
        group = _group_of_columns(run, own)
        if group:
            stated |= {"group": group, "run": MEAN_OF_GROUP}
            notes = (*notes, _note_of_group(group))
        elif run:
            stated["run"] = run
        runs[run] = replace(log, points=own, stated=stated, notes=notes)
    return runs


def without_step(path: Path) -> str:
    """Return what to say of a table without a known column of steps; nothing of other files."""
    with path.open("rb") as file:
        lines = file.read(HEAD).decode("utf-8-sig", "replace").split("\n")
    for delimiter in DELIMITERS:
        try:
            rows = [_split(line, delimiter) for line in lines[:2]]
        except csv.Error:
            continue
        is_table = len(rows) == 2 and len(rows[0]) == len(rows[1]) > 1
        if is_table and any(map(_is_numeric, rows[1])) and not any(map(_is_numeric, rows[0])):
            listed = ", ".join(repr(name.strip()) for name in rows[0][:MOST_LISTED])
            more = ", …" if len(rows[0]) > MOST_LISTED else ""
            return (
                f"is a table without a known column of steps (its columns: {listed}{more}). If one of them "
                "counts the steps, name it with --step COLUMN. Tables of one number a seed are read by "
                "'ired-diag stats'"
            )
    return ""


def _group_of_columns(run: str, points: Mapping[str, Points]) -> str:
    """Return the group whose mean and range columns are; nothing where they are of a single run."""
    match = OF_GROUP.fullmatch(run)
    has_range = any(name.endswith(TWINS) for name in points)
    if match is None or not has_range:
        return ""
    return match[2] if match[1].lower() == "group" else run


def _note_of_group(group: str) -> Finding:
    statement = (
        f"These are the mean of the runs of group {group!r} and their range (__MIN, __MAX), as wandb exports "
        "grouped runs. How many runs they are, and the single runs, are not in the file."
    )
    return Finding("mean_of_group", "note", statement, evidence={"group": group})


def _read_cells(path: Path, step: str | None) -> Cells:
    """Return the cells of a table; lines that do not fit its header are among the damaged."""
    try:
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise unreadable(path, error) from error
    lines = _lines(text)
    del text  # a long file is in memory once: as lines, which become rows
    counted = _counted(lines) if step is None else []
    first, delimiter, names = _find_header(counted or lines, step, str(path))
    header, repeated = unique_names(names)
    cells = Cells(header=header, repeated=repeated)
    if counted:
        rows = sum(map(bool, counted)) - 1
        cells.notes.append(count_note(rows, by_index=is_index(_first_name(lines, delimiter))))
        lines = counted
    if not _is_whole(lines[-1], len(names), delimiter):
        cells.torn = lines.pop()
    counters = set(step_keys(names, step, str(path)))
    columns = list(range(len(names)))  # of the header: the place of each cell of a line
    del lines[: first + 1]
    lines.reverse()
    number = first + 1
    while lines:
        line = lines.pop()
        number += 1
        if not line.strip():
            continue
        try:
            row = _split(line, delimiter)
        except csv.Error as error:
            cells.damaged.append(Damage(number, f"a line that is not CSV ({error})"))
            continue
        if _is_header(row, counters):
            columns = appended_header(row, cells)
        elif len(row) != len(columns):
            reason = f"a line of {len(row)} cells where the header has {len(columns)}"
            cells.damaged.append(Damage(number, reason))
        else:
            full = [""] * len(cells.header)
            for place, cell in zip(columns, row, strict=True):
                full[place] = _plain(cell, delimiter)
            cells.lines.append(number)
            cells.rows.append(full)
    # Rows above an appended header have no cells in the columns that it adds.
    for row in cells.rows:
        missing = len(cells.header) - len(row)
        row.extend([""] * missing)
    return cells


def _lines(text: str) -> list[str]:
    """Return the lines of a text; some end in a carriage return alone."""
    newline = "\n" if "\n" in text else "\r"
    return text.split(newline)


def _counted(lines: Sequence[str]) -> list[str]:
    """Return the lines of a table without a step with the count of its rows in front; none of other tables.

    The count is that of pandas' index, where the table has one.
    """
    filled = [line for line in lines if line.strip()]
    if len(filled) <= FEWEST_COUNTED:
        return []
    header = filled[0]
    delimiter = _delimiter_of_history(header, filled[1])
    if delimiter is None:
        return []
    first_name = _split(header, delimiter)[0]
    if is_index(first_name):
        named = header.replace(f'"{first_name}"', first_name, 1)
        named = COUNT + named.removeprefix(first_name)
        return [named, *filled[1:], *_torn_end(lines)]
    numbered = [f"{COUNT}{delimiter}{header}"]
    for number, line in enumerate(filled[1:], start=1):
        numbered.append(f"{number}{delimiter}{line}")
    return [*numbered, *_torn_end(lines)]


def _first_name(lines: Sequence[str], delimiter: str) -> str:
    """Return the name of the first column of a table."""
    header = next(line for line in lines if line.strip())
    return _split(header, delimiter)[0]


def _torn_end(lines: Sequence[str]) -> list[str]:
    """Return the empty line that ends a text with a newline; nothing where the last line is half written."""
    is_whole = not lines[-1].strip()
    return [""] if is_whole else []


def _delimiter_of_history(header: str, first: str) -> str | None:
    """Return the delimiter of a table of a training without a step; None of other tables.

    Args:
        header: Its first line.
        first: The line after it.
    """
    for delimiter in DELIMITERS[:3]:
        try:
            names = [name.strip() for name in _split(header, delimiter)]
            row = _split(first, delimiter)
        except csv.Error:
            return None
        if any(map(is_usual_step, names)):
            return None
        is_table = len(row) == len(names) and all(map(_is_numeric, row))
        if is_table and may_be_counted(names):
            return delimiter
    return None


def _is_header(row: Sequence[str], counters: set[str]) -> bool:
    """Say whether a row names a column that counts steps, and holds no number."""
    names_counter = any(cell.strip() in counters for cell in row)
    return names_counter and not any(map(_is_numeric, row))


def _find_header(lines: Sequence[str], step: str | None, where: str) -> tuple[int, str, list[str]]:
    """Return the place of the header among the lines, the delimiter of its cells, and the names in it.

    Lines of comments may stand before it; the header itself may be such a line.

    Raises:
        UnreadableFile: No line is a header with a column that counts steps.
    """
    reason = UnreadableFile(f"{where}: expected a header with a column that counts steps, found no line.")
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        bare = re.sub(r"^\s*#+\s*", "", line)
        for delimiter in DELIMITERS:
            try:
                names = [name.strip() for name in _split(bare, delimiter)]
                step_keys(names, step, where)
            except csv.Error as error:
                reason = UnreadableFile(f"{where}:{number + 1}: expected the names of columns ({error}).")
            except UnreadableFile as error:
                if delimiter == DELIMITERS[0]:  # the usual one: its reason explains most
                    reason = error
            else:
                is_markdown = delimiter == "|" and "" in names
                is_table = delimiter != BLANKS or _are_aligned(names, lines[number + 1 :])
                if len(names) > 1 and is_table and not is_markdown:
                    return number, delimiter, names
        is_comment = bare != line
        if not is_comment:
            break
    raise reason


def _are_aligned(names: Sequence[str], rest: Sequence[str]) -> bool:
    """Say whether words between blanks are the names of columns: the next line has a number under each."""
    if len(names) < FEWEST_ALIGNED or any(map(_is_numeric, names)):
        return False
    row = next((line.split() for line in rest if line.strip()), [])
    return len(row) == len(names) and all(map(is_value, row))


def is_value(cell: str) -> bool:
    """Say whether a cell holds a number, a time of a row (``00:10``), or what stands for no measurement."""
    return _is_numeric(cell) or TIME_OF_ROW.fullmatch(cell) is not None or cell.lower() in NOT_MEASURED


def unique_names(names: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return names of columns, repeated ones with a number (loss, loss.2), and which were repeated."""
    stated = set(names)
    taken: set[str] = set()
    numbers: Counter[str] = Counter()  # the last number of each repeated name: thousands may be empty
    unique: list[str] = []
    repeated: dict[str, str] = {}
    for name in names:
        free = name
        while free in taken or (free != name and free in stated):
            numbers[name] += 1
            free = f"{name}.{numbers[name] + 1}"
        if free != name:
            repeated[free] = name
        taken.add(free)
        unique.append(free)
    return unique, repeated


def appended_header(row: Sequence[str], cells: Cells) -> list[int]:
    """Return the column of each cell below a header in the middle of a file; new names become columns."""
    names, _ = unique_names([cell.strip() for cell in row])
    places = {name: place for place, name in enumerate(cells.header)}
    for name in names:
        if name not in places:
            places[name] = len(cells.header)
            cells.header.append(name)
    return [places[name] for name in names]


def _is_whole(last: str, cells: int, delimiter: str) -> bool:
    """Say whether a last line without a newline is complete: only a closing quote proves it."""
    if not last.strip():
        return True
    try:
        return last.endswith('"') and len(_split(last, delimiter)) == cells
    except csv.Error:
        return False


def _split(line: str, delimiter: str) -> list[str]:
    line = line.rstrip("\r")
    if delimiter == BLANKS:
        return line.split()
    if '"' not in line:  # most lines: a plain split is faster than the csv module
        return line.split(delimiter)
    return next(csv.reader([line], strict=True, delimiter=delimiter))


def _plain(cell: str, delimiter: str) -> str:
    """Return a cell, empty where it says that nothing was measured, with a decimal point."""
    if not cell[:1].isdigit() and cell.strip().lower() in NOT_MEASURED:
        return ""
    if delimiter != "," and DECIMAL_COMMA.fullmatch(cell):
        return cell.replace(",", ".")
    return cell


def _is_numeric(cell: str) -> bool:
    try:
        number_in(cell)
    except ValueError:
        return False
    return True


def _table(cells: Cells, step: str | None, path: Path) -> tuple[RowTable, dict[str, int]]:
    """Return the rows with a step in columns, and how many texts stand in columns without a number."""
    counter = _counter(cells, step, path)
    steps = _steps(cells, cells.header.index(counter), counter)
    _check_counter(cells, counter, path)
    columns: dict[str, Column] = {}
    texts: dict[str, list[str]] = {}
    left_out: dict[str, int] = {}
    for place, name in enumerate(cells.header):
        if name == counter:
            continue
        column, wrong = _column(cells, place)
        if not name and _is_index(column):
            continue
        if len(column.rows):
            columns[name] = column
            cells.damaged.extend(wrong)
        elif wrong:
            texts[name] = [row[place] for row in cells.rows]
            left_out[name] = len(wrong)
    table = RowTable(
        counter=counter,
        steps=np.array(steps, dtype=np.int64),
        columns=_merge_twins(columns, cells),
        texts=texts,
    )
    return table, left_out


def _is_index(column: Column) -> bool:
    """Say whether a column without a name is the index that pandas writes, a count from 0."""
    return np.array_equal(column.values, column.rows)


def _counter(cells: Cells, step: str | None, path: Path) -> str:
    """Return the column that counts the steps."""
    keys = step_keys(cells.header, step, str(path))
    stated: dict[str, list[str]] = {}
    for key in keys:
        place = cells.header.index(key)
        stated[key] = [row[place] for row in cells.rows if row[place]]
    return choose_step_key(keys, stated)


def _check_counter(cells: Cells, counter: str, path: Path) -> None:
    """Refuse two columns of one name that count different steps: which metric belongs to which is unknown."""
    own = cells.header.index(counter)
    for name, first in cells.repeated.items():
        if first != counter:
            continue
        place = cells.header.index(name)
        if any(row[place] != row[own] for row in cells.rows):
            raise UnreadableFile(f"{path}: expected one column {counter!r}, found two that differ.")
        for row in cells.rows:
            row[place] = ""


def _steps(cells: Cells, place: int, counter: str) -> list[int]:
    """Return the step of each row; rows without one take that of the row before, or are skipped and named."""
    steps: list[int] = []
    lines: list[int] = []
    rows: list[list[str]] = []
    lost: Counter[str] = Counter()
    taken = 0
    at_last_step: list[list[str]] = []
    for number, row in zip(cells.lines, cells.rows, strict=True):
        if row[place]:
            try:
                steps.append(step_in(row[place]))
            except ValueError as error:
                cells.damaged.append(Damage(number, str(error)))
                continue
            at_last_step = [row]
        elif at_last_step and not _share_a_column(row, at_last_step):
            steps.append(steps[-1])
            at_last_step.append(row)
            taken += 1
        else:
            lost.update(name for name, cell in zip(cells.header, row, strict=True) if cell)
            continue
        lines.append(number)
        rows.append(row)
    cells.lines = lines
    cells.rows = rows
    if taken:
        cells.notes.append(_note_of_taken_steps(taken))
    if lost:
        cells.notes.append(_note_of_lost_rows(lost, counter))
    return steps


def _note_of_taken_steps(rows: int) -> Finding:
    rows_are = "1 row without a step is" if rows == 1 else f"{rows} rows without a step are"
    statement = f"{rows_are} read at the step of the row before."
    return Finding("rows_without_step", "note", statement, evidence={"rows": rows})


def _note_of_lost_rows(lost: Counter[str], counter: str) -> Finding:
    listed = ", ".join(lost)
    statement = (
        f"Rows without {counter!r}, which counts the steps, and without a row before that could state it "
        f"were skipped; lost are {lost.total()} values of {listed}."
    )
    return Finding(
        "rows_without_step", "warning", statement, evidence={"values": lost.total(), "metrics": listed}
    )


def _share_a_column(row: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Say whether a column has a cell in a row and in one of the others."""
    for other in others:
        pairs = zip(row, other, strict=True)
        if any(cell and other_cell for cell, other_cell in pairs):
            return True
    return False


def _column(cells: Cells, place: int) -> tuple[Column, list[Damage]]:
    """Return the numbers of a column, and its cells that are not numbers."""
    name = cells.header[place]
    numbers: list[int] = []
    values: list[float] = []
    wrong = []
    for i, row in enumerate(cells.rows):
        cell = row[place]
        if not cell:
            continue
        try:
            values.append(number_in(cell))
            numbers.append(i)
        except ValueError as error:
            wrong.append(Damage(cells.lines[i], f"{name}: {error}"))
    column = Column(
        rows=np.array(numbers, dtype=np.int64),
        values=np.array(values, dtype=np.float64),
    )
    return column, wrong


def _merge_twins(columns: dict[str, Column], cells: Cells) -> dict[str, Column]:
    """Return columns without those that repeat one of the same name; one that differs is kept and named."""
    kept = {}
    for name, column in columns.items():
        original = cells.repeated.get(name)
        if original is None:
            kept[name] = column
            continue
        first = columns.get(original)
        if first is not None and _are_equal(first, column):
            continue
        kept[name] = column
        statement = f"Two columns are named {original!r} and differ; the second is read as {name!r}."
        cells.notes.append(Finding("columns_of_one_name", "warning", statement, evidence={"column": name}))
    return kept


def _are_equal(first: Column, second: Column) -> bool:
    same_rows = np.array_equal(first.rows, second.rows)
    return same_rows and np.array_equal(first.values, second.values, equal_nan=True)


def _by_run(points: Mapping[str, Points]) -> dict[str, dict[str, Points]]:
    """Return metrics by run: all columns are named "run - metric", or all are of one nameless run."""
    if not points or not all(BETWEEN in name for name in points):
        return {"": dict(points)}
    runs: dict[str, dict[str, Points]] = {}
    for name, points_of_metric in points.items():
        run, _, metric = name.rpartition(BETWEEN)
        runs.setdefault(run, {})[metric] = points_of_metric
    return runs


def _without_twins(points: Mapping[str, Points]) -> dict[str, Points]:
    """Return metrics without the bounds of their buckets, where a bucket holds one value."""
    kept = {}
    for name, bound in points.items():
        metric = None
        for twin in TWINS:
            if name.endswith(twin):
                metric = points.get(name.removesuffix(twin))
        if metric is None or not _are_identical(metric, bound):
            kept[name] = bound
    return kept


def _are_identical(first: Points, second: Points) -> bool:
    same_steps = first.steps.tolist() == second.steps.tolist()
    return same_steps and first.values.tobytes() == second.values.tobytes()
