"""What is told of whole walks: how far, how straight, how much lower, how much nearer.

Of each walk with moves of lengths ℓ_1 … ℓ_K after its clamped start:

    straightness  net / Σ ℓ_k, 1 for a straight line
    coherence     net / √(Σ ℓ_k²), 1 for independent moves in many dimensions, √K for equal ones in a line

Reference: Hughes (1995), Random Walks and Random Environments, volume 1, section 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Cube = NDArray[np.float64]

STILL = 1e-3  # of the distance to the right answer: a shorter net move is none


def whole_walk(moves: Mapping[str, Cube]) -> dict[str, Cube]:
    """Return what is told of whole walks, each of shape (levels, samples); NaN where nothing is to tell.

    Args:
        moves: What is told of each move, of shape (levels, steps + 1, samples); move 0 is the clamp's. The
            names are those of ``ired_diag.model.clamped_walk``.
    """
    steps, net = moves["length"][:, 1:], moves["net"][:, -1]
    reach = STILL * moves["distance"][:, 0]
    kept = (moves["accepted"][:, 1:] > 0).any(axis=1)
    known = np.isfinite(net) & np.isfinite(moves["energy_change"]).all(axis=1)
    return {
        # Of the changes, not of the energies: those are large, and rounded when they were stored.
        "energy_change": moves["energy_change"][:, 1:].sum(axis=1),
        "moved": np.where(known, net > reach, math.nan),
        "clamped": np.where(known, kept & (moves["length"][:, 0] > reach), math.nan),
        "net": net,
        "straightness": ratio(net, steps.sum(axis=1)),
        "coherence": ratio(net, np.sqrt((steps**2).sum(axis=1))),
        "turn": mean_of_finite(np.moveaxis(moves["turn"], 1, 0)),
        "down": moves["down"][:, -1],
        "toward": moves["toward"][:, -1],
        "distance_ratio": ratio(moves["distance"][:, -1], moves["distance"][:, 0]),
    }


def ratio(a: ArrayLike, b: ArrayLike) -> Cube:
    """Return a / b; NaN where b is 0.

    >>> ratio([1.0, 1.0], [2.0, 0.0]).tolist()
    [0.5, nan]
    """
    above, below = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    found: Cube = np.full(above.shape, math.nan)
    np.divide(above, below, out=found, where=below != 0)
    return found


def mean_of_finite(values: Cube) -> Cube:
    """Return the mean over the first axis of what is finite; NaN where nothing is.

    >>> mean_of_finite(np.array([[1.0, np.nan], [3.0, np.nan]])).tolist()
    [2.0, nan]
    """
    finite = np.isfinite(values)
    return ratio(np.where(finite, values, 0.0).sum(axis=0), finite.sum(axis=0))
