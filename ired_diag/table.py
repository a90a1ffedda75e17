"""Tables: named columns of one length, each declared with its unit, and their Parquet files.

A probe's table is tidy: one row an observation. On disk its settings and versions stand in the file's
metadata, and the file is replaced whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ired_diag.errors import UnreadableFile
from ired_diag.json_text import parse_json
from ired_diag.runs.files import FORMAT, check_format, written_atomically

Table = dict[str, NDArray[Any]]

METADATA = b"ired_diag"
PART = 1 << 18  # rows that are read, or written, together
LONG = 1 << 19  # rows: a shorter table is written as a whole


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, its unit (``1`` for a pure number), and what it means."""

    name: str
    unit: str
    meaning: str


VALUE = ("value", "value_low", "value_high", "n", "reason")  # of a comparison whose rows are values


def value_columns(unit: str, meaning: str) -> tuple[Column, ...]:
    """Return the columns of ``VALUE``: a value over problems with its 95% interval.

    Args:
        unit: Unit of the value.
        meaning: Meaning of the value.
    """
    ends = "as value"
    if unit == "1":
        ends = unit
    return (
        Column("value", unit, meaning),
        Column("value_low", ends, "lower end of its 95% interval"),
        Column("value_high", ends, "upper end"),
        Column("n", "1", "problems"),
        Column("reason", "1", "why something is NaN or left out"),
    )


def check_table(table: Mapping[str, NDArray[Any]], columns: Sequence[Column], where: str) -> None:
    """Check that a table has the declared columns, of one length.

    Raises:
        ValueError: It does not; a defect of whoever made the table.
    """
    declared = [column.name for column in columns]
    measured = list(table)
    if measured != declared:
        raise ValueError(f"{where}: declares the columns {declared}, measured {measured}")
    lengths = {name: np.shape(values) for name, values in table.items()}
    different = set(lengths.values())
    if len(different) > 1:
        raise ValueError(f"{where}: its columns are of different lengths: {lengths}")


def concatenate(tables: Sequence[Table]) -> Table:
    """Return the rows of several tables with the same columns, one after the other."""
    together = {}
    for name in tables[0]:
        together[name] = np.concatenate([table[name] for table in tables])
    return together


