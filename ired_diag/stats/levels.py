"""Means and shares of problems that stand at several levels each: level by level, and at the worst.

The levels of a problem are not independent of each other. Over all levels each problem therefore counts once,
with its worst: the largest or the smallest of its numbers; a problem with a NaN has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ired_diag.stats.arrays import Array
from ired_diag.stats.share import share_of
from ired_diag.stats.summary import summarise

ALL = -1


@dataclass(frozen=True, kw_only=True)
class AtLevel:
    """A mean or share of problems with its 95% interval.

    Attributes:
        level: Which; -1 for the worst of each problem.
        mean: Mean of the problems that have a number.
        low: Lower end of the interval.
        high: Upper end of the interval.
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


def by_level(values: Array, *, share: bool = False, smallest: bool = False) -> list[AtLevel]:
    """Return means, or shares, over problems: at the worst level of each, then level by level.

    Args:
        values: Numbers of shape (levels, problems); NaN where a problem has none.
        share: They are 0 or 1: the interval is that of a share.
        smallest: The worst is the smallest.
    """
    worst_of = np.min if smallest else np.max
    rows = [_at(ALL, worst_of(values, axis=0), share)]
    for level, own in enumerate(values):
        rows.append(_at(level, own, share))
    return rows


def _at(level: int, values: Array, share: bool) -> AtLevel:
    finite = values[~np.isnan(values)]
    summary = share_of(finite) if share else summarise(finite)
    return AtLevel(
        level=level,
        mean=summary.mean,
        low=summary.low,
        high=summary.high,
        n=summary.n,
        lost=len(values) - len(finite),
        reason=summary.reason,
    )
