"""A history as the text of ``metrics.jsonl``, written by the column.

The text is that of ``to_jsonl(history.rows())``, byte for byte. Rows that state the same metrics have
one form, ``{"step": %d, "attempt": %d, "val/loss": %s}``, which is filled in for all of them: no row is an
object of its own, and a number becomes text by ``repr``, as the encoder of JSON does it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.history import History, Row, Series, key_of, to_jsonl

NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}  # to Python, and in JSON lines

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


def history_text(history: History, *, first_attempt: int = 1) -> bytes:
    r"""Return a history as JSON lines.

    Args:
        history: What was logged.
        first_attempt: The number of its first attempt; further ones are counted from there.

    >>> loss = Series(np.array([10, 20]), np.array([0.5, np.nan]))
    >>> history_text(History(series={"loss": loss}), first_attempt=3)
    b'{"step": 10, "attempt": 3, "loss": 0.5}\n{"step": 20, "attempt": 3, "loss": NaN}\n'
    """
    series = {}
    for name, points in history.series.items():
        if len(points):
            series[name] = points
    if history.replaced or not _has_columns(series):
        rows = _numbered(history.rows(), first_attempt)
        return to_jsonl(rows)
    if not series:
        return b""
    steps = _steps_of(series)
    attempts = history.attempts_at(steps)
    lines = np.empty(len(steps), dtype=object)
    for places, names in _forms(series, steps):
        of_form = {name: series[name] for name in names}
        later = first_attempt - 1
        texts = _lines(
            of_form,
            steps=steps[places],
            attempts=attempts[places] + later,
        )
        lines[places] = list(texts)
    order = _logging_order(steps, attempts, history.starts)
    in_order = lines[order].tolist()
    return "".join(in_order).encode()


def _steps_of(series: Mapping[str, Series]) -> Integers:
    """Return all steps at which anything was logged, increasing."""
    steps = [points.steps for points in series.values()]
    return np.unique(np.concatenate(steps))


def _has_columns(series: Mapping[str, Series]) -> bool:
    """Say whether each metric has a key of its own, and one value at a step."""
    keys = set(map(key_of, series))
    if len(keys) < len(series):
        return False
    return all(map(_increases, series.values()))


def _increases(points: Series) -> bool:
    rises = np.diff(points.steps)
    return bool(np.all(rises > 0))


def _numbered(rows: Sequence[Row], first_attempt: int) -> Iterator[Row]:
    """Yield rows with the number of their attempt among all of the run."""
    for row in rows:
        attempt = first_attempt + row.attempt - 1
        yield Row(row.step, row.values, attempt)


def _forms(
    series: Mapping[str, Series],
    steps: Integers,
) -> Iterator[tuple[Integers, list[str]]]:
    """Yield the places of the steps at which the same metrics stand, with their names, in their order."""
    shape = (len(series), len(steps))
    is_there = np.zeros(shape, dtype=np.bool_)
    for row, points in enumerate(series.values()):
        places = np.searchsorted(steps, points.steps)
        is_there[row, places] = True
    names = np.array(list(series), dtype=object)
    if is_there.all():
        everywhere = np.arange(len(steps))
        yield everywhere, names.tolist()
        return
    bits = np.packbits(is_there, axis=0)
    _, firsts, form_of_step = np.unique(
        bits,
        axis=1,
        return_index=True,
        return_inverse=True,
    )
    form_of_step = form_of_step.ravel()
    for form, first in enumerate(firsts.tolist()):
        places = np.flatnonzero(form_of_step == form)
        is_of_form = is_there[:, first]
        yield places, names[is_of_form].tolist()


def _lines(
    series: Mapping[str, Series],
    *,
    steps: Integers,
    attempts: Integers,
) -> Iterator[str]:
    """Yield the line of each step, at which every one of some metrics stands."""
    parts = ['{"step": %d, "attempt": %d']
    columns: list[Sequence[object]] = [
        steps.tolist(),
        attempts.tolist(),
    ]
    for name, points in series.items():
        key = json.dumps(key_of(name))
        key = key.replace("%", "%%")
        parts.append(f", {key}: %s")
        texts = _texts(points, steps)
        columns.append(texts)
    template = "".join(parts) + "}\n"
    rows = zip(*columns, strict=True)
    return map(template.__mod__, rows)


def _texts(points: Series, steps: Integers) -> list[str]:
    """Return the values of a metric at some steps as text."""
    places = np.searchsorted(points.steps, steps)
    values = points.values[places]
    numbers = values.tolist()
    texts = list(map(repr, numbers))
    if np.isfinite(values).all():
        return texts
    return [NOT_FINITE.get(text, text) for text in texts]


def _logging_order(
    steps: Integers,
    attempts: Integers,
    starts: Mapping[int, int],
) -> Integers:
    """Return the order of rows: by attempt, its first row first, then by step."""
    is_later = np.ones(len(steps), dtype=np.bool_)
    for attempt, start in starts.items():
        is_of_attempt = attempts == attempt
        is_start = steps == start
        is_later[is_of_attempt & is_start] = False
    keys = (steps, is_later, attempts)  # the last counts first
    return np.lexsort(keys)
