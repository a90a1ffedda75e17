"""Metrics as JSON lines: one object a line, with a key that counts steps.

    {"step": 100, "loss": 0.71, "eval": {"loss": 0.68}}

An object within is told as ``eval/loss``. ``NaN``, ``Infinity`` and the same as texts are data; ``null`` is a
metric not told. Texts, lists and truth values are no metrics and left out. A line that is no object, that
names a key twice, or without a whole number as its step is skipped and counted. A last line without a newline
is read if it is a whole object, else it is torn.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile
from ired_diag.readers.scalar_log import Damage, ScalarLog, points_of
from ired_diag.readers.step_key import find_step_key, step_in, torn_message

HEAD = 4096
NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}

Entry = tuple[int, Mapping[str, Any]]  # line or entry of the file, what it tells


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
    """Return the metrics of a log.

    Args:
        path: The file.
        allow_torn_tail: Drop a half-written last line.
        step: The key that counts the steps, where it is not one of the usual names.

    Raises:
        UnreadableFile: It is no such log, or its last line is torn.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}.") from error
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
    points, more, left_out = scalars_of(entries, step, str(path))
    damaged = sorted([*damaged, *more], key=lambda damage: damage.where)
    return ScalarLog(points_of(points), tuple(damaged), torn, left_out)


def read_object(text: bytes) -> dict[str, Any]:
    """Return the JSON object that a text is; a ``ValueError`` where it is none."""
    try:
        told = json.loads(text, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("objects within objects without an end") from error
    if not isinstance(told, dict):
        raise ValueError(f"expected an object, found {str(told)[:40]!r}")
    return told


def scalars_of(
    entries: list[Entry], step: str | None, where: str
) -> tuple[dict[str, tuple[list[int], list[float]]], list[Damage], dict[str, int]]:
    """Return steps and values of each metric, what was skipped, and what is no number.

    Args:
        entries: What each line or entry tells.
        step: The key that counts the steps, where it is not one of the usual names.
        where: The file, for the message.

    Raises:
        UnreadableFile: No entry tells a step.
    """
    names = {name: None for _, entry in entries for name in entry}
    counter = find_step_key(names, step, where)
    points: dict[str, tuple[list[int], list[float]]] = {}
    damaged: list[Damage] = []
    left_out: Counter[str] = Counter()
    for number, entry in entries:
        if counter not in entry:
            damaged.append(Damage(number, f"no {counter!r}, which counts the steps"))
            continue
        try:
            at = step_in(entry[counter])
            told = [(name, _number(value)) for name, value in _flat(entry) if name != counter]
        except (ValueError, OverflowError) as error:
            damaged.append(Damage(number, str(error)))
            continue
        for name, value in told:
            if value is None:
                left_out[name] += 1
                continue
            steps, values = points.setdefault(name, ([], []))
            steps.append(at)
            values.append(value)
    return points, damaged, dict(left_out)


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
