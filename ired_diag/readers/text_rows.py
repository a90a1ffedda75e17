r"""The rows of a text log: which counter is its step, and at which step each line stands.

Counters are steps (``step``, ``iter``), epochs, or batches within an epoch. The step of the log is the first
of them that is stated in lines with metrics and rises:

    a counter of steps    several of one log (``iter`` and ``step`` of nanoGPT) count the same where, read
                          together, they go back no more often than alone; else the most frequent one counts
    batches               where they begin again with each epoch they are counted through all epochs
    epochs                whole ones; fractions of an epoch are counted in thousandths

A line without the step of the log belongs to the step of the line before it. All lines of a box table are one
row. A counter that is not the step is a column like any other.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.readers.row_logs import through_epochs
from ired_diag.readers.row_table import Column, RowTable
from ired_diag.readers.step_key import MAX_EXACT
from ired_diag.readers.text_fields import (
    COUNTING,
    MEASURED_BY_COUNT,
    OF_TRAINING,
    SPLIT_WORDS,
    Field,
    role_of,
    with_split,
)
from ired_diag.readers.text_layout import Layout
from ired_diag.readers.text_scan import Lines, Scan
from ired_diag.readers.text_tokens import SECONDS, THOUSANDS
from ired_diag.runs.metric_words import SPLITS, TEST_SPLITS, measures_in, words_of

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

Number = TypeVar("Number", np.int64, np.float64)

EVALUATED = frozenset((*SPLITS, *TEST_SPLITS))
MILLI = 1000.0  # of an epoch
LARGEST = MAX_EXACT / MILLI
MOST_BACKS = 2  # more often than alone
FEWEST_STEPS = 3  # of a name in lines that only count and measure
RARE = 10  # times as many lines


@dataclass
class Series:
    """The values of one name: the line of each, its value, and the number after its slash, if any."""

    lines: list[Places] = field(default_factory=list)
    values: list[Numbers] = field(default_factory=list)
    totals: list[Numbers] = field(default_factory=list)

    def add(self, lines: Places, values: Numbers, totals: Numbers | None = None) -> None:
        """Append values."""
        self.lines.append(lines)
        self.values.append(values)
        self.totals.append(np.full(len(values), np.nan) if totals is None else totals)

    def sorted(self) -> tuple[Places, Numbers, Numbers]:
        """Return lines, values and totals in the order of the file."""
        lines = np.concatenate(self.lines)
        values, totals = np.concatenate(self.values), np.concatenate(self.totals)
        if np.all(lines[1:] > lines[:-1]):
            return lines, values, totals
        order = np.argsort(lines, kind="stable")
        return lines[order], values[order], totals[order]


@dataclass(frozen=True, kw_only=True)
class TextRows:
    """The rows of a log.

    Attributes:
        table: The rows.
        reason: Why their step is the step, in words.
        planned: The last step that the log plans; None where it states none, or several.
        without_step: How many lines take the step of a line before them.
        before: How many lines with metrics stand before the first step and are not read.
        refused: The lines, counted from 0, whose step is no number that counts; they are not read.
        notes: What was read in one of several ways.
        lines: The line of each row, from 0, of shape (rows,).
        counts_training: Whether the step is one of training, or an epoch stands next to it: batches alone may
            be those of an evaluation.
    """

    table: RowTable
    reason: str
    planned: int | None
    without_step: int = 0
    before: int = 0
    refused: tuple[int, ...] = ()
    notes: tuple[Finding, ...] = ()
    lines: Places = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    counts_training: bool = True


@dataclass(frozen=True, kw_only=True)
class _Step:
    """The step of a log.

    Attributes:
        name: Of its counter.
        lines: The lines that state it.
        values: What they state.
        reason: Why it is the step, in words.
        planned: The last one that the log plans, if any.
        notes: What was read in one of several ways.
        merged: All counters that count it.
        refused: The lines whose step is no number that counts.
    """

    name: str
    lines: Places
    values: Numbers
    reason: str
    planned: float | None
    notes: tuple[Finding, ...] = ()
    merged: tuple[str, ...] = ()
    refused: Places = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def rows_of(scan: Scan) -> TextRows | None:
    """Return the rows of a log; None where no counter stands next to metrics."""
    counters: dict[str, Series] = defaultdict(Series)
    headers: dict[str, Series] = defaultdict(Series)
    metrics: dict[str, Series] = defaultdict(Series)
    mixed = _names_of_mixed_times(scan)
    evaluations = _lines_of_evaluations(scan)
    row_of_line = _tables(scan, counters, metrics)
    rows: list[Places] = []
    for lines in [*scan.of_kind("row", "pairs", "header"), *_triples(scan)]:
        numbers, values = lines.joined()
        is_header = lines.layout.kind == "header"
        if not is_header:
            rows.append(numbers)
        own_counters = headers if is_header else counters
        for split, chosen in _by_data(lines.layout, numbers, evaluations):
            _add_lines(
                _on_data(lines.layout, split),
                numbers[chosen],
                values[chosen],
                counters=own_counters,
                metrics=metrics,
                mixed=mixed,
            )
    rows.extend(row_of_line)
    has_counters = bool(counters)
    for name, series in headers.items():
        if role_of(name) == "epoch" or name in counters or not has_counters:
            _extend(counters[name], series)
    step = _choose(counters)
    if step is None or not rows:
        return None
    if not _is_named(scan, step):
        step = replace(step, reason=_reason_without_a_name(step))
    all_rows = distinct(np.concatenate(rows))
    assembled = _assembled(step, all_rows, counters, metrics)
    if assembled is not None and assembled.before and not _is_among(step.lines, all_rows).any():
        return _by_heading(step, assembled, all_rows, counters, metrics)
    return assembled


def _by_heading(
    step: _Step, rows: TextRows, lines: Places, counters: dict[str, Series], metrics: dict[str, Series]
) -> TextRows:
    """Return the rows by a heading above them, where the chosen counter stands below its rows.

    RSL-RL prints ``Learning iteration 3/1500``, the metrics, and then ``Total timesteps: 393216``.
    """
    others = {name: series for name, series in counters.items() if name not in (step.name, *step.merged)}
    other = _choose(others)
    if other is None or len(other.lines) < len(step.lines):
        return rows
    by_heading = _assembled(other, lines, others, metrics)
    return by_heading if by_heading is not None and by_heading.before < rows.before else rows


def _triples(scan: Scan) -> list[Lines]:
    """Return the lines ``250 val 3.28``; none where they may be a list of anything.

    One of their names is of an evaluation or of a measure, and stands at three steps or more that never go
    back; half of all lines have such names, or one of training; and some numbers are no whole ones.
    """
    triples = scan.of_kind("triple")
    known, total, is_log, is_fraction = 0, 0, False, False
    for lines in triples:
        numbers, values = lines.joined()
        words = words_of(lines.layout.fields[-1].name)
        is_evaluation = bool(measures_in(words)) or not EVALUATED.isdisjoint(words)
        total += len(numbers)
        known += len(numbers) * (is_evaluation or not SPLIT_WORDS.isdisjoint(words))
        steps = values[:, 0]
        is_log |= is_evaluation and len(distinct(steps)) >= FEWEST_STEPS and bool(np.all(np.diff(steps) >= 0))
        is_fraction |= bool(np.any(values[:, 1] != np.rint(values[:, 1])))
    return triples if is_log and is_fraction and 2 * known >= total else []


def _is_named(scan: Scan, step: _Step) -> bool:
    """Say whether any line names the counter of the steps."""
    own_names = {step.name, *step.merged}
    nameless = False
    for lines in scan.lines.values():
        for number in lines.layout.fields:
            if number.name not in own_names or number.role == "metric":
                continue
            if number.is_named:
                return True
            nameless = True
    return not nameless


def _reason_without_a_name(step: _Step) -> str:
    if _role(step.name) == "step":
        return "the number at the start of a line is taken as the step: no line names a counter"
    return (
        "of the two numbers in brackets at the start of a line, which have no names, the first is taken as "
        f"the epoch and the second as the batch; {step.reason}"
    )


def _lines_of_evaluations(scan: Scan) -> tuple[Places, list[str]]:
    """Return the lines that say on which data they measure, and rows, in order; with the data of each."""
    if not _unlabelled_pairs(scan):
        return np.zeros(0, dtype=np.int64), []
    lines: list[Places] = []
    codes: list[Places] = []
    splits: list[str] = []
    for part in scan.of_kind("row", "pairs"):
        layout = part.layout
        if layout.split or layout.kind == "row" or _names_training(layout):
            numbers, _ = part.joined()
            lines.append(numbers)
            codes.append(np.full(len(numbers), len(splits)))
            splits.append("" if layout.split in OF_TRAINING else layout.split)
    for part in scan.of_kind("header"):  # "Eval epoch: 4" names the data of the lines below it
        numbers, _ = part.joined()
        lines.append(numbers)
        codes.append(np.full(len(numbers), len(splits)))
        splits.append(_evaluated_in(part.layout))
    if not any(splits):
        return np.zeros(0, dtype=np.int64), []
    all_lines, all_codes = np.concatenate(lines), np.concatenate(codes)
    order = np.argsort(all_lines, kind="stable")
    return all_lines[order], [splits[code] for code in all_codes[order].tolist()]


def _names_training(layout: Layout) -> bool:
    """Say whether a line has a metric of training: what follows is no longer of an evaluation."""
    return any(not OF_TRAINING.isdisjoint(words_of(number.name)) for number in layout.fields)


def _evaluated_in(header: Layout) -> str:
    """Return the data of an evaluation that a heading names; empty where it is of training."""
    if header.split:
        return "" if header.split in OF_TRAINING else header.split
    for number in header.fields:
        for word in words_of(number.name):
            if word in EVALUATED:
                return word
    return ""


def _unlabelled_pairs(scan: Scan) -> bool:
    return any(not lines.layout.split for lines in scan.of_kind("pairs"))


def _by_data(
    layout: Layout, numbers: Places, evaluations: tuple[Places, list[str]]
) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return which lines measure on which data.

    A line without a step that names no data (``* Acc@1 65.0``) goes on with those of the line before it.
    """
    lines, splits = evaluations
    if layout.kind != "pairs" or layout.split or not len(lines):
        return [("", np.ones(len(numbers), dtype=np.bool_))]
    place = np.searchsorted(lines, numbers) - 1
    own = np.array([splits[i] if i >= 0 else "" for i in place.tolist()], dtype=object)
    return [(split, own == split) for split in dict.fromkeys(own.tolist())]


