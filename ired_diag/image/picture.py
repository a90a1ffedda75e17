"""The image that is fitted: the published one, or one of the user's own.

The published image is 64 pixels wide and high, in three equal channels: a ramp from left to right and a
checkerboard of fields of 8 pixels,

    v(x, y) = 0.7 x/64 + 0.2 [(⌊x/8⌋ + ⌊y/8⌋) even].
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from ired_diag.errors import UnreadableFile
from ired_diag.image.config import PUBLISHED

SIZE = 64
FORMATS = ("PNG", "JPEG")
FIELD = 8
SMALLEST, LARGEST = 16, 512  # pixels of a side: SSIM needs windows, and memory has an end


@lru_cache(maxsize=8)
def picture_of(name: str) -> Tensor:
    """Return the image that a configuration names, of shape (3, height, width), from 0 to 1, in float32.

    Args:
        name: ``published``, or the path of a PNG or JPEG file.

    Raises:
        UnreadableFile: There is no such file, it is no image, or it is too small or too large.
    """
    if name == PUBLISHED:
        return published_picture()
    path = Path(name)
    try:
        with Image.open(path, formats=FORMATS) as image:
            if not all(SMALLEST <= side <= LARGEST for side in image.size):
                raise UnreadableFile(
                    f"{path}: the image is {image.width} by {image.height} pixels; a fit takes {SMALLEST} to "
                    f"{LARGEST} on each side. Resize it first."
                )
            pixels = np.asarray(image.convert("RGB"), dtype=np.float32)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise UnreadableFile(f"{path}: cannot be read as a PNG or JPEG image ({error}).") from error
    return torch.from_numpy(pixels / 255).permute(2, 0, 1).contiguous()


def published_picture() -> Tensor:
    """Return the image of the study, of shape (3, 64, 64)."""
    place = torch.arange(SIZE)
    field = place // FIELD
    is_light = (field[:, None] + field) % 2 == 0
    grey = 0.7 * place / SIZE + 0.2 * is_light
    return grey.float().expand(3, SIZE, SIZE).contiguous()
