"""Metrics as JSON lines: one object a line, with a key that counts steps.

    {"step": 100, "loss": 0.71, "eval": {"loss": 0.68}}

An object within is told as ``eval/loss``. ``NaN``, ``Infinity`` and the same as texts are data; ``null`` is a
metric not told. Texts, lists and truth values are no metrics: a text may say whose row it is
(``run_columns``), all else is left out. A line that is no object, that names a key twice, or without a
whole number as its step is skipped and counted. A line without a step belongs to the line before it, unless
that holds the same metric already; one at the head of the log that holds an object ``config`` states the
configuration. A last line without a newline is read if it is a whole object, else it is torn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.errors import DiagError, UnreadableFile, unreadable
from ired_diag.finding import Finding
from ired_diag.json_text import MOST_BYTES, parse_json
from ired_diag.readers.row_logs import logs_of
from ired_diag.readers.row_table import Column, RowTable
from ired_diag.readers.scalar_log import Damage, ScalarLog
from ired_diag.readers.step_key import choose_step_key, step_in, step_keys, torn_message

HEAD = 4096
NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
CONFIGURATIONS = ("config", "hparams", "hyperparameters", "args", "params")

Entry = tuple[int, Mapping[str, Any]]  # line or entry of the file, what it tells


@dataclass
class Entries:
    """What the entries of a log hold, in columns.

    Attributes:
        table: The rows with a step.
        damaged: The entries that were skipped.
        left_out: How often each name stands with what is no number.
        config: The configuration that the log states.
        notes: What was read in one of several ways.
    """

    table: RowTable
    damaged: list[Damage] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    notes: list[Finding] = field(default_factory=list)


def accepts(path: Path) -> bool:
    """Say whether ``path`` is such a log: its first line is an object, or begins one longer than 4 KiB."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    first, newline, _ = head.lstrip().partition(b"\n")
    if not newline and len(head) == HEAD:
        return first.startswith(b'{"')
    try:
        return isinstance(read_object(first), dict)
    except ValueError:
        return False


def read(path: Path, *, allow_torn_tail: bool = False, step: str | None = None) -> ScalarLog:
    """Return the metrics of the one run in a log.

    Args:
        path: The file.
        allow_torn_tail: Drop a half-written last line.
        step: The key that counts the steps, where it is not one of the usual names.

    Raises:
        UnreadableFile: It is no such log, or its last line is torn.
        DiagError: Several runs stand in it; ``read_runs`` reads them.
    """
    runs = read_runs(path, allow_torn_tail=allow_torn_tail, step=step)
    if len(runs) > 1:
        raise DiagError(f"{path}: expected one run, found {len(runs)}: {', '.join(runs)}.")
    return next(iter(runs.values()))


def read_runs(path: Path, *, allow_torn_tail: bool = False, step: str | None = None) -> dict[str, ScalarLog]:
    """Return the metrics of each run in a log, by what its lines say of the run.

    Args:
        path: The file.
        allow_torn_tail: Drop a half-written last line.
        step: The key that counts the steps, where it is not one of the usual names.

    Raises:
        UnreadableFile: It is no such log, its last line is torn, or it is unclear whose its lines are.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise unreadable(path, error) from error
    entries: list[Entry] = []
    damaged: list[Damage] = []
    torn = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entries.append((number, read_object(line)))
        except ValueError as error:
            torn = number == len(lines)
            if torn and not allow_torn_tail:
                shown = line[:60].decode("utf-8", "replace")
                raise UnreadableFile(torn_message(f"{path}:{number}", shown)) from error
            if not torn:
                damaged.append(Damage(number, f"a line that is no JSON object ({error})"))
    if not entries:
        raise UnreadableFile(f"{path}: expected a JSON object on each line, found none.")
    found = read_entries(entries, step, str(path))
    return logs_of(
        found.table,
        path,
        damaged=[*damaged, *found.damaged],
        torn_tail=torn,
        left_out=found.left_out,
        config=found.config,
        notes=found.notes,
    )


def read_object(text: bytes, *, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Return the JSON object that a text is; a ``ValueError`` where it is none."""
    try:
        told = parse_json(text, object_pairs_hook=_unique, most_bytes=most_bytes)
    except UnicodeDecodeError as error:
        raise ValueError("bytes that are not UTF-8") from error
    if not isinstance(told, dict):
        raise ValueError(f"expected an object, found {str(told)[:40]!r}")
    return told


