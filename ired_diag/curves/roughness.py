"""The noise of a curve of which a fit leaves nothing: how far its evaluations are from smooth.

A curve that falls steeply has a level of its own for every evaluation, so what its fit leaves is 0, and so
would be its noise. Third differences forget all that a parabola explains; of white noise with the standard
deviation σ they have the variance C(6, 3) σ² = 20 σ², so

    σ = median |Δ³y| / (0.6745 √20).

The falling and the rising side are judged apart: the bottom of a steep valley is no noise.

References: Gasser, Sroka & Jennen-Steinmetz (1986), Residual variance and residual pattern in nonlinear
regression; Hall, Kay & Titterington (1990), Asymptotically optimal difference-based estimation of variance.
"""

from __future__ import annotations

from math import comb

import numpy as np

from ired_diag.curves.order_statistics import median
from ired_diag.stats.arrays import Array

ORDER = 3
NORMAL_MAD = 0.6745


def roughness(y: Array, best: int) -> float:
    """Return the standard deviation of one evaluation by third differences; 0 where there are none.

    Args:
        y: Curve of shape (n,), finite.
        best: The place of its lowest value.

    >>> roughness(np.arange(9.0) ** 2, 0)
    0.0
    """
    falling = np.diff(y[: best + 1], ORDER)
    rising = np.diff(y[best:], ORDER)
    differences = np.concatenate([falling, rising])
    if not len(differences):
        return 0.0
    size = median(np.abs(differences))
    variances = comb(2 * ORDER, ORDER)
    return float(size / (NORMAL_MAD * np.sqrt(variances)))
