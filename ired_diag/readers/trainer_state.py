"""Hugging Face's ``trainer_state.json``: the entries of ``log_history``, and how far training came.

    {"global_step": 500, "max_steps": 500, …, "log_history": [{"epoch": 0.1, "loss": 2.3, "step": 50}, …]}

Metrics keep their names (``loss``, ``eval_loss``, ``learning_rate``, ``epoch``, …). A file that is no longer
JSON is read entry by entry: an entry is an object without objects within, and one that is damaged is skipped
and counted. Where the list is not closed the file is torn.

The trainer writes ``train_runtime`` when training ends, however it ends; an ``EarlyStoppingCallback``
counts its evaluations without improvement, and ``should_training_stop`` is set at the last step. A trainer
saves its state with every checkpoint: the states of one output folder are one run. The folder's own state
counts, or a checkpoint's that goes on from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.readers.metrics_jsonl import Entry, read_entries, read_object
from ired_diag.readers.scalar_log import Damage, Points, ScalarLog
from ired_diag.readers.step_key import torn_message

HEAD = 4096
NAME = "trainer_state.json"
CHECKPOINT = re.compile(r"checkpoint-\d+")
KEYS_AT_HEAD = (b'"best_metric"', b'"best_global_step"', b'"global_step"')
FINAL = ("train_", "total_flos")  # what the trainer logs once, when training ends
LIST = re.compile(rb'"log_history"\s*:\s*\[')
ENTRY = re.compile(rb"\{[^{}]*\}")
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
BETWEEN = re.compile(rb"[\s,]*")
CLOSING = re.compile(rb"\s*\]\s*[,}]")


def accepts(path: Path) -> bool:
    """Say whether ``path`` is a trainer's state: an object with the name, or the first keys, of one."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head.lstrip().startswith(b"{"):
        return False
    if path.name == NAME or b'"log_history"' in head:
        return True
    return all(key in head for key in KEYS_AT_HEAD)


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the metrics of a trainer's state; what else it says of the run is in ``stated``.

    Args:
        path: The file.
        allow_torn_tail: Read a file that ends within its list, up to the last whole entry.

    Raises:
        UnreadableFile: It is not such a file, or its end is missing.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    torn = False
    state: dict[str, Any] = {}
    try:
        entries, damaged, state = _whole(content)
    except ValueError:
        entries, damaged, torn = _by_entry(content, path)
    if torn and not allow_torn_tail:
        tail = content[-60:].decode("utf-8", "replace")
        raise UnreadableFile(torn_message(f"{path}, end", tail))
    log = ScalarLog(points={}, damaged=tuple(damaged), torn_tail=torn, stated=state, unit="entry")
    if not entries:
        return log
    columns = read_entries(entries, "step", str(path))
    damaged = sorted([*damaged, *columns.damaged], key=lambda damage: damage.where)
    ended = _end_of_training(entries, state)
    if ended:
        state["ended"] = ended
    starts = np.ones(len(columns.table), dtype=np.int64)
    return replace(
        log,
        points=columns.table.points(starts),
        damaged=tuple(damaged),
        left_out=columns.left_out,
        notes=tuple(columns.notes),
    )


def _end_of_training(entries: Sequence[Entry], state: Mapping[str, Any]) -> str:
    """Return what says that training ended before its last planned step; empty where nothing does."""
    last = state.get("global_step")
    planned = state.get("max_steps")
    if not isinstance(last, int):
        return ""
    where = f"at step {last}"
    if isinstance(planned, int):
        if last >= planned:
            return ""
        where = f"{where} of {planned}"
    patience = _patience_used_up(state)
    if patience:
        return f"early stopping {where}: no improvement in {patience} evaluations"
    if _reports_run_time(entries):
        return f"training ended {where}: the trainer reports its total run time (train_runtime)"
    control = _callback(state, "TrainerControl").get("args")
    if isinstance(control, Mapping) and control.get("should_training_stop") is True:
        return f"training ended {where}: the trainer was told to stop (should_training_stop)"
    return ""


def _reports_run_time(entries: Sequence[Entry]) -> bool:
    """Say whether the trainer reports its total run time, with no training loss after it."""
    reported = False
    for _, entry in entries:
        if "train_runtime" in entry:
            reported = True
        elif "loss" in entry:
            reported = False
    return reported


def _patience_used_up(state: Mapping[str, Any]) -> int | None:
    """Return the patience of an early stopping callback whose counter has reached it."""
    callback = _callback(state, "EarlyStoppingCallback")
    settings = callback.get("args")
    counts = callback.get("attributes")
    if not isinstance(settings, Mapping) or not isinstance(counts, Mapping):
        return None
    patience = settings.get("early_stopping_patience")
    counter = counts.get("early_stopping_patience_counter")
    if not isinstance(patience, int) or not isinstance(counter, int):
        return None
    return patience if 0 < patience <= counter else None


