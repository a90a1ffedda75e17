"""Checkpoints: whose weights, of which step.

Four layouts are read, and distinguished by their keys:

- ``Trainer1D`` (``model-<n>.pt``, and our own ``last.pt``): {step, model, opt, ema, scaler};
- ``final_model.pt`` of the study's fork: {ebm_state, step, mining_strategy, config};
- our own weights, ``step-<n>.safetensors``;
- a state dictionary, bare or under ``state_dict``, of a model or of an EMA wrapper around it.

What model the tensors make, the task says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from ired_diag.errors import WrongCheckpoint
from ired_diag.runs.state_dict import Tensors, split_buffers, strip_prefixes
from ired_diag.runs.torch_file import read_torch_file
from ired_diag.runs.trainer1d import NETWORK
from ired_diag.runs.weights_file import read_weights

Weights = Literal["raw", "ema"]
Layout = Literal["trainer1d", "final_model", "ired_diag", "state_dict"]

MOST_STEPS = 2**63 - 1  # as 64 bits hold it


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The weights of one step.

    Attributes:
        path: The file.
        layout: Which of the four layouts it has.
        step: Training steps taken, where the file says so.
        states: The model's tensors by name, for ``raw`` and ``ema`` weights, as far as stored.
        constants: What is stored with them and is not trained, by name: the noise schedule.
        configuration: The configuration stored with it, if any.
    """

    path: Path
    layout: Layout
    step: int | None
    states: Mapping[Weights, Mapping[str, Tensor]]
    constants: Mapping[str, Tensor] = field(default_factory=dict)
    configuration: Mapping[str, Any] | None = None

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
    """Return the checkpoint in a file, its tensors on ``device``, of the types that they are stored in.

    Raises:
        UnreadableFile: The file is missing, empty, truncated, of another format, or holds code.
        WrongCheckpoint: It holds no tensors.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        return _read_safetensors(path, device)
    content = read_torch_file(path, device=device)
    if "ebm_state" in content:
        return _read_final_model(path, content)
    if isinstance(content.get("model"), Mapping):
        return _read_trainer1d(path, content)
    if isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    return _assemble(path, "state_dict", _states_of(content))


def _read_safetensors(path: Path, device: torch.device | str) -> Checkpoint:
    content = read_weights(path, device=device)
    states: dict[Weights, Any] = {}
    for kind in get_args(Weights):
        if kind in content:
            states[kind] = content[kind]
    if content["step"] is None:
        return _assemble(path, "state_dict", states)
    for kind, state in states.items():
        states[kind] = _only_tensors(state, str(path))
    return Checkpoint(
        path=path,
        layout="ired_diag",
        step=content["step"],
        states=states,
        configuration=content["configuration"],
    )


def _states_of(content: Mapping[str, Any]) -> dict[Weights, Any]:
    """Return the weights in a state dictionary: those of a model, or of an EMA wrapper around it."""
    if not any(str(key).startswith("ema_model.") for key in content):
        return {"raw": content}
    states: dict[Weights, Any] = {"ema": _of_ema(content, "ema_model.")}
    raw = _of_ema(content, "online_model.")
    return {"raw": raw, **states} if raw else states


def _read_trainer1d(path: Path, content: Mapping[str, Any]) -> Checkpoint:
    states: dict[Weights, Any] = {"raw": content["model"]}
    if isinstance(content.get("ema"), Mapping):
        states["ema"] = _of_ema(content["ema"], "ema_model.")
    step = _step(content)
    own = content.get("ired_diag")
    if not isinstance(own, Mapping):
        return _assemble(path, "trainer1d", states, step=step)
    return _assemble(
        path,
        "trainer1d",
        states,
        step=step,
        configuration=own.get("configuration"),
        is_ours=True,
    )


def _read_final_model(path: Path, content: Mapping[str, Any]) -> Checkpoint:
    state = content["ebm_state"]
    if isinstance(state, Mapping) and not state:
        raise WrongCheckpoint(
            f"{path}: its ebm_state is empty: the code that wrote it kept only keys that start with 'ebm.', "
            f"and the model's start with 'model.ebm.'. The weights are in {_milestones_next_to(path)}."
        )
    configuration = content.get("config")
    if not isinstance(configuration, Mapping):
        configuration = None
    return _assemble(
        path,
        "final_model",
        {"raw": state},
        step=_step(content),
        configuration=configuration,
    )


def _assemble(
    path: Path,
    layout: Layout,
    states: Mapping[Weights, Any],
    *,
    step: int | None = None,
    configuration: Mapping[str, Any] | None = None,
    is_ours: bool = False,
) -> Checkpoint:
    where = str(path)
    parameters: dict[Weights, Mapping[str, Tensor]] = {}
    constants: dict[str, Tensor] = {}
    for kind, state in states.items():
        tensors = _only_tensors(state, where)
        parameters[kind], constants_of_kind = _parts(tensors, where, is_ours=is_ours)
        constants = constants or constants_of_kind
    return Checkpoint(
        path=path,
        layout=layout,
        step=step,
        states=parameters,
        constants=constants,
        configuration=configuration,
    )


def _parts(
    tensors: Mapping[str, Tensor],
    where: str,
    *,
    is_ours: bool,
) -> tuple[Tensors, Tensors]:
    """Return a model's tensors and its constants; what we wrote says by its prefix which is which."""
    if not is_ours or not any(name.startswith(NETWORK) for name in tensors):
        return split_buffers(strip_prefixes(tensors, where))
    network: Tensors = {}
    constants: Tensors = {}
    for name, tensor in tensors.items():
        if name.startswith(NETWORK):
            network[name.removeprefix(NETWORK)] = tensor
        else:
            constants[name] = tensor
    return network, constants


def _only_tensors(state: object, where: str) -> Tensors:
    if not isinstance(state, Mapping) or not state:
        raise WrongCheckpoint(f"{where}: expected a dictionary of tensors, found nothing in it.")
    tensors: Tensors = {}
    odd: list[str] = []
    for key, value in state.items():
        tensors[str(key)] = value
        if not _is_plain(value):
            odd.append(repr(key))
    if odd:
        raise WrongCheckpoint(
            f"{where}: expected a dictionary of tensors, found what is not a dense real tensor: "
            f"{', '.join(odd[:4])}."
        )
    return tensors


def _is_plain(value: object) -> bool:
    """Say whether a value is a dense tensor of real numbers that are there."""
    if not isinstance(value, Tensor) or value.is_complex() or value.is_meta:
        return False
    return value.layout == torch.strided and not value.is_quantized


def _of_ema(state: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return what an EMA wrapper holds under a prefix."""
    values: dict[str, Any] = {}
    for key, value in state.items():
        name = str(key)
        if name.startswith(prefix):
            values[name.removeprefix(prefix)] = value
    return values


def _step(content: Mapping[str, Any]) -> int | None:
    """Return the step that a file states; None where it states none that training could have reached."""
    step = content.get("step")
    if isinstance(step, Tensor) and step.numel() == 1 and _is_plain(step):
        step = step.item()
    if isinstance(step, float) and step.is_integer():
        step = int(step)
    if not isinstance(step, int) or isinstance(step, bool):
        return None
    return step if 0 <= step <= MOST_STEPS else None


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
