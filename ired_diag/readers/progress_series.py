"""The training series that progress bars draw: a series for each name, over the steps of the whole training.

A bar that counts to the end of training is read as ``tqdm_lines`` returns it. A bar that starts again with
each epoch (``Epoch 3:  50%|…| 25/50 [.., loss=0.1]``) is cut into epochs, and its steps are counted
through:

    step = (epoch - first epoch) · total + counter

The epoch is the number after the word in the description, else the bars that were drawn to their end are
counted. A bar that begins again before its end, in the same epoch, is a training that was started again: it
ends what was drawn from that step on. Bars of evaluations, and other bars, are not mixed into the series; a
note names them.

A loop that moves the counter before it states its numbers (Lightning's; any loop whose bar is refreshed
rarely) draws the numbers of step n at the counter n. Its first drawing states none. Of such a bar the last
drawing at each counter is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import unreadable
from ired_diag.finding import Finding
from ired_diag.readers import tqdm_lines
from ired_diag.readers.bar_stretches import (
    NEARLY_ALL,
    NOT_METRICS,
    Bars,
    Column,
    Stretch,
    TrainingBar,
    names_evaluation,
    read_bars,
)
from ired_diag.readers.scalar_log import NEVER, Points
from ired_diag.readers.tqdm_grammar import WITHOUT_CLOCKS
from ired_diag.readers.tqdm_lines import Bar
from ired_diag.runs.history import Series
from ired_diag.runs.large_arrays import GrowingArray

# "Epoch: [3/10]: " is not a pair of name and number.
COLON_IN_TITLE = re.compile(rb"(?i)\b(ep(?:och)?s?):(?= *\[)")
SEPARATORS = re.compile(rb"[\r\n]+")
PIECE = 1 << 20  # bytes

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Joined:
    """The series of the training bar.

    Attributes:
        series: Series by metric.
        restarts: A note on what a later start of the bar has ended.
    """

    series: dict[str, Series]
    restarts: list[Finding]


def read(path: Path) -> tuple[dict[str, Series], list[Finding]]:
    """Return what the progress bars of a file say of training, by metric, and what is odd about them.

    Raises:
        UnreadableFile: The file is missing or cannot be read.
    """
    records = partial(_records, path)
    progress = tqdm_lines.read(path, names=WITHOUT_CLOCKS)
    if not progress.bars and progress.damaged:
        records = partial(_renamed, path)
        progress = tqdm_lines.read_records(records(), names=WITHOUT_CLOCKS)
    findings = _damage(progress.damaged)
    if not progress.bars:
        return {}, findings
    if len(progress.bars) == 1 and _only_rises(progress.bars[0]):
        return _series_of(progress.bars[0]), findings
    totals = {bar.total for bar in progress.bars}
    del progress  # its numbers are read again, by their stretches
    bars = read_bars(records())
    training = _busiest(bars)
    if training is None:
        return {}, findings
    others = _others(bars, totals, training.total)
    del bars
    joined = _joined(training)
    if not joined.series:
        return {}, findings
    return joined.series, [*findings, *joined.restarts, *others]


def _only_rises(bar: Bar) -> bool:
    return bool(bar.steps[0] == 1 and np.all(np.diff(bar.steps) > 0))


def _series_of(bar: Bar) -> dict[str, Series]:
    """Return the metrics of a bar that counts to the end of training."""
    series = {}
    for name, values in bar.columns.items():
        if name not in NOT_METRICS:
            series[_name(name)] = Points(bar.steps, values).series
    return series


def _damage(damaged: int) -> list[Finding]:
    if not damaged:
        return []
    plural = "s" if damaged > 1 else ""
    statement = f"{damaged} damaged record{plural} of the progress bar could not be read and were skipped."
    finding = Finding("damaged_records", "warning", statement, evidence={"skipped": damaged})
    return [finding]


def _others(bars: Bars, totals: set[int], total: int) -> list[Finding]:
    """Return which bars with numbers are not part of the series, if there are any."""
    others = (totals - {total}) | (bars.evaluating & totals)
    if not others:
        return []
    listed = ", ".join(map(str, sorted(others)))
    statement = (
        f"Further progress bars, of evaluations or with another total, are not read (totals: {listed})."
    )
    return [Finding("progress_bars_not_read", "note", statement, evidence={"totals": listed})]


def _records(path: Path) -> Iterator[bytes]:
    """Yield what stands between the separators of a file."""
    try:
        with path.open("rb") as file:
            held: list[bytes] = []  # of a record that is longer than a piece
            while content := file.read(PIECE):
                first, *others = SEPARATORS.split(content)
                held.append(first)
                if others:
                    yield b"".join(held)
                    yield from others[:-1]
                    held = [others[-1]]
            yield b"".join(held)
    except OSError as error:
        raise unreadable(path, error) from error


def _renamed(path: Path) -> Iterator[bytes]:
    """Yield the same with titles that are not taken for a pair of name and number."""
    for record in _records(path):
        yield COLON_IN_TITLE.sub(rb"\1 ", record)


def _busiest(bars: Bars) -> TrainingBar | None:
    """Return the training bar with most records; None where no bar has any."""
    busiest = max(bars.training.values(), key=lambda bar: bar.size, default=None)
    return busiest if busiest is not None and busiest.size else None


def _joined(bar: TrainingBar) -> Joined:
    """Return the series of a bar, counted through its epochs."""
    offsets = _offsets(bar.stretches, bar.total)
    restarts, starts = _starts(bar.stretches, offsets)
    lowest_later = np.minimum.accumulate(np.array([*restarts, NEVER], dtype=np.int64)[::-1])[::-1]
    ends = lowest_later[starts]
    series: dict[str, Series] = {}
    ended = 0
    for name in list(bar.columns):
        column = bar.columns.pop(name)
        before = len(column.steps)
        points = _lasting(column, np.array(offsets, dtype=np.int64), ends)
        ended += before - len(points)
        if len(points):
            series[_name(name)] = points.series
    return Joined(series, _restart_note(restarts, ended))


def _starts(stretches: Sequence[Stretch], offsets: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the first step of each later start of a bar, and how many of them each stretch is behind."""
    restarts: list[int] = []
    starts: list[int] = []
    highest = 0
    for stretch, offset in zip(stretches, offsets, strict=True):
        if stretch.span is not None:
            first, last = stretch.span
            if offset + first < highest:
                restarts.append(offset + first)
            highest = offset + last
        starts.append(len(restarts))
    return restarts, starts


