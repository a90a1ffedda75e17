"""Checkpoints: whose weights, of which step, making which network.

Four layouts are read, and told apart by their keys:

- ``Trainer1D`` (``model-<n>.pt``, and our own ``last.pt``): {step, model, opt, ema, scaler};
- ``final_model.pt`` of the study's fork: {ebm_state, step, mining_strategy, config};
- our own weights, ``step-<n>.safetensors``;
- a state dictionary, bare or under ``state_dict``, of the network or of an EMA wrapper around it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from ired_diag.errors import WrongCheckpoint
from ired_diag.finding import Finding
from ired_diag.inverse.architecture import Architecture
from ired_diag.inverse.head import PLAIN, HeadForm
from ired_diag.inverse.network import EnergyNetwork, GradientNormalization
from ired_diag.model.schedule import Schedule, cosine_schedule, schedule_from_betas
from ired_diag.runs.checkpoint_findings import (
    levels_assumed,
    notes_on_head,
    notes_on_values,
    other_schedule,
)
from ired_diag.runs.state_dict import (
    UNUSED_BY_SCALAR_HEAD,
    infer_architecture,
    split_buffers,
    strip_prefixes,
)
from ired_diag.runs.torch_file import read_torch_file
from ired_diag.runs.weights_file import read_weights

Weights = Literal["raw", "ema"]
Layout = Literal["trainer1d", "final_model", "ired_diag", "state_dict"]

ASSUMED_LEVELS = 10  # IRED's, where nothing in the file tells
MOST_LEVELS = 10_000  # the longest schedules in use have 4000
MOST_STEPS = 2**63 - 1
COSINE_TOLERANCE = 1e-5  # of a beta: float32 stores them to 1e-7


@dataclass(frozen=True)
class Checkpoint:
    """The weights of one step.

    Attributes:
        path: The file.
        layout: Which of the four layouts it has.
        step: Training steps taken, where the file says so.
        architecture: The network that the tensors make.
        states: The network's tensors by name, for ``raw`` and ``ema`` weights, as far as stored.
        buffers: The constants of the noise schedule as stored, by name; empty where none are.
        schedule: The noise schedule that the network was trained with.
        configuration: The configuration stored with it, if any.
        findings: What is odd about the file.
    """

    path: Path
    layout: Layout
    step: int | None
    architecture: Architecture
    states: Mapping[Weights, Mapping[str, Tensor]]
    buffers: Mapping[str, Tensor]
    schedule: Schedule
    configuration: Mapping[str, Any] | None
    findings: tuple[Finding, ...]

    def network(
        self,
        weights: Weights = "ema",
        *,
        gradient_normalization: GradientNormalization = None,
        form: HeadForm = PLAIN,
    ) -> EnergyNetwork:
        """Return the energy network with the chosen weights.

        Args:
            weights: ``raw`` (training and mining used these) or ``ema`` (evaluation used these).
            gradient_normalization: What ∇_yE was divided by in training; no checkpoint stores it.
            form: What stood before and around the head; no tensor tells it either.

        Raises:
            WrongCheckpoint: The file does not hold these weights.
        """
        if weights not in self.states:
            raise WrongCheckpoint(
                f"{self.path}: has no {weights!r} weights, only {', '.join(map(repr, self.states))}. "
                f"Choose with --weights (in Python: weights=…)."
            )
        unused = UNUSED_BY_SCALAR_HEAD if self.architecture.head == "scalar" else ()
        used = {name: p for name, p in self.states[weights].items() if name not in unused}
        return EnergyNetwork(self.architecture, used, gradient_normalization, form)


def read_checkpoint(path: Path | str, *, device: torch.device | str = "cpu") -> Checkpoint:
    """Return the checkpoint in a file, its tensors in float32 on ``device``.

    Raises:
        UnreadableFile: The file is missing, empty, truncated, of another format, or holds code.
        WrongCheckpoint: Its tensors are not those of an IRED energy network.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        content = read_weights(path, device=device)
        layout: Layout = "ired_diag" if content["step"] is not None else "state_dict"
        states: dict[Weights, Any] = {k: content[k] for k in get_args(Weights) if k in content}
        return _assemble(path, layout, content["step"], states, content["configuration"])
    content = read_torch_file(path, device=device)
    if "ebm_state" in content:
        return _read_final_model(path, content)
    if isinstance(content.get("model"), Mapping):
        states = {"raw": content["model"]}
        if isinstance(content.get("ema"), Mapping):
            states["ema"] = _of_ema(content["ema"], "ema_model.")
        own = content.get("ired_diag")
        configuration = own.get("configuration") if isinstance(own, Mapping) else None
        return _assemble(path, "trainer1d", _step(content), states, configuration)
    if isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if any(str(key).startswith("ema_model.") for key in content):
        states = {"raw": _of_ema(content, "online_model."), "ema": _of_ema(content, "ema_model.")}
        return _assemble(path, "state_dict", None, {k: s for k, s in states.items() if s}, None)
    return _assemble(path, "state_dict", None, {"raw": content}, None)


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
) -> Checkpoint:
    where = str(path)
    parameters: dict[Weights, dict[str, Tensor]] = {}
    buffers: dict[str, Tensor] = {}
    for kind, state in states.items():
        tensors = strip_prefixes(_only_tensors(state, where), where)
        parameters[kind], kept = split_buffers(tensors)
        buffers = buffers or kept
    levels, assumed = _levels(buffers, configuration, where)
    architectures = {
        infer_architecture(tensors, levels, f"{where} ({kind} weights)")
        for kind, tensors in parameters.items()
    }
    if len(architectures) != 1:
        raise WrongCheckpoint(f"{where}: its raw and EMA weights are of different architectures.")
    architecture = architectures.pop()
    schedule, odd_schedule = _schedule(buffers, levels)
    findings = (
        *notes_on_head(architecture, parameters, configuration),
        *notes_on_values(parameters),
        *odd_schedule,
        *([levels_assumed(levels)] if assumed else []),
    )
    single: dict[Weights, Mapping[str, Tensor]] = {
        kind: {name: p.float() for name, p in tensors.items()} for kind, tensors in parameters.items()
    }
    device = next(iter(single.values()))["fc1.weight"].device
    return Checkpoint(
        path,
        layout,
        step,
        architecture,
        single,
        buffers,
        schedule.to(device),
        configuration,
        findings,
    )


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


