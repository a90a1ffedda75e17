"""Metrics as JSON lines: one object a line, with a key that counts steps.

    {"step": 100, "loss": 0.71, "eval": {"loss": 0.68}}

A value in an object within is named ``eval/loss``. ``NaN``, ``Infinity`` and the same as texts are data;
``null`` is a metric that was not measured. Texts, lists and truth values are not metrics: a text may say
whose row it is (``run_columns``), all else is left out. A line that is not an object, that names a key twice,
or whose step is not a whole number is skipped and counted. A line without a step belongs to the line before
it, unless that line holds the same metric already. A line at the head of the log that holds an object
``config`` states the configuration. A last line without a newline is read if it is a whole object, else it
is torn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.finding import Finding
from ired_diag.json_text import MOST_BYTES, parse_json
from ired_diag.readers.counted_rows import COUNT, count_note, may_be_counted
from ired_diag.readers.row_logs import logs_of
from ired_diag.readers.row_table import CLOCK, Column, RowTable
from ired_diag.readers.scalar_log import Damage, ScalarLog, only_run
from ired_diag.readers.settings_lists import is_configuration
from ired_diag.readers.step_key import choose_step_key, is_usual_step, step_in, step_keys, torn_message

HEAD = 4096
FEWEST_COUNTED = 3  # lines without steps
MOST_OF_LINE = 1 << 18  # bytes
NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
CONFIGURATIONS = ("config", "hparams", "hyperparameters", "args", "params")

Entry = tuple[int, Mapping[str, Any]]  # line or place in the file, what stands there
NamedValue = tuple[str, Any, float | None]  # name, value, and the number that the value is


@dataclass
class Entries:
    """What the entries of a log hold, in columns.

    Attributes:
        table: The rows with a step.
        damaged: The entries that were skipped.
        left_out: How often each name stands with what is not a number.
        config: The configuration that the log states.
        notes: What was read in one of several ways.
    """

    table: RowTable
    damaged: list[Damage] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    notes: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Lines:
    """The objects in the lines of a file, what was skipped, and whether the last line is half written."""

    entries: list[Entry]
    damaged: list[Damage]
    torn: bool


def accepts(path: Path, *, step: str | None = None) -> bool:
    """Say whether ``path`` is such a log: its first line is an object, or begins one longer than 4 KiB.

    With ``step``, the key that counts the steps, that object must have it.
    """
    if step is not None:
        return step in first_object(path)
    with path.open("rb") as file:
        head = file.read(HEAD)
    first, newline, _ = head.lstrip().partition(b"\n")
    if not newline and len(head) == HEAD:
        return first.startswith(b'{"')
    try:
        return isinstance(read_object(first), dict)
    except ValueError:
        return False


def first_object(path: Path) -> dict[str, Any]:
    """Return the object in the first line of a file, an empty one where there is none."""
    with path.open("rb") as file:
        line = file.readline(MOST_OF_LINE)
    try:
        return read_object(line)
    except ValueError:
        return {}


def read(path: Path, *, allow_torn_tail: bool = False, step: str | None = None) -> ScalarLog:
    """Return the metrics of the only run in a log.

    Args:
        path: The file.
        allow_torn_tail: Drop a half-written last line.
        step: The key that counts the steps. Default: detected by its name.

    Raises:
        UnreadableFile: It is not such a log, or its last line is torn.
        DiagError: Several runs stand in it; ``read_runs`` reads them.
    """
    return only_run(path, read_runs(path, allow_torn_tail=allow_torn_tail, step=step))


def read_runs(path: Path, *, allow_torn_tail: bool = False, step: str | None = None) -> dict[str, ScalarLog]:
    """Return the metrics of each run in a log, by what its lines say of the run.

    Args:
        path: The file.
        allow_torn_tail: Drop a half-written last line.
        step: The key that counts the steps. Default: detected by its name.

    Raises:
        UnreadableFile: It is not such a log, its last line is torn, or it is unclear whose its lines are.
    """
    lines = read_lines(path, allow_torn_tail=allow_torn_tail)
    if step is None and len(lines.entries) == 1 and is_configuration(lines.entries[0][1]):
        raise UnreadableFile(f"{path}: one object with hyperparameters and no measurement: a configuration.")
    counted = _counted(lines.entries) if step is None else []
    columns = read_entries(counted or lines.entries, step, str(path))
    notes = columns.notes
    if counted:
        notes = [count_note(len(counted)), *notes]
    return logs_of(
        columns.table,
        path,
        damaged=[*lines.damaged, *columns.damaged],
        torn_tail=lines.torn,
        left_out=columns.left_out,
        config=columns.config,
        notes=notes,
    )


def _counted(entries: Sequence[Entry]) -> list[Entry]:
    """Return entries without a step with their count; none where they are not rows of a training."""
    if len(entries) <= FEWEST_COUNTED:
        return []
    names = entries[0][1].keys()
    if any(map(is_usual_step, names)) or any(entry.keys() != names for _, entry in entries):
        return []
    varying = []
    for name in names:
        values = [entry[name] for _, entry in entries]
        if any(isinstance(value, str) and value not in NUMBERS for value in values):
            return []
        is_constant = all(value == values[0] for value in values)
        if not is_constant and any(isinstance(value, Mapping) for value in values):
            return []  # settings: each line is another experiment's result
        if not is_constant and not any(isinstance(value, list) for value in values):
            varying.append(name)
    if not may_be_counted(varying):
        return []
    return [(line, {COUNT: count, **entry}) for count, (line, entry) in enumerate(entries, start=1)]


def read_lines(path: Path, *, allow_torn_tail: bool) -> Lines:
    """Return the objects in the lines of a file.

    Raises:
        UnreadableFile: No line is an object, or the last line is torn.
    """
    entries: list[Entry] = []
    damaged: list[Damage] = []
    torn = False
    for number, ended_line in enumerate(_lines_of(path), start=1):
        line = ended_line.removesuffix(b"\n")
        if not line.strip():
            continue
        try:
            entries.append((number, read_object(line)))
        except ValueError as error:
            torn = not ended_line.endswith(b"\n")
            if torn and not allow_torn_tail:
                shown = line[:60].decode("utf-8", "replace")
                raise UnreadableFile(torn_message(f"{path}:{number}", shown)) from error
            if not torn:
                damaged.append(Damage(number, f"a line that is not a JSON object ({error})"))
    if not entries:
        raise UnreadableFile(f"{path}: expected a JSON object on each line, found none.")
    return Lines(entries=entries, damaged=damaged, torn=torn)


def _lines_of(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, each with its newline: a long file is not in memory as a whole."""
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise unreadable(path, error) from error


