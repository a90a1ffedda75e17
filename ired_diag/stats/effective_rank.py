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
    return _of_singular_values(values, max(x.shape) * np.finfo(np.float64).eps * np.linalg.norm(x))


def effective_rank_of_variances(variances: NDArray[Any]) -> float:
    """Return the effective rank of samples with these variances along their principal directions.

    Args:
        variances: Squares of the singular values of the centred samples, times any number; of shape (k,). NaN
            where all are 0.

    >>> round(effective_rank_of_variances(np.array([9.0, 9.0, 9.0, 0.0])), 12)
    3.0
    """
    values = np.sqrt(as_floats(variances))
    if not np.isfinite(values).all():
        return math.nan
    return _of_singular_values(values, len(values) * np.finfo(np.float64).eps * values.max(initial=0.0))


def _of_singular_values(values: NDArray[Any], least: float) -> float:
    """Return the effective rank of singular values; those up to ``least`` count as 0."""
    kept = np.where(values > least, values, 0.0)
    total = kept.sum()
    if not total > 0:
        return math.nan
    return float(np.exp(entr(kept / total).sum()))
