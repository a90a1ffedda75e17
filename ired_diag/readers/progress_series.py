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
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import unreadable
from ired_diag.finding import Finding
from ired_diag.readers import tqdm_lines
from ired_diag.readers.scalar_log import Points
from ired_diag.readers.tqdm_grammar import ELAPSED, LOOKS_CUT, RATE, WITHOUT_CLOCKS, Layout, parse
from ired_diag.readers.tqdm_lines import Bar, Progress
from ired_diag.runs.history import Series

BAR = re.compile(rb"([^|\r\n]*?)(\d{1,3})%\|[^|\r\n]*\| *(\d{1,18})/([1-9]\d{0,17}) \[")
EPOCH = re.compile(rb"(?i)\bep(?:och)?s?\b\D{0,3}(\d{1,9})")
# "Epoch: [3/10]: " is not a pair of name and number.
COLON_IN_TITLE = re.compile(rb"(?i)\b(ep(?:och)?s?):(?= *\[)")
EVALUATION = re.compile(
    rb"(?i)(?<![a-z])(?:val|valid|validation|validating|validate|eval|evaluation|evaluating|evaluate|dev|test|testing"
    rb"|sanity|predict|predicting|prediction|inference|sampling)(?![a-z])"
)
NEARLY_ALL = 0.9  # of its total: a bar drawn so far was drawn to its end, give or take the last refreshes
NOT_METRICS = (ELAPSED, RATE, "v_num")  # Lightning shows the number of its version

Kind = tuple[bool, int]  # whether the bar evaluates, its total
Steps = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Joined:
    """The series of the training bar.

    Attributes:
        series: Series by metric.
        total: The total of the bar.
        restarts: A note on what a later start of the bar has ended.
    """

    series: dict[str, Series]
    total: int
    restarts: list[Finding]


@dataclass
class Stretch:
    """The records of a bar from one of its beginnings to the next."""

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
    progress = tqdm_lines.read(path, names=WITHOUT_CLOCKS)
    records: list[bytes] | None = None
    if not progress.bars and progress.damaged:
        records = [COLON_IN_TITLE.sub(rb"\1 ", record) for record in _records(path)]
        progress = tqdm_lines.read_records(records, names=WITHOUT_CLOCKS)
    findings = _damage(progress)
    if not progress.bars:
        return {}, findings
    if len(progress.bars) == 1 and _only_rises(progress.bars[0]):
        return _series_of(progress.bars[0]), findings
    stretches = _stretches(records or _records(path))
    joined = _joined(stretches)
    if not joined.series:
        return {}, findings
    others = _others(stretches, progress, joined.total)
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


def _damage(progress: Progress) -> list[Finding]:
    damaged = progress.damaged
    if not damaged:
        return []
    plural = "s" if damaged > 1 else ""
    statement = f"{damaged} damaged record{plural} of the progress bar could not be read and were skipped."
    finding = Finding("damaged_records", "warning", statement, evidence={"skipped": damaged})
    return [finding]


def _others(stretches: Iterable[Stretch], progress: Progress, total: int) -> list[Finding]:
    """Return which bars with numbers are not part of the series, if there are any."""
    totals = {bar.total for bar in progress.bars}
    others = totals - {total}
    for stretch in stretches:
        evaluates, total_of_bar = stretch.kind
        if evaluates and total_of_bar in totals:
            others.add(total_of_bar)
    if not others:
        return []
    listed = ", ".join(map(str, sorted(others)))
    statement = (
        f"Further progress bars, of evaluations or with another total, are not read (totals: {listed})."
    )
    return [Finding("progress_bars_not_read", "note", statement, evidence={"totals": listed})]


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
        title = match[1]
        counter = int(match[3])
        kind = EVALUATION.search(title) is not None, int(match[4])
        stated = EPOCH.search(title)
        epoch = int(stated[1]) if stated else None
        latest = current.get(kind)
        if latest is None or counter < latest.last or epoch != latest.epoch:
            latest = Stretch(kind, epoch)
            current[kind] = latest
            stretches.append(latest)
        latest.last = counter
        latest.records.append(record)
    return stretches


def _joined(stretches: Sequence[Stretch]) -> Joined:
    """Return the series of the training bar, counted through its epochs."""
    training = [stretch for stretch in stretches if not stretch.kind[0]]
    bars = [_bars_of(stretch) for stretch in training]
    total = _busiest_total(training, bars)
    if total is None:
        return Joined({}, 0, [])
    chosen = []
    for stretch, bars_of_stretch in zip(training, bars, strict=True):
        if stretch.kind[1] == total:
            chosen.append((stretch, bars_of_stretch))
    stretches_of_bar = [stretch for stretch, _ in chosen]
    if _is_late(stretches_of_bar):
        chosen = [(stretch, _late_bars(stretch)) for stretch in stretches_of_bar]
    offsets = _offsets(stretches_of_bar, total)
    joining = _Joining()
    for offset, (_, bars_of_stretch) in zip(offsets, chosen, strict=True):
        joining.add(offset, bars_of_stretch)
    series, ended = joining.series()
    return Joined(series, total, _restart_note(joining.restarts, ended))


