"""Diversity of a set of points: how far apart, in how many directions, how many different ones, and where.

Each point belongs to an origin that it was displaced from; points differ because their origins do, and only
the displacement is the doing of what moved them. A control, displaced as far in random directions, gives the
kernel of the Vendi score its bandwidth, and the region that density and coverage speak of.

Formulas and references: ``effective_rank``, ``vendi`` and ``density_coverage`` in this folder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from ired_diag.stats.density_coverage import NEIGHBOURS, Overlap, split_half_overlap
from ired_diag.stats.effective_rank import effective_rank
from ired_diag.stats.vendi import gaussian_kernel, vendi_score

NAN = math.nan
FEWEST = 2 * (NEIGHBOURS + 1)  # points for density and coverage: a ball reaches the k-th other of its half
NO_OVERLAP = Overlap(NAN, NAN, NAN)


@dataclass(frozen=True, kw_only=True)
class Diversity:
    """The diversity of a set of n points; distances are RMS per entry.

    Attributes:
        consecutive: Mean distance between a point and the next one.
        pairs: Mean distance over all pairs.
        effective_rank: Effective rank of the points about their mean, at most min(n - 1, dim).
        displacement_rank: Effective rank of point minus origin.
        vendi: Vendi score, between 1 and n, under a Gaussian kernel.
        density: Density of the points against the control.
        coverage: Coverage of the control by the points.
        reverse_coverage: Coverage of the points by the control.
        reason: Why something is NaN.
    """

    consecutive: float = NAN
    pairs: float = NAN
    effective_rank: float = NAN
    displacement_rank: float = NAN
    vendi: float = NAN
    density: float = NAN
    coverage: float = NAN
    reverse_coverage: float = NAN
    reason: str = ""


def median_distance(points: NDArray[Any]) -> float:
    """Return the median distance between two points, RMS per entry; NaN of one point, or of NaN.

    Args:
        points: Points of shape (n, dim).
    """
    distances = pdist(points) / math.sqrt(points.shape[1])
    return float(np.median(distances)) if len(distances) and np.isfinite(distances).all() else NAN


def set_diversity(
    points: NDArray[Any], origins: NDArray[Any], control: NDArray[Any], *, bandwidth: float
) -> Diversity:
    """Return the diversity of points.

    Args:
        points: Points of shape (n, dim), of independent origins, in any order.
        origins: Origin of each point, of the same shape.
        control: Control points, of the same shape; row i has the origin of point i.
        bandwidth: Bandwidth of the Vendi score's kernel, RMS per entry; NaN and 0 give no score.
    """
    n, dim = points.shape
    broken = int((~np.isfinite(points).all(axis=1)).sum())
    if broken:
        return Diversity(reason=f"{broken} of {n} candidates are not finite")
    if n < 2:
        return Diversity(reason="one point has no pairs")
    root = math.sqrt(dim)
    pairs = pdist(points) / math.sqrt(dim)
    whole = bool(np.isfinite(control).all())
    rank = effective_rank(points)
    displacement_rank = effective_rank(points - origins)
    similar = gaussian_kernel(squareform(pairs), bandwidth) if bandwidth > 0 else None
    overlap = split_half_overlap(control, points) if whole and n >= FEWEST else NO_OVERLAP
    reasons = {
        "all candidates are the same and have no effective rank": math.isnan(rank),
        "all displacements are the same and have no effective rank": math.isnan(displacement_rank),
        "the control is not finite": not whole,
        "the controls are all the same and give the kernel no bandwidth": bandwidth == 0,
        f"density and coverage need {FEWEST} problems": n < FEWEST,
    }
    return Diversity(
        consecutive=float(np.linalg.norm(np.diff(points, axis=0), axis=1).mean()) / root,
        pairs=float(pairs.mean()),
        effective_rank=rank,
        displacement_rank=displacement_rank,
        vendi=NAN if similar is None else vendi_score(similar),
        density=overlap.density,
        coverage=overlap.coverage,
        reverse_coverage=overlap.reverse_coverage,
        reason="; ".join(reason for reason, holds in reasons.items() if holds),
    )
