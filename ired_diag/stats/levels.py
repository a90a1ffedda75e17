"""Means and shares of problems that stand at several levels each: level by level, and at the worst.

The levels of a problem are not independent of each other. Over all levels each problem therefore counts once,
with its worst: the largest or the smallest of its numbers; a problem with a NaN has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.stats.share import share_of
from ired_diag.stats.summary import summarise

ALL = -1


@dataclass(frozen=True, kw_only=True)
class AtLevel:
    """A mean or share of problems with its 95% interval.

    Attributes:
        level: Which; -1 for the worst of each problem.
        mean: Of the problems that have a number.
        low: Lower end of its interval.
        high: Upper end.
        n: Problems that have a number.
        lost: Problems that have none.
        reason: Why something is NaN.
    """

    level: int
    mean: float
    low: float
    high: float
    n: int
    lost: int
    reason: str


def by_level(values: NDArray[np.float64], *, share: bool = False, smallest: bool = False) -> list[AtLevel]:
    """Return means, or shares, over problems: at the worst level of each, then level by level.

    Args:
        values: Of shape (levels, problems), NaN where there is none.
        share: They are 0 or 1: the interval is that of a share.
        smallest: The worst is the smallest.
    """
    worst = (np.min if smallest else np.max)(values, axis=0)
    return [_at(ALL, worst, share), *(_at(level, some, share) for level, some in enumerate(values))]


def _at(level: int, values: NDArray[np.float64], share: bool) -> AtLevel:
    told = values[~np.isnan(values)]
    found = share_of(told) if share else summarise(told)
    return AtLevel(
        level=level,
        mean=found.mean,
        low=found.low,
        high=found.high,
        n=found.n,
        lost=len(values) - len(told),
        reason=found.reason,
    )
