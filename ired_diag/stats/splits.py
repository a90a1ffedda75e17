"""Which property of things separates those that failed from those that did not, tested exactly.

Each property is a split of n things in two; with f failed things, a of the m on one side failed. By Fisher's
exact test the p value is the probability, with all margins fixed, of a table at most as likely as this one
(hypergeometric, two-sided). Splits that are the same partition are one question; Holm's correction is for all
the different ones.

References: Fisher (1935), The Design of Experiments, section 21; Holm (1979), A Simple Sequentially Rejective
Multiple Test Procedure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import scipy  # its parts are imported when they are first used

from ired_diag.stats.multiplicity import holm


@dataclass(frozen=True, kw_only=True)
class Separation:
    """How well one split separates failed things from the others.

    Attributes:
        names: The splits that are this same partition.
        side: Which things are on its first side: the one with the larger share of failures.
        failed: How many of them failed.
        size: How many they are.
        other_failed: How many of the others failed.
        other_size: How many the others are.
        p: P value of Fisher's exact test.
        adjusted: The same after Holm's correction.
        tried: How many different splits were.
    """

    names: tuple[str, ...]
    side: tuple[bool, ...]
    failed: int
    size: int
    other_failed: int
    other_size: int
    p: float
    adjusted: float
    tried: int


def separations(failed: Sequence[bool], splits: Mapping[str, Sequence[bool]]) -> list[Separation]:
    """Return how well each split separates, the best first.

    Args:
        failed: Which of n things failed.
        splits: By name, which of them are on its first side. Splits with an empty side are left out.

    >>> [best] = separations([True] * 4 + [False] * 4, {"a": [True] * 4 + [False] * 4})
    >>> best.failed, best.other_failed, round(best.p, 4)
    (4, 0, 0.0286)
    """
    outcome = np.asarray(failed, dtype=bool)
    partitions: dict[tuple[bool, ...], list[str]] = {}
    for name, side in splits.items():
        oriented = _towards_failure(np.asarray(side, dtype=bool), outcome)
        if 0 < sum(oriented) < len(outcome):
            partitions.setdefault(oriented, []).append(name)
    if not partitions:
        return []
    separations = []
    for partition, names in partitions.items():
        failed_here, size, failed_there, other_size = _counts(np.array(partition), outcome)
        separation = Separation(
            names=tuple(names),
            side=partition,
            failed=failed_here,
            size=size,
            other_failed=failed_there,
            other_size=other_size,
            p=fisher_p(failed_here, size, other_failed=failed_there, other_size=other_size),
            adjusted=1.0,
            tried=len(partitions),
        )
        separations.append(separation)
    adjusted = holm([separation.p for separation in separations]).tolist()
    corrected = []
    for separation, p in zip(separations, adjusted, strict=True):
        corrected.append(replace(separation, adjusted=p))
    return sorted(corrected, key=lambda split: (split.p, -len(split.names)))


@lru_cache(maxsize=4096)
def fisher_p(failed: int, size: int, other_failed: int, other_size: int) -> float:
    """Return the two-sided p value of Fisher's exact test of two shares of failures."""
    failures = [failed, other_failed]
    successes = [size - failed, other_size - other_failed]
    table = np.array([failures, successes]).T
    return float(scipy.stats.fisher_exact(table)[1])


def _towards_failure(side: np.ndarray, outcome: np.ndarray) -> tuple[bool, ...]:
    """Return the same partition with the larger share of failures on its first side."""
    if not 0 < side.sum() < len(side):
        return tuple(side.tolist())
    if outcome[side].mean() < outcome[~side].mean():
        side = ~side
    return tuple(side.tolist())


def _counts(side: np.ndarray, outcome: np.ndarray) -> tuple[int, int, int, int]:
    failed = int(outcome[side].sum())
    other_failed = int(outcome[~side].sum())
    return failed, int(side.sum()), other_failed, int((~side).sum())
