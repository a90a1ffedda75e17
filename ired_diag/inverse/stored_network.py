"""What network the tensors of a checkpoint make.

The tensors decide head, rank and width; a flag next to them is only an opinion. Names are those of the
public code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from ired_diag.errors import WrongCheckpoint
from ired_diag.inverse.architecture import Architecture, parameter_shapes
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.configured import architecture_of
from ired_diag.runs.state_dict import MOST_KEYS_NAMED, first_names

UNUSED_BY_SCALAR_HEAD = ("fc4.weight", "fc4.bias")
MIN_EMBEDDING = 4  # the frequencies run from 1 to 1/10000: two are needed


def check_weights(config: InverseConfig, weights: Mapping[str, Tensor], where: str) -> None:
    """Refuse tensors that make another network than a configuration asks for.

    Raises:
        WrongCheckpoint: They do, or they make none.
    """
    expected = architecture_of(config)
    found = infer_architecture(weights, config.diffusion_steps, where)
    if found != expected:
        raise WrongCheckpoint(f"{where}: expected the run's {expected}, found {found}.")


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
            f"found {first_names(parameters)}. It is a checkpoint of another architecture."
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
        complaints.append(f"missing {first_names(missing)}")
    if extra := parameters.keys() - expected.keys() - unused:
        complaints.append(f"unused {first_names(extra)}")
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
