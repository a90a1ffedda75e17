"""Whether weights are near a saddle, by what the probe ``saddles`` keeps of them; nothing here needs torch.

The weights are *near* a saddle where the loss curves down at them, the gradient is small, and the saddle is
no further than a unit of the weights. Along one direction of curvature λ a gradient g means a distance of
g/|λ|; so g is small where it is at most ``SMALL_GRADIENT`` times the largest size of an eigenvalue, which
does not change when the loss is multiplied by a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALL_GRADIENT = 0.1  # weight units: norm of the gradient over the largest size of an eigenvalue
NEARBY = 1.0  # weight units: distance of a saddle that is near


def is_near_saddle(points: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Say of each row whether the weights are near the critical point that was found, and it is a saddle.

    Args:
        points: Columns of shape (n,): ``kind`` and ``distance`` of the critical point, and ``gradient_norm``,
            ``smallest`` and ``largest`` eigenvalue at the weights.
    """
    is_saddle = (points["kind"] == "saddle") & (points["smallest"] < 0)
    steepest = np.maximum(np.abs(points["smallest"]), np.abs(points["largest"]))
    is_small = points["gradient_norm"] <= SMALL_GRADIENT * steepest
    near: NDArray[np.bool_] = is_saddle & is_small & (points["distance"] <= NEARBY)
    return near
