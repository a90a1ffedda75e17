"""Checkpoints: whose weights, of which step.

These layouts are read, and distinguished by their keys:

- ``Trainer1D`` (``model-<n>.pt``, and our own ``last.pt``): {step, model, opt, ema, scaler};
- ``final_model.pt`` of the study's fork: {ebm_state, step, mining_strategy, config};
- our own weights, ``step-<n>.safetensors``;
- a state dictionary, bare or under a key (``state_dict``, ``module``, …: ``checkpoint_layout``), of a model
  or of an EMA wrapper around it; a module that was saved whole.

Formats of files: ``tensor_files``. What model the tensors make, the task says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor

from ired_diag.errors import UnreadableFile, WrongCheckpoint
from ired_diag.pickled.values import Foreign
from ired_diag.runs.checkpoint_layout import Layout, WeightsInFile, weights_in
from ired_diag.runs.checkpoint_step import step_of_file
from ired_diag.runs.name_list import first_names
from ired_diag.runs.state_dict import Kind, Tensors
from ired_diag.runs.tensor_files.opening import open_tensor_file
from ired_diag.runs.tensor_files.stored import StoredTensor
from ired_diag.runs.tensor_files.tensor_file import TensorFile
from ired_diag.runs.torch_file import check_dictionary
from ired_diag.runs.weights_by_name import named_weights, parameters_and_constants, tensors_in
from ired_diag.runs.weights_file import is_ours, read_weights

Weights = Kind

MOST_CLASSES = 20  # in a sentence
LONGEST_NAME = 80  # letters of a class


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The weights of one step.

    Attributes:
        path: The file, or the folder that is one checkpoint.
        layout: Which layout it has.
        step: Training steps taken, where the file says so.
        step_source: Where the step was read: a key of the file (``epoch`` where it counts only epochs), a
            file next to it, or a name.
        states: The model's tensors by name, for ``raw`` and ``ema`` weights, as far as stored.
        constants: What is stored with them and is not trained, by name: the noise schedule.
        configuration: The configuration stored with it, if any.
        notes: What was done to read it, one sentence each: prefixes that were taken off, what was left out.
        prefixes: The prefix that was taken off each name.
    """

    path: Path
    layout: Layout
    step: int | None
    states: Mapping[Weights, Mapping[str, Tensor]]
    constants: Mapping[str, Tensor] = field(default_factory=dict)
    configuration: Mapping[str, Any] | None = None
    step_source: str = ""
    notes: tuple[str, ...] = ()
    prefixes: Mapping[Weights, Mapping[str, str]] = field(default_factory=dict)

    def tensors(self, weights: Weights) -> Mapping[str, Tensor]:
        """Return the chosen weights.

        Raises:
            WrongCheckpoint: The file does not hold them.
        """
        if weights not in self.states:
            stored = ", ".join(map(repr, self.states))
            raise WrongCheckpoint(
                f"{self.path}: has no {weights!r} weights, only {stored}. "
                f"Choose with --weights (in Python: weights=…)."
            )
        return self.states[weights]


def read_checkpoint(path: Path | str, *, device: torch.device | str = "cpu") -> Checkpoint:
    """Return the checkpoint at a path, its tensors on ``device``, of the types that they are stored in.

    Only the weights are read into memory. Objects that are not tensors or plain values are not built.

    Raises:
        UnreadableFile: The file is missing, empty, damaged, or of another format.
        WrongCheckpoint: It holds no tensors.
    """
    path = Path(path)
    if path.suffix == ".safetensors" and is_ours(path):
        return _read_ours(path, device)
    with open_tensor_file(path) as file:
        if not isinstance(file.content, Foreign) or not any(tensors_in(file.content)):
            check_dictionary(file)
        if file.damage:
            raise UnreadableFile(f"{path}: {' '.join(file.damage)}")
        return _read(path, file, device)


def _read_ours(path: Path, device: torch.device | str) -> Checkpoint:
    content = read_weights(path, device=device)
    states: dict[Weights, Any] = {}
    for kind in get_args(Weights):
        if kind in content:
            states[kind] = _dense(content[kind], str(path))
    return Checkpoint(
        path=path,
        layout="ired_diag",
        step=content["step"],
        step_source="step",
        states=states,
        configuration=content["configuration"],
    )


