"""Density and coverage: do candidates lie where the reference lies, and do they reach all of it?

Around each of N reference points X_i lies a ball that reaches to its k-th nearest other reference point, at
the distance r_i. With M candidates Y_j,

    density  = 1/(kM) Σ_j Σ_i [d(X_i, Y_j) ≤ r_i],
    coverage = 1/N Σ_i [min_j d(X_i, Y_j) ≤ r_i].

Of candidates drawn as the reference was, whatever that distribution (if it has no ties), the expected
density is 1, and the expected coverage is the chance that the k nearest of N - 1 + M points are not all of
the reference:

    E[coverage] = 1 - Π_{l=1…k} (N - l)/(N + M - l).

Density above 1: the candidates crowd where the reference is dense. Both fall to 0 when the candidates lie
elsewhere, however diverse they are. In many dimensions coverage does not see a collapse towards the middle
of the reference: balls around outlying points hold the middle, so candidates that are all alike there reach
every ball. The reverse, the coverage of the candidates by the reference, does: balls among alike candidates
are small, and the reference reaches none.

Reference: Naeem et al. (2020), Reliable Fidelity and Diversity Metrics, sections 3.1 to 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

NEIGHBOURS = 5  # k of the paper's experiments


@dataclass(frozen=True)
class Overlap:
    """How candidates and a reference overlap.

    Attributes:
        density: Density of the candidates, against the reference.
        coverage: Coverage of the reference by the candidates.
        reverse_coverage: Coverage of the candidates by the reference.
    """

    density: float
    coverage: float
    reverse_coverage: float


def density_and_coverage(
    within: NDArray[Any], across: NDArray[Any], *, k: int = NEIGHBOURS
) -> tuple[float, float]:
    """Return density and coverage of candidates; a candidate at a ball's rim is in it.

    Args:
        within: Distances between the reference points, 0 on the diagonal, of shape (N, N), N > k.
        across: Distances from each reference point to each candidate, of shape (N, M), M ≥ 1.
        k: Which nearest neighbour a ball reaches.

    Raises:
        ValueError: There are no k other reference points, or no candidates.
    """
    points, candidates = across.shape
    if points <= k or candidates < 1:
        raise ValueError(
            f"expected more than k = {k} reference points and at least one candidate, got {points} and "
            f"{candidates}"
        )
    others = within[~np.eye(points, dtype=bool)].reshape(points, points - 1)
    radius = np.partition(others, k - 1, axis=1)[:, k - 1]
    inside = across <= radius[:, None]
    return float(inside.sum() / (k * candidates)), float(inside.any(axis=1).mean())


def split_half_overlap(reference: NDArray[Any], candidates: NDArray[Any], *, k: int = NEIGHBOURS) -> Overlap:
    """Return the overlap of matched sets: half of one against the other half of the other, and vice versa.

    A candidate and its match may lie near each other for what they share, and would make any coverage
    perfect; so no point is held against its match. A reference against itself is its own baseline.

    Args:
        reference: Of shape (n, dim), n ≥ 2 (k + 1); of an odd number the last is left out.
        candidates: Of the same shape; row i matches row i of the reference.
        k: Which nearest neighbour a ball reaches.
    """
    half = len(reference) // 2
    parts = slice(0, half), slice(half, 2 * half)
    found = []
    for here, there in (parts, parts[::-1]):
        x = reference[here]
        y = candidates[there]
        across = cdist(x, y)
        density, coverage = density_and_coverage(cdist(x, x), across, k=k)
        found.append((density, coverage, density_and_coverage(cdist(y, y), across.T, k=k)[1]))
    return Overlap(*(float(mean) for mean in np.mean(found, axis=0)))