def read_object(text: bytes, *, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Return the JSON object in a text; a ``ValueError`` where the text is not an object."""
    try:
        value = parse_json(text, object_pairs_hook=_unique, most_bytes=most_bytes)
    except UnicodeDecodeError as error:
        raise ValueError("bytes that are not UTF-8") from error
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, found {str(value)[:40]!r}")
    return value


def read_entries(entries: Sequence[Entry], step: str | None, where: str) -> Entries:
    """Return what entries hold.

    Args:
        entries: Each with its line or place in the file.
        step: The key that counts the steps. Default: detected by its name.
        where: The file, for the message.

    Raises:
        UnreadableFile: No entry states a step.
    """
    builder = _Builder(counter=_counter(entries, step, where))
    for number, entry in entries:
        builder.add(number, entry)
    return builder.entries()


def _counter(entries: Sequence[Entry], step: str | None, where: str) -> str:
    """Return the key that counts the steps."""
    names: dict[str, None] = {}
    for _, entry in entries:
        names |= dict.fromkeys(entry)
    keys = step_keys(names, step, where)
    stated: dict[str, list[Any]] = {}
    for key in keys:
        stated[key] = [entry[key] for _, entry in entries if entry.get(key) is not None]
    return choose_step_key(keys, stated)


@dataclass(kw_only=True)
class _Builder:
    """The columns of a log, built entry by entry.

    Attributes:
        counter: The key that counts the steps.
        steps: The step of each row.
        numbers: Rows and values of each metric.
        texts: The texts of each name, by row.
        left_out: How often each name stands with what is not a number.
        damaged: The entries that were skipped.
        config: The configuration that the log states.
        taken: How many entries take the step of the entry before.
    """

    counter: str
    steps: list[int] = field(default_factory=list)
    numbers: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    texts: dict[str, dict[int, str]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    damaged: list[Damage] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    taken: int = 0

    def add(self, number: int, entry: Mapping[str, Any]) -> None:
        """Add an entry; ``number`` is its line or place in the file."""
        if self.counter not in entry and not self.steps:
            config = _configuration(entry)
            if config:
                self.config |= config
                return
        try:
            values = list(self._values(entry))
            step = self._step_of(entry, values)
        except (ValueError, OverflowError) as error:
            self.damaged.append(Damage(number, str(error)))
            return
        self.taken += entry.get(self.counter) is None
        row = len(self.steps)
        self.steps.append(step)
        for name, value, scalar in values:
            if scalar is not None:
                rows, column = self.numbers.setdefault(name, ([], []))
                rows.append(row)
                column.append(scalar)
                continue
            self.left_out[name] += 1
            if isinstance(value, str):
                self.texts.setdefault(name, {})[row] = value

    def _values(self, entry: Mapping[str, Any]) -> Iterator[NamedValue]:
        """Yield name, value and number of all but the step."""
        for name, value in _flat(entry):
            if name != self.counter:
                yield name, value, _number(value)

    def _step_of(self, entry: Mapping[str, Any], values: Sequence[NamedValue]) -> int:
        """Return the step of an entry, its own or that of the entry before; else a ``ValueError``."""
        if entry.get(self.counter) is not None:
            return step_in(entry[self.counter])
        names = [name for name, _, scalar in values if scalar is not None]
        if self.steps and names and not self._are_logged_at_last_step(names):
            return self.steps[-1]
        if self.counter in entry:
            return step_in(entry[self.counter])
        listed = ", ".join(names[:4]) or "it"
        raise ValueError(f"no {self.counter!r}, which counts the steps, next to {listed}")

    def _are_logged_at_last_step(self, names: Sequence[str]) -> bool:
        """Say whether the last step already has one of these metrics; clocks and counters do not say it.

        MMEngine writes the time of an evaluation after that of the training step before it.
        """
        names = [name for name in names if not CLOCK.search(name) and not is_usual_step(name)] or names
        first_row = len(self.steps) - 1
        while first_row > 0 and self.steps[first_row - 1] == self.steps[-1]:
            first_row -= 1
        for name in names:
            if name in self.numbers:
                rows, _ = self.numbers[name]
                if rows[-1] >= first_row:
                    return True
        return False

    def entries(self) -> Entries:
        """Return what the entries hold, in columns."""
        notes = []
        if self.taken:
            are = (
                "1 entry without a step is" if self.taken == 1 else f"{self.taken} entries without a step are"
            )
            statement = f"{are} read at the step of the entry before."
            notes.append(Finding("rows_without_step", "note", statement, evidence={"rows": self.taken}))
        return Entries(
            table=self._table(),
            damaged=self.damaged,
            left_out=dict(self.left_out),
            config=self.config,
            notes=notes,
        )

    def _table(self) -> RowTable:
        columns = {}
        for name, (rows, values) in self.numbers.items():
            columns[name] = Column(
                rows=np.array(rows, dtype=np.int64),
                values=np.array(values, dtype=np.float64),
            )
        all_rows = range(len(self.steps))
        texts = {}
        for name, by_row in self.texts.items():
            texts[name] = [by_row.get(row, "") for row in all_rows]
        steps = np.array(self.steps, dtype=np.int64)
        return RowTable(counter=self.counter, steps=steps, columns=columns, texts=texts)


def _configuration(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration that an entry without a step states, empty where it states none."""
    for key, value in entry.items():
        if key.lower() in CONFIGURATIONS and isinstance(value, Mapping):
            return {str(name): inner for name, inner in value.items()}
    return {}


def _number(value: object) -> float | None:
    """Return the number that a value is, None where it is not a number."""
    if isinstance(value, str):
        return NUMBERS.get(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _flat(entry: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield name and value of everything in an entry, objects within included; nothing for ``null``."""
    for name, value in entry.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}/")
        elif value is not None:
            # JSON can hold a lone half of a character pair, which cannot be printed.
            yield f"{prefix}{name}".encode("utf-8", "replace").decode(), value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; a key that stands twice is an error, not the loss of the first."""
    # One name for all lines: a million lines would hold a million copies of each.
    values = {intern(name): value for name, value in pairs}
    if len(values) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return values
