"""The fit of Gaussians to an image as the trainer sees it.

The loss that is reported, with e the difference of the two images, is

    0.2 mean |e| + 0.8 mean e² + 0.1 (1 - SSIM),

and the one that a step descends is, as published, mean e² alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.image.config import ImageConfig
from ired_diag.image.picture import picture_of
from ired_diag.image.render import Rendered, render
from ired_diag.image.rust_random import random_words, uniform
from ired_diag.image.similarity import similarity
from ired_diag.precision import DTYPES
from ired_diag.seed_sources import Source
from ired_diag.streams import Streams
from ired_diag.task import Losses, ParameterGroup
from ired_diag.tensors import Tensors

REPORTED_WEIGHTS = {"l1": 0.2, "l2": 0.8, "ssim": 0.1}
INITIAL_SCALES = (0.01, 0.1)
PARTS = ("position", "scale", "color")
HOLE, COVERED = (
    (0.84, 0.37, 0.0),
    (0.92, 0.92, 0.92),
)  # colours of pixels that no Gaussian reaches, and others


def initial_weights(config: ImageConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """Return the Gaussians that the public encoder starts with at this seed; the generator is not used.

    Returns:
        ``position`` and ``scale`` (x and y) of shape (gaussians, 2), ``color`` of shape (gaussians, 3).
    """
    words = random_words(config.seeds.init, 6 * config.gaussians).reshape(-1, 6)
    scale = uniform(words[:, 2:3], *INITIAL_SCALES)
    parts = {
        "position": uniform(words[:, :2], 0, 1),
        "scale": np.concatenate([scale, scale], axis=1),
        "color": uniform(words[:, 3:], 0, 1),
    }
    gaussians = {}
    for name, values in parts.items():
        gaussians[name] = torch.from_numpy(values).to(generator.device, DTYPES[config.precision])
    return gaussians


def draw_batch(config: ImageConfig, streams: Streams, step: int) -> dict[str, Tensor]:
    """Return the image, of shape (3, height, width): every step sees all of it."""
    picture = picture_of(config.picture)
    return {"picture": picture.to(streams.data.device, DTYPES[config.precision])}


def losses(config: ImageConfig, tensors: Tensors, batch: Tensors) -> Losses:
    """Return the terms of the reported loss, each times its weight, and the one that is descended."""
    picture = batch["picture"]
    rendered = render(config, tensors, *picture.shape[1:])
    errors = _errors(rendered, picture)
    terms = {name: weight * errors[name] for name, weight in REPORTED_WEIGHTS.items()}
    if config.descends == "reported":
        descended = torch.stack(list(terms.values())).sum()
    else:
        descended = errors[config.descends]
    holes = (~rendered.is_covered).sum().to(picture.dtype)
    return Losses({"descended": descended, **terms}, {**errors, "uncovered_pixels": holes})


def absent_sources(config: ImageConfig) -> Mapping[Source, str]:
    """Return which sources of randomness there are not, and why."""
    return {
        "data": "each step sees the whole picture",
        "eval": "an evaluation sees the whole picture and draws nothing",
    }


def _errors(rendered: Rendered, picture: Tensor) -> dict[str, Tensor]:
    """Return the three distances of an image from the picture, without their weights."""
    difference = rendered.colors - picture
    return {
        "l1": difference.abs().mean(),
        "l2": difference.square().mean(),
        "ssim": 1 - similarity(rendered.colors, picture),
    }


@torch.no_grad()
def evaluate(
    config: ImageConfig, tensors: Tensors, batch: Tensors, generator: torch.Generator
) -> dict[str, float]:
    """Return the reported loss and its parts after the step, and where the error is."""
    picture = batch["picture"]
    rendered = render(config, tensors, *picture.shape[1:])
    errors = {name: float(error) for name, error in _errors(rendered, picture).items()}
    squares = (rendered.colors - picture).square()
    is_hole = ~rendered.is_covered
    scale = tensors["scale"]
    loss = 0.0
    for name, weight in REPORTED_WEIGHTS.items():
        loss += weight * errors[name]
    return {
        "image/loss": loss,
        "image/l1": errors["l1"],
        "image/l2": errors["l2"],
        "image/ssim": 1 - errors["ssim"],
        "image/uncovered_pixels": float(is_hole.sum()),
        "image/l2_covered": float((squares * rendered.is_covered).mean()),
        "image/l2_uncovered": float((squares * is_hole).mean()),
        "image/mean_scale": float(scale.mean()),
        "image/scales_at_floor": float((scale <= config.scale_floor).sum()),
    }


@torch.no_grad()
def images(config: ImageConfig, tensors: Tensors) -> dict[str, NDArray[np.float64]]:
    """Return the picture, what the Gaussians draw, and where they draw nothing, each (height, width, 3)."""
    picture = picture_of(config.picture)
    rendered = render(config, tensors, *picture.shape[1:])
    is_hole = ~rendered.is_covered[None]
    # Vermilion on pale grey: holes are black in what is drawn, and black alone would be read as a dark image.
    of_hole, of_covered = (torch.tensor(colour).reshape(3, 1, 1) for colour in (HOLE, COVERED))
    holes = torch.where(is_hole.cpu(), of_hole, of_covered)
    shown = {
        "target": picture,
        "model": rendered.colors,
        "uncovered": holes,
    }
    arrays = {}
    for title, channels in shown.items():
        arrays[title] = channels.permute(1, 2, 0).double().clamp(0, 1).numpy()
    return arrays


def parameter_groups(config: ImageConfig) -> tuple[ParameterGroup, ...]:
    """Return positions, scales and colors; those that are frozen have a rate of 0."""
    return tuple(_group(config, part) for part in PARTS)


def _group(config: ImageConfig, part: str) -> ParameterGroup:
    rate = 0.0 if part in config.frozen else 1.0
    return ParameterGroup(name=part, holds=lambda name: name == part, learning_rate_factor=rate)


def project(config: ImageConfig, weights: Tensors) -> None:
    """Move positions and colors back to [0, 1], scales to between their floor and ceiling, in place."""
    weights["position"].clamp_(0, 1)
    weights["color"].clamp_(0, 1)
    weights["scale"].clamp_(config.scale_floor, config.scale_ceiling)
