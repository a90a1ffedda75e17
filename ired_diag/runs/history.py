"""The history of a run: what was logged at each step.

On disk it is JSON lines, one object a step: ``{"step": 1000, "attempt": 1, "val/loss": 0.0097}``.
NaN and Infinity are data. An attempt that starts at step s ends everything that the attempts before it
logged at s and later, of all metrics together; s is the step of its first row. Within an attempt, the last
row of a step counts. A metric that is itself named ``step`` or ``attempt`` is written as ``./step``.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.json
from numpy.typing import NDArray

from ired_diag.errors import unreadable
from ired_diag.json_text import parse_json
from ired_diag.runs.arrow_columns import array_of
from ired_diag.runs.flat_lines import may_be_columns

KEYS_OF_A_ROW = ("step", "attempt")
OF_A_METRIC = "./"  # before a metric's name that is a row's key
MAX_STEP = 2**63 - 1
TOO_LARGE = re.compile(rb"\d{309}")

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Row:
    """What one attempt logged at one step: ``values`` by name of the metric."""

    step: int
    values: Mapping[str, float]
    attempt: int = 1


@dataclass(frozen=True, eq=False)
class Series:
    """One metric over training: ``steps`` (increasing) and ``values``, each of shape (n,)."""

    steps: Integers
    values: Floats

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Series):
            return False
        if not np.array_equal(self.steps, other.steps):
            return False
        return np.array_equal(self.values, other.values, equal_nan=True)

    __hash__ = None  # type: ignore[assignment]

    def since(self, step: float) -> Series:
        """Return the points from a step on."""
        is_later = self.steps >= step
        return Series(self.steps[is_later], self.values[is_later])

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class History:
    """What a run logged.

    Attributes:
        series: By name of the metric.
        attempts: How many attempts logged it.
        bad_lines: Line numbers of the file that could not be read.
        torn_tail: Whether the last line is only half written.
        starts: The step of the first row of each attempt within one log, by its number.
        replaced: Rows that a later attempt within the log logged again; an import keeps them.
    """

    series: Mapping[str, Series] = field(default_factory=dict)
    attempts: int = 1
    bad_lines: tuple[int, ...] = ()
    torn_tail: bool = False
    starts: Mapping[int, int] = field(default_factory=dict, compare=False, repr=False)
    replaced: tuple[Row, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def of(
        cls,
        rows: Iterable[Row],
        *,
        bad_lines: tuple[int, ...] = (),
        torn_tail: bool = False,
    ) -> History:
        """Return the history that rows record, in their order."""
        values_of: dict[str, dict[int, float]] = {}
        replaced: list[Row] = []
        ordered = sorted(rows, key=lambda row: row.attempt)  # stable: within an attempt the last wins
        starts = {row.attempt: row.step for row in reversed(ordered)}
        ends = ends_of(starts)
        for row in ordered:
            if row.step >= ends[row.attempt]:
                replaced.append(row)
                continue
            for name, value in row.values.items():
                values_at_steps = values_of.setdefault(name, {})
                values_at_steps[row.step] = value
        return cls(
            series={name: _series_of(values) for name, values in values_of.items()},
            attempts=max((1, *starts)),
            bad_lines=bad_lines,
            torn_tail=torn_tail,
            starts=starts,
            replaced=tuple(replaced),
        )

    def joined(self, series: Mapping[str, Series]) -> History:
        """Return the history with further metrics; a metric that it has already stays as it is."""
        if not series:
            return self
        return replace(self, series={**series, **self.series})

    @property
    def last_step(self) -> int | None:
        """The last step at which anything was logged."""
        logged = filter(len, self.series.values())
        last_steps = [int(series.steps[-1]) for series in logged]
        return max(last_steps, default=None)

    def rows(self) -> list[Row]:
        """Return the rows that record this history, by attempt: ``History.of`` of them is equal to it."""
        values_at: dict[int, dict[str, float]] = {}
        for name, series in self.series.items():
            steps = series.steps.tolist()
            values = series.values.tolist()
            for step, value in zip(steps, values, strict=True):
                values_at.setdefault(step, {})[name] = value
        rows = []
        for step, by_metric in values_at.items():
            attempt = self._attempt_at(step)
            rows.append(Row(step, by_metric, attempt))
        rows.extend(self.replaced)
        return sorted(rows, key=self._logging_order)

    def _logging_order(self, row: Row) -> tuple[int, bool, int]:
        """Return a sort key: the first row of an attempt says from which step on it ended what was before."""
        is_first = row.step == self.starts.get(row.attempt)
        return row.attempt, not is_first, row.step

    def _attempt_at(self, step: int) -> int:
        """Return the number of the last attempt that started at a step or before it."""
        begun = [attempt for attempt, start in self.starts.items() if start <= step]
        first = min(self.starts, default=1)
        return max(begun, default=first)


def _series_of(values: Mapping[int, float]) -> Series:
    """Return the series of the values at each step."""
    steps = sorted(values)
    in_order = [values[step] for step in steps]
    return Series(
        steps=np.array(steps, dtype=np.int64),
        values=np.array(in_order, dtype=np.float64),
    )


def ends_of(starts: Mapping[int, int]) -> dict[int, int]:
    """Return by attempt the step from which on a later attempt ended it.

    Args:
        starts: The first step of each attempt.
    """
    ends: dict[int, int] = {}
    end = MAX_STEP + 1
    for attempt in sorted(starts, reverse=True):
        ends[attempt] = end
        end = min(end, starts[attempt])
    return ends


def to_jsonl(rows: Iterable[Row]) -> bytes:
    r"""Return rows as JSON lines.

    >>> to_jsonl([Row(10, {"validation/mse": float("nan")})])
    b'{"step": 10, "attempt": 1, "validation/mse": NaN}\n'
    """
    return "".join(map(_json_line, rows)).encode()


def _json_line(row: Row) -> str:
    content = {
        "step": row.step,
        "attempt": row.attempt,
        **_as_keys(row.values),
    }
    return json.dumps(content) + "\n"


def _as_keys(values: Mapping[str, float]) -> Mapping[str, float]:
    """Return values under names that are not the keys of a row."""
    if not any(key in values for key in KEYS_OF_A_ROW):
        return values
    return {_key_of(name): value for name, value in values.items()}


def _key_of(metric: str) -> str:
    """Return the key of a row that names a metric."""
    if metric in KEYS_OF_A_ROW:
        return f"{OF_A_METRIC}{metric}"
    return metric


def _metric_of(key: str) -> str:
    """Return the metric that a key of a row names."""
    plain = key.removeprefix(OF_A_METRIC)
    if plain in KEYS_OF_A_ROW:
        return plain
    return key


def read_history(path: Path) -> History:
    """Return the history in a JSON lines file.

    It is read up to the last newline: a half-written last line is a write in progress or a killed job, and
    is reported as ``torn_tail``. Lines that are not a JSON object with an integer step are reported too.

    Raises:
        UnreadableFile: The file is missing or cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    return history_of(content)


