"""Rank correlation within groups: Spearman's ρ, and how often the order of a pair is right.

Of paired observations (x_i, y_i) of one group,

    ρ = Pearson's correlation of the ranks of x and of y, ties sharing the mean of their ranks,
    concordance = mean over pairs i < j with y_i ≠ y_j of [x orders them as y does] + ½ [x_i = x_j].

Concordance is ½ where x says nothing of y; it is (1 + Somers' D) / 2, and where y has two values the area
under the ROC curve.

References: Spearman (1904), The Proof and Measurement of Association between Two Things; Somers (1962), A
New Asymmetric Measure of Association for Ordinal Variables.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import ArrayLike, NDArray

from ired_diag.stats.arrays import Array, as_floats


def spearman(x: ArrayLike, y: ArrayLike) -> Array:
    """Return Spearman's ρ of each group, of shape (groups,).

    NaN where x or y has a NaN or takes one value only.

    Args:
        x: First values, of shape (groups, n).
        y: Second values, of the same shape.

    >>> spearman([[1.0, 2.0, 3.0]], [[1.0, 4.0, 9.0]]).tolist()
    [1.0]
    """
    a = _centred_ranks(as_floats(x))
    b = _centred_ranks(as_floats(y))
    squares_a = np.sum(a**2, axis=-1)
    squares_b = np.sum(b**2, axis=-1)
    size = np.sqrt(squares_a * squares_b)
    product = np.sum(a * b, axis=-1)
    rho = _quotient(product, size, defined=size > 0)
    return np.clip(rho, -1.0, 1.0)


def concordance(
    x: ArrayLike,
    y: ArrayLike,
    *,
    further_than: float = 1.0,
    closer_than: float = math.inf,
) -> Array:
    """Return how often x orders a pair of each group as y does, of shape (groups,); ties of x count half.

    NaN where a group has no pair to order, or has a NaN.

    Args:
        x: First values, of shape (groups, n).
        y: Second values, of the same shape.
        further_than: Only pairs count in which the larger y is more than this many times the smaller.
        closer_than: And at most this many times.

    >>> concordance([[1.0, 2.0, 3.0]], [[1.0, 3.0, 2.0]]).round(3).tolist()
    [0.667]
    """
    a = as_floats(x)
    b = as_floats(y)
    is_missing = np.isnan(a) | np.isnan(b)
    broken = is_missing.any(axis=-1)
    n = a.shape[-1]
    i, j = np.triu_indices(n, k=1)
    a_i = a[:, i]
    a_j = a[:, j]
    b_i = b[:, i]
    b_j = b[:, j]
    small = np.minimum(b_i, b_j)
    large = np.maximum(b_i, b_j)
    counts = b_i != b_j
    if further_than > 1:
        counts &= large > further_than * small
    if closer_than < math.inf:
        counts &= large <= closer_than * small
    # As comparisons, not differences: two infinities are a tie.
    is_larger = a_i > a_j
    is_smaller = a_i < a_j
    sign = is_larger.astype(np.float64) - is_smaller
    expected = np.where(b_i > b_j, 1, -1)
    right = 0.5 * (1 + sign * expected)
    pairs = counts.sum(axis=-1)
    right_pairs = np.sum(right * counts, axis=-1)
    has_pairs = pairs > 0
    return _quotient(right_pairs, pairs, defined=has_pairs & ~broken)


def share_below(values: ArrayLike, reference: ArrayLike) -> Array:
    """Return the share of each group's values that lie below its reference, of shape (groups,); ties half.

    Args:
        values: Values of shape (groups, n); a NaN is left out, and a group of NaN has no share.
        reference: Reference of each group, of shape (groups, 1).

    >>> share_below([[1.0, 2.0, 3.0, float("nan")]], [[2.0]]).tolist()
    [0.5]
    """
    a = as_floats(values)
    b = as_floats(reference)
    missing = np.isnan(a) | np.isnan(b)
    count = np.sum(~missing, axis=-1)
    is_below = a < b
    is_tied = a == b
    below = np.sum(is_below + 0.5 * is_tied, axis=-1)
    return _quotient(below, count, defined=count > 0)


def _quotient(above: Array, below: NDArray[Any], *, defined: NDArray[np.bool_]) -> Array:
    """Return the quotient of each group, of shape (groups,); NaN where it is not defined."""
    quotient: Array = np.full(above.shape, math.nan)
    np.divide(above, below, out=quotient, where=defined)
    return quotient


def _centred_ranks(values: Array) -> Array:
    """Return ranks less their mean, ties averaged; NaN along a group that has one."""
    ranks = scipy.stats.rankdata(values, axis=-1, nan_policy="propagate")
    mean = ranks.mean(axis=-1, keepdims=True)
    centred: Array = ranks - mean
    return centred
