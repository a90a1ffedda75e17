"""Tensors by name: whose they are, and what network they make.

The tensors decide head, rank and width; a flag stored beside them only has an opinion. Names are those of
the public code, under any of the prefixes that wrappers put before them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from ired_diag.errors import WrongCheckpoint
from ired_diag.inverse.architecture import Architecture, parameter_shapes
from ired_diag.model.schedule import Schedule

PREFIXES = ("module.", "_orig_mod.", "model.", "ema_model.", "ebm.")
BUFFERS = frozenset(Schedule.__dataclass_fields__)
UNUSED_BY_SCALAR_HEAD = ("fc4.weight", "fc4.bias")
MOST_KEYS_NAMED = 4
MIN_EMBEDDING = 4  # the frequencies run from 1 to 1/10000: two are needed


def strip_prefixes(state: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """Return the tensors under the names that the energy network gives them.

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


def infer_architecture(parameters: Mapping[str, Tensor], levels: int, where: str) -> Architecture:
    """Return the architecture that the tensors make, after checking every name and shape.

    Args:
        parameters: Tensors under stripped names; a scalar head may leave ``fc4`` unused.
        levels: Number of noise levels, which no tensor of the network tells.
        where: What to call the checkpoint in an error.

    Raises:
        WrongCheckpoint: A tensor is missing, unused, or of a shape that fits no energy network.
    """
    first, time = parameters.get("fc1.weight"), parameters.get("time_mlp.1.weight")
    if first is None or time is None or first.dim() != 2 or time.dim() != 2:
        raise WrongCheckpoint(
            f"{where}: expected the tensors of an IRED energy network (time_mlp.1.weight, fc1.weight, …), "
            f"found {_some(parameters)}. It is a checkpoint of another architecture."
        )
    rank = math.isqrt(first.shape[1] // 2)
    if rank < 1 or 2 * rank**2 != first.shape[1]:
        raise WrongCheckpoint(
            f"{where}: expected fc1.weight to take 2 rank² numbers (problem and candidate), "
            f"found {first.shape[1]}. It is a checkpoint of another problem."
        )
    if not (first.shape[0] and time.shape[0]):
        raise WrongCheckpoint(f"{where}: expected layers with outputs, found layers of width 0.")
    if time.shape[1] < MIN_EMBEDDING or time.shape[1] % 2:
        raise WrongCheckpoint(
            f"{where}: expected time_mlp.1.weight to take pairs of sines and cosines, {MIN_EMBEDDING} "
            f"numbers or more, found {time.shape[1]}. It is a checkpoint of another architecture."
        )
    architecture = Architecture(
        rank=rank,
        width=first.shape[0],
        head="scalar" if "energy_head.weight" in parameters else "vector",
        levels=levels,
        embedding=time.shape[1],
        time_width=time.shape[0],
    )
    _check_shapes(parameters, architecture, where)
    return architecture


def _check_shapes(parameters: Mapping[str, Tensor], architecture: Architecture, where: str) -> None:
    expected = parameter_shapes(architecture)
    unused = set(UNUSED_BY_SCALAR_HEAD) if architecture.head == "scalar" else set()
    complaints = []
    if missing := expected.keys() - parameters.keys():
        complaints.append(f"missing {_some(missing)}")
    if extra := parameters.keys() - expected.keys() - unused:
        complaints.append(f"unused {_some(extra)}")
    wrong = [
        f"{name} {tuple(parameters[name].shape)} where {shape} was expected"
        for name, shape in expected.items()
        if name in parameters and tuple(parameters[name].shape) != shape
    ]
    if wrong:
        complaints.append(f"of wrong shape: {', '.join(wrong[:MOST_KEYS_NAMED])}")
    if complaints:
        raise WrongCheckpoint(
            f"{where}: the tensors do not make an IRED energy network with a {architecture.head} head, "
            f"rank {architecture.rank}, width {architecture.width}: {'; '.join(complaints)}."
        )


def _some(names: Mapping[str, Tensor] | set[str]) -> str:
    """Return the first few names, and how many there are besides."""
    ordered = sorted(names)
    if not ordered:
        return "none"
    rest = f" and {len(ordered) - MOST_KEYS_NAMED} more" if len(ordered) > MOST_KEYS_NAMED else ""
    return ", ".join(ordered[:MOST_KEYS_NAMED]) + rest