def history_of(content: bytes) -> History:
    """Return the history in JSON lines, as ``read_history`` does."""
    whole = _whole_lines(content)
    is_torn = len(whole) < len(content)
    if not whole.strip():
        return History(torn_tail=is_torn)
    if may_be_columns(whole):
        try:
            history = _columns_by_arrow(whole)
            return replace(history, torn_tail=is_torn)
        except (pa.ArrowException, KeyError, TypeError, ValueError, OverflowError):
            pass  # a line is not a row: read line by line, each such line is left out and counted
    rows, bad_lines = _rows_by_line(whole)
    return History.of(rows, bad_lines=tuple(bad_lines), torn_tail=is_torn)


def rows_of(content: bytes) -> tuple[list[Row], list[int]]:
    """Return the rows in JSON lines up to the last newline, and the numbers of the other lines."""
    return _rows_by_line(_whole_lines(content))


def _whole_lines(content: bytes) -> bytes:
    """Return a text up to its last newline."""
    end = content.rfind(b"\n") + 1
    return content[:end]


def _columns_by_arrow(content: bytes) -> History:
    """Return the history of a file without a fault; raise on any other.

    It is what ``History.of`` returns of the same rows, without an object for each: a million rows take
    seconds less.
    """
    table = _table_by_arrow(content)
    steps = _integers(table, "step")
    attempts = np.ones_like(steps)
    if "attempt" in table.column_names:
        attempts = _integers(table, "attempt")
    order = np.argsort(attempts, kind="stable")  # within an attempt the last line wins
    lasting = _lasting(steps[order], attempts[order])
    series_of: dict[str, Series] = {}
    first_row: dict[str, int] = {}
    for name in table.column_names:
        column = table.column(name)
        is_empty = column.null_count == len(column)
        if name in KEYS_OF_A_ROW or is_empty:
            continue
        is_there, values = _numbers(column, content)
        is_kept = is_there[order] & lasting
        places = np.flatnonzero(is_kept)
        if len(places):
            rows = order[places]
            metric = _metric_of(name)
            series_of[metric] = _last_of_each(steps[rows], values[rows])
            first_row[metric] = int(places[0])
    in_order = sorted(series_of, key=first_row.__getitem__)  # stable, as the rows first log them
    return History(
        series={metric: series_of[metric] for metric in in_order},
        attempts=max(1, int(attempts.max())),
    )


def _table_by_arrow(content: bytes) -> pa.Table:
    block_size = max(len(content) + 1, 1 << 20)  # one block: arrow infers the types once
    options = pyarrow.json.ReadOptions(block_size=block_size)
    file = io.BytesIO(content)
    table = pyarrow.json.read_json(file, read_options=options)
    lines = filter(bytes.strip, content.split(b"\n"))
    count = sum(1 for _ in lines)
    if table.num_rows != count:
        raise ValueError("more or fewer rows than lines")
    return table


def _lasting(steps: Integers, attempts: Integers) -> Booleans:
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


def _last_of_each(steps: Integers, values: Floats) -> Series:
    """Return values by increasing step; of a step that is logged several times, the last."""
    increases = steps[1:] > steps[:-1]
    if increases.all():
        return Series(steps, values)
    order = np.argsort(steps, kind="stable")
    steps = steps[order]
    values = values[order]
    differs_from_next = steps[1:] != steps[:-1]
    is_last = np.append(differs_from_next, True)
    return Series(steps[is_last], values[is_last])


def _rows_by_line(content: bytes) -> tuple[list[Row], list[int]]:
    """Return the rows that can be read, and the numbers of the lines that cannot."""
    rows: list[Row] = []
    bad_lines: list[int] = []
    *lines, _ = content.split(b"\n")  # after the last newline stands nothing
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append(_row_of(line))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            bad_lines.append(number)
    return rows, bad_lines


def _row_of(line: bytes) -> Row:
    content = parse_json(line)
    step = content.pop("step")
    attempt = content.pop("attempt", 1)
    if type(step) is not int or type(attempt) is not int:
        raise TypeError("step and attempt are integers")
    if abs(step) > MAX_STEP:
        raise OverflowError("a step beyond 64 bits")
    values: dict[str, float] = {}
    for key, value in content.items():
        if value is not None:
            values[_metric_of(key)] = float(value)
    return Row(step, values, attempt)
