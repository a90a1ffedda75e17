"""The least mean squared error that a mean cosine allows.

A prediction p and a target t of d elements, with θ the angle between them and v = ‖p‖/√d, have a mean squared
error of at least v² sin²θ, or v² where θ is obtuse. Either is at least v² w with w = (1 - cos θ)/2. Logs hold
means over a batch: of the cosine, c; of the norms, m = E v; and the root mean square r = √(E v²). By Cauchy
and Schwarz, with x = E[v² w] and E w = (1 - c)/2,

    m = E[v w] + E[v (1 - w)] ≤ √(x E w) + √((r² - x) (1 - E w)) = r cos(φ - ψ),

with x = r² sin²φ and E w = sin²ψ. Hence φ ≥ ψ - arccos(m/r), and

    MSE ≥ r² sin²( max(0, ½ arccos c - arccos(m/r)) ).

The bound holds for any batch, whatever the samples. Where all norms are equal (m = r), it is r² (1 - c)/2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array, as_floats


def least_error(cosine: ArrayLike, mean_norm: ArrayLike, rms: ArrayLike) -> Array:
    """Return the least mean squared error an element that a mean cosine allows.

    Args:
        cosine: Mean over the samples of the cosine between prediction and target, of shape (n,).
        mean_norm: Mean of the norms of either of them, over √d, likewise.
        rms: Root mean square of the elements of the same one, likewise.

    >>> least_error([0.0, 1.0, -1.0], [1.0] * 3, [1.0] * 3).round(12).tolist()
    [0.5, 0.0, 1.0]
    """
    c = as_floats(cosine)
    m = as_floats(mean_norm)
    r = as_floats(rms)
    ratio = m / np.maximum(r, np.finfo(float).tiny)
    scatter = np.arccos(np.clip(ratio, 0.0, 1.0))
    between_means = np.arccos(np.clip(c, -1.0, 1.0)) / 2
    angle = np.maximum(0.0, between_means - scatter)
    return np.asarray((r * np.sin(angle)) ** 2)


def pooled_cosine(error: ArrayLike, rms: ArrayLike) -> Array:
    """Return the least cosine between all predictions and all targets, taken as one vector each.

    Whatever the length of the one, it is at least √(1 - MSE/r²) with r the root mean square of the other.

    Args:
        error: Mean squared error an element, of shape (n,).
        rms: Root mean square of the elements of predictions or of targets, likewise.
    """
    e = as_floats(error)
    r = as_floats(rms)
    relative = e / np.maximum(r**2, np.finfo(float).tiny)
    return np.asarray(np.sqrt(np.maximum(0.0, 1 - relative)))
