"""The stretches of progress bars: what a bar drew from one of its beginnings to the next.

A bar that begins again has a lower counter, or another epoch in its title, than its last print. Whether the
title says that it evaluates, and its total, distinguish a bar from others.

Of the bars that train, each stretch is read while the file is passed once. The numbers of all stretches lie
in arrays that grow (``GrowingArray``), and no more records are held than are read at once: a gigabyte of
prints never is in memory as a whole.
"""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ired_diag.readers.scalar_log import Points
from ired_diag.readers.tqdm_grammar import ELAPSED, LOOKS_CUT, RATE, WITHOUT_CLOCKS, Layout, parse
from ired_diag.readers.tqdm_lines import RecordScan
from ired_diag.runs.large_arrays import GrowingArray

BAR = re.compile(rb"([^|\r\n]*?)(\d{1,3})%\|[^|\r\n]*\| *(\d{1,18})/([1-9]\d{0,17}) \[")
EPOCH = re.compile(rb"(?i)\bep(?:och)?s?\b\D{0,3}(\d{1,9})")
EVALUATION = re.compile(
    rb"(?i)(?<![a-z])(?:val|valid|validation|validating|validate|eval|evaluation|evaluating|evaluate|dev|test|testing"
    rb"|sanity|predict|predicting|prediction|inference|sampling)(?![a-z])"
)
NEARLY_ALL = 0.9  # of its total: a bar drawn so far was drawn to its end, give or take the last refreshes
NOT_METRICS = (ELAPSED, RATE, "v_num")  # Lightning shows the number of its version
BLOCK = 1 << 18  # points that are looked at together

Kind = tuple[bool, int]  # whether the bar evaluates, its total
Steps = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(slots=True)
class Stretch:
    """What a bar drew from one of its beginnings to the next.

    Attributes:
        epoch: The epoch that its title states.
        first: The counter of its first print.
        last: The counter of its last print.
        span: The first and the last step that has a number; None where none has.
    """

    epoch: int | None
    first: int
    last: int
    span: tuple[int, int] | None = None


@dataclass
class Column:
    """The points of a metric in all stretches, counted from the beginning of each.

    Attributes:
        steps: The steps.
        values: The values, in parts of the same lengths.
        owners: The number of each stretch that has points.
        lengths: How many it has.
    """

    steps: GrowingArray = field(default_factory=GrowingArray)
    values: GrowingArray = field(default_factory=GrowingArray)
    owners: array[int] = field(default_factory=lambda: array("q"))
    lengths: array[int] = field(default_factory=lambda: array("q"))

    def add(self, owner: int, steps: Steps, values: Values) -> None:
        """Add points of a stretch."""
        self.steps.append(steps)
        self.values.append(values)
        self.owners.append(owner)
        self.lengths.append(len(steps))


@dataclass
class TrainingBar:
    """All stretches of a bar that trains.

    Attributes:
        total: The steps that it counts up to.
        stretches: In the order in which they begin.
        columns: By name of the metric.
        size: How many steps with numbers were read, a step counted for each layout that states it.
        is_late: Whether it moves its counter before it states numbers, so that its first print states none;
            None while it has stated none.
    """

    total: int
    stretches: list[Stretch] = field(default_factory=list)
    columns: dict[str, Column] = field(default_factory=dict)
    size: int = 0
    is_late: bool | None = None

    def add(self, steps: Steps, columns: Mapping[str, Values]) -> None:
        """Add what the latest stretch says in one layout."""
        stretch = self.stretches[-1]
        first, last = stretch.span or (int(steps[0]), int(steps[-1]))
        stretch.span = min(first, int(steps[0])), max(last, int(steps[-1]))
        owner = len(self.stretches) - 1
        for name, values in columns.items():
            if name in NOT_METRICS:
                continue
            column = self.columns.setdefault(name, Column())
            for part_of_steps, part_of_values in _of_epoch(name, steps, values):
                column.add(owner, part_of_steps, part_of_values)


def _of_epoch(name: str, steps: Steps, values: Values) -> Iterator[tuple[Steps, Values]]:
    """Yield the points of one epoch: where a value is only shown again, its first showing.

    What stands at the counter 0 of a bar that states its numbers late was drawn for the epoch before.
    """
    shows_again = names_evaluation(name)
    for start in range(0, len(steps), BLOCK):
        part = slice(start, start + BLOCK)
        if shows_again:
            kept = np.ones(len(steps[part]), dtype=np.bool_)
            before = values[max(start - 1, 0) : start + BLOCK]
            kept[len(kept) - len(before) + 1 :] = before[1:] != before[:-1]
        else:
            kept = steps[part] > 0
        yield steps[part][kept], values[part][kept]


def names_evaluation(name: str) -> bool:
    """Say whether the name of a metric says that it is an evaluation's."""
    words = name.encode().replace(b"_", b" ")
    return EVALUATION.search(words) is not None


@dataclass
class Bars:
    """The bars in a file.

    Attributes:
        training: The bars that train, by their totals, in the order in which they begin.
        evaluating: The totals of the bars that evaluate.
    """

    training: dict[int, TrainingBar] = field(default_factory=dict)
    evaluating: set[int] = field(default_factory=set)


