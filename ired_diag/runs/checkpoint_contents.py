"""What is in a checkpoint: tensors and their values that are not finite, step, settings, damage.

Tensors are read one storage after the other: memory is that of the largest one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ired_diag.errors import WrongCheckpoint
from ired_diag.pickled.settings import Setting, settings_of
from ired_diag.pickled.values import DamagedPickle, Foreign, NumpyArray
from ired_diag.runs.checkpoint_layout import Layout, weights_in
from ired_diag.runs.checkpoint_step import epoch_of_file, step_of_file
from ired_diag.runs.state_dict import NamedStates, split_buffers
from ired_diag.runs.tensor_files.opening import open_tensor_file
from ired_diag.runs.tensor_files.stored import Storage, StoredTensor
from ired_diag.runs.tensor_files.tensor_file import TensorFile
from ired_diag.runs.weights_by_name import named_weights

SETTINGS = (
    *(
        "config",
        "cfg",
        "args",
        "opt_args",
        "hparams",
        "hyper_parameters",
        "configuration",
        "options",
        "ds_config",
    ),
    *("model_args", "model_config", "train_config", "training_args"),
)


@dataclass(frozen=True, kw_only=True)
class TensorEntry:
    """A tensor in a checkpoint.

    Attributes:
        name: Where it stands in the file.
        shape: Its sizes.
        type: Of its numbers, such as ``float32``.
        numbers: How many it has.
        not_finite: How many of them are NaN or infinite; None where they cannot be read.
        damage: Why they cannot be read.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    numbers: int
    not_finite: int | None = 0
    damage: str = ""


@dataclass(frozen=True, kw_only=True)
class CheckpointContents:
    """What is in a checkpoint.

    Attributes:
        path: The file, or the folder that is one checkpoint.
        format: Which format it is, in words.
        layout: How it is laid out (``checkpoint_layout``).
        step: Training steps taken; None where nothing states it.
        step_source: What states it.
        epoch: Epochs, where the file says so.
        tensors: All tensors, those of the optimiser too.
        parameters: For raw and averaged weights, how many numbers the model's tensors have.
        constants: How many tensors are constants of a noise schedule.
        settings: Settings that are stored with it.
        skipped: How many objects of each class were not built.
        notes: What a reader should know, one sentence each.
        damage: What is missing or not what it should be, one sentence each.
    """

    path: Path
    format: str
    layout: Layout
    step: int | None
    step_source: str
    epoch: int | None
    tensors: tuple[TensorEntry, ...]
    parameters: Mapping[str, int]
    constants: int
    settings: Mapping[str, Setting]
    skipped: Mapping[str, int]
    notes: tuple[str, ...]
    damage: tuple[str, ...]

    @property
    def numbers(self) -> int:
        """How many numbers all tensors have together."""
        return sum(tensor.numbers for tensor in self.tensors)

    @property
    def not_finite(self) -> int:
        """How many numbers are NaN or infinite."""
        return sum(tensor.not_finite or 0 for tensor in self.tensors)


def checkpoint_contents(path: Path | str) -> CheckpointContents:
    """Return what is in a checkpoint.

    Raises:
        UnreadableFile: It is missing, empty, of another format, or so damaged that nothing of it is certain.
        NotReadable: It may not be read.
    """
    path = Path(path)
    with open_tensor_file(path) as file:
        content = file.content if isinstance(file.content, dict | Foreign) else {"the content": file.content}
        layout = weights_in(content)
        names, why_none = _names(content, str(path))
        step = step_of_file(file, path)
        tensors = _entries(file)
        constants: set[str] = set()
        parameters: dict[str, int] = {}
        for kind, state in names.states.items():
            network, schedule = split_buffers(state)
            parameters[kind] = sum(_count(tensor) for tensor in network.values())
            constants |= schedule.keys()
        return CheckpointContents(
            path=path,
            format=file.kind,
            layout=layout.layout,
            step=step.step if step else None,
            step_source=step.source if step else "",
            epoch=epoch_of_file(file),
            tensors=tuple(tensors),
            parameters=parameters,
            constants=len(constants),
            settings=_settings(content),
            skipped=dict(file.skipped.most_common()),
            notes=(*file.notes, *layout.notes, *names.notes, *why_none),
            damage=(*file.damage, *_damage(tensors)),
        )


def _names(content: Any, where: str) -> tuple[NamedStates, list[str]]:
    """Return the weights by name; where there are none, why."""
    try:
        return named_weights(weights_in(content), where), []
    except WrongCheckpoint as error:
        reason = str(error).removeprefix(f"{where}: ")
        return NamedStates(), [f"No weights were recognised: {reason}"]


def _count(tensor: Any) -> int:
    return tensor.count if isinstance(tensor, StoredTensor) else int(tensor.numel())


def _settings(content: Any) -> dict[str, Setting]:
    settings: dict[str, Setting] = {}
    if isinstance(content, dict):
        for key in SETTINGS:
            for name, value in settings_of(content.get(key)).items():
                settings[f"{key}.{name}"] = value
    return settings


def _entries(file: TensorFile) -> list[TensorEntry]:
    """Return each tensor in the order of the file, every storage read once."""
    entries: dict[str, TensorEntry] = {}
    views: dict[Storage, list[tuple[str, StoredTensor]]] = {}
    for name, value in file.values:
        if isinstance(value, StoredTensor):
            views.setdefault(value.storage, []).append((name, value))
            entries[name] = _entry(name, value)
        elif isinstance(value, NumpyArray) and value.values is not None:
            entries[name] = _entry_of_array(name, value)
    for storage, tensors in views.items():
        for name, counted in _counted(storage, tensors):
            entries[name] = counted
    return list(entries.values())


def _entry(name: str, tensor: StoredTensor, **found: Any) -> TensorEntry:
    return TensorEntry(
        name=name,
        shape=tensor.shape,
        type=str(tensor.type).removeprefix("torch."),
        numbers=tensor.count,
        **found,
    )


def _entry_of_array(name: str, array: NumpyArray) -> TensorEntry:
    values = torch.from_numpy(array.values.copy()) if array.values is not None else torch.empty(0)
    return TensorEntry(
        name=name,
        shape=tuple(values.shape),
        type=f"numpy {values.dtype}".replace("torch.", ""),
        numbers=values.numel(),
        not_finite=_not_finite(values),
    )


def _counted(storage: Storage, tensors: list[tuple[str, StoredTensor]]) -> list[tuple[str, TensorEntry]]:
    try:
        numbers = storage.numbers()
    except (DamagedPickle, OSError) as error:
        reason = str(error)[:200]
        return [(name, _entry(name, tensor, not_finite=None, damage=reason)) for name, tensor in tensors]
    counted = []
    for name, tensor in tensors:
        counted.append((name, _entry(name, tensor, not_finite=_not_finite(tensor.view_of(numbers)))))
    return counted


def _not_finite(values: torch.Tensor) -> int:
    """Return how many numbers are NaN or infinite; whole numbers are not."""
    if not (values.is_floating_point() or values.is_complex()):
        return 0
    if values.is_floating_point() and values.element_size() == 1:
        values = values.float()  # of eight-bit types, few operations are implemented
    return int((~torch.isfinite(values)).sum())


def _damage(tensors: list[TensorEntry]) -> list[str]:
    """Return a sentence for each reason why tensors cannot be read."""
    names: dict[str, list[str]] = {}
    for tensor in tensors:
        if tensor.damage:
            names.setdefault(tensor.damage, []).append(tensor.name)
    return [f"{reason}: {', '.join(listed[:4])}." for reason, listed in names.items()]
