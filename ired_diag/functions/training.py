"""The descent on a test function as the trainer sees it: one point as the weights, noise as the batch.

Noise on the gradient is a term of the loss, ξ·p with ξ ~ N(0, σ²) drawn at each step: its gradient is ξ. It
is descended and not reported.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.functions.config import FunctionsConfig
from ired_diag.functions.surface import SURFACES, Surface
from ired_diag.precision import DTYPES
from ired_diag.seed_sources import Source
from ired_diag.streams import Streams
from ired_diag.task import CriticalPoint, Losses, Plane
from ired_diag.tensors import Tensors


def surface_of(config: FunctionsConfig) -> Surface:
    """Return the function that is descended."""
    return SURFACES[config.function]


def initial_weights(config: FunctionsConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """Return the point where a seed starts, of shape (2,)."""
    start = config.start or surface_of(config).start
    device, dtype = generator.device, DTYPES[config.precision]
    spread = torch.randn(2, generator=generator, dtype=dtype, device=device)
    return {"point": torch.tensor(start, dtype=dtype, device=device) + config.start_spread * spread}


def draw_batch(config: FunctionsConfig, streams: Streams, step: int) -> dict[str, Tensor]:
    """Return the noise on the gradient of a step, of shape (2,)."""
    device, dtype = streams.noise.device, DTYPES[config.precision]
    if config.gradient_noise == 0:
        return {"noise": torch.zeros(2, dtype=dtype, device=device)}
    noise = torch.randn(2, generator=streams.noise, dtype=dtype, device=device)
    return {"noise": config.gradient_noise * noise}


def losses(config: FunctionsConfig, tensors: Tensors, batch: Tensors) -> Losses:
    """Return the terms of the loss at the points, each of shape (seeds,), and the points."""
    point, noise = tensors["point"], batch["noise"]
    value = surface_of(config).value(point)
    x, y = point[..., 0], point[..., 1]
    # Not as a sum over the axis of two numbers, which takes ten times as long on many points.
    along_noise = noise[..., 0] * x + noise[..., 1] * y
    return Losses({"value": value, "noise": along_noise}, {"value": value, "x": x, "y": y})


def evaluate(
    config: FunctionsConfig, tensors: Tensors, batch: Tensors, generator: torch.Generator
) -> dict[str, float]:
    """Return the value where the point is now, after the step."""
    return {"function/value": float(surface_of(config).value(tensors["point"]))}


def absent_sources(config: FunctionsConfig) -> Mapping[Source, str]:
    """Return which sources of randomness there are not, and why."""
    absent: dict[Source, str] = {"eval": "an evaluation takes the value of the function and draws nothing"}
    if config.start_spread == 0:
        absent["init"] = "every seed starts at the same point, because start_spread is 0"
    if config.gradient_noise == 0:
        absent["data"] = "no step draws anything, because gradient_noise is 0"
    return absent


def critical_points(config: FunctionsConfig) -> tuple[CriticalPoint, ...]:
    """Return the global minimum of the function, or its saddle."""
    return surface_of(config).critical_points


def plane(config: FunctionsConfig) -> Plane:
    """Return the function as a map, over the extent of its usual picture."""
    surface = surface_of(config)

    def value(points: NDArray[np.float64]) -> NDArray[np.float64]:
        values: NDArray[np.float64] = surface.value(torch.from_numpy(points)).numpy()
        return values

    return Plane(
        name=config.function,
        value=value,
        coordinates=("train/x", "train/y"),
        x_range=surface.extent,
        y_range=surface.extent,
    )
