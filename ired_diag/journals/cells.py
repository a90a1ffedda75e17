"""A cell of a table as evidence: ``results.csv[seed=3, val_loss]``, ``results.csv[2, val_loss]``.

In brackets stand the row, as its number from 1 (without the head), or as values of columns that only one row
has; and last the column. CSV, TSV and Parquet are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ired_diag.errors import DiagError, NotFound, UnreadableFile
from ired_diag.runs.files import is_special

MOST_BYTES = 100_000_000
MOST_NAMED = 12  # columns, in an error


@dataclass(frozen=True)
class CellName:
    """Which cell is meant.

    Attributes:
        path: The table's file, as it is written.
        row: Number of the row from 1; None where columns say which.
        where: Values by the columns that say which row.
        column: The column.
    """

    path: str
    row: int | None
    where: dict[str, str]
    column: str


def cell_named(source: str) -> CellName:
    """Return the cell that a piece of evidence names.

    Raises:
        DiagError: It names no row, or no column.

    >>> cell_named("results.csv[seed=3, val_loss]")
    CellName(path='results.csv', row=None, where={'seed': '3'}, column='val_loss')
    """
    path, _, inside = source.strip().removesuffix("]").partition("[")
    parts = [part.strip() for part in inside.split(",")]
    *rows, column = parts
    where: dict[str, str] = {}
    row = None
    for part in rows:
        name, equals, value = part.partition("=")
        if equals:
            where[name.strip()] = value.strip()
        elif part.isdigit():
            row = int(part)
        else:
            raise DiagError(f"{source}: expected the number of a row or COLUMN=VALUE, found {part!r}.")
    names_a_row = (row is not None) != bool(where)
    if not column or not names_a_row:
        raise DiagError(
            f"{source}: expected a row and a column, such as {path}[3, val_loss] or {path}[seed=3, val_loss]."
        )
    return CellName(path, row, where, column)


def read_cell(name: CellName, path: Path) -> str:
    """Return the content of a cell as text.

    Args:
        name: Which cell.
        path: The table's file.

    Raises:
        NotFound: There is no such file, row or column.
        UnreadableFile: The table cannot be read, or is too large.
    """
    import pandas as pd

    if not path.is_file() or is_special(path):
        raise NotFound(f"{name.path}: expected a table, found none.")
    if path.stat().st_size > MOST_BYTES:
        raise UnreadableFile(f"{name.path}: larger than {MOST_BYTES:,} bytes.")
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
        else:
            separator = "\t" if path.suffix == ".tsv" else ","
            # As text, because a number says by its digits how finely it is known.
            table = pd.read_csv(
                path,
                sep=separator,
                dtype=str,
                keep_default_na=False,
                skipinitialspace=True,
            )
    except (OSError, ValueError, ImportError) as error:  # those of pandas and pyarrow are ValueErrors
        reason = " ".join(str(error).split())[:200]
        raise UnreadableFile(f"{name.path}: cannot be read as a table ({reason}).") from error
    for column in (*name.where, name.column):
        if column not in table.columns:
            there = ", ".join(map(str, table.columns[:MOST_NAMED]))
            raise NotFound(f"{name.path}: no column {column!r}. There are: {there}.")
    if name.row is not None:
        count = len(table)
        if not 1 <= name.row <= count:
            raise NotFound(f"{name.path}: no row {name.row}; it has {count}.")
        return str(table[name.column].iloc[name.row - 1])
    chosen = table
    for column, value in name.where.items():
        chosen = chosen[[_is_same(cell, value) for cell in chosen[column]]]
    count = len(chosen)
    if count != 1:
        conditions = [f"{column}={value}" for column, value in name.where.items()]
        listed = ", ".join(conditions)
        raise NotFound(f"{name.path}: {count} rows have {listed}; expected one.")
    return str(chosen[name.column].iloc[0])


def _is_same(cell: object, value: str) -> bool:
    """Say whether a cell has a value, as text or as a number."""
    text = str(cell).strip()
    if text == value:
        return True
    try:
        return float(text) == float(value)
    except ValueError:
        return False