def read_entries(entries: Sequence[Entry], step: str | None, where: str) -> Entries:
    """Return what entries hold.

    Args:
        entries: Each with its line or place in the file.
        step: The key that counts the steps, where it is not one of the usual names.
        where: The file, for the message.

    Raises:
        UnreadableFile: No entry states a step.
    """
    names = {name: None for _, entry in entries for name in entry}
    keys = step_keys(names, step, where)
    stated = {key: [entry[key] for _, entry in entries if entry.get(key) is not None] for key in keys}
    counter = choose_step_key(keys, stated)
    found = Entries(RowTable(counter, np.zeros(0, dtype=np.int64), {}, {}))
    steps: list[int] = []
    numbers: dict[str, tuple[list[int], list[float]]] = {}
    texts: dict[str, dict[int, str]] = {}
    left_out: Counter[str] = Counter()
    taken = 0
    for number, entry in entries:
        if counter not in entry and not steps and (config := _configuration(entry)):
            found.config |= config
            continue
        try:
            values = [(name, value, _number(value)) for name, value in _flat(entry) if name != counter]
            steps.append(_step_of(entry, counter, values, steps, numbers))
        except (ValueError, OverflowError) as error:
            found.damaged.append(Damage(number, str(error)))
            continue
        row = len(steps) - 1
        taken += entry.get(counter) is None
        for name, value, scalar in values:
            if scalar is not None:
                rows, column = numbers.setdefault(name, ([], []))
                rows.append(row)
                column.append(scalar)
                continue
            left_out[name] += 1
            if isinstance(value, str):
                texts.setdefault(name, {})[row] = value
    columns = {
        n: Column(np.array(r, dtype=np.int64), np.array(v, dtype=np.float64)) for n, (r, v) in numbers.items()
    }
    dense = {name: [by_row.get(row, "") for row in range(len(steps))] for name, by_row in texts.items()}
    found.table = RowTable(counter, np.array(steps, dtype=np.int64), columns, dense)
    found.left_out = dict(left_out)
    if taken:
        are = "1 entry without a step is" if taken == 1 else f"{taken} entries without a step are"
        statement = f"{are} read at the step of the entry before."
        found.notes.append(Finding("rows_without_step", "note", statement, {"rows": taken}))
    return found


def _step_of(
    entry: Mapping[str, Any],
    counter: str,
    values: Sequence[tuple[str, Any, float | None]],
    steps: Sequence[int],
    numbers: Mapping[str, tuple[list[int], list[float]]],
) -> int:
    """Return the step of an entry, its own or that of the entry before; else a ``ValueError``."""
    if entry.get(counter) is not None:
        return step_in(entry[counter])
    names = [name for name, _, scalar in values if scalar is not None]
    row = len(steps) - 1
    while row > 0 and steps[row - 1] == steps[-1]:
        row -= 1
    if not steps or not names or any(name in numbers and numbers[name][0][-1] >= row for name in names):
        if counter in entry:
            return step_in(entry[counter])
        raise ValueError(f"no {counter!r}, which counts the steps, next to {', '.join(names[:4]) or 'it'}")
    return steps[-1]


def _configuration(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration that an entry without a step states, empty where it states none."""
    for key, value in entry.items():
        if key.lower() in CONFIGURATIONS and isinstance(value, Mapping):
            return {str(name): inner for name, inner in value.items()}
    return {}


def _number(told: object) -> float | None:
    """Return the number that a value is, None where it is none."""
    if isinstance(told, str):
        return NUMBERS.get(told)
    return None if isinstance(told, bool) or not isinstance(told, int | float) else float(told)


def _flat(entry: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield name and value of all that is told, objects within included; nothing for ``null``."""
    for name, value in entry.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}/")
        elif value is not None:
            # A lone half of a character pair can be told in JSON, but never printed.
            yield f"{prefix}{name}".encode("utf-8", "replace").decode(), value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return told
