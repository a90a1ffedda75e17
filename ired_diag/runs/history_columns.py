"""Rows of JSON lines as columns, piece by piece: a file of a million rows never is in memory as a whole.

A piece is some megabytes of whole lines. Arrow reads it where each line is a flat object of numbers, else it
is read line by line; the numbers are the same. The pieces' columns are joined, and the rule of attempts
(``history``) is applied to all rows together.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.json
from numpy.typing import NDArray

from ired_diag.runs.arrow_columns import array_of
from ired_diag.runs.flat_lines import may_be_columns
from ired_diag.runs.large_arrays import LargeArray

KEYS_OF_A_ROW = ("step", "attempt")
MAX_STEP = 2**63 - 1
TOO_LARGE = re.compile(rb"\d{309}")
PIECE = 1 << 24  # bytes
NOT_ROWS = (pa.ArrowException, KeyError, TypeError, ValueError, OverflowError)

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
PlainRow = tuple[int, int, Mapping[str, float]]  # step, attempt, values by key
ReadLines = Callable[[bytes], tuple[Sequence[PlainRow], Sequence[int]]]


@dataclass(frozen=True)
class ColumnsOfRows:
    """Rows in the order of a file.

    Attributes:
        steps: Step of each row, of shape (rows,).
        attempts: Attempt of each row, of shape (rows,).
        columns: By key, the rows that hold a number, increasing, and the numbers, each of shape (n,).
    """

    steps: Integers
    attempts: Integers
    columns: Mapping[str, tuple[Integers, Floats]]


class Pieces:
    """Rows that are added piece by piece, and joined column by column.

    Attributes:
        rows: How many rows there are.
        bad_lines: Numbers of the lines that are not rows.
        are_plain: Whether no piece had to be read line by line.
    """

    def __init__(self) -> None:
        """Hold nothing yet."""
        self.rows = 0
        self.bad_lines: list[int] = []
        self.are_plain = True
        self._lines = 0
        self._steps: list[Integers] = []
        self._attempts: list[Integers] = []
        self._columns: dict[str, list[PartOfColumn]] = {}

    def add(self, content: bytes, read_lines: ReadLines) -> None:
        """Add whole lines.

        Args:
            content: The lines.
            read_lines: Returns rows and the numbers of other lines, where arrow cannot read them.

        Raises:
            OverflowError: An attempt beyond 64 bits.
        """
        piece = _by_arrow(content)
        if piece is None:
            rows, bad_lines = read_lines(content)
            self.are_plain = False
            self.bad_lines += [self._lines + number for number in bad_lines]
            piece = _columns_of_rows(rows)
        self._lines += content.count(b"\n")
        self.add_columns(piece)

    def add_columns(self, piece: ColumnsOfRows) -> None:
        """Add rows that were read."""
        for key, (places, values) in piece.columns.items():
            self._columns.setdefault(key, []).append(PartOfColumn(places + self.rows, values))
        self._steps.append(piece.steps)
        self._attempts.append(piece.attempts)
        self.rows += len(piece.steps)

    def keys(self) -> list[str]:
        """Return the keys of the columns, in the order in which the file first has them."""
        return list(self._columns)

    def order(self) -> tuple[Integers, Integers]:
        """Return step and attempt of each row, of shape (rows,)."""
        return np.concatenate(self._steps), np.concatenate(self._attempts)

    def column(self, key: str) -> tuple[Integers, Floats]:
        """Return the rows that hold a number in a column, increasing, and the numbers, each of shape (n,)."""
        parts = self._columns[key]
        places = np.concatenate([part.places for part in parts])
        values = np.concatenate([part.values for part in parts])
        return places, values


@dataclass(frozen=True)
class PartOfColumn:
    """A column within a piece: the rows that hold a number, and the numbers, each of shape (n,)."""

    places: LargeArray[np.int64] = LargeArray()
    values: LargeArray[np.float64] = LargeArray()


def whole_lines(file: BinaryIO, size: int | None = None) -> Iterator[bytes]:
    """Yield the whole lines of a file in pieces; what stands after the last newline is yielded last.

    Args:
        file: The file, at its beginning.
        size: Number of bytes to read. Default: all.
    """
    left = sys.maxsize if size is None else size
    rest: list[bytes] = []
    while content := file.read(min(PIECE, left)):
        left -= len(content)
        end = content.rfind(b"\n") + 1
        if end:
            yield b"".join([*rest, content[:end]])
            rest = []
        rest.append(content[end:])
    last = b"".join(rest)
    if last:
        yield last


def _by_arrow(content: bytes) -> ColumnsOfRows | None:
    """Return the rows of a piece without a fault; None of any other."""
    if not may_be_columns(content):
        return None
    try:
        return columns_by_arrow(content)
    except NOT_ROWS:
        return None


def columns_by_arrow(content: bytes) -> ColumnsOfRows:
    """Return the rows in lines that each are a flat object of numbers.

    An object for each row is not made: a million rows take seconds less. Other lines raise one of
    ``NOT_ROWS``.
    """
    table = _table_by_arrow(content)
    steps = _integers(table, "step")
    attempts = np.ones_like(steps)
    if "attempt" in table.column_names:
        attempts = _integers(table, "attempt")
    columns = {}
    for name in table.column_names:
        column = table.column(name)
        is_empty = column.null_count == len(column)
        if name in KEYS_OF_A_ROW or is_empty:
            continue
        is_there, values = _numbers(column, content)
        places = np.flatnonzero(is_there)
        columns[name] = places, values[places]
    return ColumnsOfRows(steps, attempts, columns)


def _columns_of_rows(rows: Sequence[PlainRow]) -> ColumnsOfRows:
    places: dict[str, list[int]] = {}
    numbers: dict[str, list[float]] = {}
    for place, (_, _, values) in enumerate(rows):
        for key, value in values.items():
            places.setdefault(key, []).append(place)
            numbers.setdefault(key, []).append(value)
    columns = {}
    for key, column in numbers.items():
        columns[key] = np.array(places[key], dtype=np.int64), np.array(column, dtype=np.float64)
    return ColumnsOfRows(
        steps=np.array([step for step, _, _ in rows], dtype=np.int64),
        attempts=np.array([attempt for _, attempt, _ in rows], dtype=np.int64),
        columns=columns,
    )


def lasting_rows(steps: Integers, attempts: Integers) -> Booleans:
    """Return which rows, sorted by attempt, no later attempt has ended, of shape (rows,)."""
    numbers, firsts, place = np.unique(
        attempts,
        return_index=True,
        return_inverse=True,
    )
    if len(numbers) == 1:
        return np.ones(len(steps), dtype=np.bool_)
    starts = steps[firsts]
    last_first = np.minimum.accumulate(starts[::-1])
    earliest_from = last_first[::-1]
    ends = np.append(earliest_from[1:], MAX_STEP)
    last = len(numbers) - 1
    is_of_last = place == last
    is_before_end = steps < ends[place]
    return np.asarray(is_of_last | is_before_end, dtype=np.bool_)


def _table_by_arrow(content: bytes) -> pa.Table:
    block_size = max(len(content) + 1, 1 << 20)  # one block: arrow infers the types once
    options = pyarrow.json.ReadOptions(block_size=block_size)
    table = pyarrow.json.read_json(io.BytesIO(content), read_options=options)
    lines = filter(bytes.strip, content.split(b"\n"))
    count = sum(1 for _ in lines)
    if table.num_rows != count:
        raise ValueError("more or fewer rows than lines")
    return table


def _integers(table: pa.Table, key: str) -> Integers:
    column = table.column(key)
    if not pa.types.is_integer(column.type) or column.null_count:
        raise ValueError(f"a row without an integer {key}")
    numbers, _ = array_of(column)
    return numbers.astype(np.int64)


def _numbers(column: pa.ChunkedArray, content: bytes) -> tuple[Booleans, Floats]:
    """Return where a column holds numbers, and those numbers, each of shape (rows,)."""
    is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    if not is_number:
        raise ValueError("something else than a number")
    numbers, is_there = array_of(column)
    values = numbers.astype(np.float64)
    if np.isinf(values).any() and TOO_LARGE.search(content):
        raise ValueError("a whole number too large for a float, which was read as infinite")
    return is_there, values
