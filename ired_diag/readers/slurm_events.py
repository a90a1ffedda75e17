r"""The evaluation tables and diagnostics in a SLURM output file, as columns.

    Validation Result @ Iteration 1000; Milestone = 1 (ID: Validation)
    ---  -------
    mse  0.00969
    ---  -------
    [CD-DIAG step=1100] E_pos=982.8 E_neg=1069.2 margin=86.3

become the metrics ``validation/mse`` (the table's label in lower case, a slash, its row) and
``CD-DIAG/E_pos``. A table or a diagnostic may stand behind a progress bar, where both streams went into one
file.

A metric whose step goes back begins a new attempt within the log: a requeued job appends to it, and what was
logged from that step on is ended. A table of step 1000 that is printed after a diagnostic of step 1100 is no
restart: each metric counts for itself. A metric that is logged again at its last step replaces its value.

Speed: a job prints 100,000 diagnostics of the same names. One pattern of those names reads them all, and
numbers are converted by the column; the history is what ``History.of`` returns of the rows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ired_diag.readers.number_columns import numbers_of
from ired_diag.runs.history import History, Row, Series, ends_of
from ired_diag.runs.history_columns import MAX_STEP

# Each pattern begins with a sole letter, which is looked for quickly; what stands before it is asked then.
EVALUATION = re.compile(
    rb"V(?<![^\r\n\]]V)alidation Result @ Iteration (?P<step>\d{1,18}); Milestone = \d+ "
    rb"\((?P<label>[^)\n]*)\)[ \t\r]*\n"
    rb"-[- \t\r]*\n"
    rb"(?P<table>(?:[^\n-][^\n]*\n)*)"
)
TABLE_ROW = re.compile(rb"(\S+)[ \t]+(\S+)[ \t\r]*\n")
DIAGNOSTIC = re.compile(
    rb"\[(?<![^\r\n\]]\[)(?P<tag>[\w-]*DIAG) step=(?P<step>\d{1,18})\](?P<pairs>[^\n]*)\n"
)
PAIR = re.compile(rb"(\S+?)=(\S+)")
MOST_FORMS = 8  # of diagnostics with one tag: further ones are read line by line

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Pairs = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Batch:
    """Events that state the same metrics, in the order of the file.

    Attributes:
        names: The metrics.
        positions: Where each event stands in the file, of shape (n,).
        steps: Its step, of shape (n,).
        values: The values of each metric, of shape (n,) each.
    """

    names: tuple[str, ...]
    positions: Integers
    steps: Integers
    values: tuple[Floats, ...]


@dataclass
class _Batches:
    """The batches of a log, and the events that are read one by one, by the names that they state."""

    whole: list[Batch] = field(default_factory=list)
    single: dict[tuple[str, ...], list[tuple[int, int, list[float]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    unreadable: int = 0

    def add(self, position: int, step: int, label: str, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Add one event; a value that is not a number is counted and left out."""
        values: dict[str, float] = {}
        for key, text in pairs:
            try:
                values[_name(label, key)] = _number(text)
            except ValueError:
                self.unreadable += 1
        if values:
            self.single[tuple(values)].append((position, step, list(values.values())))

    def all(self) -> list[Batch]:
        """Return all batches."""
        batches = list(self.whole)
        for names, events in self.single.items():
            positions, steps, rows = zip(*events, strict=True)
            columns = np.array(rows, dtype=np.float64).T
            batches.append(
                Batch(
                    names=names,
                    positions=np.array(positions, dtype=np.int64),
                    steps=np.array(steps, dtype=np.int64),
                    values=tuple(columns),
                )
            )
        return batches


def read_events(content: bytes) -> tuple[History, int]:
    """Return what the tables and diagnostics of a log state, and how many values are not numbers.

    Args:
        content: The log, up to its last newline.
    """
    batches = _Batches()
    by_label: dict[bytes, list[re.Match[bytes]]] = defaultdict(list)
    for match in EVALUATION.finditer(content):
        by_label[match["label"]].append(match)
    for text, matches in by_label.items():
        label = text.decode("utf-8", "replace").removeprefix("ID: ").lower()
        _add_tables(label, matches, batches)
    by_tag: dict[bytes, list[re.Match[bytes]]] = defaultdict(list)
    for match in DIAGNOSTIC.finditer(content):
        by_tag[match[1]].append(match)
    for tag, matches in by_tag.items():
        _add_diagnostics(tag.decode(), matches, batches)
    return _history(batches.all()), batches.unreadable