def _on_data(layout: Layout, split: str) -> Layout:
    """Return a layout whose metrics are named with the data that they are measured on."""
    if not split:
        return layout
    fields = [replace(number, name=with_split(number.name, split)) for number in layout.fields]
    return replace(layout, fields=tuple(fields))


def distinct(values: NDArray[Number]) -> NDArray[Number]:
    """Return the different values, increasing: what np.unique does, whose hashing takes ten times as long."""
    if np.all(values[1:] > values[:-1]):
        return values
    ranked = np.sort(values, kind="stable")  # fast where parts are in order
    is_first = np.ones(len(ranked), dtype=np.bool_)
    is_first[1:] = ranked[1:] != ranked[:-1]
    return ranked[is_first]


def _extend(series: Series, other: Series) -> None:
    series.lines += other.lines
    series.values += other.values
    series.totals += other.totals


def _add_lines(
    layout: Layout,
    numbers: Places,
    values: Numbers,
    *,
    counters: dict[str, Series],
    metrics: dict[str, Series],
    mixed: frozenset[str],
) -> None:
    """Add the numbers of the lines of one layout to the series of their names."""
    is_evaluation = _measures_evaluation(layout)
    column = 0
    for number in layout.fields:
        own = values[:, column]
        totals = values[:, column + 1] if number.total else None
        column += 1 + (number.total is not None)
        if number.role == "batch" and is_evaluation:
            continue  # how far an evaluation is
        if number.role != "metric":
            counters[number.name].add(numbers, own * THOUSANDS.get(number.unit.encode(), 1.0), totals)
            continue
        series = metrics[number.name]
        if totals is not None and not MEASURED_BY_COUNT.isdisjoint(words_of(number.name)):
            own = own / np.where(totals == 0, np.nan, totals)
        series.add(numbers, own * _scale(number, mixed))


