"""Checkpoints of IRED's energy network: which network the tensors make, and its noise schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ired_diag.errors import WrongCheckpoint
from ired_diag.finding import Finding
from ired_diag.inverse.architecture import Architecture
from ired_diag.inverse.checkpoint_findings import (
    levels_assumed,
    notes_on_head,
    notes_on_values,
    other_schedule,
)
from ired_diag.inverse.head import PLAIN, HeadForm
from ired_diag.inverse.network import EnergyNetwork, GradientNormalization
from ired_diag.inverse.network_names import network_tensors
from ired_diag.inverse.stored_network import UNUSED_BY_SCALAR_HEAD, infer_architecture
from ired_diag.model.schedule import Schedule, cosine_schedule, schedule_from_betas
from ired_diag.runs import checkpoint as stored
from ired_diag.runs.checkpoint import Weights
from ired_diag.runs.checkpoint_layout import Layout

ASSUMED_LEVELS = 10  # IRED's, where nothing in the file tells
MOST_LEVELS = 10_000  # the longest schedules in use have 4000
COSINE_TOLERANCE = 1e-5  # of a beta: float32 stores them to 1e-7


@dataclass(frozen=True, kw_only=True)
class NetworkCheckpoint:
    """The weights of one step of an energy network.

    Attributes:
        path: The file.
        layout: How it is laid out (``ired_diag.runs.checkpoint``).
        step: Training steps taken, where the file says so.
        architecture: The network that the tensors make.
        states: The network's tensors by name, for ``raw`` and ``ema`` weights, as far as stored, in float32.
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


def read_network(path: Path | str, *, device: torch.device | str = "cpu") -> NetworkCheckpoint:
    """Return the energy network in a checkpoint file, its tensors in float32 on ``device``.

    Raises:
        UnreadableFile: The file is missing, empty, truncated, of another format, or holds code.
        WrongCheckpoint: Its tensors are not those of an IRED energy network.
    """
    return network_checkpoint(stored.read_checkpoint(path, device=device))


def network_checkpoint(checkpoint: stored.Checkpoint) -> NetworkCheckpoint:
    """Return the energy network that a checkpoint's tensors make.

    Raises:
        WrongCheckpoint: They are not those of an IRED energy network.
    """
    where, network = str(checkpoint.path), network_tensors(checkpoint)
    buffers = network.constants
    configuration = checkpoint.configuration
    levels, assumed = _levels(buffers, configuration, where)
    architectures = {
        infer_architecture(tensors, levels, f"{where} ({kind} weights)")
        for kind, tensors in network.states.items()
    }
    if len(architectures) != 1:
        raise WrongCheckpoint(f"{where}: its raw and EMA weights are of different architectures.")
    architecture = architectures.pop()
    schedule, odd_schedule = _schedule(buffers, levels)
    findings = (
        *network.findings,
        *notes_on_head(architecture, network.states, configuration),
        *notes_on_values(network.states),
        *odd_schedule,
        *([levels_assumed(levels)] if assumed else []),
    )
    single: dict[Weights, Mapping[str, Tensor]] = {
        kind: {name: p.float() for name, p in tensors.items()} for kind, tensors in network.states.items()
    }
    device = next(iter(single.values()))["fc1.weight"].device
    return NetworkCheckpoint(
        path=checkpoint.path,
        layout=checkpoint.layout,
        step=checkpoint.step,
        architecture=architecture,
        states=single,
        buffers=buffers,
        schedule=schedule.to(device),
        configuration=configuration,
        findings=findings,
    )


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
