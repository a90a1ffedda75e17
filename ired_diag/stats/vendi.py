"""Vendi score: how many different samples a set amounts to.

With K the n × n similarities of the samples, K_ii = 1, and λ_i the eigenvalues of K / n, which sum to 1,

    VS = exp(-Σ λ_i log λ_i),

the exponential of their entropy: n where no sample resembles another (K = I), 1 where all are the same
(K = 1 everywhere), m for m distinct groups of equal size. It is bounded by n and is that of a kernel: scores
compare at one n and under one kernel only.

References: Friedman & Dieng (2023), The Vendi Score, definition 3.1; Gretton et al. (2012), A Kernel
Two-Sample Test, section 8 (the median distance as the kernel's bandwidth).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from ired_diag.stats.arrays import Array, as_floats


def gaussian_kernel(distances: NDArray[Any], bandwidth: float) -> Array:
    """Return exp(-d² / 2h²) of each distance.

    Args:
        distances: d, of any shape.
        bandwidth: h > 0, in the unit of d.

    Raises:
        ValueError: The bandwidth is not above 0.
    """
    if not bandwidth > 0:
        raise ValueError(f"expected a bandwidth above 0, got {bandwidth!r}")
    similarity: Array = np.exp(-0.5 * (as_floats(distances) / bandwidth) ** 2)
    return similarity


def vendi_score(kernel: NDArray[Any]) -> float:
    """Return the Vendi score of samples, between 1 and their number.

    Args:
        kernel: Similarities K, symmetric, positive semidefinite, 1 on the diagonal, of shape (n, n), n ≥ 1.

    >>> round(vendi_score(np.eye(4)), 12), round(vendi_score(np.ones((4, 4))), 12)
    (4.0, 1.0)
    """
    shares = np.linalg.eigvalsh(as_floats(kernel) / len(kernel))
    return float(np.exp(entr(shares.clip(min=0.0)).sum()))  # rounding takes eigenvalues of 0 below it