def _scale(number: Field, mixed: frozenset[str] = frozenset()) -> float:
    if number.name in mixed:
        return SECONDS[number.unit]
    return THOUSANDS.get(number.unit.encode(), 1.0)


def _names_of_mixed_times(scan: Scan) -> frozenset[str]:
    """Return the names of times that the log prints in several units; they are read in seconds."""
    units: dict[str, set[str]] = defaultdict(set)
    for lines in scan.lines.values():
        for number in lines.layout.fields:
            if number.role == "metric":
                units[number.name].add(number.unit)
    return frozenset(name for name, own in units.items() if len(own) > 1 and own <= SECONDS.keys())


def _measures_evaluation(layout: Layout) -> bool:
    """Say whether a line has metrics, and all of them are named by the data of an evaluation."""
    has_metrics = False
    for number in layout.fields:
        if number.role != "metric":
            continue
        has_metrics = True
        if EVALUATED.isdisjoint(words_of(number.name)):
            return False
    return has_metrics


def _tables(scan: Scan, counters: dict[str, Series], metrics: dict[str, Series]) -> list[Places]:
    """Add the cells of box tables; return the line of each table, which stands for all of its lines.

    A table is a run of lines that follow each other; a line of another kind, or a name that stands in the
    table already, begins the next.
    """
    cells: list[tuple[int, str, float, Field | None]] = []
    for lines in scan.of_kind("cell", "section"):
        numbers, values = lines.joined()
        for place, number in enumerate(numbers.tolist()):
            if lines.layout.kind == "section":
                cells.append((number, lines.layout.heading, np.nan, None))
            else:
                cell = lines.layout.fields[0]
                cells.append((number, cell.name, float(values[place, 0]) * _scale(cell), cell))
    cells.sort(key=lambda cell: cell[0])
    tables: list[int] = []
    names: set[str] = set()
    heading, last = "", -2
    for line, name, value, cell_or_heading in cells:
        if line != last + 1 or (cell_or_heading is not None and heading + name in names):
            tables.append(line)
            names, heading = set(), ""
        last = line
        if cell_or_heading is None:
            heading = name
            continue
        name = heading + name
        names.add(name)
        is_counter = role_of(name) != "metric" or role_of(name.rpartition("/")[2]) == "step"
        series = counters[name] if is_counter else metrics[name]
        series.add(np.array([tables[-1]]), np.array([value]))
    return [np.array(tables, dtype=np.int64)] if tables else []


