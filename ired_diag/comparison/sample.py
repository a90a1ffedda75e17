"""How two groups are to be compared, and the numbers that enter: one a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.margin import ONE_PERCENT, Margin

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Question:
    """How two groups are to be compared.

    Attributes:
        margin: What is too small to matter.
        lower_is_better: Whether a lower value of the metric is better.
        draw: Random seed of the bootstrap, and of tests that draw.
    """

    margin: Margin = ONE_PERCENT
    lower_is_better: bool = True
    draw: int = 0


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The numbers of two groups, one a seed.

    Attributes:
        names: Names of both groups.
        a: Numbers of the first group, of shape (n_a,).
        b: Numbers of the second group, of shape (n_b,).
        pairs: Both groups' numbers of the seeds that they share, of shape (2, n); pairs where ``obstacle`` is
            empty.
        alone: The numbers of the seeds that only a has, and of those that only b has.
        obstacle: Why the shared seeds may not be taken for pairs; empty where they may.
        failed: How many seeds of each group failed, and have no number.
    """

    names: tuple[str, str]
    a: Array
    b: Array
    pairs: Array
    alone: tuple[Array, Array]
    obstacle: str
    failed: tuple[int, int] = (0, 0)

    @property
    def paired(self) -> Array:
        """The numbers of the seeds that are pairs, of shape (2, n); n is 0 where there is an obstacle."""
        return self.pairs[:, :0] if self.obstacle else self.pairs


def sample_of(
    names: tuple[str, str],
    a: Mapping[str, float],
    b: Mapping[str, float],
    shared: Sequence[str],
    obstacle: str,
    *,
    failed: tuple[int, int] = (0, 0),
) -> Sample:
    """Return two groups' numbers, and those of the seeds that both have.

    Args:
        names: Names of both groups.
        a: Numbers of the first group, by seed.
        b: Numbers of the second group, by seed.
        shared: Seeds that are paired, if they have a number in both.
        obstacle: Why they may not be paired; empty where they may.
        failed: How many seeds of each group failed.
    """
    in_both = [seed for seed in shared if seed in a and seed in b]
    if not obstacle and not in_both:
        obstacle = "no seed in common"
    pairs = [_numbers_of(a, in_both), _numbers_of(b, in_both)]
    return Sample(
        names=names,
        a=_numbers_of(a, list(a)),
        b=_numbers_of(b, list(b)),
        pairs=np.array(pairs, dtype=np.float64),
        alone=(_numbers_without(a, in_both), _numbers_without(b, in_both)),
        obstacle=obstacle,
        failed=failed,
    )


def _numbers_of(group: Mapping[str, float], seeds: Sequence[str]) -> Array:
    return np.array([group[seed] for seed in seeds], dtype=np.float64)


def _numbers_without(group: Mapping[str, float], seeds: Sequence[str]) -> Array:
    return np.array([number for seed, number in group.items() if seed not in seeds])
