"""The history of a run: what was logged at each step.

On disk it is JSON lines, one object a step: ``{"step": 1000, "attempt": 1, "val/loss": 0.0097}``.
NaN and Infinity are data. An attempt that starts at step s ends everything that the attempts before it
logged at s and later, of all metrics together; s is the step of its first row. Within an attempt, the last
row of a step counts. A metric that is itself named ``step`` or ``attempt`` is written as ``./step``.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ired_diag.errors import unreadable
from ired_diag.json_text import parse_json
from ired_diag.runs.flat_lines import may_be_columns
from ired_diag.runs.history_columns import (
    KEYS_OF_A_ROW,
    MAX_STEP,
    NOT_ROWS,
    PIECE,
    Floats,
    Integers,
    Pieces,
    PlainRow,
    columns_by_arrow,
    lasting_rows,
    whole_lines,
)
from ired_diag.runs.large_arrays import LargeArray

OF_A_METRIC = "./"  # before a metric's name that is a row's key


@dataclass(frozen=True)
class Row:
    """What one attempt logged at one step: ``values`` by name of the metric."""

    step: int
    values: Mapping[str, float]
    attempt: int = 1


@dataclass(frozen=True, eq=False)
class Series:
    """One metric over training: ``steps`` (increasing) and ``values``, each of shape (n,).

    Long ones may lie in a file until they are read (``large_arrays``): to read one again and again, hold it.
    """

    steps: LargeArray[np.int64] = LargeArray()
    values: LargeArray[np.float64] = LargeArray()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Series):
            return False
        if not np.array_equal(self.steps, other.steps):
            return False
        return np.array_equal(self.values, other.values, equal_nan=True)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.steps)

    def __reduce__(self) -> tuple[type[Series], tuple[Integers, Floats]]:
        """Return how it is built again: in another process, the file is another."""
        return Series, (self.steps, self.values)

    @property
    def last_step(self) -> int:
        """The step of the last value."""
        return int(self.steps[-1])

    def since(self, step: float) -> Series:
        """Return the points from a step on."""
        is_later = self.steps >= step
        return Series(self.steps[is_later], self.values[is_later])


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
        last_steps = [series.last_step for series in logged]
        return max(last_steps, default=None)

    def rows(self) -> list[Row]:
        """Return the rows that record this history, by attempt: ``History.of`` of them is equal to it."""
        values_at: dict[int, dict[str, float]] = {}
        for name, series in self.series.items():
            steps = series.steps.tolist()
            values = series.values.tolist()
            for step, value in zip(steps, values, strict=True):
                values_at.setdefault(step, {})[name] = value
        attempts = self.attempts_at(np.array(list(values_at), dtype=np.int64)).tolist()
        rows = []
        for (step, by_metric), attempt in zip(values_at.items(), attempts, strict=True):
            rows.append(Row(step, by_metric, attempt))
        rows.extend(self.replaced)
        return sorted(rows, key=self._logging_order)

    def _logging_order(self, row: Row) -> tuple[int, bool, int]:
        """Return a sort key: the first row of an attempt says from which step on it ended what was before."""
        is_first = row.step == self.starts.get(row.attempt)
        return row.attempt, not is_first, row.step

    def attempts_at(self, steps: Integers) -> Integers:
        """Return by step the number of the last attempt that started there or before, of shape (n,)."""
        attempts = np.full(len(steps), min(self.starts, default=1), dtype=np.int64)
        for attempt in sorted(self.starts):
            attempts[steps >= self.starts[attempt]] = attempt
        return attempts


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
    return {key_of(name): value for name, value in values.items()}


def key_of(metric: str) -> str:
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
        with path.open("rb") as file:
            return history_of_file(file)
    except OSError as error:
        raise unreadable(path, error) from error


def history_of_file(file: BinaryIO, size: int | None = None) -> History:
    """Return the history in an open file, as ``read_history`` does; a long one is read in pieces.

    Args:
        file: The file, at its beginning.
        size: Number of bytes to read. Default: all.
    """
    pieces = whole_lines(file, size)
    first = next(pieces, b"")
    if len(first) < PIECE // 2:
        return history_of(b"".join([first, *pieces]))
    try:
        return _history_of_pieces(itertools.chain([first], pieces))
    except OverflowError:  # an attempt beyond 64 bits: rows can hold it
        file.seek(0)
        return history_of(file.read(-1 if size is None else size))


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
        except NOT_ROWS:
            pass  # a line is not a row: read line by line, each such line is left out and counted
    rows, bad_lines = _rows_by_line(whole)
    return History.of(rows, bad_lines=tuple(bad_lines), torn_tail=is_torn)


def _history_of_pieces(pieces: Iterable[bytes]) -> History:
    """Return the history in pieces of whole lines; the last piece may be half a line."""
    together = Pieces()
    is_torn = False
    for piece in pieces:
        is_torn = not piece.endswith(b"\n")
        if not is_torn and piece.strip():
            together.add(piece, _plain_rows)
    return _history_of_columns(together, is_torn=is_torn)


def _plain_rows(content: bytes) -> tuple[list[PlainRow], list[int]]:
    rows, bad_lines = _rows_by_line(content)
    return [(row.step, row.attempt, row.values) for row in rows], bad_lines


def rows_of(content: bytes) -> tuple[list[Row], list[int]]:
    """Return the rows in JSON lines up to the last newline, and the numbers of the other lines."""
    return _rows_by_line(_whole_lines(content))


def _whole_lines(content: bytes) -> bytes:
    """Return a text up to its last newline."""
    end = content.rfind(b"\n") + 1
    return content[:end]


def _columns_by_arrow(content: bytes) -> History:
    """Return the history of a file without a fault; raise on any other."""
    pieces = Pieces()
    pieces.add_columns(columns_by_arrow(content))
    return _history_of_columns(pieces)


def _history_of_columns(pieces: Pieces, *, is_torn: bool = False) -> History:
    """Return what ``History.of`` returns of the same rows, without an object for each."""
    file_steps, file_attempts = pieces.order()
    order = np.argsort(file_attempts, kind="stable")  # within an attempt the last line wins
    place_of = np.empty_like(order)
    place_of[order] = np.arange(len(order))
    steps = file_steps[order]
    attempts = file_attempts[order]
    lasting = lasting_rows(steps, attempts)
    starts: dict[int, int] = {}
    replaced: list[Row] = []
    if not pieces.are_plain:
        starts = _first_steps(steps, attempts)
        replaced = _rows_at(order[~lasting], pieces, file_steps, file_attempts)
    series_of: dict[str, Series] = {}
    first_place: dict[str, int] = {}
    for key in pieces.keys():
        rows, values = pieces.column(key)
        places = place_of[rows]
        if (places[1:] < places[:-1]).any():
            by_attempt = np.argsort(places)
            places = places[by_attempt]
            values = values[by_attempt]
        is_kept = lasting[places]
        if not is_kept.all():
            places = places[is_kept]
            values = values[is_kept]
        if len(places):
            is_everywhere = len(places) == len(steps)
            own_steps = steps if is_everywhere else steps[places]
            metric = _metric_of(key)
            series_of[metric] = _last_of_each(own_steps, values)
            first_place[metric] = int(places[0])
    in_order = sorted(series_of, key=first_place.__getitem__)  # stable, as the rows first log them
    return History(
        series={metric: series_of[metric] for metric in in_order},
        attempts=max(1, int(attempts.max(initial=1))),
        bad_lines=tuple(pieces.bad_lines),
        torn_tail=is_torn,
        starts=starts,
        replaced=tuple(replaced),
    )


def _first_steps(steps: Integers, attempts: Integers) -> dict[int, int]:
    """Return the step of the first row of each attempt, the last attempt first.

    Args:
        steps: Steps of rows that are sorted by attempt.
        attempts: Their attempts.
    """
    numbers, firsts = np.unique(attempts, return_index=True)
    starts = zip(numbers.tolist(), steps[firsts].tolist(), strict=True)
    return dict(reversed(list(starts)))


def _rows_at(rows: Integers, pieces: Pieces, steps: Integers, attempts: Integers) -> list[Row]:
    """Return some rows of a file, with all that they hold."""
    values_of: dict[int, dict[str, float]] = {row: {} for row in rows.tolist()}
    for key in pieces.keys():
        places, values = pieces.column(key)
        is_meant = np.isin(places, rows)
        for row, value in zip(places[is_meant].tolist(), values[is_meant].tolist(), strict=True):
            values_of[row][_metric_of(key)] = value
    return [Row(int(steps[row]), values, int(attempts[row])) for row, values in values_of.items()]


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