def _choose(counters: dict[str, Series]) -> _Step | None:
    """Return the step of a log."""
    usable: dict[str, Series] = {}
    refused: dict[str, Places] = {}
    for name, series in counters.items():
        usable[name], refused[name] = _countable(series, _role(name))
    usable = {name: series for name, series in usable.items() if _counts(series, len(refused[name]))}
    step = _chosen_of(usable)
    if step is None:
        return None
    lines = [refused[name] for name in step.merged or (step.name,)]
    return replace(step, refused=np.sort(np.concatenate(lines)))


def _chosen_of(usable: dict[str, Series]) -> _Step | None:
    """Return the step among counters without values that count nothing."""
    by_role: dict[str, list[str]] = defaultdict(list)
    for name in usable:
        by_role[_role(name)].append(name)
    epochs = by_role["epoch"]
    if by_role["step"] and not _is_rare(usable, by_role["step"], among=epochs):
        return _of_steps(usable, by_role["step"], epochs)
    stands_still = not any(_moves(usable[name]) for name in by_role["batch"])
    if by_role["batch"] and not (stands_still and any(_moves(usable[name]) for name in epochs)):
        name = _most_frequent(usable, by_role["batch"])
        return _of_batches(name, usable[name], usable, epochs)
    if epochs:
        return _of_epochs(usable, epochs)
    return None


