"""Structural similarity of two images, as the study computes it.

With means m, variances v and the covariance c over windows of 8 by 8 pixels, each divided by 64,

    SSIM = mean of (2 m_a m_b + C₁)(2 c + C₂) / ((m_a² + m_b² + C₁)(v_a + v_b + C₂)),  C₁ = 10⁻⁴, C₂ = 9·10⁻⁴,

over the channels and the windows whose centre is at least 4 pixels from the first and 5 from the last row and
column.

Reference: Wang and others (2004), Image quality assessment, IEEE Transactions on Image Processing 13:600.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

WINDOW = 8
C1, C2 = 1e-4, 9e-4


def similarity(first: Tensor, second: Tensor) -> Tensor:
    """Return the structural similarity of two images of shape (3, height, width), a number."""
    maps = torch.stack([first, second, first.square(), second.square(), first * second])
    mean_a, mean_b, square_a, square_b, product = _window_means(maps)
    variance_a = square_a - mean_a.square()
    variance_b = square_b - mean_b.square()
    covariance = product - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
    size = (mean_a.square() + mean_b.square() + C1) * (variance_a + variance_b + C2)
    score: Tensor = (likeness / size).mean()
    return score


def _window_means(maps: Tensor) -> Tensor:
    """Return the mean of each window, of shape (…, height - 8, width - 8)."""
    over_rows = _averaging(maps.shape[-2]).to(maps)
    over_columns = _averaging(maps.shape[-1]).to(maps)
    return over_rows @ maps @ over_columns.T


@lru_cache(maxsize=8)
def _averaging(size: int) -> Tensor:
    """Return the matrix that averages windows of a side, of shape (size - 8, size).

    The last window of a side has no centre in the study's range.
    """
    start = torch.arange(size - WINDOW)[:, None]
    place = torch.arange(size)
    is_inside = (place >= start) & (place < start + WINDOW)
    return is_inside / WINDOW
