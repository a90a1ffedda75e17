r"""The numbers of many lines of one layout at once.

Lines that differ in their digits alone have one skeleton, the line without its digits, signs and points. Of
such lines all letters are deleted but one separator between each two numbers, and what is left is a table:

    step:125/3225 val_loss:4.62997 step_avg:191.72ms       ->   ,125,3225,4.62997,191.72

which a reader of CSV files parses at some hundred MB/s. A digit in a name (``Acc@1``) stands in a column of
its own, whose text must be the same in all lines. A line for which this fails, because a number is missing or
has another form, is read by itself: nothing is taken from a place where it was not seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.readers.text_layout import Layout
from ired_diag.readers.text_tokens import DIGITS, NUMBER
from ired_diag.runs.arrow_columns import array_of

EVERY_BYTE = bytes(range(256))
SEPARATOR = ord(",")
LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
LONGEST_UNIT = 32
FEWEST_LINES = 24  # fewer are read one by one
RUN_OF_DIGITS = re.compile(rb"[0-9+.-]+")
SOLE_NUMBER = re.compile(NUMBER)


@dataclass(frozen=True)
class Columns:
    """How lines of one skeleton become a table.

    Attributes:
        table: What each byte becomes.
        deleted: The bytes that are deleted.
        numbers: The columns of the numbers.
        constants: The text that must stand in other columns.
        count: How many columns there are.
    """

    table: bytes
    deleted: bytes
    numbers: tuple[int, ...]
    constants: tuple[tuple[int, bytes], ...]
    count: int


def columns_of(layout: Layout) -> Columns | None:
    """Return how lines like the example of a layout become a table; None where they cannot."""
    line = layout.example
    has_exponent = any(re.search(rb"[eE]", line[start:end]) for start, end in layout.spans)
    kept = set(DIGITS) | set(b"\n") | (set(b"eE") if has_exponent else set())
    # Where no other digits stand between two numbers, what is before each number separates them.
    needs_both_ends = has_exponent or _other_digits(layout)
    separators: set[int] = set()
    for start, end in layout.spans:
        if b"," in line[start:end] or SOLE_NUMBER.fullmatch(line[start:end]) is None:
            return None
        unit = line[end : end + LONGEST_UNIT]
        unit = unit[: len(unit) - len(unit.lstrip(LETTERS))]
        if set(unit) & kept:
            return None
        end += len(unit)
        around = (*line[max(0, start - 1) : start], *(line[end : end + 1] if needs_both_ends else b""))
        if any(byte in kept or chr(byte).isalpha() for byte in around):
            return None
        separators.update(around)
    table = bytes(SEPARATOR if byte in separators else byte for byte in range(256))
    deleted = bytes(byte for byte in EVERY_BYTE if byte not in separators and byte not in kept)
    cells = line.translate(table, deleted).split(b",")
    numbers = [_column(line[:start], separators) for start, _ in layout.spans]
    constants = _constants(line, layout, separators, cells, set(numbers))
    if constants is None:
        return None
    return Columns(table, deleted, tuple(numbers), constants, len(cells))


def _other_digits(layout: Layout) -> bool:
    """Say whether digits, signs or points stand in the line outside of its numbers."""
    rest = bytearray(layout.example)
    for start, end in layout.spans:
        rest[start:end] = b"\0" * (end - start)
    return RUN_OF_DIGITS.search(rest) is not None


def _column(before: bytes, separators: set[int]) -> int:
    return sum(byte in separators for byte in before)


def _constants(
    line: bytes, layout: Layout, separators: set[int], cells: Sequence[bytes], numbers: set[int]
) -> tuple[tuple[int, bytes], ...] | None:
    """Return the text of the columns that hold digits of names; None where a number's column holds some too.

    A name is what stands between a number and the one before it; digits before the first name, and those of
    words that name nothing, may differ from line to line.
    """
    constants: dict[int, bytes] = {}
    names = "\n".join(number.name for number in layout.fields).encode()
    for match in RUN_OF_DIGITS.finditer(line):
        inside = any(start <= match.start() < end for start, end in layout.spans)
        if inside or not re.search(rb"[A-Za-z_@]" + re.escape(match[0]), names):
            continue
        column = _column(line[: match.start()], separators)
        if column in numbers:
            return None
        constants[column] = cells[column]
    return tuple(constants.items())


def numbers_of(
    lines: bytes, count: int, columns: Columns
) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """Return the numbers of lines, of shape (lines, numbers), and which lines were read; None: none of them.

    Args:
        lines: Lines of one skeleton, each with its newline.
        count: How many there are.
        columns: How they become a table.
    """
    import pyarrow as pa
    from pyarrow import csv

    text = lines.translate(columns.table, columns.deleted)
    wanted = [*dict.fromkeys(columns.numbers)]
    names = [str(column) for column in range(columns.count)]
    types = {str(column): pa.float64() for column in wanted}
    types |= {str(column): pa.binary() for column, _ in columns.constants}
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) + 1),
            parse_options=csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=types,
                include_columns=list(types),
                null_values=[""],
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != count:
        return None
    values = np.empty((count, len(columns.numbers)), order="F")  # each number is read as a column
    is_read = np.ones(count, dtype=np.bool_)
    for place, column in enumerate(columns.numbers):
        chunk = table[str(column)]
        values[:, place], is_number = array_of(chunk)
        is_read &= is_number
    for column, expected in columns.constants:
        is_read &= np.array([cell == expected for cell in table[str(column)].to_pylist()], dtype=np.bool_)
    return values, is_read


def numbers_by_line(line: bytes, layout: Layout) -> list[float]:
    """Return the numbers of the example line of a layout, as the text states them."""
    values = []
    for start, end in layout.spans:
        values.append(float(line[start:end].replace(b",", b"")))
    return values