def _is_rare(series: dict[str, Series], names: Sequence[str], *, among: Sequence[str]) -> bool:
    """Say whether counters stand still or in few lines, as one that is printed at the start alone."""
    own = [series[name] for name in names]
    others = [series[name] for name in among]
    if not any(map(_moves, others)):
        return False
    if not any(map(_moves, own)):
        return True
    most = max(map(_count, own))
    most_of_others = max(map(_count, others))
    return RARE * most <= most_of_others


def _moves(series: Series) -> bool:
    _, values, _ = series.sorted()
    return len(distinct(values)) > 1


def _count(series: Series) -> int:
    return sum(map(len, series.values))


def _role(name: str) -> Literal["step", "epoch", "batch", "metric"]:
    role = role_of(name)
    if role == "metric":
        role = role_of(name.rpartition("/")[2])
    return "batch" if name.lower() in ("batches", "iterations in epoch") else role


def _countable(series: Series, role: str) -> tuple[Series, Places]:
    """Return a counter without the values that count nothing, and the lines of these.

    Steps are whole numbers, epochs may be fractions; a number that no float holds exactly is neither.
    """
    lines, values, totals = series.sorted()
    counts = np.isfinite(values) & (np.abs(values) <= LARGEST)
    is_whole = values == np.rint(values)
    if role != "epoch" and 2 * int(np.sum(is_whole)) > len(values):
        counts &= is_whole
    return Series([lines[counts]], [values[counts]], [totals[counts]]), lines[~counts]


def _counts(series: Series, refused: int) -> bool:
    """Say whether most values count something and are not negative."""
    _, values, _ = series.sorted()
    return len(values) > 0 and 2 * int(np.sum(values >= 0)) >= len(values) + refused


def _whole(series: Series) -> float:
    _, values, _ = series.sorted()
    return float(np.mean(values == np.rint(values)))


def _most_frequent(series: dict[str, Series], names: Sequence[str]) -> str:
    """Return the name that counts in most lines and most finely; of several such names the most usual one."""
    counts = {name: _count(series[name]) for name in names}
    most = max(counts.values())

    def rank(name: str) -> tuple[bool, bool, int, int]:
        _, values, _ = series[name].sorted()
        different = len(distinct(values))
        is_constant = different < 2 < counts[name]
        is_rare = 2 * counts[name] < most
        return is_constant, is_rare, -different, _usual_place(name)

    return min(names, key=rank)


def _usual_place(name: str) -> int:
    """Return how usual a name is for a counter: its place in ``COUNTING``, or the one after all."""
    plain = re.sub(r"[\s-]+", "_", name.lower())
    if plain in COUNTING:
        return COUNTING.index(plain)
    return len(COUNTING)


