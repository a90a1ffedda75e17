"""The training series that progress bars draw: one series a name, over the steps of the whole training.

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
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import unreadable
from ired_diag.finding import Finding
from ired_diag.readers import tqdm_lines
from ired_diag.readers.scalar_log import Points
from ired_diag.readers.tqdm_grammar import ELAPSED, LOOKS_CUT, RATE, Layout, parse
from ired_diag.readers.tqdm_lines import Bar, Progress
from ired_diag.runs.history import Series

BAR = re.compile(rb"([^|\r\n]*?)(\d{1,3})%\|[^|\r\n]*\| *(\d{1,18})/([1-9]\d{0,17}) \[")
EPOCH = re.compile(rb"(?i)\bep(?:och)?s?\b\D{0,3}(\d{1,9})")
COLON_IN_TITLE = re.compile(
    rb"(?i)\b(ep(?:och)?s?):(?= *\[)"
)  # "Epoch: [3/10]: " is no pair of name and number
EVALUATION = re.compile(
    rb"(?i)(?<![a-z])(?:val|valid|validation|validating|validate|eval|evaluation|evaluating|evaluate|dev|test|testing"
    rb"|sanity|predict|predicting|prediction|inference|sampling)(?![a-z])"
)
NEARLY_ALL = 0.9  # of its total: a bar drawn so far was drawn to its end, give or take the last refreshes
NOT_METRICS = (ELAPSED, RATE, "v_num")  # Lightning shows the number of its version

Kind = tuple[bool, int]  # whether the bar evaluates, its total


@dataclass(frozen=True)
class Joined:
    """The series of the training bar.

    Attributes:
        series: By metric.
        total: The total of the bar.
        restarts: A note on what a later start of the bar has ended.
    """

    series: dict[str, Series]
    total: int
    restarts: list[Finding]


@dataclass
class Stretch:
    """The records of one bar from one of its beginnings to the next."""

    kind: Kind
    epoch: int | None
    last: int = 0
    records: list[bytes] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether the bar was drawn to its end."""
        return self.last >= NEARLY_ALL * self.kind[1]


def read(path: Path) -> tuple[dict[str, Series], list[Finding]]:
    """Return what the progress bars of a file say of training, by metric, and what is odd about them.

    Raises:
        UnreadableFile: The file is missing or cannot be read.
    """
    progress = tqdm_lines.read(path)
    records: list[bytes] | None = None
    if not progress.bars and progress.damaged:
        records = [COLON_IN_TITLE.sub(rb"\1 ", record) for record in _records(path)]
        progress = tqdm_lines.read_records(records)
    findings = _damage(progress)
    if not progress.bars:
        return {}, findings
    main = progress.bars[0]
    if len(progress.bars) == 1 and main.steps[0] == 1 and np.all(np.diff(main.steps) > 0):
        columns = {name: values for name, values in main.columns.items() if name not in NOT_METRICS}
        return {_name(name): Points(main.steps, column).series for name, column in columns.items()}, findings
    stretches = _stretches(records or _records(path))
    joined = _joined(stretches)
    if not joined.series:
        return {}, findings
    return joined.series, [*findings, *joined.restarts, *_others(stretches, progress, joined.total)]


def _damage(progress: Progress) -> list[Finding]:
    if not progress.damaged:
        return []
    records = f"{progress.damaged} damaged record{'s' if progress.damaged > 1 else ''}"
    statement = f"{records} of the progress bar could not be read and were skipped."
    return [Finding("damaged_records", "warning", statement, {"skipped": progress.damaged})]


def _others(stretches: Iterable[Stretch], progress: Progress, total: int) -> list[Finding]:
    """Return which bars with numbers are not part of the series, if any are not."""
    evaluating = sorted({kind[1] for kind in (s.kind for s in stretches) if kind[0]})
    totals = {bar.total for bar in progress.bars if bar.total != total}
    others = sorted(totals | {n for n in evaluating if any(bar.total == n for bar in progress.bars)})
    if not others:
        return []
    listed = ", ".join(map(str, others))
    statement = (
        f"Further progress bars, of evaluations or with another total, are not read (totals: {listed})."
    )
    return [Finding("progress_bars_not_read", "note", statement, {"totals": listed})]


def _records(path: Path) -> list[bytes]:
    """Return what stands between the separators of a file."""
    try:
        return re.split(rb"[\r\n]+", path.read_bytes())
    except OSError as error:
        raise unreadable(path, error) from error


def _stretches(records: Iterable[bytes]) -> list[Stretch]:
    """Return the stretches of all bars, in the order in which they begin."""
    stretches: list[Stretch] = []
    current: dict[Kind, Stretch] = {}
    latest: Stretch | None = None
    for record in records:
        match = BAR.match(record)
        if not match:
            if latest is not None and LOOKS_CUT.search(record):
                latest.records.append(record)
            continue
        title, counter = match[1], int(match[3])
        kind = EVALUATION.search(title) is not None, int(match[4])
        found = EPOCH.search(title)
        epoch = int(found[1]) if found else None
        latest = current.get(kind)
        if latest is None or counter < latest.last or epoch != latest.epoch:
            latest = current[kind] = Stretch(kind, epoch)
            stretches.append(latest)
        latest.last = counter
        latest.records.append(record)
    return stretches