def _levels(
    buffers: Mapping[str, Tensor], configuration: Mapping[str, Any] | None, where: str
) -> tuple[int, bool]:
    """Return the number of noise levels, and whether it is a guess."""
    if (betas := buffers.get("betas")) is not None:
        if betas.dim() != 1 or not len(betas):
            raise WrongCheckpoint(f"{where}: expected one beta a noise level, found {tuple(betas.shape)}.")
        return len(betas), False
    told = (configuration or {}).get("diffusion_steps")
    if told is None:
        return ASSUMED_LEVELS, True
    if type(told) is not int or not 1 <= told <= MOST_LEVELS:
        raise WrongCheckpoint(
            f"{where}: its diffusion_steps: expected a number of levels, 1 to {MOST_LEVELS}, found {told!r}."
        )
    return told, False


def _schedule(buffers: Mapping[str, Tensor], levels: int) -> tuple[Schedule, list[Finding]]:
    cosine = cosine_schedule(levels)
    if "betas" not in buffers:
        return cosine, []
    stored = buffers["betas"].detach().cpu().float()
    off = float((stored - cosine.betas).abs().max())
    if off <= COSINE_TOLERANCE:
        return cosine, []
    return schedule_from_betas(stored), [other_schedule(off)]


def _milestones_beside(path: Path) -> str:
    """Return the name of the latest Trainer1D checkpoint in the same folder, else the pattern."""
    found = [(int(m[1]), p.name) for p in path.parent.glob("model-*.pt") if (m := _milestone(p))]
    return f"{max(found)[1]}, beside it" if found else "model-<n>.pt of the same run"


def _milestone(path: Path) -> re.Match[str] | None:
    return re.fullmatch(r"model-(\d+)\.pt", path.name)