def read_bars(records: Iterable[bytes]) -> Bars:
    """Return the bars that successive records of a file draw."""
    bars = Bars()
    current: dict[Kind, _Open] = {}
    latest: _Open | None = None
    for record in records:
        match = BAR.match(record)
        if not match:
            if latest is not None and LOOKS_CUT.search(record):
                latest.add(record)
            continue
        evaluates, epoch = _says(match[1])
        counter = int(match[3])
        kind = evaluates, int(match[4])
        latest = current.get(kind)
        if latest is None or counter < latest.stretch.last or epoch != latest.stretch.epoch:
            if latest is not None:
                latest.close()
            latest = _begin(bars, kind, Stretch(epoch, counter, counter))
            current[kind] = latest
        latest.stretch.last = counter
        latest.add(record)
    for stretch in current.values():
        stretch.close()
    return bars


@lru_cache(maxsize=1024)
def _says(title: bytes) -> tuple[bool, int | None]:
    """Return whether a title says that its bar evaluates, and the epoch that it states."""
    stated = EPOCH.search(title)
    return EVALUATION.search(title) is not None, int(stated[1]) if stated else None


def _begin(bars: Bars, kind: Kind, stretch: Stretch) -> _Open:
    """Return a stretch that begins, noted among those of its bar."""
    evaluates, total = kind
    if evaluates:
        bars.evaluating.add(total)
        return _Open(stretch, None)
    bar = bars.training.setdefault(total, TrainingBar(total))
    bar.stretches.append(stretch)
    return _Open(stretch, bar)


class _Open:
    """A stretch that is read; of a bar that evaluates, nothing is."""

    def __init__(self, stretch: Stretch, bar: TrainingBar | None) -> None:
        """Begin without a record."""
        self.stretch = stretch
        self._bar = bar
        self._scan = RecordScan(WITHOUT_CLOCKS)
        self._late: dict[str, _LateColumn] = defaultdict(_LateColumn)

    def add(self, record: bytes) -> None:
        """Add a record."""
        if self._bar is not None:
            self._look_at(self._bar, self._scan.add(record))

    def close(self) -> None:
        """Add what was read to the bar."""
        bar = self._bar
        if bar is None:
            return
        self._look_at(bar, self._scan.end())
        of_layouts = self._scan.progress().bars
        bar.size += sum(len(of_layout.steps) for of_layout in of_layouts)
        if bar.is_late:
            for name, column in self._late.items():
                steps, values = column.points()
                bar.add(steps, {name: values})
            return
        for of_layout in of_layouts:
            bar.add(of_layout.steps, of_layout.columns)

    def _look_at(self, bar: TrainingBar, records: Sequence[bytes]) -> None:
        """Read records that were passed, where the bar states its numbers late or may do so."""
        if bar.is_late is None and self._scan.has_numbers:
            bar.is_late = self._is_late(records)
        if bar.is_late:
            self._add_late(records)

    def _is_late(self, records: Sequence[bytes]) -> bool | None:
        """Say whether the first record with a metric has a later counter than the stretch's first record."""
        for record in records:
            counter = _counter_with_numbers(record)
            if counter is not None:
                return counter > self.stretch.first
        return None

    def _add_late(self, records: Iterable[bytes]) -> None:
        points: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        for record in records:
            parsed = parse(record)
            if parsed is None:
                continue
            layout, tokens = parsed
            for name in _names(layout):
                try:
                    value = float(tokens[name])
                except ValueError:  # damaged, and counted where the whole file is read
                    continue
                steps, values = points[name]
                steps.append(int(tokens["<counter>"]))
                values.append(value)
        for name, (steps, values) in points.items():
            self._late[name].add(steps, values)


class _LateColumn:
    """The last drawing of a metric at each counter, which belongs to that step."""

    def __init__(self) -> None:
        """Begin without a point."""
        self._steps = GrowingArray()
        self._values = GrowingArray()
        self._last: tuple[list[int], list[float]] = ([], [])

    def add(self, steps: list[int], values: list[float]) -> None:
        """Add drawings; the last one is held back, since the next may be of the same counter."""
        last_steps, last_values = self._last
        series = Points(
            np.array(last_steps + steps, dtype=np.int64), np.array(last_values + values, dtype=np.float64)
        ).series
        self._last = series.steps[-1:].tolist(), series.values[-1:].tolist()
        self._steps.append(series.steps[:-1])
        self._values.append(series.values[:-1])

    def points(self) -> tuple[Steps, Values]:
        """Return the points by increasing step."""
        steps, values = self._last
        self._steps.append(np.array(steps, dtype=np.int64))
        self._values.append(np.array(values, dtype=np.float64))
        series = Points(self._steps.whole(), self._values.whole()).series
        return series.steps, series.values


def _counter_with_numbers(record: bytes) -> int | None:
    """Return the counter of a record that states a metric; None of other records."""
    parsed = parse(record)
    if parsed is None:
        return None
    layout, tokens = parsed
    if not any(name in tokens for name in _names(layout)):
        return None
    return int(tokens["<counter>"])


def _names(layout: Layout) -> list[str]:
    """Return the names of the metrics in a bar's layout, in the order in which it states them."""
    names = []
    for name in (*layout.text, *layout.post):
        names.append(name.decode("utf-8", "backslashreplace"))
    return [name for name in names if name not in NOT_METRICS]
