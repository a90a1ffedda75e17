"""A text log with a table whose columns are aligned by blanks: a row at each evaluation, as spaCy prints it.

    E    #       LOSS NER  ENTS_F  SCORE        epoch  train_loss  valid_loss  time
    ---  ------  --------  ------  ------       0      0.412       0.398       00:12
      0       0     45.61    0.12    0.00       1      0.301       0.322       00:12

The names stand in one line, two blanks or more between them where a name holds a blank. A row has a number,
a time or a sign for no measurement under each of them. Other lines may stand between the rows; names that
stand there again begin no new table. spaCy's ``E`` and ``#`` are the epoch and the step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.readers.metrics_csv import Cells, appended_header, is_value, logs_of_cells, unique_names
from ired_diag.readers.prose import LONGEST, is_document, is_prose
from ired_diag.readers.scalar_attempt import run_of
from ired_diag.readers.scalar_log import ScalarLog, only_run
from ired_diag.readers.step_key import is_usual_step
from ired_diag.readers.text_layout import RULE, plain
from ired_diag.readers.text_log import NO_LOGS, with_ending
from ired_diag.runs.run import Run

FORMAT_NAME = "printed_columns"
HEAD = 1 << 18
FEWEST_COLUMNS, FEWEST_ROWS = 3, 2
LONGEST_LINE = 4096
OF_SPACY = {"E": "epoch", "#": "step"}
GAP = re.compile(r"\s{2,}|\t")


def accepts(path: Path) -> bool:
    """Say whether a table of at least two rows begins in the first 256 KiB of a text file."""
    if path.suffix.lower() in NO_LOGS:
        return False
    with path.open("rb") as file:
        head = file.read(HEAD)
    if (
        b"\0" in head
        or is_document(path)
        or (len(head) <= LONGEST and is_prose(head.decode("utf-8", "replace")))
    ):
        return False
    cells = _cells(head)
    return cells is not None and len(cells.rows) >= FEWEST_ROWS


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the metrics of a table in a text log.

    Raises:
        UnreadableFile: There is no table, or the file cannot be read.
    """
    del allow_torn_tail  # a row that is cut off has fewer cells, and is no row
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    cells = _cells(content)
    if cells is None:
        raise UnreadableFile(f"{path}: expected a table with a column of steps or epochs, found none.")
    return only_run(path, logs_of_cells(cells, path))


def read_run(path: Path) -> Run:
    """Return the run of a table in a text log, with how it ended.

    Raises:
        UnreadableFile: There is no table, or the file cannot be read.
    """
    return with_ending(run_of(path, read(path), format=FORMAT_NAME), path)


def _cells(content: bytes) -> Cells | None:
    """Return the rows of the table in a text; None where there is no table."""
    cells: Cells | None = None
    columns: list[int] = []
    lines = list(_lines(content))
    for place, (number, line) in enumerate(lines):
        names = _names_in(line, [text for _, text in lines[place + 1 : place + 3]])
        if names and cells is None:
            header, repeated = unique_names(names)
            cells = Cells(header=header, repeated=repeated)
            columns = list(range(len(header)))
        elif names and cells is not None:
            columns = appended_header(names, cells)
        elif cells is not None and (row := _row_in(line, len(columns))):
            full = [""] * len(cells.header)
            for column, cell in zip(columns, row, strict=True):
                full[column] = cell
            cells.lines.append(number)
            cells.rows.append(full)
    if cells is not None:
        for cell_row in cells.rows:  # those above a header that added columns
            cell_row.extend([""] * (len(cells.header) - len(cell_row)))
    return cells


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    """Yield the lines with a word in them as a terminal shows them: a carriage return begins a line again."""
    for number, line in enumerate(plain(content).split(b"\n"), start=1):
        shown = line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace")
        if shown.strip() and len(shown) <= LONGEST_LINE:
            yield number, shown


def _names_in(line: str, following: Sequence[str]) -> list[str]:
    """Return the names of columns in a line that is followed by a row; none of another line."""
    if not re.search(r"[A-Za-z]", line):
        return []
    row = next((text for text in following if not RULE.fullmatch(text.encode())), "")
    for names in (GAP.split(line.strip()), line.split()):
        if OF_SPACY.keys() <= set(names):
            names = [OF_SPACY.get(name, name) for name in names]
        are_names = len(names) >= FEWEST_COLUMNS and not any(map(is_value, names))
        if are_names and any(map(is_usual_step, names)) and _row_in(row, len(names)):
            return names
    return []


def _row_in(line: str, columns: int) -> list[str]:
    """Return the cells of a row; none of a line with other cells."""
    cells = line.split()
    is_row = len(cells) == columns and all(map(is_value, cells))
    return cells if is_row and not RULE.fullmatch(line.encode()) else []
