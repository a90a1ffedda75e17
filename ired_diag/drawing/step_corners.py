"""A function that changes in steps, as the corners of its line."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def step_corners(x: Array, *heights: Array) -> tuple[Array, ...]:
    """Return the corners of functions that keep each value until the next place.

    >>> import numpy as np
    >>> [corners.tolist() for corners in step_corners(np.array([1, 2, 5]), np.array([9, 6, 3]))]
    [[1, 2, 2, 5, 5], [9, 9, 6, 6, 3]]
    """
    corners = [np.repeat(height, 2)[:-1] for height in heights]
    return np.repeat(x, 2)[1:], *corners
