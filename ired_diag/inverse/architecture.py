"""The sizes of an energy network, its tensors, and how they start.

Names and shapes are those of the public code's ``models.EBM``; the scalar head is that of a fork.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.inverse.head import Head


@dataclass(frozen=True)
class Architecture:
    """The sizes of an energy network.

    Attributes:
        rank: Rows of the matrix; problem and candidate have rank² numbers each.
        width: Hidden units of each layer.
        head: ``vector`` (E = ‖W₄h₃ + b₄‖²) or ``scalar`` (E = w·h₃ + b).
        levels: Number of noise levels.
        embedding: Numbers in the sinusoidal embedding of a level.
        time_width: Hidden units of the embedding's network.
    """

    rank: int = 20
    width: int = 512
    head: Head = "vector"
    levels: int = 10
    embedding: int = 128
    time_width: int = 128

    @property
    def dim(self) -> int:
        """Numbers in a flattened matrix, rank²."""
        return self.rank**2


def parameter_shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of the network, under the public code's names, in its order."""
    width, dim, time = architecture.width, architecture.dim, architecture.time_width
    layers = {
        "time_mlp.1": (time, architecture.embedding),
        "time_mlp.3": (time, time),
        "fc1": (width, 2 * dim),
        "fc2": (width, width),
        "fc3": (width, width),
        "fc4": (dim, width),
        "t_map_fc2": (2 * width, time),
        "t_map_fc3": (2 * width, time),
    }
    if architecture.head == "scalar":
        del layers["fc4"]
        layers["energy_head"] = (1, width)
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (out, into) in layers.items():
        shapes[f"{name}.weight"] = (out, into)
        shapes[f"{name}.bias"] = (out,)
    return shapes


def initial_parameters(
    architecture: Architecture, *, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> dict[str, Tensor]:
    """Return the tensors of an untrained network, each entry U(-1, 1)/√fan_in as in ``torch.nn.Linear``."""
    shapes = parameter_shapes(architecture)
    parameters = {}
    for name, shape in shapes.items():
        fan_in = shapes[name.replace(".bias", ".weight")][1]
        uniform = torch.rand(shape, generator=generator, device=generator.device, dtype=dtype)
        parameters[name] = (2 * uniform - 1) / math.sqrt(fan_in)
    return parameters
