r"""A text log read by a regular expression that the user writes.

    --pattern '^\[(?P<step>\d+)\] obj (?P<loss>\S+) dev (?P<val_loss>\S+)'

The group ``step`` is the step; every other named group is a metric of that name. A line that does not match
is left out and counted. Where no line of a file matches, the file is read as if there were no pattern.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ired_diag.errors import DiagError, UnreadableFile, unreadable
from ired_diag.finding import Finding
from ired_diag.readers.row_logs import through_epochs
from ired_diag.readers.row_table import Column, RowTable
from ired_diag.readers.scalar_attempt import run_of
from ired_diag.readers.scalar_log import ScalarLog
from ired_diag.readers.step_key import number_in, step_in
from ired_diag.readers.text_layout import LONGEST, plain
from ired_diag.readers.text_log import FORMAT_NAME, scalar_log
from ired_diag.runs.run import Run

STEP = "step"
BLOCK = 1 << 20  # bytes of a line that is read at most; a longer one is counted and not matched


def compiled(pattern: str) -> re.Pattern[str]:
    """Return the pattern.

    Raises:
        DiagError: It is no regular expression, or lacks the group ``step`` or a group of a metric.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise DiagError(f"--pattern {pattern!r}: expected a regular expression: {error}.") from error
    names = list(expression.groupindex)
    if STEP not in names or len(names) < 2:
        listed = ", ".join(names) or "none"
        raise DiagError(
            f"--pattern {pattern!r}: expected a group (?P<step>…) and a group for each metric, such as "
            f"(?P<loss>…), found the named groups: {listed}."
        )
    return expression


def with_pattern(pattern: str, read_log: Callable[[Path], Sequence[Run]]) -> Callable[[Path], Sequence[Run]]:
    """Return what reads a log by the pattern, and by ``read_log`` where no line matches.

    Raises:
        DiagError: The pattern cannot be used.
    """
    expression = compiled(pattern)

    def read(path: Path) -> Sequence[Run]:
        log = None if path.is_dir() else read_by(expression, path)
        if log is not None:
            return [run_of(path, log, format=FORMAT_NAME)]
        try:
            return read_log(path)
        except UnreadableFile as error:
            raise UnreadableFile(f"{str(error).rstrip('.')}; no line matches --pattern either.") from error

    return read


def read_by(expression: re.Pattern[str], path: Path) -> ScalarLog | None:
    """Return what the matching lines of a log state; None where no line matches."""
    steps: list[int] = []
    columns: dict[str, tuple[list[int], list[float]]] = {}
    unread: Counter[str] = Counter()
    for line in _lines(path):
        match = expression.search(line) if len(line) <= LONGEST else None
        if match is None:
            unread["lines"] += bool(line.strip())
            continue
        try:
            step = step_in((match[STEP] or "").replace(",", ""))
        except (ValueError, OverflowError):
            unread["steps"] += 1
            continue
        for name, text in match.groupdict().items():
            if name == STEP or text is None:
                continue
            try:
                value = number_in(text.strip().replace(",", ""))
            except ValueError:
                unread[name] += 1
                continue
            rows, values = columns.setdefault(name, ([], []))
            rows.append(len(steps))
            values.append(value)
        steps.append(step)
    if not columns:
        return None
    table = RowTable(
        counter=STEP,
        steps=np.array(steps, dtype=np.int64),
        columns={name: Column(np.array(rows), np.array(values)) for name, (rows, values) in columns.items()},
        texts={},
    )
    table, notes = through_epochs(table)
    return scalar_log(table, stated={}, torn=False, notes=[*notes, *_notes(unread, len(steps))])


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file; a carriage return ends one too."""
    try:
        with path.open("rb") as file:
            while line := file.readline(BLOCK):
                for part in plain(line).rstrip(b"\r\n").split(b"\r"):
                    yield part.decode("utf-8", "replace")
    except OSError as error:
        raise unreadable(path, error) from error


def _notes(unread: Counter[str], matched: int) -> list[Finding]:
    notes = []
    if unread["lines"]:
        others_are = "1 other line was" if unread["lines"] == 1 else f"{unread['lines']} other lines were"
        statement = f"{matched} lines match --pattern; {others_are} not read."
        notes.append(Finding("lines_without_match", "note", statement, evidence={"lines": unread["lines"]}))
    others = {name: count for name, count in unread.items() if name != "lines"}
    if others:
        listed = ", ".join(f"{name}: {count}" for name, count in others.items())
        statement = f"Groups of --pattern that hold no number were left out ({listed})."
        notes.append(Finding("values_not_numbers", "warning", statement, evidence=others))
    return notes
