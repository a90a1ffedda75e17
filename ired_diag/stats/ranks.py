"""Ranks of several groups within each seed: who wins, and how often.

Within a seed the best value has rank 1; ties share the mean of their ranks. Rank means over seeds are what
Friedman's test works on (Demšar 2006, Statistical Comparisons of Classifiers, section 3.2.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import ArrayLike, NDArray

from ired_diag.stats.arrays import Array, as_floats


@dataclass(frozen=True)
class Ranks:
    """How groups rank over seeds.

    Attributes:
        ranks: Rank of each group within each seed, of shape (seeds, groups); 1 is the best.
        mean_ranks: Mean rank of each group, of shape (groups,).
        wins: How often each group is the only best of its seed, of shape (groups,).
        ties: In how many seeds several groups are best.
    """

    ranks: Array
    mean_ranks: Array
    wins: NDArray[np.int64]
    ties: int


def rank_groups(values: ArrayLike, *, lower_is_better: bool = True) -> Ranks:
    """Return the ranks of groups within seeds.

    Args:
        values: Results of shape (seeds, groups), finite.
        lower_is_better: Whether rank 1 is the smallest value.

    >>> rank_groups([[1.0, 2.0], [3.0, 3.0]]).mean_ranks.tolist()
    [1.25, 1.75]
    """
    table = as_floats(values)
    ranks = scipy.stats.rankdata(table if lower_is_better else -table, axis=1)
    best = ranks == ranks.min(axis=1, keepdims=True)
    alone = best.sum(axis=1) == 1
    wins = (best & alone[:, None]).sum(axis=0)
    return Ranks(
        ranks=ranks, mean_ranks=ranks.mean(axis=0), wins=wins.astype(np.int64), ties=int((~alone).sum())
    )