def _read(path: Path, file: TensorFile, device: torch.device | str) -> Checkpoint:
    found = weights_in(file.content)
    _check_final_model(found, path)
    own = file.content.get("ired_diag") if isinstance(file.content, dict) else None
    is_own = found.layout == "trainer1d" and isinstance(own, Mapping)
    names = named_weights(found, str(path))
    states: dict[Weights, Tensors] = {}
    constants: Tensors = {}
    for kind in get_args(Weights):
        if kind not in names.states:
            continue
        parameters, constants_of_kind = parameters_and_constants(found, names, kind, is_own=is_own)
        states[kind] = _read_tensors(parameters, file, device)
        constants = constants or _read_tensors(constants_of_kind, file, device)
    if found.layout == "deepspeed" and not any(tensor.numel() for tensor in states.get("raw", {}).values()):
        raise WrongCheckpoint(
            f"{path}: its tensors hold no numbers: DeepSpeed's ZeRO stage 3 keeps them in parts, in the "
            "files *_optim_states.pt. Join them first, in the folder above: python zero_to_fp32.py . "
            "pytorch_model.bin."
        )
    step = step_of_file(file, path)
    return Checkpoint(
        path=path,
        layout=found.layout,
        step=step.step if step else None,
        step_source=step.source if step else "",
        states=states,
        constants=constants,
        configuration=_configuration(file.content, own if is_own else None, found.layout),
        prefixes={} if is_own else names.taken_off,
        notes=(*file.notes, *found.notes, *names.notes, *skipped_in_words(file.skipped)),
    )


def skipped_in_words(skipped: Counter[str]) -> list[str]:
    """Return a sentence that says which objects were not built; nothing where there are none."""
    if not skipped:
        return []
    return [f"Not built, and nothing of them was run: {objects_in_words(skipped)}."]


def objects_in_words(skipped: Mapping[str, int]) -> str:
    """Return the classes of objects that were not built, the most frequent first."""
    counts = Counter(skipped).most_common()
    names = [f"{name[:LONGEST_NAME]} ({count})" for name, count in counts]
    return first_names(names, MOST_CLASSES)


def _configuration(content: Any, own: Any, layout: Layout) -> Mapping[str, Any] | None:
    """Return the configuration that a program of ours or of the study stored."""
    stored = own.get("configuration") if own is not None else None
    if layout == "final_model":
        stored = content.get("config")
    return stored if isinstance(stored, Mapping) else None


def _read_tensors(
    state: Mapping[str, Any],
    file: TensorFile,
    device: torch.device | str,
) -> Tensors:
    tensors: Tensors = {}
    for name, value in state.items():
        if isinstance(value, StoredTensor):
            tensors[name] = file.tensor(value, device)
        else:
            tensors[name] = value.to(device)
    return tensors


def _check_final_model(found: WeightsInFile, path: Path) -> None:
    state = found.parts.get("raw")
    if found.layout == "final_model" and isinstance(state, Mapping) and not state:
        raise WrongCheckpoint(
            f"{path}: its ebm_state is empty: the code that wrote it kept only keys that start with 'ebm.', "
            f"and the model's start with 'model.ebm.'. The weights are in {_milestones_next_to(path)}."
        )


def _dense(state: Mapping[str, Tensor], where: str) -> Tensors:
    """Return the tensors of a state, all of real numbers."""
    odd = [repr(name) for name, tensor in state.items() if tensor.is_complex()]
    if odd:
        raise WrongCheckpoint(
            f"{where}: expected a dictionary of tensors, found what is not a dense real tensor: "
            f"{', '.join(odd[:4])}."
        )
    return dict(state)


def _milestones_next_to(path: Path) -> str:
    """Return the name of the latest Trainer1D checkpoint in the same folder, else the pattern."""
    name_of: dict[int, str] = {}
    for file in sorted(path.parent.glob("model-*.pt")):
        milestone = re.fullmatch(r"model-(\d+)\.pt", file.name)
        if milestone:
            name_of[int(milestone[1])] = file.name
    if not name_of:
        return "model-<n>.pt of the same run"
    return f"{name_of[max(name_of)]}, next to it"
