"""A history as the text of ``metrics.jsonl``, written by the column and in pieces.

The text is that of ``to_jsonl(history.rows())``, byte for byte. Rows that state the same metrics have
one form, ``{"step": %d, "attempt": %d, "val/loss": %r}``, which is filled in for all of them: no row is an
object of its own, and a number becomes text by ``repr``, as the encoder of JSON does it.

The steps are cut into windows, and of each metric the part within a window is held: a history of tens of
millions of steps, whose arrays lie in a file (``large_arrays``), never is in memory as a whole. Rows stand by
attempt, in each its first row first, then by step. Since the attempt of a step is the last one that started
there or before, it never decreases with the step: windows follow each other in that order, but for the first
row of the first attempt, before which other metrics may have been logged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.history import History, Row, Series, key_of, to_jsonl

NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}  # to Python, and in JSON lines
WINDOW = 1 << 14  # steps of a metric that become text together

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Lines = NDArray[np.object_]


class Part(NamedTuple):
    """A metric within a window: steps, increasing, and values, each of shape (n,)."""

    steps: Integers
    values: Floats


class Rows(NamedTuple):
    """Rows as text, with the keys of their order, each of shape (n,)."""

    steps: Integers
    is_later: Booleans
    attempts: Integers
    lines: Lines

    def part(self, places: slice | Booleans) -> Rows:
        """Return the rows at some places."""
        return Rows(self.steps[places], self.is_later[places], self.attempts[places], self.lines[places])

    def and_then(self, others: Rows) -> Rows:
        """Return these rows and others behind them."""
        return Rows(
            steps=np.append(self.steps, others.steps),
            is_later=np.append(self.is_later, others.is_later),
            attempts=np.append(self.attempts, others.attempts),
            lines=np.append(self.lines, others.lines),
        )

    def in_logging_order(self) -> Lines:
        """Return the lines by attempt, in each its first row first, then by step."""
        return self.lines[np.lexsort((self.steps, self.is_later, self.attempts))]  # the last key counts first


def history_text(history: History, *, first_attempt: int = 1) -> bytes:
    r"""Return a history as JSON lines.

    Args:
        history: What was logged.
        first_attempt: The number of its first attempt; further ones are counted from there.

    >>> loss = Series(np.array([10, 20]), np.array([0.5, np.nan]))
    >>> history_text(History(series={"loss": loss}), first_attempt=3)
    b'{"step": 10, "attempt": 3, "loss": 0.5}\n{"step": 20, "attempt": 3, "loss": NaN}\n'
    """
    return b"".join(pieces_of_text(history, first_attempt=first_attempt))


def pieces_of_text(history: History, *, first_attempt: int = 1) -> Iterator[bytes]:
    """Yield a history as JSON lines in pieces of whole lines, as ``history_text`` returns it."""
    series = {name: points for name, points in history.series.items() if len(points)}
    if not _has_columns(series):
        yield from _by_row(history, first_attempt)
        return
    replaced = _Replaced(history, first_attempt)
    first = _first_row(history, series, first_attempt)
    if first is not None:
        yield replaced.merged_into(first)
    for parts in _windows(series):
        rows = _rows_of_window(parts, history, first_attempt, leave_out=first)
        if len(rows.steps):
            yield replaced.merged_into(rows)
    yield replaced.rest()


def _by_row(history: History, first_attempt: int) -> Iterator[bytes]:
    rows = _numbered(history.rows(), first_attempt)
    while piece := list(islice(rows, WINDOW)):
        yield to_jsonl(piece)


def _has_columns(series: Mapping[str, Series]) -> bool:
    """Say whether each metric has a key of its own, and one value at a step."""
    keys = set(map(key_of, series))
    if len(keys) < len(series):
        return False
    return all(map(_increases, series.values()))


def _increases(points: Series) -> bool:
    steps = points.steps
    return bool(np.all(steps[1:] > steps[:-1]))


def _numbered(rows: Iterable[Row], first_attempt: int) -> Iterator[Row]:
    """Yield rows with the number of their attempt among all of the run."""
    for row in rows:
        attempt = first_attempt + row.attempt - 1
        yield Row(row.step, row.values, attempt)


class _Replaced:
    """Rows that a later attempt logged again, which are written among the others."""

    def __init__(self, history: History, first_attempt: int) -> None:
        """Put them in order."""
        in_order = sorted(history.replaced, key=lambda row: _key_of_row(row, history))
        keys = [_key_of_row(row, history) for row in in_order]
        lines = [to_jsonl([row]).decode() for row in _numbered(in_order, first_attempt)]
        self._left = Rows(
            steps=np.array([step for _, _, step in keys], dtype=np.int64),
            is_later=np.array([is_later for _, is_later, _ in keys], dtype=np.bool_),
            attempts=np.array([attempt for attempt, _, _ in keys], dtype=np.int64),
            lines=_as_objects(lines),
        )

    def merged_into(self, rows: Rows) -> bytes:
        """Return rows, which are in order, as text, with the replaced ones that belong before their last."""
        left = self._left
        if not len(left.steps):
            return _joined(rows.lines)
        count = _places_before(left, rows)
        self._left = left.part(slice(count, None))
        return _joined(rows.and_then(left.part(slice(count))).in_logging_order())

    def rest(self) -> bytes:
        """Return those that belong behind all other rows, as text."""
        return _joined(self._left.lines)


def _key_of_row(row: Row, history: History) -> tuple[int, bool, int]:
    is_first = row.step == history.starts.get(row.attempt)
    return row.attempt, not is_first, row.step


def _places_before(left: Rows, rows: Rows) -> int:
    """Return how many of the rows that are left belong before the last of others."""
    attempt, is_later, step = rows.attempts[-1], rows.is_later[-1], rows.steps[-1]
    is_same = left.attempts == attempt
    is_same_kind = is_same & (left.is_later == is_later)
    is_before = (left.attempts < attempt) | (is_same & (left.is_later < is_later))
    return int(np.sum(is_before | (is_same_kind & (left.steps < step))))


def _as_objects(lines: Sequence[str]) -> Lines:
    array = np.empty(len(lines), dtype=object)
    array[:] = lines
    return array


def _joined(lines: Lines) -> bytes:
    return "".join(lines.tolist()).encode()


def _first_row(history: History, series: Mapping[str, Series], first_attempt: int) -> Rows | None:
    """Return the first row of the first attempt, where it holds a value that no later attempt replaced."""
    if not history.starts:
        return None
    start = history.starts[min(history.starts)]
    parts = {}
    for name, points in series.items():
        place = int(np.searchsorted(points.steps, start))
        part = slice(place, place + 1)
        if points.steps[part].tolist() == [start]:
            parts[name] = Part(points.steps[part], points.values[part])
    if not parts:
        return None
    row = _rows_of_window(parts, history, first_attempt, leave_out=None)
    return row if int(row.attempts[0]) == min(history.starts) else None


def _windows(series: Mapping[str, Series]) -> Iterator[dict[str, Part]]:
    """Yield the metrics in windows of steps, each with at most ``WINDOW`` steps of a metric."""
    begun = dict.fromkeys(series, 0)
    left = dict(series)
    while left:
        ahead: dict[str, Integers] = {}
        for name, points in left.items():
            ahead[name] = points.steps[begun[name] : begun[name] + WINDOW]
        end = min(int(steps[-1]) for steps in ahead.values())
        parts = {}
        for name, steps in ahead.items():
            count = int(np.searchsorted(steps, end, side="right"))
            if count:
                place = begun[name]
                parts[name] = Part(steps[:count], left[name].values[place : place + count])
                begun[name] += count
        yield parts
        left = {name: points for name, points in left.items() if begun[name] < len(points)}


def _rows_of_window(
    parts: Mapping[str, Part], history: History, first_attempt: int, *, leave_out: Rows | None
) -> Rows:
    """Return the rows of a window by step, without one that was written before."""
    steps = np.unique(np.concatenate([part.steps for part in parts.values()]))
    attempts = history.attempts_at(steps)
    lines = np.empty(len(steps), dtype=object)
    for places, names in _forms(parts, steps):
        texts = _lines(
            {name: parts[name] for name in names},
            steps=steps[places],
            attempts=attempts[places] + (first_attempt - 1),
        )
        lines[places] = list(texts)
    rows = Rows(steps, _is_later(steps, attempts, history.starts), attempts, lines)
    if leave_out is None:
        return rows
    return rows.part(steps != leave_out.steps[0])


def _is_later(steps: Integers, attempts: Integers, starts: Mapping[int, int]) -> Booleans:
    """Return which rows are not the first of their attempt, of shape (n,)."""
    is_later = np.ones(len(steps), dtype=np.bool_)
    for attempt, start in starts.items():
        is_later[(attempts == attempt) & (steps == start)] = False
    return is_later


def _forms(parts: Mapping[str, Part], steps: Integers) -> Iterator[tuple[Any, list[str]]]:
    """Yield the places of the steps at which the same metrics stand, with their names, in their order."""
    names = list(parts)
    if all(len(part.steps) == len(steps) for part in parts.values()):
        yield slice(None), names
        return
    is_there = np.zeros((len(parts), len(steps)), dtype=np.bool_)
    for row, part in enumerate(parts.values()):
        is_there[row, np.searchsorted(steps, part.steps)] = True
    bits = np.packbits(is_there, axis=0)
    _, firsts, form_of_step = np.unique(bits, axis=1, return_index=True, return_inverse=True)
    form_of_step = form_of_step.ravel()
    for form, first in enumerate(firsts.tolist()):
        of_form = [name for name, stands in zip(names, is_there[:, first].tolist(), strict=True) if stands]
        yield np.flatnonzero(form_of_step == form), of_form


def _lines(parts: Mapping[str, Part], *, steps: Integers, attempts: Integers) -> Iterator[str]:
    """Yield the line of each step, at which every one of some metrics stands."""
    form = ['{"step": %d, "attempt": %d']
    columns: list[Sequence[object]] = [steps.tolist(), attempts.tolist()]
    for name, part in parts.items():
        key = json.dumps(key_of(name)).replace("%", "%%")
        values = part.values
        if len(values) != len(steps):
            values = values[np.searchsorted(part.steps, steps)]
        if np.isfinite(values).all():
            form.append(f", {key}: %r")
            columns.append(values.tolist())
        else:
            form.append(f", {key}: %s")
            columns.append([NOT_FINITE.get(text, text) for text in map(repr, values.tolist())])
    template = "".join(form) + "}\n"
    return map(template.__mod__, zip(*columns, strict=True))
