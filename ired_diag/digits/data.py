"""The 1,797 digits of scikit-learn, 8×8 pixels of 0 to 16, as numbers from 0 to 1, in two parts.

Reference: Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository (the test set of that collection).
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from ired_diag.errors import DiagError
from ired_diag.streams import generator_of

BRIGHTEST = 16  # a pixel counts the points of a 4×4 block of the scan
CLASSES = 10
INSTALL = "pip install scikit-learn"


@functools.lru_cache(maxsize=8)
def digits(
    test_share: float, split_seed: int, dtype: torch.dtype, device: torch.device
) -> dict[str, dict[str, Tensor]]:
    """Return the items of both parts, ``train`` and ``test``.

    Args:
        test_share: Share of the images in ``test``; each part has at least one image.
        split_seed: Random seed of the split.
        dtype: Type of the pixels.
        device: Where the tensors go.

    Returns:
        For each part ``pixels`` of shape (items, 64) and ``label`` of shape (items,).

    Raises:
        DiagError: scikit-learn is not installed.
    """
    pixels, labels = _images()
    count = len(labels)
    order = torch.randperm(count, generator=generator_of([split_seed]))
    test_count = min(max(1, round(test_share * count)), count - 1)
    chosen = {"train": order[test_count:], "test": order[:test_count]}
    parts = {}
    for name, places in chosen.items():
        parts[name] = {
            "pixels": pixels[places].to(device, dtype),
            "label": labels[places].to(device),
        }
    return parts


@functools.cache
def _images() -> tuple[Tensor, Tensor]:
    """Return the pixels, of shape (1797, 64), and the labels, of shape (1797,)."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DiagError(f"The task digits needs scikit-learn, which holds its images: {INSTALL}.") from error
    pixels, labels = load_digits(return_X_y=True)
    return torch.from_numpy(pixels) / BRIGHTEST, torch.from_numpy(labels).long()
