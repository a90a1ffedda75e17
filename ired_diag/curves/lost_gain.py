"""Has a run learned something early and lost it for good?

A learning rate that is too high lets a loss fall for a few evaluations, and then throws it back to where it
began: to chance. The curve as a whole has won nothing, and the few good evaluations look like spikes. They
are a gain where three or more in a row are lower than all that follows,

    max of a row of three evaluations < end / 1.2,    end = median of all that follow the row,

and the end is that far above the row by ten standard deviations of what follows, which no noise of one level
does three times in a row. Metrics whose higher values are better are turned: the row is 1.2 times above.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FEWEST = 12  # evaluations
IN_A_ROW = 3
TIMES = 1.2
CLEAR = 10.0  # standard deviations of what follows
FEWEST_AFTER = 8

Array = NDArray[np.float64]


class LostGain(NamedTuple):
    """The best evaluation of a run that lost what it had learned, and where it ends."""

    step: float
    best: float
    end: float


def lost_gain_of(steps: NDArray[np.int64], values: Array, *, lower_is_better: bool) -> LostGain | None:
    """Return what a run learned and lost; None where it did not.

    Args:
        steps: Steps of the evaluations, of shape (n,).
        values: A positive metric, of shape (n,).
        lower_is_better: Whether lower values are better.

    >>> falls = np.array([2.3, 2.0, 1.8, 1.7, 1.6] + 9 * [2.3])
    >>> lost_gain_of(np.arange(14), falls, lower_is_better=True)
    LostGain(step=4.0, best=1.6, end=2.3)
    """
    if len(values) < FEWEST or not np.isfinite(values).all() or not (values > 0).all():
        return None
    y = np.log(values) if lower_is_better else -np.log(values)
    best = int(np.argmin(y))
    row = _row_around(y, best)
    after = y[row.stop :]
    if len(after) < FEWEST_AFTER or row.stop - row.start < IN_A_ROW:
        return None
    end = float(np.median(after))
    gap = end - float(y[row].max())
    if gap < np.log(TIMES) or gap < CLEAR * float(after.std()):
        return None
    return LostGain(float(steps[best]), float(values[best]), float(np.median(values[row.stop :])))


def _row_around(y: Array, best: int) -> slice:
    """Return the row of evaluations around the best one that lie further from the end than 1.2 times."""
    highest = float(np.median(y[best + 1 :])) - np.log(TIMES) if best + 1 < len(y) else -np.inf
    is_low = y <= highest
    start, stop = best, best
    while start > 0 and is_low[start - 1]:
        start -= 1
    while stop < len(y) and is_low[stop]:
        stop += 1
    return slice(start, stop)