def table_of_rows(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return a table of rows that have a value for each column.

    >>> table_of_rows([Column("x", "1", "a number")], [{"x": 1}, {"x": 2}])["x"].tolist()
    [1, 2]
    """
    table = {}
    for column in columns:
        values = [row[column.name] for row in rows]
        table[column.name] = np.array(values)
    return table


def select(table: Table, **equal: object) -> Table:
    """Return the rows in which each named column has the given value.

    >>> select({"level": np.array([0, 1, 1]), "x": np.array([5, 6, 7])}, level=1)["x"].tolist()
    [6, 7]
    """
    keep = np.ones(_count(table), dtype=bool)
    for name, value in equal.items():
        keep &= table[name] == value
    return {name: values[keep] for name, values in table.items()}


def rows_of(table: Table) -> list[dict[str, Any]]:
    """Return each row as a value by the name of its column.

    >>> rows_of({"level": np.array([0, 1]), "x": np.array([5.0, 6.0])})[1] == {"level": 1, "x": 6.0}
    True
    """
    rows = []
    for values in zip(*table.values(), strict=True):
        row = dict(zip(table, values, strict=True))
        rows.append(row)
    return rows


def row_of(table: Table, **equal: object) -> dict[str, Any]:
    """Return the first row in which each named column has the given value.

    >>> row_of({"level": np.array([0, 1]), "x": np.array([5.0, 6.0])}, level=1)["x"].item()
    6.0
    """
    rows = select(table, **equal)
    return {name: values[0] for name, values in rows.items()}


def _count(table: Table) -> int:
    """Return how many rows a table has."""
    first_column = next(iter(table.values()))
    return len(first_column)


def write_table(
    path: Path,
    table: Table,
    metadata: Mapping[str, Any],
    *,
    key: Mapping[str, Any] | None = None,
    among: pa.Table | Iterable[pa.Table] | None = None,
    place_in: Callable[[pa.Table], int] = len,
) -> None:
    """Write a table as Parquet, with metadata that JSON can hold.

    Args:
        path: The file.
        table: The rows.
        metadata: Settings and versions of the table.
        key: Columns before the others, with one value in all rows.
        among: A table with the same columns, whose rows stand around these; a long one in parts, which are
            written one after the other.
        place_in: Returns where in a part of it these rows belong; its length where they belong behind it.

    Raises:
        CannotWrite: The folder cannot be written, or the disk is full.
    """
    count = _count(table)
    columns = {}
    for name, value in (key or {}).items():
        columns[name] = pa.repeat(value, count)
    for name, values in table.items():
        if name in columns:
            raise ValueError(f"{path}: a table cannot have a column {name!r}, which is one of its key")
        columns[name] = pa.array(values)
    content = json.dumps({"format": FORMAT, **metadata}).encode()
    arrow = pa.table(columns).replace_schema_metadata({METADATA: content})
    is_whole = among is None or isinstance(among, pa.Table)
    parts = _placed(arrow, _as_parts(among), place_in)
    with written_atomically(path) as file:
        if is_whole:
            pq.write_table(pa.concat_tables(parts), file, compression="zstd")
            return
        with pq.ParquetWriter(file, arrow.schema, compression="zstd") as writer:
            for part in parts:
                writer.write_table(part)


def _as_parts(among: pa.Table | Iterable[pa.Table] | None) -> Iterable[pa.Table]:
    if among is None:
        return ()
    return (among,) if isinstance(among, pa.Table) else among


def _placed(
    rows: pa.Table, parts: Iterable[pa.Table], place_in: Callable[[pa.Table], int]
) -> Iterator[pa.Table]:
    """Yield the parts with the rows where they belong among them.

    Types may have changed with a version of the probe: those of the rows hold.
    """
    is_placed = False
    for part in parts:
        cast = part.cast(rows.schema)
        place = len(cast) if is_placed else place_in(cast)
        if place == len(cast):
            yield cast
            continue
        yield cast.slice(0, place)
        yield rows
        yield cast.slice(place)
        is_placed = True
    if not is_placed:
        yield rows


def read_table(path: Path, **equal: object) -> tuple[Table, dict[str, Any]]:
    """Return a table and its metadata.

    Args:
        path: The file.
        equal: Only the rows in which each named column has the given value.

    Raises:
        UnreadableFile: The file is missing, damaged, not ours, or of a newer format.
    """
    table = {}
    try:
        with path.open("rb") as file:  # opened once: it may be replaced meanwhile
            stored = pq.ParquetFile(file)
            schema = stored.schema_arrow
            metadata = _metadata(path, schema)
            rows = _rows_with(stored, equal) if equal else None
            for name in schema.names:
                if rows is None:  # column by column: of five million rows a second copy is large
                    column = stored.read(columns=[name]).column(name)
                else:
                    column = rows.column(name)
                table[name] = _as_numpy(column)
    except (OSError, KeyError, pa.ArrowException) as error:
        raise _unreadable_table(path, error) from error
    return table, metadata


def _rows_with(stored: pq.ParquetFile, equal: Mapping[str, object]) -> pa.Table:
    """Return the rows in which each named column has the given value."""
    kept = [part.filter(rows_where(**equal)) for part in parts_of(stored)]
    return pa.concat_tables([stored.schema_arrow.empty_table(), *kept])


def parts_of(stored: pq.ParquetFile) -> Iterator[pa.Table]:
    """Yield the rows of a file, some at a time."""
    for batch in stored.iter_batches(batch_size=PART):
        yield pa.Table.from_batches([batch])


def read_arrow(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    """Return a table as Arrow holds it, and its metadata.

    Raises:
        UnreadableFile: As for ``read_table``.
    """
    try:
        with path.open("rb") as file:  # opened once: by its path it would be opened again for the rows
            arrow = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable_table(path, error) from error
    return arrow, _metadata(path, arrow.schema)


def rows_without(path: Path, **equal: object) -> pa.Table | Iterator[pa.Table]:
    """Return the rows in which not each named column has the given value; those of a long table in parts.

    Raises:
        UnreadableFile: As for ``read_table``.
    """
    try:
        with path.open("rb") as file:
            is_long = pq.ParquetFile(file).metadata.num_rows > LONG
    except (OSError, pa.ArrowException) as error:
        raise _unreadable_table(path, error) from error
    condition = ~rows_where(**equal)
    if not is_long:
        arrow, _ = read_arrow(path)
        return arrow.filter(condition)
    return _parts_where(path, condition)


def _parts_where(path: Path, condition: pc.Expression) -> Iterator[pa.Table]:
    try:
        with path.open("rb") as file:
            for part in parts_of(pq.ParquetFile(file)):
                kept = part.filter(condition)
                if len(kept):
                    yield kept
    except (OSError, pa.ArrowException) as error:
        raise _unreadable_table(path, error) from error


def read_columns(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Return a table's column names and its metadata, without its rows.

    Raises:
        UnreadableFile: As for ``read_table``.
    """
    try:
        with path.open("rb") as file:
            schema = pq.read_schema(file)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable_table(path, error) from error
    return schema.names, _metadata(path, schema)


def rows_where(**equal: object) -> pc.Expression:
    """Return the condition that each named column has the given value."""
    condition = pc.scalar(value=True)
    for name, value in equal.items():
        is_equal = pc.field(name) == value
        condition = condition & is_equal
    return condition


def _metadata(path: Path, schema: pa.Schema) -> dict[str, Any]:
    kept = schema.metadata or {}
    try:
        metadata: dict[str, Any] = parse_json(kept[METADATA])
    except (KeyError, ValueError) as error:
        raise _unreadable_table(path, error) from error
    check_format(metadata.get("format"), str(path))
    return metadata


def _unreadable_table(path: Path, error: Exception) -> UnreadableFile:
    return UnreadableFile(f"{path}: cannot be read as a table of a probe ({error}).")


def _as_numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return a column as it was before it was written: words as numpy's, not as objects."""
    if not pa.types.is_string(column.type):
        values: NDArray[Any] = column.to_numpy()
        return values
    words = column.dictionary_encode().combine_chunks()  # few words, many rows
    if not len(words):
        return np.array([], dtype=str)
    dictionary = np.array(words.dictionary.to_pylist(), dtype=str)
    places = words.indices.to_numpy()
    column_of_words: NDArray[Any] = dictionary[places]
    return column_of_words