def _of_steps(series: dict[str, Series], names: Sequence[str], epochs: Sequence[str]) -> _Step:
    """Return the step that counters of steps state."""
    whole = [name for name in names if _whole(series[name]) > 0.5]
    if not whole:
        whole = list(names)
    main = _most_frequent(series, whole)
    (lines, values, totals), merged = _merged(series, whole, main)
    listed = " and ".join(repr(name) for name in merged)
    verb = "counts" if len(merged) == 1 else "count"
    reason = f"{listed} {verb} steps by name"
    if len(merged) > 1:
        reason += ", and go back no more often together than alone"
    others = [repr(name) for name in series if name not in merged]
    if others:
        reason += f"; {', '.join(others)} are columns" if len(others) > 1 else f"; {others[0]} is a column"
    step = _Step(
        name=main,
        lines=lines,
        values=values,
        reason=reason,
        planned=_planned(totals, values),
        merged=tuple(merged),
    )
    return _through_epochs(step, series, epochs)


def _merged(
    series: dict[str, Series], names: Sequence[str], main: str
) -> tuple[tuple[Places, Numbers, Numbers], list[str]]:
    """Return lines, values and totals of a counter and of all that count the same, with their names.

    Args:
        series: All counters.
        names: Those that may count the same.
        main: The counter.
    """
    lines, values, totals = series[main].sorted()
    merged = [main]
    for name in names:
        other_lines, other_values, _ = series[name].sorted()
        new = ~_is_among(other_lines, lines)
        if name == main or not new.any():
            continue
        if new.sum() < len(new):
            continue  # both stand in one line, and count different things
        all_lines = np.concatenate([lines, other_lines])
        all_values = np.concatenate([values, other_values])
        order = np.argsort(all_lines, kind="stable")
        if _backs(all_values[order]) <= _backs(values) + _backs(other_values):
            lines, values = all_lines[order], all_values[order]
            totals = np.concatenate([totals, np.full(len(other_lines), np.nan)])[order]
            merged.append(name)
    return (lines, values, totals), merged


def _backs(values: Numbers) -> int:
    return int(np.sum(np.diff(values) < 0))


def _of_batches(name: str, own: Series, series: dict[str, Series], epochs: Sequence[str]) -> _Step:
    """Return the step that the batches within the epochs state."""
    lines, values, totals = own.sorted()
    reason = f"{name!r} counts the batches"
    step = _Step(name=name, lines=lines, values=values, reason=reason, planned=None)
    stated = distinct(totals[~np.isnan(totals)])
    length = float(stated[0]) if len(stated) == 1 and values.max(initial=0.0) <= stated[0] else None
    return _through_epochs(step, series, epochs, length=length)


def _through_epochs(
    step: _Step, series: dict[str, Series], epochs: Sequence[str], *, length: float | None = None
) -> _Step:
    """Return a step that is counted through all epochs, where it begins again with each.

    Args:
        step: The step.
        series: All counters.
        epochs: The names of those that count epochs.
        length: How many steps an epoch has, where the log states it.
    """
    for name in epochs:
        lines, values, _ = series[name].sorted()
        known = _last_at(lines, values, step.lines)
        if np.isnan(known).any() or not np.all(known == np.rint(known)):
            continue
        rows = np.arange(len(step.lines))
        table = RowTable(
            counter=step.name,
            steps=_as_steps(step.values),
            columns={"epoch": Column(rows, known)},
            texts={},
        )
        counted, notes = through_epochs(table, length=length)
        if notes:
            steps = counted.steps.astype(np.float64)
            reason = f"{step.name!r} begins again with each {name!r} and is counted through all of them"
            return replace(step, values=steps, reason=reason, planned=None, notes=tuple(notes))
    return step