def _callback(state: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return what a callback of this name saved of itself; it may be in a list of several."""
    callbacks = state.get("stateful_callbacks")
    if not isinstance(callbacks, Mapping):
        return {}
    saved = callbacks.get(name)
    if isinstance(saved, list):
        saved = saved[0] if saved else None
    return saved if isinstance(saved, Mapping) else {}


def state_of_run(path: Path) -> Path:
    """Return the state that stands for the run of a checkpoint's state: one of all in an output folder.

    Args:
        path: A ``trainer_state.json``; where it is not in a checkpoint's folder, it stands for itself.
    """
    output = path.parent
    if CHECKPOINT.fullmatch(path.parent.name):
        output = path.parent.parent
    own = output / NAME
    saved = [
        state for state in output.glob(f"checkpoint-*/{NAME}") if CHECKPOINT.fullmatch(state.parent.name)
    ]
    if not saved or path.name != NAME:
        return path
    logs: dict[Path, ScalarLog] = {}
    for candidate in (own, *saved):
        log = _read_if_possible(candidate) if candidate.is_file() else None
        if log is not None:
            logs[candidate] = log
    by_length = sorted(logs, key=lambda candidate: _global_step(logs[candidate]))
    if own not in logs:
        return by_length[-1] if by_length else path
    longer = [candidate for candidate in by_length if _goes_on_from(logs[own], logs[candidate])]
    return longer[-1] if longer else own


def _read_if_possible(path: Path) -> ScalarLog | None:
    try:
        return read(path, allow_torn_tail=True)
    except UnreadableFile:
        return None


def _global_step(log: ScalarLog) -> int:
    step = log.stated.get("global_step")
    if isinstance(step, int):
        return step
    return log.history.last_step or 0


def _goes_on_from(own: ScalarLog, other: ScalarLog) -> bool:
    """Say whether a state is later than another and holds all of its points."""
    if _global_step(other) <= _global_step(own):
        return False
    for name, points in own.points.items():
        later = other.points.get(name)
        if later is None:
            if name.startswith(FINAL):
                continue
            return False
        if not _holds_points(later, points):
            return False
    return True


def _holds_points(later: Points, earlier: Points) -> bool:
    """Say whether ``later`` holds each point of ``earlier``; a point that is NaN may be missing."""
    values = dict(zip(later.steps.tolist(), later.values.tolist(), strict=True))
    for step, value in zip(earlier.steps.tolist(), earlier.values.tolist(), strict=True):
        if not math.isnan(value) and values.get(step, value) != value:
            return False
    return True


def _whole(content: bytes) -> tuple[list[Entry], list[Damage], dict[str, Any]]:
    """Return the entries, the damage in their list, and the rest of an intact file; else a ``ValueError``."""
    state = read_object(content, most_bytes=len(content))
    listed = state.pop("log_history", None)
    if not isinstance(listed, list):
        raise ValueError("no list of entries")
    entries: list[Entry] = []
    damaged: list[Damage] = []
    for number, entry in enumerate(listed, start=1):
        if isinstance(entry, dict):
            entries.append((number, entry))
        else:
            damaged.append(Damage(number, "an entry that is not an object"))
    return entries, damaged, state


def _by_entry(content: bytes, path: Path) -> tuple[list[Entry], list[Damage], bool]:
    """Return the entries of a damaged file that can be read, the others, and whether the list ends early."""
    opening = LIST.search(content)
    if not opening:
        raise UnreadableFile(f"{path}: expected a JSON object with the list 'log_history', found none.")
    entries: list[Entry] = []
    damaged: list[Damage] = []
    position = opening.end()
    number = 0
    for match in ENTRY.finditer(content, position):
        number += 1
        gap = content[position : match.start()]
        if CLOSING.match(gap):
            break
        position = match.end()
        if BETWEEN.fullmatch(gap) is None:
            damaged.append(Damage(number, "bytes between two entries that are not an entry"))
            number += 1
        try:
            entries.append((number, read_object(match[0])))
        except ValueError as error:
            damaged.append(Damage(number, f"an entry that is not a JSON object ({error})"))
    is_closed = CLOSING.match(content, position) is not None
    torn = not is_closed or (not damaged and _is_open(content))
    if not torn and not damaged:
        damaged.append(Damage(number + 1, "the rest of the file is not JSON"))
    return entries, damaged, torn


def _is_open(content: bytes) -> bool:
    """Say whether more brackets are opened than closed: the end is missing."""
    bare = STRING.sub(b"", content)  # brackets inside texts do not count
    opened = bare.count(b"{") + bare.count(b"[")
    closed = bare.count(b"}") + bare.count(b"]")
    return opened > closed
