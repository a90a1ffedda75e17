"""The layout of the public code's checkpoints, written by us: what it saves, it can load again.

``{step, model, opt, ema, scaler}``: the schedule's constants and the network's tensors under
``model.ebm.…``; the optimiser; an EMA wrapper that holds both the average and the weights. One key more,
``ired_diag``, holds what only we need to go on.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ired_diag.runs.files import write_atomically
from ired_diag.runs.state_dict import Tensors, split_buffers, strip_prefixes

NETWORK = "model.ebm."


def trainer1d_state(
    *,
    step: int,
    constants: Mapping[str, Tensor],
    raw: Mapping[str, Tensor],
    ema: Mapping[str, Tensor],
    optimizer: Mapping[str, Any],
    own: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a training state in the public layout.

    Args:
        step: Steps taken.
        constants: Tensors of the model that are not trained: the noise schedule.
        raw: The network's tensors.
        ema: Their average.
        optimizer: The optimiser's ``state_dict()``.
        own: What stands under ``ired_diag``: plain containers, numbers, strings and tensors.
    """
    model = _module(constants, raw)
    average = _module(constants, ema)
    return {
        "step": step,
        "model": model,
        "opt": dict(optimizer),
        "ema": {
            "initted": torch.tensor(True),
            "step": torch.tensor(step),
            **_under_prefix("online_model.", model),
            **_under_prefix("ema_model.", average),
        },
        "scaler": None,
        "ired_diag": dict(own),
    }


def write_torch_file(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state whole or not at all.

    Raises:
        CannotWrite: The folder cannot be written, or the disk is full.
    """
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    write_atomically(path, buffer.getvalue())


def network_tensors(
    module: Mapping[str, Tensor],
    names: Sequence[str],
    where: str,
) -> Tensors:
    """Return the network's tensors in a module's, under the names that the network gives them.

    Args:
        module: As ``trainer1d_state`` or the public code wrote it, wrappers' prefixes included.
        names: Those of the network.
        where: What to call the file in an error.

    Raises:
        WrongCheckpoint: Two keys are the same tensor under different prefixes.
    """
    if not all(NETWORK + name in module for name in names):
        network, _ = split_buffers(strip_prefixes(module, where))
        return network
    tensors: Tensors = {}
    for key, tensor in module.items():
        if key.startswith(NETWORK):
            tensors[key.removeprefix(NETWORK)] = tensor
    return tensors


def _module(constants: Mapping[str, Tensor], network: Mapping[str, Tensor]) -> Tensors:
    """Return the tensors of the public code's diffusion module, its constants first, in float32."""
    module: Tensors = {}
    for name, constant in constants.items():
        module[name] = constant.detach().float().cpu().clone()
    for name, tensor in network.items():
        module[NETWORK + name] = tensor.detach().cpu().clone()
    return module


def _under_prefix(prefix: str, tensors: Tensors) -> Tensors:
    return {prefix + name: tensor for name, tensor in tensors.items()}
