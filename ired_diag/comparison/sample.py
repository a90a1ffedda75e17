"""What is asked of two groups, and the numbers that answer: one a seed."""

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
        lower_is_better: The direction.
        draw: Seed of all that is drawn at random.
    """

    margin: Margin = ONE_PERCENT
    lower_is_better: bool = True
    draw: int = 0


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The numbers of two groups, one a seed.

    Attributes:
        names: Of the groups.
        a: Of shape (n_a,).
        b: Of shape (n_b,).
        pairs: Both groups' numbers of the seeds that they share, of shape (2, n); pairs where ``obstacle`` is
            empty.
        alone: The numbers of the seeds that only a has, and of those that only b has.
        obstacle: Why the shared ones may not be taken for pairs, or nothing.
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
        """The numbers of the seeds that are pairs, of shape (2, n); none where there is an obstacle."""
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
        names: Of the groups.
        a: By seed.
        b: By seed.
        shared: Seeds that are paired, if they have a number in both.
        obstacle: Why they may not be, or nothing.
        failed: How many seeds of each group failed.
    """
    both = [seed for seed in shared if seed in a and seed in b]
    alone = [np.array([v for seed, v in group.items() if seed not in both]) for group in (a, b)]
    return Sample(
        names=names,
        a=np.array(list(a.values()), dtype=np.float64),
        b=np.array(list(b.values()), dtype=np.float64),
        pairs=np.array([[a[seed] for seed in both], [b[seed] for seed in both]], dtype=np.float64),
        alone=(alone[0], alone[1]),
        obstacle=obstacle or ("" if both else "no seed in common"),
        failed=failed,
    )
