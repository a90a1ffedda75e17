"""Tensors by name: those of a model, under any of the prefixes that wrappers put before them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ired_diag.errors import WrongCheckpoint
from ired_diag.model.schedule import Schedule
from ired_diag.runs import name_list

PREFIXES = ("module.", "_orig_mod.", "model.", "ema_model.", "ebm.")
BUFFERS = frozenset(Schedule.__dataclass_fields__)
MOST_KEYS_NAMED = 4

Tensors = dict[str, Tensor]  # by name


def strip_prefixes(state: Mapping[str, Tensor], where: str) -> Tensors:
    """Return the tensors under the names that the model gives them.

    Raises:
        WrongCheckpoint: Two keys are the same tensor under different prefixes.
    """
    stripped: Tensors = {}
    for key, tensor in state.items():
        name = _without_prefixes(key)
        if name in stripped:
            raise WrongCheckpoint(f"{where}: {key!r} and another key are both the tensor {name!r}.")
        stripped[name] = tensor
    return stripped


def _without_prefixes(name: str) -> str:
    while name.startswith(PREFIXES):
        for prefix in PREFIXES:
            name = name.removeprefix(prefix)
    return name


def split_buffers(state: Mapping[str, Tensor]) -> tuple[Tensors, Tensors]:
    """Return the network's tensors and, apart, the constants of the noise schedule."""
    parameters: Tensors = {}
    constants: Tensors = {}
    for name, tensor in state.items():
        if name in BUFFERS:
            constants[name] = tensor
        else:
            parameters[name] = tensor
    return parameters, constants


def first_names(names: Mapping[str, Tensor] | set[str]) -> str:
    """Return the first few names, and how many more there are."""
    return name_list.first_names(sorted(names), MOST_KEYS_NAMED) or "none"
