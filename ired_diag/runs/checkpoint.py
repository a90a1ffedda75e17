"""Checkpoints: whose weights, of which step.

Four layouts are read, and told apart by their keys:

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
from ired_diag.runs.state_dict import split_buffers, strip_prefixes
from ired_diag.runs.torch_file import read_torch_file
from ired_diag.runs.trainer1d import NETWORK
from ired_diag.runs.weights_file import read_weights

Weights = Literal["raw", "ema"]
Layout = Literal["trainer1d", "final_model", "ired_diag", "state_dict"]

MOST_STEPS = 2**63 - 1


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
            raise WrongCheckpoint(
                f"{self.path}: has no {weights!r} weights, only {', '.join(map(repr, self.states))}. "
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
        content = read_weights(path, device=device)
        states: dict[Weights, Any] = {k: content[k] for k in get_args(Weights) if k in content}
        if content["step"] is None:
            return _assemble(path, "state_dict", None, states, None)
        return Checkpoint(
            path=path,
            layout="ired_diag",
            step=content["step"],
            states={kind: _only_tensors(state, str(path)) for kind, state in states.items()},
            configuration=content["configuration"],
        )
    content = read_torch_file(path, device=device)
    if "ebm_state" in content:
        return _read_final_model(path, content)
    if isinstance(content.get("model"), Mapping):
        return _read_trainer1d(path, content)
    if isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if any(str(key).startswith("ema_model.") for key in content):
        states = {"raw": _of_ema(content, "online_model."), "ema": _of_ema(content, "ema_model.")}
        return _assemble(path, "state_dict", None, {k: s for k, s in states.items() if s}, None)
    return _assemble(path, "state_dict", None, {"raw": content}, None)


def _read_trainer1d(path: Path, content: Mapping[str, Any]) -> Checkpoint:
    states: dict[Weights, Any] = {"raw": content["model"]}
    if isinstance(content.get("ema"), Mapping):
        states["ema"] = _of_ema(content["ema"], "ema_model.")
    own = content.get("ired_diag")
    if not isinstance(own, Mapping):
        return _assemble(path, "trainer1d", _step(content), states, None)
    configuration = own.get("configuration")
    return _assemble(path, "trainer1d", _step(content), states, configuration, is_ours=True)


def _read_final_model(path: Path, content: Mapping[str, Any]) -> Checkpoint:
    if isinstance(content["ebm_state"], Mapping) and not content["ebm_state"]:
        raise WrongCheckpoint(
            f"{path}: its ebm_state is empty: the code that wrote it kept only keys that start with 'ebm.', "
            f"and the model's start with 'model.ebm.'. The weights are in {_milestones_beside(path)}."
        )
    config = content.get("config")
    configuration = config if isinstance(config, Mapping) else None
    return _assemble(path, "final_model", _step(content), {"raw": content["ebm_state"]}, configuration)


def _assemble(
    path: Path,
    layout: Layout,
    step: int | None,
    states: Mapping[Weights, Any],
    configuration: Mapping[str, Any] | None,
    *,
    is_ours: bool = False,
) -> Checkpoint:
    where = str(path)
    parameters: dict[Weights, Mapping[str, Tensor]] = {}
    constants: dict[str, Tensor] = {}
    for kind, state in states.items():
        parameters[kind], kept = _parts(_only_tensors(state, where), where, is_ours=is_ours)
        constants = constants or kept
    return Checkpoint(
        path=path,
        layout=layout,
        step=step,
        states=parameters,
        constants=constants,
        configuration=configuration,
    )


def _parts(
    tensors: Mapping[str, Tensor], where: str, *, is_ours: bool
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return a model's tensors and its constants; what we wrote says by its prefix which is which."""
    if is_ours and any(name.startswith(NETWORK) for name in tensors):
        network = {k.removeprefix(NETWORK): p for k, p in tensors.items() if k.startswith(NETWORK)}
        return network, {k: p for k, p in tensors.items() if not k.startswith(NETWORK)}
    return split_buffers(strip_prefixes(tensors, where))


def _only_tensors(state: object, where: str) -> dict[str, Tensor]:
    if not isinstance(state, Mapping) or not state:
        raise WrongCheckpoint(f"{where}: expected a dictionary of tensors, found nothing in it.")
    odd = [key for key, value in state.items() if not _is_plain(value)]
    if odd:
        raise WrongCheckpoint(
            f"{where}: expected a dictionary of tensors, found what is no dense real tensor: "
            f"{', '.join(map(repr, odd[:4]))}."
        )
    return {str(key): value for key, value in state.items()}


def _is_plain(value: object) -> bool:
    """Say whether a value is a dense tensor of real numbers that are there."""
    if not isinstance(value, Tensor) or value.is_complex() or value.is_meta:
        return False
    return value.layout == torch.strided and not value.is_quantized


def _of_ema(state: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return what an EMA wrapper holds under a prefix."""
    return {str(k).removeprefix(prefix): v for k, v in state.items() if str(k).startswith(prefix)}


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


def _milestones_beside(path: Path) -> str:
    """Return the name of the latest Trainer1D checkpoint in the same folder, else the pattern."""
    found = [(int(m[1]), p.name) for p in path.parent.glob("model-*.pt") if (m := _milestone(p))]
    return f"{max(found)[1]}, beside it" if found else "model-<n>.pt of the same run"


def _milestone(path: Path) -> re.Match[str] | None:
    return re.fullmatch(r"model-(\d+)\.pt", path.name)
