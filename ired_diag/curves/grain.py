"""The grain of a quantised curve: the step between values that can be logged at all.

An accuracy on 50 samples moves in steps of 1/50, a loss printed with four decimals in steps of 0.0001. All
values then lie on a lattice v = k g, and many of them are equal. Rounding adds an error that is uniform over
one step, and a value of a few steps has no meaningful ratio to another: 0.0003 is not three times 0.0001.

The lattice is taken as real only where values repeat among the best third of the curve: of continuous values
no two are equal.

Reference: Widrow & Kollár (2008), Quantization Noise, section 1.1.
"""

from __future__ import annotations

import numpy as np

from ired_diag.curves.order_statistics import distinct
from ired_diag.stats.arrays import Array

FEWEST = 8  # values: three numbers lie on a lattice by chance
REPEATED = 0.7  # at most this share of the best values is distinct
OFF_LATTICE = 0.05  # of a step: more than rounding in float32


def grain_of(values: Array, *, lower_is_better: bool) -> float:
    """Return the step of the lattice on which a curve's values lie; 0 where they lie on none.

    Args:
        values: Values of shape (n,), finite.
        lower_is_better: Which end of the values is the best.

    >>> round(grain_of(np.array([0.5, 0.42, 0.46, 0.42, 0.44, 0.42, 0.42, 0.44]), lower_is_better=True), 9)
    0.02
    """
    if len(values) < FEWEST:
        return 0.0
    cost = values if lower_is_better else -values
    ordered = np.sort(cost)
    count = max(FEWEST // 2, len(values) // 3)
    best = ordered[:count]
    if distinct(best) > REPEATED * len(best):
        return 0.0
    differ = best if np.ptp(best) > 0 else ordered
    gaps = np.diff(np.unique(differ))
    rounding = np.finfo(np.float32).eps * np.abs(best).max()
    gaps = gaps[gaps > rounding]
    if not len(gaps):
        return 0.0
    step = float(gaps.min())
    multiples = gaps / step
    off_lattice = np.abs(multiples - np.round(multiples))
    is_on_lattice = off_lattice <= OFF_LATTICE
    if is_on_lattice.mean() > 1 - OFF_LATTICE:
        return step
    return 0.0