def _joined(stretches: Sequence[Stretch]) -> Joined:
    """Return the series of the training bar, counted through its epochs."""
    bars = [(stretch, _bars_of(stretch)) for stretch in stretches if not stretch.kind[0]]
    sizes: dict[int, int] = defaultdict(int)
    for stretch, read_bars in bars:
        sizes[stretch.kind[1]] += sum(len(bar.steps) for bar in read_bars)
    if not any(sizes.values()):
        return Joined({}, 0, [])
    total = max(sizes, key=lambda n: sizes[n])
    chosen = [(stretch, read_bars) for stretch, read_bars in bars if stretch.kind[1] == total]
    late = _is_late([stretch for stretch, _ in chosen])
    if late:
        chosen = [(stretch, _late_bars(stretch)) for stretch, _ in chosen]
    offsets = _offsets([stretch for stretch, _ in chosen], total)
    parts: dict[str, list[tuple[NDArray[np.int64], NDArray[np.float64], int]]] = defaultdict(list)
    restarts: list[int] = []
    highest = 0
    for offset, (_, read_bars) in zip(offsets, chosen, strict=True):
        own = [bar.steps for bar in read_bars if len(bar.steps)]
        if not own:
            continue
        first = offset + min(int(steps[0]) for steps in own)
        if first < highest:
            restarts.append(first)
        for bar in read_bars:
            for name, values in bar.columns.items():
                if name not in NOT_METRICS:
                    steps, kept = _of_epoch(name, bar.steps, values)
                    parts[name].append((offset + steps, kept, len(restarts) + 1))
        highest = offset + max(int(steps[-1]) for steps in own)
    series: dict[str, Series] = {}
    ended = 0
    for name, pieces in parts.items():
        steps = np.concatenate([piece[0] for piece in pieces])
        values = np.concatenate([piece[1] for piece in pieces])
        starts = np.concatenate([np.full(len(piece[0]), piece[2], dtype=np.int64) for piece in pieces])
        lasting = Points(steps, values, starts).lasting(restarts)
        ended += len(steps) - len(lasting)
        if len(lasting):
            series[_name(name)] = lasting.series
    return Joined(series, total, _restart_note(restarts, ended))


def _restart_note(restarts: Sequence[int], ended: int) -> list[Finding]:
    if not ended:
        return []
    times = "once" if len(restarts) == 1 else f"{len(restarts)} times"
    statement = (
        f"The progress bar was started again {times}, last from step {restarts[-1]}: {ended} values that an "
        "earlier start had drawn from there on are left out."
    )
    return [Finding("log_restarted", "note", statement, {"values": ended, "from_step": restarts[-1]})]


def _of_epoch(
    name: str, steps: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the points of one epoch: where a value is only shown again, its first showing.

    What stands at the counter 0 of a bar that states its numbers late was drawn for the epoch before.
    """
    if EVALUATION.search(name.encode().replace(b"_", b" ")):
        kept = np.append(True, values[1:] != values[:-1])[: len(values)]
    else:
        kept = steps > 0
    return steps[kept], values[kept]


def _offsets(stretches: Sequence[Stretch], total: int) -> list[int]:
    """Return the step before the first of each stretch's epoch."""
    epochs = [stretch.epoch for stretch in stretches]
    if all(epoch is not None for epoch in epochs):
        numbers = [epoch for epoch in epochs if epoch is not None]
        base = min(numbers) if min(numbers) <= 1 else 0
        return [(epoch - base) * total for epoch in numbers]
    offsets, offset = [], 0
    for number, stretch in enumerate(stretches):
        offsets.append(offset)
        following = stretches[number + 1] if number + 1 < len(stretches) else None
        is_next_epoch = following is not None and _first_counter(following) < NEARLY_ALL * total
        if stretch.is_complete and is_next_epoch:
            offset += total
    return offsets


def _first_counter(stretch: Stretch) -> int:
    match = BAR.match(stretch.records[0])
    return int(match[3]) if match else 0


def _bars_of(stretch: Stretch) -> list[Bar]:
    return list(tqdm_lines.read_records(stretch.records).bars)


def _is_late(stretches: Iterable[Stretch]) -> bool:
    """Say whether a bar moves its counter before it states numbers: its first drawing states none."""
    for stretch in stretches:
        for place, record in enumerate(stretch.records):
            told = parse(record)
            if told and (told[0].text or told[0].post) and set(told[1]) & _names(told[0]):
                return place > 0 and int(told[1]["<counter>"]) > _first_counter(stretch)
    return False


def _names(layout: Layout) -> set[str]:
    """Return the names of the numbers in a bar's layout."""
    named = {name.decode("utf-8", "backslashreplace") for name in (*layout.text, *layout.post)}
    return named - set(NOT_METRICS)


def _late_bars(stretch: Stretch) -> list[Bar]:
    """Return a bar a name: of each counter the last drawing, which belongs to that step."""
    columns: dict[str, dict[int, float]] = defaultdict(dict)
    for record in stretch.records:
        told = parse(record)
        if told is None:
            continue
        for name in _names(told[0]):
            try:
                columns[name][int(told[1]["<counter>"])] = float(told[1][name])
            except ValueError:  # damaged, and counted where the whole file is read
                continue
    return [
        Bar(
            stretch.kind[1],
            np.array(sorted(points), dtype=np.int64),
            {name: np.array([points[step] for step in sorted(points)], dtype=np.float64)},
        )
        for name, points in columns.items()
    ]


def _name(name: str) -> str:
    """Return the name of the metric: one whose own name states a split keeps it."""
    words = re.split(r"[^a-z]+", name.lower())
    stated = {"train", "training"} & set(words) or EVALUATION.search(name.encode().replace(b"_", b" "))
    return name if stated else f"train/{name}"
