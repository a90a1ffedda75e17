"""Summaries of whole walks: how far, how straight, how much lower, how much nearer.

Of each walk with moves of lengths ℓ_1 … ℓ_K after its clamped start:

    straightness  net / Σ ℓ_k, 1 for a straight line
    coherence     net / √(Σ ℓ_k²), 1 for independent moves in many dimensions, √K for equal ones in a line

Reference: Hughes (1995), Random Walks and Random Environments, volume 1, section 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ired_diag.stats.finite import Cube, mean_of_finite, quotient

STILL = 1e-3  # of the distance to the right answer: a shorter net move is none


def whole_walk(moves: Mapping[str, Cube]) -> dict[str, Cube]:
    """Return the summaries of whole walks, each of shape (levels, samples); NaN where there is none.

    Args:
        moves: The measures of each move, of shape (levels, steps + 1, samples); move 0 is the clamp's. The
            names are those of ``ired_diag.model.clamped_walk``.
    """
    length, distance = moves["length"], moves["distance"]
    changes = moves["energy_change"]
    steps = length[:, 1:]
    net = moves["net"][:, -1]
    reach = STILL * distance[:, 0]
    accepted = (moves["accepted"][:, 1:] > 0).any(axis=1)
    clamped = accepted & (length[:, 0] > reach)
    finite = np.isfinite(net) & np.isfinite(changes).all(axis=1)
    return {
        # Of the changes, not of the energies: those are large, and rounded when they were stored.
        "energy_change": changes[:, 1:].sum(axis=1),
        "moved": np.where(finite, net > reach, math.nan),
        "clamped": np.where(finite, clamped, math.nan),
        "net": net,
        "straightness": quotient(net, steps.sum(axis=1)),
        "coherence": quotient(net, np.sqrt((steps**2).sum(axis=1))),
        "turn": mean_of_finite(np.moveaxis(moves["turn"], 1, 0)),
        "down": moves["down"][:, -1],
        "toward": moves["toward"][:, -1],
        "distance_ratio": quotient(distance[:, -1], distance[:, 0]),
    }
