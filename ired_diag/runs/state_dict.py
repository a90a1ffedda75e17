"""Tensors by name: those of a model, under any of the prefixes that wrappers put before them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ired_diag.errors import WrongCheckpoint
from ired_diag.model.schedule import Schedule

PREFIXES = ("module.", "_orig_mod.", "model.", "ema_model.", "ebm.")
BUFFERS = frozenset(Schedule.__dataclass_fields__)
MOST_KEYS_NAMED = 4


def strip_prefixes(state: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """Return the tensors under the names that the model gives them.

    Raises:
        WrongCheckpoint: Two keys are the same tensor under different prefixes.
    """
    stripped: dict[str, Tensor] = {}
    for key, tensor in state.items():
        name = key
        while (prefix := next((p for p in PREFIXES if name.startswith(p)), None)) is not None:
            name = name.removeprefix(prefix)
        if name in stripped:
            raise WrongCheckpoint(f"{where}: {key!r} and another key are both the tensor {name!r}.")
        stripped[name] = tensor
    return stripped


def split_buffers(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the network's tensors and, apart, the constants of the noise schedule."""
    parameters = {name: p for name, p in state.items() if name not in BUFFERS}
    return parameters, {name: b for name, b in state.items() if name in BUFFERS}


def first_names(names: Mapping[str, Tensor] | set[str]) -> str:
    """Return the first few names, and how many there are besides."""
    ordered = sorted(names)
    if not ordered:
        return "none"
    rest = f" and {len(ordered) - MOST_KEYS_NAMED} more" if len(ordered) > MOST_KEYS_NAMED else ""
    return ", ".join(ordered[:MOST_KEYS_NAMED]) + rest
