"""Agreement of two logged curves: the same digits at all common steps, and what that proves.

Two programs can print the same digits without computing the same. A constant proves nothing. A loss printed
with four digits that stays near its start proves nothing either: runs that draw the same data print the same
noise while no parameter has an effect yet. So equality is weighed by its information. With u the unit of the
last printed place and v the common values, a curve carries

    bits = Σ log2(1 + |v_i - v_{i-1}| / u),    at most 20 a step,

the digits that another run would have had to hit by luck, and its range (max v - min v) / u says whether the
printing resolves what training changes.

Reference: Shannon (1948), A Mathematical Theory of Communication, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.stats.arrays import Array
from ired_diag.stats.printed_numbers import printed

MOST_BITS = 20.0  # a step: more digits than a float32 holds are not more evidence
ENOUGH_BITS = 30.0  # one in a billion
ENOUGH_UNITS = 100.0  # a change of the curve by 1% moves its last digit
FEWEST = 3

Steps = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """How far two curves that never differ agree.

    Attributes:
        steps: How many steps they share.
        last: The last step that they share.
        bits: How much information their equality carries.
        units: The range of the common values, in units of the last printed place.
    """

    steps: int
    last: int
    bits: float
    units: float

    @property
    def proves(self) -> bool:
        """Whether these digits cannot be equal by luck."""
        if self.steps < FEWEST:
            return False
        return self.bits >= ENOUGH_BITS and self.units >= ENOUGH_UNITS


def agreement_of(
    a_steps: Steps,
    a: Array,
    b_steps: Steps,
    b: Array,
) -> Agreement | None:
    """Return how far two curves agree; None where they differ at a common step, or share none.

    Args:
        a_steps: Steps of the first curve, of shape (n,), increasing.
        a: Values of the first curve, of shape (n,).
        b_steps: Steps of the second curve, of shape (m,), increasing.
        b: Values of the second curve, of shape (m,).

    >>> steps = np.arange(4)
    >>> agreement_of(steps, np.array([0.25, 0.5, 0.25, 1.0]), steps, np.array([0.25, 0.5, 0.25, 2.0]))
    >>> agreement_of(steps, np.full(4, 0.25), steps, np.full(4, 0.25)).bits
    0.0
    """
    x = np.asarray(a)
    y = np.asarray(b)
    steps = a_steps
    if not np.array_equal(a_steps, b_steps):
        steps, i, j = np.intersect1d(a_steps, b_steps, return_indices=True)
        x = x[i]
        y = y[j]
    if not len(steps) or not np.array_equal(x, y, equal_nan=True):
        return None
    finite = x[np.isfinite(x)]
    bits, units = _information(finite)
    return Agreement(
        steps=len(steps),
        last=int(steps[-1]),
        bits=bits,
        units=units,
    )


def _information(values: Array) -> tuple[float, float]:
    """Return the bits that values carry, and their range in units of their last place."""
    if len(values) < 2:
        return 0.0, 0.0
    extent = float(np.ptp(values))
    if not extent > 0:
        return 0.0, 0.0
    unit = last_place(values)
    changes = np.abs(np.diff(values)) / unit
    bits = np.minimum(np.log2(1 + changes), MOST_BITS)
    return float(bits.sum()), extent / unit


def last_place(values: Array) -> float:
    """Return the unit of the last printed place, or of the last binary one."""
    smallest = float(printed(values).unit.min())
    if smallest:
        return smallest
    largest = float(np.abs(values).max())
    return float(np.finfo(np.float64).eps) * largest
