"""A gain that single evaluations do not show, and means do.

An accuracy over a hundred samples that rises from 0.5 to 0.7 is never four standard deviations of one
evaluation above its start. So the mean of the first m = 1, 2, 3, 5 … evaluations, a quarter of all at most,
is held against the mean of the second half: with the noise of that half, and its correlation where that is
more than chance (``wander``), the largest of these differences counts from four standard errors on.
"""

from __future__ import annotations

import numpy as np

from ired_diag.curves.wander import Wander, wander_of
from ired_diag.stats.arrays import Array

CLEAR = 4.0  # standard errors, the largest of some five looks
FEWEST = 16  # evaluations: the noise is estimated from half of them
CORRELATED = 2.0  # standard errors of a correlation, 1/√n
GROWTH = 1.6


def clear_gain(y: Array) -> float:
    """Return by how much early means lie above the mean of the second half; 0 where that is not clear.

    Args:
        y: Curve of shape (n,), finite, lower is better.
    """
    n = len(y)
    if n < FEWEST:
        return 0.0
    late = y[n // 2 :]
    noise = wander_of(late, np.zeros(len(late)))
    if noise.correlation < CORRELATED / np.sqrt(len(late)):
        noise = Wander(float(late.std(ddof=1)), 0.0)
    level = float(late.mean())
    error = noise.error_of_mean(len(late))
    count = 1.0
    gain = 0.0
    while count <= n // 4:
        m = round(count)
        above = float(y[:m].mean()) - level
        if above > CLEAR * np.hypot(noise.error_of_mean(m), error):
            gain = max(gain, above)
        count *= GROWTH
    return gain
