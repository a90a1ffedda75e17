"""Stretches of steps in which groups differ the same way, and how heavy they are.

A cluster is a run of neighbouring steps at which |t| reaches a bound, with one sign; its mass is the sum of
|t|. Compared with the heaviest cluster of each exchange of seeds, it says whether the groups differ at all:
one heavy stretch is seen even where no single step stands out. It says nothing of where the difference
begins, because the ends of a cluster are where |t| happens to cross the bound.

References: Maris & Oostenveld (2007), Nonparametric statistical testing of EEG- and MEG-data, J. Neuroscience
Methods 164:177; Sassenhagen & Draschkow (2019), Psychophysiology 56:e13335.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Stretch:
    """A run of neighbouring steps with one sign.

    Attributes:
        first: Index of its first step.
        last: Index of its last step.
        sign: 1 where t is positive, -1 where it is negative.
        mass: Sum of |t|.
    """

    first: int
    last: int
    sign: int
    mass: float


def stretches_of(t: Array, bound: float) -> list[Stretch]:
    """Return the stretches of steps at which |t| reaches a bound, of one sign each.

    Args:
        t: t at each step, of shape (steps,).
        bound: What |t| reaches.

    >>> stretches_of(np.array([0.0, 3.0, 4.0, -3.0]), 2.0)[0]
    Stretch(first=1, last=2, sign=1, mass=7.0)
    """
    return list(_stretches(t, bound))


def _stretches(t: Array, bound: float) -> Iterator[Stretch]:
    sizes = np.abs(t)
    signs = np.sign(t)
    signs[sizes < bound] = 0
    changes = np.flatnonzero(np.diff(signs)) + 1
    edges = [0, *changes.tolist(), len(t)]
    for start, end in itertools.pairwise(edges):
        if start == end or signs[start] == 0:
            continue
        mass = sizes[start:end].sum()
        yield Stretch(
            first=start,
            last=end - 1,
            sign=int(signs[start]),
            mass=float(mass),
        )


def heaviest(t: Array, bound: float) -> Array:
    """Return the mass of the heaviest stretch of each exchange, of shape (exchanges,).

    Args:
        t: t at each step, of shape (exchanges, steps).
        bound: What |t| reaches in a stretch.
    """
    sizes = np.abs(t)
    signs = np.sign(t)
    is_small = sizes < bound
    signs[is_small] = 0
    sizes[is_small] = 0
    largest = np.zeros(len(t))
    mass = np.zeros(len(t))
    before = np.zeros(len(t))
    for size, sign in zip(sizes.T, signs.T, strict=True):
        mass[sign != before] = 0
        mass += size
        largest = np.maximum(largest, mass)
        before = sign
    return largest
