"""Effective rank: over how many directions samples spread.

With σ_k the singular values of the samples minus their mean, one a row, and p_k = σ_k / Σ σ,

    erank = exp(-Σ p_k log p_k),

the exponential of their entropy: m where m directions carry the same and the others nothing; between 1 and
min(n - 1, dim) for n samples (centring takes one), so that few samples of full spread have a small effective
rank too: it compares at one n and dim only. It does not change with the samples' scale.

It is defined of matrices other than 0. Samples that are all the same have none: NaN, not 0 and not 1, either
of which a scale however small would contradict.

Reference: Roy & Vetterli (2007), The Effective Rank, definition 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from ired_diag.stats.arrays import as_floats


def effective_rank(samples: NDArray[Any]) -> float:
    """Return the effective rank of samples about their mean; NaN where they are all the same.

    Args:
        samples: Finite, of shape (n, dim).

    >>> round(effective_rank(np.array([[3.0, 0], [-3, 0], [0, 3], [0, -3]])), 12)
    2.0
    """
    x = as_floats(samples)
    values = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    # The mean is rounded: what is left of equal samples is not 0, but of this size.
    values = np.where(values > max(x.shape) * np.finfo(np.float64).eps * np.linalg.norm(x), values, 0.0)
    total = values.sum()
    return float(np.exp(entr(values / total).sum())) if total > 0 else math.nan
