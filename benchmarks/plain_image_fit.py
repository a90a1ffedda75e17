"""The image fit as one would write it in numpy: Gaussian by Gaussian, each over the whole image, in float32.

The published algorithm read plainly: weights w = e^(-d²/2) up to the cutoff, color Σ w c / Σ w, the reported
loss with SSIM window by window, the gradient of the mean squared error by the chain rule, Adam, clamps. It is
the other side of ``benchmarks.image_fit``.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float32]

CUTOFF, COVERED = np.float32(12.25), np.float32(1e-10)
WINDOW, C1, C2 = 8, 1e-4, 9e-4
RATE, BETA1, BETA2, EPSILON = 0.001, 0.9, 0.999, 1e-8
LOW = np.array([0, 0, 0.001, 0.001, 0, 0, 0], dtype=np.float32)
HIGH = np.array([1, 1, 0.5, 0.5, 1, 1, 1], dtype=np.float32)


class PlainFit:
    """Gaussians and Adam's memory.

    Attributes:
        gaussians: x, y, scale_x, scale_y, red, green and blue of each, of shape (gaussians, 7).
        picture: The image, of shape (3, height, width).
    """

    def __init__(self, gaussians: Array, picture: Array) -> None:
        """Start from Gaussians; Adam remembers nothing."""
        self.gaussians, self.picture = gaussians.copy(), picture
        self._mean = np.zeros_like(gaussians)
        self._square = np.zeros_like(gaussians)
        self._steps = 0
        height, width = picture.shape[1:]
        self._rows = (np.arange(height, dtype=np.float32) / np.float32(height))[:, None]
        self._columns = (np.arange(width, dtype=np.float32) / np.float32(width))[None, :]

    def step(self, *, reports: bool = True) -> tuple[float, float]:
        """Take one step, and return the squared error and the reported loss before it.

        Args:
            reports: Whether the reported loss is computed; NaN without.
        """
        weights, across, down = [], [], []
        cover = np.zeros(self.picture.shape[1:], dtype=np.float32)
        sums = np.zeros_like(self.picture)
        for x, y, scale_x, scale_y, *color in self.gaussians:
            u = (self._columns - x) / scale_x
            v = (self._rows - y) / scale_y
            distance = u**2 + v**2
            weight = np.where(distance <= CUTOFF, np.exp(-distance / 2), np.float32(0))
            cover += weight
            for channel in range(3):
                sums[channel] += weight * color[channel]
            weights.append(weight)
            across.append(u)
            down.append(v)
        is_covered = cover > COVERED
        divisor = np.where(is_covered, cover, np.float32(1))
        colors = np.where(is_covered, sums / divisor, np.float32(0))
        error = colors - self.picture
        slope = np.where(is_covered, 2 * error / np.float32(error.size) / divisor, np.float32(0))
        gradient = np.zeros_like(self.gaussians)
        for place, (weight, u, v) in enumerate(zip(weights, across, down, strict=True)):
            scale_x, scale_y, *color = self.gaussians[place, 2:]
            along = np.zeros_like(weight)
            for channel in range(3):
                along += slope[channel] * (color[channel] - colors[channel])
                gradient[place, 4 + channel] = (slope[channel] * weight).sum()
            along *= weight
            gradient[place, 0] = (along * u).sum() / scale_x
            gradient[place, 1] = (along * v).sum() / scale_y
            gradient[place, 2] = (along * u**2).sum() / scale_x
            gradient[place, 3] = (along * v**2).sum() / scale_y
        self._adam(gradient)
        squared = float((error**2).mean())
        if not reports:
            return squared, float("nan")
        absolute = float(np.abs(error).mean())
        return squared, 0.2 * absolute + 0.8 * squared + 0.1 * (1 - similarity(colors, self.picture))

    def _adam(self, gradient: Array) -> None:
        self._steps += 1
        self._mean += np.float32(1 - BETA1) * (gradient - self._mean)
        self._square += np.float32(1 - BETA2) * (gradient**2 - self._square)
        mean = self._mean / np.float32(1 - BETA1**self._steps)
        square = self._square / np.float32(1 - BETA2**self._steps)
        self.gaussians -= np.float32(RATE) * mean / (np.sqrt(square) + np.float32(EPSILON))
        np.clip(self.gaussians, LOW, HIGH, out=self.gaussians)


def similarity(first: Array, second: Array) -> float:
    """Return the structural similarity of two images of shape (3, height, width), window by window."""
    mean_a, mean_b = _means(first), _means(second)
    variance_a = _means(first**2) - mean_a**2
    variance_b = _means(second**2) - mean_b**2
    covariance = _means(first * second) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
    size = (mean_a**2 + mean_b**2 + C1) * (variance_a + variance_b + C2)
    return float((likeness / size).mean())


def _means(image: Array) -> Array:
    """Return the mean of each window but the last of each side, which the study leaves out."""
    windows = sliding_window_view(image, (WINDOW, WINDOW), axis=(1, 2))[:, :-1, :-1]
    means: Array = windows.mean(axis=(3, 4))
    return means