def _lasting(column: Column, offsets: Integers, ends: Integers) -> Points:
    """Return the points of a metric over the steps of the training that no later start has ended.

    Args:
        column: The points, counted from the beginning of each stretch.
        offsets: The step before the first of each stretch, of shape (stretches,).
        ends: The step from which on a later start ended each stretch, of shape (stretches,).
    """
    owners = np.array(column.owners, dtype=np.int64)
    behind = np.cumsum(np.array(column.lengths, dtype=np.int64))
    steps = GrowingArray()
    values = GrowingArray()
    place = 0
    for counters, numbers in zip(column.steps.parts(), column.values.parts(), strict=True):
        places = np.arange(place, place + len(counters))
        stretch = owners[np.searchsorted(behind, places, side="right")]
        of_training = counters + offsets[stretch]
        is_kept = of_training < ends[stretch]
        steps.append(of_training[is_kept])
        values.append(numbers[is_kept])
        place += len(counters)
    return Points(steps.whole(), values.whole())


def _restart_note(restarts: Sequence[int], ended: int) -> list[Finding]:
    if not ended:
        return []
    times = "once" if len(restarts) == 1 else f"{len(restarts)} times"
    statement = (
        f"The progress bar was started again {times}, last from step {restarts[-1]}: {ended} values that an "
        "earlier start had drawn from there on are left out."
    )
    return [
        Finding("log_restarted", "note", statement, evidence={"values": ended, "from_step": restarts[-1]})
    ]


def _offsets(stretches: Sequence[Stretch], total: int) -> list[int]:
    """Return the step before the first of each stretch's epoch."""
    epochs = [stretch.epoch for stretch in stretches if stretch.epoch is not None]
    if len(epochs) == len(stretches):
        # Epochs are counted from 0 or from 1; a log that begins with a later one goes on from a checkpoint.
        first = min(epochs)
        base = first if first <= 1 else 0
        return [(epoch - base) * total for epoch in epochs]
    offsets: list[int] = []
    offset = 0
    for number, stretch in enumerate(stretches, start=1):
        offsets.append(offset)
        is_complete = stretch.last >= NEARLY_ALL * total
        if number < len(stretches) and is_complete:
            is_next_epoch = stretches[number].first < NEARLY_ALL * total
            offset += total if is_next_epoch else 0
    return offsets


def _name(name: str) -> str:
    """Return the name of the metric; a name that states a split stays as it is."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    states_training = words & {"train", "training"}
    if states_training or names_evaluation(name):
        return name
    return f"train/{name}"