def _table_rows(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and value of each row, up to the first line that is not a row of the table."""
    position = 0
    while match := TABLE_ROW.match(table, position):
        yield match[1], match[2]
        position = match.end()


def _add_tables(label: str, matches: Sequence[re.Match[bytes]], batches: _Batches) -> None:
    """Add the tables of one label: those with the rows of the first one at once."""
    rows = list(_table_rows(matches[0]["table"]))
    keys = [key for key, _ in rows]
    pattern = _table_pattern(tuple(keys))
    of_form: list[re.Match[bytes]] = []
    tokens: list[tuple[bytes, ...]] = []
    others: list[re.Match[bytes]] = []
    for match in matches:
        values = pattern.fullmatch(match["table"])
        if values:
            of_form.append(match)
            tokens.append(values.groups())
        else:
            others.append(match)
    if not of_form or not _add_columns(label, keys, of_form, tokens, batches):
        others = list(matches)
    for match in others:
        batches.add(match.start(), int(match["step"]), label, _table_rows(match["table"]))


@lru_cache(maxsize=64)
def _table_pattern(keys: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """Return the pattern of a table with these rows and no further line."""
    rows = [re.escape(key) + rb"[ \t]+(\S+)[ \t\r]*\n" for key in keys]
    return re.compile(b"".join(rows))


def _name(label: str, key: bytes) -> str:
    return f"{label}/{key.decode('utf-8', 'replace')}"


def _number(text: bytes) -> float:
    if b"_" in text:  # a number to Python, not to a logger
        raise ValueError(text)
    return float(text)


def _add_diagnostics(label: str, matches: list[re.Match[bytes]], batches: _Batches) -> None:
    """Add the diagnostics of one tag: those of the same names at once."""
    for _ in range(MOST_FORMS):
        if not matches:
            return
        keys, pattern = _pattern_of(matches[0][3])
        of_form: list[re.Match[bytes]] = []
        tokens: list[tuple[bytes, ...]] = []
        others: list[re.Match[bytes]] = []
        for match in matches:
            numbers = pattern.fullmatch(match[3])
            if numbers:
                of_form.append(match)
                tokens.append(numbers.groups())
            else:
                others.append(match)
        if not _add_columns(label, keys, of_form, tokens, batches):
            _add_singly(label, of_form, batches)
        matches = others
    _add_singly(label, matches, batches)


def _add_singly(label: str, matches: Iterable[re.Match[bytes]], batches: _Batches) -> None:
    for match in matches:
        batches.add(match.start(), int(match[2]), label, PAIR.findall(match[3]))


def _pattern_of(text: bytes) -> tuple[tuple[bytes, ...], re.Pattern[bytes]]:
    """Return the keys of the pairs in a text, and a pattern of all texts that differ in the values alone."""
    parts: list[bytes] = []
    keys: list[bytes] = []
    end = 0
    for pair in PAIR.finditer(text):
        parts.append(text[end : pair.start(2)])
        keys.append(pair[1])
        end = pair.end()
    return tuple(keys), _compiled(tuple(parts), text[end:])


@lru_cache(maxsize=64)
def _compiled(before_values: tuple[bytes, ...], rest: bytes) -> re.Pattern[bytes]:
    values = [re.escape(part) + rb"(\S++)" for part in before_values]
    return re.compile(b"".join(values) + re.escape(rest))


def _add_columns(
    label: str,
    keys: Sequence[bytes],
    matches: Sequence[re.Match[bytes]],
    tokens: Sequence[tuple[bytes, ...]],
    batches: _Batches,
) -> bool:
    """Add events of the same names, and say whether all of their values are numbers."""
    if not keys:
        return True
    numbers = _numbers(list(chain.from_iterable(tokens)))
    if numbers is None:
        return False
    of_key = np.ascontiguousarray(numbers.reshape(len(tokens), len(keys)).T)
    columns: dict[str, Floats] = {}
    for key, values in zip(keys, of_key, strict=True):
        columns[_name(label, key)] = values  # of a name that stands twice in a line, the last value counts
    batch = Batch(
        names=tuple(columns),
        positions=np.array([match.start() for match in matches], dtype=np.int64),
        steps=np.array([int(match["step"]) for match in matches], dtype=np.int64),
        values=tuple(columns.values()),
    )
    batches.whole.append(batch)
    return True


def _numbers(texts: Sequence[bytes]) -> Floats | None:
    """Return texts as numbers; None where one is not a number to a logger."""
    if b"_" in b"".join(texts):
        return None
    try:
        return numbers_of(texts)
    except ValueError:
        return None


def _history(batches: Sequence[Batch]) -> History:
    """Return the history that events record."""
    if not batches:
        return History()
    if len(batches) == 1 and _only_increases(batches[0]):
        return _history_of(batches[0])
    positions = np.concatenate([batch.positions for batch in batches])
    order = np.argsort(positions)
    place_of_event = np.empty_like(order)
    place_of_event[order] = np.arange(len(order))
    batch_sizes = [len(batch.steps) for batch in batches]
    places = np.split(place_of_event, np.cumsum(batch_sizes)[:-1])  # of each batch's events in the file
    steps = np.concatenate([batch.steps for batch in batches])[order]
    attempts = _attempts(steps, batches, places)
    _, firsts = np.unique(attempts, return_index=True)
    first_steps = steps[firsts].tolist()
    starts = dict(zip(range(len(first_steps), 0, -1), reversed(first_steps), strict=True))
    ends = ends_of(starts)
    end_of_attempt = np.array([min(ends[number], MAX_STEP) for number in sorted(starts)], dtype=np.int64)
    is_lasting = steps < end_of_attempt[attempts - 1]
    first_of_row = _first_of_row(steps, attempts)
    parts: dict[str, list[tuple[Integers, Floats]]] = defaultdict(list)
    first_logged: dict[str, tuple[int, int, int]] = {}
    for batch, place in zip(batches, places, strict=True):
        lasting = is_lasting[place]
        own = place[lasting]
        if not len(own):
            continue
        earliest = int(np.lexsort((own, first_of_row[own]))[0])
        row, event = int(first_of_row[own[earliest]]), int(own[earliest])
        for number, (name, values) in enumerate(zip(batch.names, batch.values, strict=True)):
            key = (row, event, number)
            first_logged[name] = min(first_logged.get(name, key), key)
            parts[name].append((own, values[lasting]))
    series = {}
    for name in sorted(first_logged, key=first_logged.__getitem__):
        series[name] = _series(parts[name], steps)
    return History(
        series=series,
        attempts=len(starts),
        starts=starts,
        replaced=tuple(_replaced(batches, places, steps, attempts, is_lasting)),
    )


def _only_increases(batch: Batch) -> bool:
    """Say whether a training logged the same metrics from its beginning to its end, without a restart."""
    for numbers in (batch.positions, batch.steps):
        if not bool(np.all(numbers[1:] > numbers[:-1])):
            return False
    return True


def _history_of(batch: Batch) -> History:
    series = {}
    for name, values in zip(batch.names, batch.values, strict=True):
        series[name] = Series(batch.steps, values)
    return History(series=series, starts={1: int(batch.steps[0])})


def _attempts(steps: Integers, batches: Sequence[Batch], places: Sequence[Integers]) -> Integers:
    """Return the number of the attempt that logged each event, from 1, of shape (events,)."""
    overlaps = _overlaps(batches)
    is_alone = all(len(others) == 1 for others in overlaps)
    if is_alone and all(bool(np.all(batch.steps[1:] >= batch.steps[:-1])) for batch in batches):
        return np.ones(len(steps), dtype=np.int64)
    batch_of_event = np.empty(len(steps), dtype=np.int64)
    for number, place in enumerate(places):
        batch_of_event[place] = number
    attempts: list[int] = []
    last: dict[int, int] = {}
    attempt = 1
    for step, batch in zip(steps.tolist(), batch_of_event.tolist(), strict=True):
        if any(step < last.get(other, step) for other in overlaps[batch]):
            attempt += 1
            last = {}
        last[batch] = step
        attempts.append(attempt)
    return np.array(attempts, dtype=np.int64)


def _overlaps(batches: Sequence[Batch]) -> list[list[int]]:
    """Return the batches that share a metric with each, itself among them."""
    holders: dict[str, list[int]] = defaultdict(list)
    for number, batch in enumerate(batches):
        for name in batch.names:
            holders[name].append(number)
    overlaps = []
    for batch in batches:
        sharing: set[int] = set()
        for name in batch.names:
            sharing.update(holders[name])
        overlaps.append(sorted(sharing))
    return overlaps


def _first_of_row(steps: Integers, attempts: Integers) -> Integers:
    """Return for each event the place of the first one of its attempt and step."""
    order = np.lexsort((steps, attempts))  # stable: equal ones stay in the order of the file
    in_order = np.stack((attempts[order], steps[order]))
    begins = np.append(True, np.any(in_order[:, 1:] != in_order[:, :-1], axis=0))
    first = np.empty_like(order)
    first[order] = order[begins][np.cumsum(begins) - 1]
    return first


def _series(parts: Sequence[tuple[Integers, Floats]], steps: Integers) -> Series:
    """Return the series of a metric: of several values at a step, the last that was printed."""
    places, values = parts[0]
    if len(parts) > 1:
        places = np.concatenate([place for place, _ in parts])
        values = np.concatenate([value for _, value in parts])
    own_steps = steps[places]
    if len(parts) == 1 and bool(np.all(own_steps[1:] > own_steps[:-1])):
        return Series(own_steps, values)
    order = np.lexsort((places, own_steps))
    own_steps = own_steps[order]
    is_last = np.append(own_steps[1:] != own_steps[:-1], True)
    return Series(own_steps[is_last], values[order[is_last]])


def _replaced(
    batches: Sequence[Batch],
    places: Sequence[Integers],
    steps: Integers,
    attempts: Integers,
    is_lasting: NDArray[np.bool_],
) -> Iterator[Row]:
    """Yield the rows that a later attempt has ended, in their order."""
    if bool(is_lasting.all()):
        return
    events: list[tuple[int, Mapping[str, float]]] = []
    for batch, place in zip(batches, places, strict=True):
        for number in np.flatnonzero(~is_lasting[place]).tolist():
            values = [float(column[number]) for column in batch.values]
            events.append((int(place[number]), dict(zip(batch.names, values, strict=True))))
    rows: dict[tuple[int, int], dict[str, float]] = {}
    for event, values_of_event in sorted(events, key=lambda pair: pair[0]):
        key = (int(attempts[event]), int(steps[event]))
        rows.setdefault(key, {}).update(values_of_event)
    for (attempt, step), values_of_row in rows.items():
        yield Row(step, values_of_row, attempt)
