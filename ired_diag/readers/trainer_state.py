"""Hugging Face's ``trainer_state.json``: the entries of ``log_history``, and how far training came.

    {"global_step": 500, "max_steps": 500, …, "log_history": [{"epoch": 0.1, "loss": 2.3, "step": 50}, …]}

Metrics keep their names (``loss``, ``eval_loss``, ``learning_rate``, ``epoch``, …). A file that is no longer
JSON is read entry by entry: an entry is an object without objects within, and one that is damaged is skipped
and counted. Where the list is not closed the file is torn.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile
from ired_diag.readers.metrics_jsonl import Entry, read_object, scalars_of
from ired_diag.readers.scalar_log import Damage, ScalarLog, points_of
from ired_diag.readers.step_key import torn_message

HEAD = 4096
LIST = re.compile(rb'"log_history"\s*:\s*\[')
ENTRY = re.compile(rb"\{[^{}]*\}")
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
BETWEEN = re.compile(rb"[\s,]*")
CLOSING = re.compile(rb"\s*\]\s*[,}]")


def accepts(path: Path) -> bool:
    """Say whether ``path`` is a trainer's state: an object named or begun as one."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head.lstrip().startswith(b"{"):
        return False
    keys = (b'"log_history"', b'"best_metric"', b'"best_global_step"', b'"global_step"')
    return path.name == "trainer_state.json" or (b'"log_history"' in head or all(k in head for k in keys[1:]))


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the metrics of a trainer's state; what else it says of the run is in ``told``.

    Args:
        path: The file.
        allow_torn_tail: Read a file that ends within its list, up to the last whole entry.

    Raises:
        UnreadableFile: It is no such file, or its end is missing.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}.") from error
    torn = False
    try:
        entries, damaged, told = _whole(content)
    except ValueError:
        entries, damaged, torn = _by_entry(content, path)
        told = {}
    if torn and not allow_torn_tail:
        raise UnreadableFile(torn_message(f"{path}, end", content[-60:].decode("utf-8", "replace")))
    if not entries:
        return ScalarLog({}, tuple(damaged), torn, {}, told, "entry")
    points, more, left_out = scalars_of(entries, "step", str(path))
    damaged = sorted([*damaged, *more], key=lambda damage: damage.where)
    return ScalarLog(points_of(points), tuple(damaged), torn, left_out, told, "entry")


def _whole(content: bytes) -> tuple[list[Entry], list[Damage], dict[str, Any]]:
    """Return entries, what in the list is none, and the rest of an intact file; else a ``ValueError``."""
    told = read_object(content)
    listed = told.pop("log_history", None)
    if not isinstance(listed, list):
        raise ValueError("no list of entries")
    entries: list[Entry] = [(i, entry) for i, entry in enumerate(listed, start=1) if isinstance(entry, dict)]
    damaged = [
        Damage(i, "an entry that is no object")
        for i, entry in enumerate(listed, start=1)
        if not isinstance(entry, dict)
    ]
    return entries, damaged, told


def _by_entry(content: bytes, path: Path) -> tuple[list[Entry], list[Damage], bool]:
    """Return the entries of a damaged file that can be read, the others, and whether the list ends early."""
    opening = LIST.search(content)
    if not opening:
        raise UnreadableFile(f"{path}: expected a JSON object with the list 'log_history', found none.")
    entries: list[Entry] = []
    damaged: list[Damage] = []
    position, number = opening.end(), 0
    for match in ENTRY.finditer(content, position):
        number += 1
        gap = content[position : match.start()]
        if CLOSING.match(gap):
            break
        position = match.end()
        if BETWEEN.fullmatch(gap) is None:
            damaged.append(Damage(number, "bytes between two entries that are none"))
            number += 1
        try:
            entries.append((number, read_object(match[0])))
        except ValueError as error:
            damaged.append(Damage(number, f"an entry that is no JSON object ({error})"))
    torn = not CLOSING.match(content, position) or (not damaged and _is_open(content))
    if not torn and not damaged:
        damaged.append(Damage(number + 1, "the rest of the file is no JSON"))
    return entries, damaged, torn


def _is_open(content: bytes) -> bool:
    """Say whether more is opened than closed: the end is missing."""
    bare = STRING.sub(b"", content)
    return sum(map(bare.count, (b"{", b"["))) > sum(map(bare.count, (b"}", b"]")))
