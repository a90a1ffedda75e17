"""A model's tensors in a checkpoint, by the names that the model gives them: raw weights and averages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ired_diag.errors import WrongCheckpoint
from ired_diag.pickled.values import Foreign, NumpyArray
from ired_diag.pickled.walk import walk
from ired_diag.runs.checkpoint_layout import WeightsInFile
from ired_diag.runs.state_dict import Kind, NamedStates, named_states, split_buffers
from ired_diag.runs.tensor_files.stored import StoredTensor
from ired_diag.runs.trainer1d import NETWORK

NOT_DENSE = "torch._utils._rebuild"  # a call that was not built: a sparse or quantised tensor, …


def named_weights(found: WeightsInFile, where: str) -> NamedStates:
    """Return the tensors of each kind under the names that the model gives them.

    Raises:
        WrongCheckpoint: There are none, or two are different and of one name.
    """
    whole = NamedStates()
    for kind, part in found.parts.items():
        named = named_states(_leaves_by_name(part, where), where, kind=kind)
        for of_kind, state in named.states.items():
            if of_kind == kind or of_kind not in found.parts:
                whole.states[of_kind] = state
                whole.taken_off[of_kind] = named.taken_off.get(of_kind, {})
        whole.prefixes += named.prefixes
        whole.left_out |= named.left_out
    if not whole.states:
        raise WrongCheckpoint(f"{where}: expected a dictionary of tensors, and nothing in it is one.")
    return whole


def parameters_and_constants(
    found: WeightsInFile,
    names: NamedStates,
    kind: Kind,
    *,
    is_own: bool,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a model's tensors and its constants; what we wrote says by its prefix which is which."""
    stored = found.parts.get(kind, {})
    prefix = NETWORK if kind == "raw" else f"ema_model.{NETWORK}"
    if not is_own or not any(str(name).startswith(prefix) for name in stored):
        return split_buffers(names.states.get(kind, {}))
    network: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    outer = prefix.removesuffix(NETWORK)
    for name, tensor in stored.items():
        if name.startswith(prefix):
            network[name.removeprefix(prefix)] = tensor
        elif name.startswith(outer) and "." not in name.removeprefix(outer):
            constants[name.removeprefix(outer)] = tensor
    return network, constants


def tensors_in(part: Any) -> list[tuple[str, Any]]:
    """Return each tensor in a part of a file, with its name in it."""
    return [(name, value) for name, value in walk(part) if isinstance(value, StoredTensor | NumpyArray)]


def _leaves_by_name(part: Any, where: str) -> dict[str, Any]:
    """Return the tensors in a part of a file by their names in it.

    Raises:
        WrongCheckpoint: There are none, or some are not dense tensors of real numbers.
    """
    if not isinstance(part, Mapping | Foreign):
        kind = type(part).__name__
        raise WrongCheckpoint(f"{where}: expected a dictionary of tensors, found an object of type {kind}.")
    tensors: dict[str, Any] = {}
    odd: list[str] = []
    for name, value in walk(part):
        if isinstance(value, Foreign) and value.of.startswith(NOT_DENSE):
            odd.append(repr(name))
        elif isinstance(value, StoredTensor):
            tensors[name] = value
            if value.type.is_complex:
                odd.append(repr(name))
        elif isinstance(value, NumpyArray) and value.values is not None:
            tensors[name] = torch.from_numpy(value.values.copy())
    if odd:
        raise WrongCheckpoint(
            f"{where}: expected a dictionary of tensors, found what is not a dense real tensor: "
            f"{', '.join(odd[:4])}."
        )
    if not tensors:
        raise WrongCheckpoint(f"{where}: expected a dictionary of tensors, and nothing in it is one.")
    return tensors