def _busiest_total(stretches: Sequence[Stretch], bars: Sequence[Sequence[Bar]]) -> int | None:
    """Return the total of the bar with most records; None where no bar has any."""
    sizes: Counter[int] = Counter()
    for stretch, bars_of_stretch in zip(stretches, bars, strict=True):
        sizes[stretch.kind[1]] += sum(len(bar.steps) for bar in bars_of_stretch)
    if not sizes.total():
        return None
    return max(sizes, key=lambda total: sizes[total])


@dataclass
class _Joining:
    """The points of a bar, joined from its stretches.

    Attributes:
        parts: The points of each metric, with the start of training that drew them.
        restarts: The first step of each later start of the bar.
        highest: The last step of the stretch before.
    """

    parts: dict[str, list[Points]] = field(default_factory=lambda: defaultdict(list))
    restarts: list[int] = field(default_factory=list)
    highest: int = 0

    def add(self, offset: int, bars: Sequence[Bar]) -> None:
        """Add the bars of a stretch whose steps are counted from ``offset``."""
        drawn = [bar for bar in bars if len(bar.steps)]
        if not drawn:
            return
        first = offset + min(int(bar.steps[0]) for bar in drawn)
        if first < self.highest:
            self.restarts.append(first)
        for bar in bars:
            for name, values in bar.columns.items():
                if name not in NOT_METRICS:
                    self._add_column(name, offset, bar.steps, values)
        self.highest = offset + max(int(bar.steps[-1]) for bar in drawn)

    def _add_column(self, name: str, offset: int, steps: Steps, values: Values) -> None:
        steps, values = _of_epoch(name, steps, values)
        starts = np.full(len(steps), len(self.restarts) + 1, dtype=np.int64)
        self.parts[name].append(Points(offset + steps, values, starts))

    def series(self) -> tuple[dict[str, Series], int]:
        """Return the series by metric, and how many points a later start has ended."""
        series: dict[str, Series] = {}
        ended = 0
        for name, parts in self.parts.items():
            points = _concatenated(parts)
            lasting = points.lasting(self.restarts)
            ended += len(points) - len(lasting)
            if len(lasting):
                series[_name(name)] = lasting.series
        return series, ended


def _concatenated(parts: Sequence[Points]) -> Points:
    starts = [part.starts for part in parts if part.starts is not None]
    return Points(
        steps=np.concatenate([part.steps for part in parts]),
        values=np.concatenate([part.values for part in parts]),
        starts=np.concatenate(starts),
    )


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


def _of_epoch(name: str, steps: Steps, values: Values) -> tuple[Steps, Values]:
    """Return the points of one epoch: where a value is only shown again, its first showing.

    What stands at the counter 0 of a bar that states its numbers late was drawn for the epoch before.
    """
    if _names_evaluation(name):
        kept = np.append(True, values[1:] != values[:-1])[: len(values)]
    else:
        kept = steps > 0
    return steps[kept], values[kept]


def _names_evaluation(name: str) -> bool:
    words = name.encode().replace(b"_", b" ")
    return EVALUATION.search(words) is not None


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
        if number < len(stretches) and stretch.is_complete:
            is_next_epoch = _first_counter(stretches[number]) < NEARLY_ALL * total
            offset += total if is_next_epoch else 0
    return offsets


def _first_counter(stretch: Stretch) -> int:
    match = BAR.match(stretch.records[0])
    return int(match[3]) if match else 0


def _bars_of(stretch: Stretch) -> list[Bar]:
    return list(tqdm_lines.read_records(stretch.records, names=WITHOUT_CLOCKS).bars)


def _is_late(stretches: Iterable[Stretch]) -> bool:
    """Say whether a bar moves its counter before it states numbers: its first drawing states none."""
    for stretch in stretches:
        for place, record in enumerate(stretch.records):
            counter = _counter_with_numbers(record)
            if counter is not None:
                return place > 0 and counter > _first_counter(stretch)
    return False


def _counter_with_numbers(record: bytes) -> int | None:
    """Return the counter of a record that states a metric; None of other records."""
    parsed = parse(record)
    if parsed is None:
        return None
    layout, tokens = parsed
    has_metric = _names(layout) & tokens.keys()
    if not has_metric:
        return None
    return int(tokens["<counter>"])


def _names(layout: Layout) -> set[str]:
    """Return the names of the metrics in a bar's layout."""
    names = set()
    for name in (*layout.text, *layout.post):
        names.add(name.decode("utf-8", "backslashreplace"))
    return names - set(NOT_METRICS)


def _late_bars(stretch: Stretch) -> list[Bar]:
    """Return a bar for each name, with the last drawing at each counter, which belongs to that step."""
    columns: dict[str, dict[int, float]] = defaultdict(dict)
    for record in stretch.records:
        parsed = parse(record)
        if parsed is None:
            continue
        layout, tokens = parsed
        for name in _names(layout):
            try:
                columns[name][int(tokens["<counter>"])] = float(tokens[name])
            except ValueError:  # damaged, and counted where the whole file is read
                continue
    bars = []
    for name, points in columns.items():
        steps = sorted(points)
        values = np.array([points[step] for step in steps], dtype=np.float64)
        bars.append(Bar(stretch.kind[1], np.array(steps, dtype=np.int64), {name: values}))
    return bars


def _name(name: str) -> str:
    """Return the name of the metric; a name that states a split stays as it is."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    states_training = words & {"train", "training"}
    if states_training or _names_evaluation(name):
        return name
    return f"train/{name}"
