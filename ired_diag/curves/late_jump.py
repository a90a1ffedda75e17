"""A jump at the end of a long curve, too short for the blocks by which the curve is judged.

Blocks of a hundred evaluations (``coarse``) hide what happens in the last ten. A jump that counts is so far
that no wandering does it: every one of the last evaluations, three at least, lies beyond the level before by
1.5 times and by eight standard deviations of single evaluations, on the same side. The level and that
deviation are the median and the quartiles of the twenty blocks before.
"""

from __future__ import annotations

import numpy as np
import scipy  # its parts are imported when they are first used

from ired_diag.curves.nats import FACTOR
from ired_diag.curves.order_statistics import median
from ired_diag.stats.arrays import Array

FEWEST = 3  # evaluations: fewer may be a spike
BLOCKS = 20
FAR = 8.0


def late_jump(y: Array, length: int) -> tuple[int, float]:
    """Return how many last evaluations lie beyond the level before, and how far, in nats; 0 without a jump.

    Args:
        y: A long curve in nats, of shape (n,), finite; lower is better.
        length: Evaluations of a block: a longer jump is one that blocks show.
    """
    last = 2 * length
    before = y[-(BLOCKS + 2) * length : -last]
    low, level, high = np.quantile(before, [0.25, 0.5, 0.75])
    quartile_range = float(high - low)
    spread = quartile_range / (2 * float(scipy.special.ndtri(0.75)))
    far = max(FACTOR, FAR * spread)
    off = y[-last:] - level
    side = np.sign(off[-1])
    if side == 0:
        return 0, 0.0
    count = len(off)
    inside = np.flatnonzero(off * side <= far)
    if len(inside):
        last_inside = int(inside[-1])
        count = len(off) - 1 - last_inside
    if count < FEWEST:
        return 0, 0.0
    jump = off[-count:]
    return count, float(median(jump))
