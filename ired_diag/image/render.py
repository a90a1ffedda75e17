"""Gaussians drawn as an image.

With (x, y) a Gaussian's place, (s_x, s_y) its scales and c its color, its weight at a pixel (u, v), in widths
and heights of the image, is

    w = e^(-d²/2)  where  d² = ((u - x)/s_x)² + ((v - y)/s_y)² ≤ cutoff,  else 0,

and the pixel's color is Σ w c / Σ w (normalised) or Σ w c. A pixel where Σ w ≤ 10⁻¹⁰ is a *hole*: black, and
without a gradient. So a Gaussian whose cutoff moves past a pixel changes what is seen there by a jump that no
gradient knows of.

Reference: Zhang and others (2024), GaussianImage: 1000 FPS image representation and compression by 2D
Gaussian splatting, ECCV; the normalised form and the cutoff are those of a public encoder's first baseline.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.image.config import ImageConfig
from ired_diag.tensors import Tensors

SMALLEST_COVER = 1e-10
SMALLEST_EXPONENT = -87.0  # below, a weight is no normal number of float32: it counts as 0


@dataclass(frozen=True)
class Rendered:
    """An image drawn by Gaussians.

    Attributes:
        colors: Of shape (3, height, width).
        is_covered: Which pixels have a color, of shape (height, width).
    """

    colors: Tensor
    is_covered: Tensor


def pixel_weights(config: ImageConfig, gaussians: Tensors, height: int, width: int) -> Tensor:
    """Return the weight of each Gaussian at each pixel, of shape (gaussians, height, width).

    Args:
        config: The cutoff.
        gaussians: ``position`` and ``scale``, each of shape (gaussians, 2): x and y.
        height: Pixels from top to bottom.
        width: Pixels from left to right.
    """
    position, scale = gaussians["position"], gaussians["scale"]
    columns = torch.arange(width, dtype=position.dtype, device=position.device) / width
    rows = torch.arange(height, dtype=position.dtype, device=position.device) / height
    across = -0.5 * ((columns - position[:, :1]) / scale[:, :1]).square()
    down = -0.5 * ((rows - position[:, 1:]) / scale[:, 1:]).square()
    exponent = down[:, :, None] + across[:, None, :]
    smallest = SMALLEST_EXPONENT
    if config.render_cutoff is not None:
        smallest = max(smallest, -0.5 * config.render_cutoff)
    is_drawn = exponent >= smallest
    # Masked before the exponential too: numbers below the normal ones are computed many times more slowly.
    return torch.where(is_drawn, torch.where(is_drawn, exponent, 0).exp(), 0)


def render(config: ImageConfig, gaussians: Tensors, height: int, width: int) -> Rendered:
    """Return the image that Gaussians draw.

    Args:
        config: Cutoff, and whether colors are normalised.
        gaussians: ``position``, ``scale`` and ``color``, of shape (gaussians, 2), (gaussians, 2) and
            (gaussians, 3).
        height: Pixels from top to bottom.
        width: Pixels from left to right.
    """
    weights = pixel_weights(config, gaussians, height, width).flatten(1)
    color = gaussians["color"]
    # One product for the three channels and for the sum of the weights.
    sums = torch.cat([color, torch.ones_like(color[:, :1])], dim=1).T @ weights
    colors, cover = sums[:3], sums[3]
    is_covered = cover > SMALLEST_COVER
    if config.normalised:
        colors = colors / torch.where(is_covered, cover, 1)
    colors = torch.where(is_covered, colors, 0)
    return Rendered(colors.reshape(3, height, width), is_covered.reshape(height, width))
