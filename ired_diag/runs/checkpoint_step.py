"""The training step of a checkpoint: from a key of it, else from a file next to it, else from its name.

A file that counts only epochs gives its epoch, and says so: the unit stands in ``StepOfFile.source``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ired_diag.errors import DiagError
from ired_diag.json_object import read_json_object
from ired_diag.pickled.values import DamagedPickle, NumpyArray
from ired_diag.runs.checkpoint_layout import COUNTS, EPOCHS
from ired_diag.runs.files import is_file
from ired_diag.runs.tensor_files.stored import StoredTensor
from ired_diag.runs.tensor_files.tensor_file import TensorFile

MOST_STEPS = 2**63 - 1  # as 64 bits hold it
# Dictionaries that some programs keep their counts in.
INNER = ("meta", "trainer_state", "train_state", "trainer", "progress", "state", "extra_state", "info")
TRAINER_STATE = "trainer_state.json"
IN_A_NAME = re.compile(r"(?:^|[-_=.])(?:global_?step|steps?|iter(?:ation)?|checkpoint)[-_=]?(\d{1,18})(?!\d)")


@dataclass(frozen=True)
class StepOfFile:
    """A step, and where it was read.

    Attributes:
        step: The number.
        source: The key that states it, or what else does.
    """

    step: int
    source: str

    @property
    def is_epoch(self) -> bool:
        """Whether it counts epochs, not steps."""
        return self.source.rpartition(".")[2] in EPOCHS


def step_of_file(file: TensorFile, path: Path) -> StepOfFile | None:
    """Return the step of a checkpoint; None where nothing states one that training could have reached."""
    steps = list(_stated(file))
    for stated in steps:
        if not stated.is_epoch:
            return stated
    return _next_to(path) or next(iter(steps), None) or _in_names(path)


def epoch_of_file(file: TensorFile) -> int | None:
    """Return the epoch that a checkpoint states; None where it states none."""
    for stated in _stated(file):
        if stated.is_epoch:
            return stated.step
    return None


def _stated(file: TensorFile) -> Iterator[StepOfFile]:
    """Yield the counts that the file holds, those of steps in the order of ``COUNTS``."""
    if not isinstance(file.content, Mapping):
        return
    inner = [(f"{name}.", file.content.get(name)) for name in INNER]
    for prefix, holder in [("", file.content), *inner]:
        if not isinstance(holder, Mapping):
            continue
        for name in COUNTS:
            step = count_of(holder.get(name), file)
            if step is not None:
                yield StepOfFile(step, f"{prefix}{name}")


def count_of(value: Any, file: TensorFile) -> int | None:
    """Return a value as a count; None where it is not one that training could have reached."""
    if isinstance(value, StoredTensor) and value.count == 1 and not value.type.is_complex:
        try:
            value = _number_in(file.tensor(value))
        except DamagedPickle:
            return None
    if isinstance(value, NumpyArray) and value.values is not None and value.values.size == 1:
        value = value.values.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= MOST_STEPS else None


def _number_in(tensor: Tensor) -> float | int:
    """Return the number in a tensor; NaN where its type cannot hold every count of that size.

    Averages that are stored in half precision hold their step so too: above 2048 it is rounded.
    """
    number = tensor.item()
    if tensor.is_floating_point() and not abs(number) <= 2 / torch.finfo(tensor.dtype).eps:
        return math.nan
    return number


def _next_to(path: Path) -> StepOfFile | None:
    """Return the step that transformers' trainer notes next to its weights."""
    state = (path if path.is_dir() else path.parent) / TRAINER_STATE
    if not is_file(state):
        return None
    try:
        step = read_json_object(state).get("global_step")
    except DiagError:
        return None  # the file is read for itself too, and its damage is said there
    if type(step) is not int or not 0 <= step <= MOST_STEPS:
        return None
    return StepOfFile(step, TRAINER_STATE)


def _in_names(path: Path) -> StepOfFile | None:
    """Return the step in the file's name, else in that of its folder.

    >>> _in_names(Path("epoch=3-step=9000.ckpt")), _in_names(Path("model-1.pt"))
    (StepOfFile(step=9000, source='the name epoch=3-step=9000.ckpt'), None)
    """
    for name in (path.name, path.absolute().parent.name):
        if match := IN_A_NAME.search(name):
            return StepOfFile(int(match[1]), f"the name {name}")
    return None
