"""What mining does at a noise level, as far as intervals allow to say.

The questions, in this order, for a walk of descent (for ascent, read high for low):

1. Does the gradient move its points? If in fewer than 5% of problems: only the clamp does, or nothing.
2. Does it lower the energy by more than a walk of the same lengths in random directions, and below that of
   the clamped start? Then it descends.
3. If not by more: do its moves go on in one direction, more than those of the random walk do? Then it drifts;
   else nothing distinguishes it from noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

FEW = 0.05  # share of problems that move, below which a miner does nothing
FEWEST = 30  # the t interval leans on the central limit theorem
WORKS = {"descent": "it descends", "ascent": "it climbs"}

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of mining at a level.

    Attributes:
        energy: Mean change of the energy from the clamped start, NaN where it is not finite.
        n: Number of problems in that mean.
        energy_interval: Interval of that mean.
        advantage: Interval of its difference from the random walk's change.
        turn: Interval of the difference in the cosine between successive moves; NaN of a single step.
        moved: Share of problems moved by the gradient.
        clamped: Share of problems moved by the clamp.
    """

    energy: float
    n: int
    energy_interval: Interval
    advantage: Interval
    turn: Interval
    moved: float
    clamped: float


def verdict(seen: Seen, walk: str) -> str:
    """Return what mining does.

    Args:
        seen: What was seen of it.
        walk: ``descent`` or ``ascent``.
    """
    if not math.isfinite(seen.energy):
        return "nothing can be said"
    if seen.moved < FEW:
        return "only the clamp moves its points" if seen.clamped >= FEW else "it does nothing"
    if seen.n < FEWEST:
        return f"too few problems for a verdict ({FEWEST} are needed)"
    low = {"descent": "low"}.get(walk, "high")
    _, change_high = _downward(seen.energy_interval, walk)
    advantage_low, advantage_high = _downward(seen.advantage, walk)
    if advantage_high < 0 and change_high < 0:
        return WORKS[walk]
    if advantage_high < 0:
        return f"it is not seen to end {low}er than the clamp alone"
    if advantage_low > 0:
        return f"it ends less {low} than random directions"
    if seen.turn[0] > 0:
        return f"it drifts, no {low}er than random directions"
    return "it cannot be distinguished from noise"


def _downward(interval: Interval, walk: str) -> Interval:
    """Return the interval of a change of the energy; of an ascent, with its sign turned."""
    if walk == "descent":
        low, high = sorted(interval)
    else:
        low, high = sorted(-end for end in interval)
    return low, high
