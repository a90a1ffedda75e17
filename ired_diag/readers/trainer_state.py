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

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.readers.metrics_jsonl import Entry, read_entries, read_object
from ired_diag.readers.scalar_log import Damage, ScalarLog
from ired_diag.readers.step_key import torn_message

HEAD = 4096
NAME = "trainer_state.json"
CHECKPOINT = re.compile(r"checkpoint-\d+")
FINAL = ("train_", "total_flos")  # what the trainer logs once, when training ends
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
    return path.name == NAME or (b'"log_history"' in head or all(k in head for k in keys[1:]))


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
        raise unreadable(path, error) from error
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
    found = read_entries(entries, "step", str(path))
    starts = np.ones(len(found.table), dtype=np.int64)
    damaged = sorted([*damaged, *found.damaged], key=lambda damage: damage.where)
    if ended := _end_of_training(entries, told):
        told["ended"] = ended
    points = found.table.points(starts)
    return ScalarLog(points, tuple(damaged), torn, found.left_out, told, "entry", notes=tuple(found.notes))


def _end_of_training(entries: Sequence[Entry], state: Mapping[str, Any]) -> str:
    """Return what says that training ended before its last planned step; empty where nothing does."""
    last, planned = state.get("global_step"), state.get("max_steps")
    if not isinstance(last, int) or (isinstance(planned, int) and last >= planned):
        return ""
    where = f"at step {last} of {planned}" if isinstance(planned, int) else f"at step {last}"
    if patience := _patience_used_up(state):
        return f"early stopping {where}: no improvement in {patience} evaluations"
    reports = [i for i, (_, entry) in enumerate(entries) if "train_runtime" in entry]
    if reports and not any("loss" in entry for _, entry in entries[reports[-1] + 1 :]):
        return f"training ended {where}: the trainer reports its total run time (train_runtime)"
    control = _callback(state, "TrainerControl").get("args")
    if isinstance(control, Mapping) and control.get("should_training_stop") is True:
        return f"training ended {where}: the trainer was told to stop (should_training_stop)"
    return ""


def _patience_used_up(state: Mapping[str, Any]) -> int | None:
    """Return the patience of an early stopping callback whose counter has reached it."""
    callback = _callback(state, "EarlyStoppingCallback")
    settings, counts = callback.get("args"), callback.get("attributes")
    if not isinstance(settings, Mapping) or not isinstance(counts, Mapping):
        return None
    patience, counter = settings.get("early_stopping_patience"), counts.get("early_stopping_patience_counter")
    if isinstance(patience, int) and isinstance(counter, int) and 0 < patience <= counter:
        return patience
    return None


def _callback(state: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return what a callback of this name saved of itself; it may stand in a list of several."""
    callbacks = state.get("stateful_callbacks")
    saved = callbacks.get(name) if isinstance(callbacks, Mapping) else None
    if isinstance(saved, list):
        saved = saved[0] if saved else None
    return saved if isinstance(saved, Mapping) else {}


def state_of_run(path: Path) -> Path:
    """Return the state that stands for the run of a checkpoint's state: of all in one output folder, one.

    Args:
        path: A ``trainer_state.json``; where it is in no checkpoint's folder, it stands for itself.
    """
    inside = CHECKPOINT.fullmatch(path.parent.name)
    output = path.parent.parent if inside else path.parent
    own = output / NAME
    saved = [p for p in output.glob(f"checkpoint-*/{NAME}") if CHECKPOINT.fullmatch(p.parent.name)]
    if not saved or path.name != NAME:
        return path
    logs = {p: log for p in (own, *saved) if p.is_file() and (log := _read_if_possible(p)) is not None}
    by_length = sorted(logs, key=lambda p: _global_step(logs[p]))
    if own not in logs:
        return by_length[-1] if by_length else path
    longer = [p for p in by_length if _goes_on_from(logs[own], logs[p])]
    return longer[-1] if longer else own


def _read_if_possible(path: Path) -> ScalarLog | None:
    try:
        return read(path, allow_torn_tail=True)
    except UnreadableFile:
        return None


def _global_step(log: ScalarLog) -> int:
    step = log.told.get("global_step")
    return step if isinstance(step, int) else log.history.last_step or 0


def _goes_on_from(own: ScalarLog, other: ScalarLog) -> bool:
    """Say whether a state is later than another and holds all of its points."""
    if _global_step(other) <= _global_step(own):
        return False
    for name, points in own.points.items():
        known = dict(zip(points.steps.tolist(), points.values.tolist(), strict=True))
        again = other.points.get(name)
        if again is None:
            if name.startswith(FINAL):
                continue
            return False
        later = dict(zip(again.steps.tolist(), again.values.tolist(), strict=True))
        if any(later.get(step, value) != value and value == value for step, value in known.items()):
            return False
    return True


def _whole(content: bytes) -> tuple[list[Entry], list[Damage], dict[str, Any]]:
    """Return entries, what in the list is none, and the rest of an intact file; else a ``ValueError``."""
    told = read_object(content, most_bytes=len(content))
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
