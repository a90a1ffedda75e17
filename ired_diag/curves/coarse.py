"""A long curve, made coarse: medians of neighbouring evaluations, few enough to be judged as a reader would.

Of 100,000 evaluations with correlated noise, some fifty neighbours wander far from the level by chance, and
no reader of the whole curve would speak of it. So a curve of more than 2000 evaluations is judged by the
medians of blocks of equal length, about 1000 of them. A spike is then one value among many, and a curve that
ends not finite is judged so before.
"""

from __future__ import annotations

import math

import numpy as np

from ired_diag.stats.arrays import Array

LONG = 2000
BLOCKS = 1000


def block_length(count: int) -> int:
    """Return how many evaluations a block has; 1 where the curve is judged as it is.

    >>> block_length(2000), block_length(100_000)
    (1, 100)
    """
    if count <= LONG:
        return 1
    return math.ceil(count / BLOCKS)


def coarse(steps: Array, values: Array, length: int) -> tuple[Array, Array]:
    """Return the last step and the median of each block; a first, shorter block is left out.

    Args:
        steps: Steps of the evaluations, of shape (n,), increasing.
        values: Values of shape (n,); NaN and infinities are left out where the block has a number.
        length: Evaluations of a block.
    """
    block_steps = _in_blocks(steps, length)
    last_steps = block_steps[:, -1]
    blocks = _in_blocks(values, length)
    is_finite = np.isfinite(blocks)
    finite = np.where(is_finite, blocks, np.nan)
    has_number = is_finite.any(axis=1)
    medians = np.full(len(blocks), np.nan)
    medians[has_number] = np.nanmedian(finite[has_number], axis=1)
    return last_steps, medians


def _in_blocks(array: Array, length: int) -> Array:
    first = len(array) % length
    whole = array[first:]
    return whole.reshape(-1, length)