def _of_epochs(series: dict[str, Series], names: Sequence[str]) -> _Step:
    """Return the step that epochs state, in thousandths where they are fractions."""
    name = _most_frequent(series, names)
    (lines, values, totals), merged = _merged(series, names, name)
    if np.all(values == np.rint(values)):
        listed = " and ".join(map(repr, merged))
        return _Step(
            name=name,
            lines=lines,
            values=values,
            reason=f"{listed} {'count' if len(merged) > 1 else 'counts'} epochs, and no line counts steps",
            planned=_planned(totals, values),
            merged=tuple(merged),
        )
    reason = (
        f"no line counts steps; {name!r} is stated in fractions, and is counted in thousandths of an epoch"
    )
    note = Finding(
        "steps_of_epochs",
        "note",
        f"The log counts no steps; its steps here are thousandths of {name!r}.",
        evidence={"steps_per_epoch": MILLI},
    )
    return _Step(
        name=name,
        lines=lines,
        values=np.rint(values * MILLI),
        reason=reason,
        planned=None,
        notes=(note,),
        merged=tuple(merged),
    )


def _planned(totals: Numbers, values: Numbers) -> float | None:
    """Return the last step that is planned; None where several totals are stated."""
    stated = distinct(totals[~np.isnan(totals)])
    if len(stated) != 1:
        return None
    total = float(stated[0])
    # A count from 0 ends one before its total.
    counts_from_zero = values.min() == 0 and values.max() == total - 1 and _steps_by_one(values)
    return total - 1 if counts_from_zero else total


def _steps_by_one(values: Numbers) -> bool:
    different = distinct(values)
    if len(different) < 2:
        return False
    before, last = different[-2:]
    return bool(last - before == 1)


def _last_at(lines: Places, values: Numbers, at: Places) -> Numbers:
    """Return the last value at or before each line, NaN where there is none."""
    if len(lines) == len(at) and np.array_equal(lines, at):
        return values
    place = np.searchsorted(lines, at, side="right") - 1
    return np.where(place >= 0, values[np.maximum(place, 0)], np.nan)


def _is_among(lines: Places, others: Places) -> NDArray[np.bool_]:
    """Say which lines are among others, which increase."""
    if len(lines) == len(others) and np.array_equal(lines, others):
        return np.ones(len(lines), dtype=np.bool_)
    place = np.minimum(np.searchsorted(others, lines), max(0, len(others) - 1))
    are_equal: NDArray[np.bool_] = others[place] == lines
    return are_equal


def _as_steps(values: Numbers) -> Places:
    limited = np.clip(np.nan_to_num(values, nan=0.0), -MAX_EXACT, MAX_EXACT)
    return np.rint(limited).astype(np.int64)


def _assembled(
    step: _Step, rows: Places, counters: dict[str, Series], metrics: dict[str, Series]
) -> TextRows | None:
    """Return the rows at their steps."""
    rows = rows[~np.isin(rows, step.refused)] if len(step.refused) else rows
    steps = _last_at(step.lines, step.values, rows)
    is_placed = ~np.isnan(steps)
    before = int(np.sum(~is_placed))
    rows = rows[is_placed]
    if not len(rows):
        return None
    columns: dict[str, Column] = {}
    notes: list[Finding] = list(step.notes)
    for name, series in [*metrics.items(), *counters.items()]:
        if name in (step.name, *step.merged) and name not in metrics:
            continue
        lines, values, _ = series.sorted()
        if len(lines) == len(rows) and np.array_equal(lines, rows):
            columns[name] = Column(np.arange(len(rows)), values)
            continue
        place = np.searchsorted(rows, lines)
        inside = (place < len(rows)) & (rows[np.minimum(place, len(rows) - 1)] == lines)
        if inside.any():
            columns[name] = Column(place[inside], values[inside])
    if not any(name in columns for name in metrics):
        return None
    return TextRows(
        table=RowTable(counter=step.name, steps=_as_steps(steps[is_placed]), columns=columns, texts={}),
        reason=step.reason,
        planned=None if step.planned is None else int(min(step.planned, MAX_EXACT)),
        without_step=int(np.sum(~_is_among(rows, step.lines))),
        before=before,
        refused=tuple(step.refused.tolist()),
        lines=rows,
        notes=tuple(notes),
        counts_training=_role(step.name) != "batch" or any(_role(name) == "epoch" for name in counters),
    )
