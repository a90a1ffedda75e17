"""Linear CKA: how alike two networks represent the same inputs.

With X (n × p) and Y (n × q) the features that two networks give to the same n inputs, K = X Xᵀ and L = Y Yᵀ,
the Hilbert-Schmidt independence criterion with linear kernels has the unbiased estimate

    HSIC(K, L) = [tr(K L) + (Σ K)(Σ L) / ((n - 1)(n - 2)) - 2/(n - 2) Σ_m k_m l_m] / (n (n - 3)),

the diagonals of K and L set to 0, k and l their row sums, and

    CKA(K, L) = HSIC(K, L) / √(HSIC(K, K) HSIC(L, L)).

It is 1 for features that are equal but for a rotation, a shift and a scale, and 0 on average for independent
ones; by chance it may lie below 0. The usual estimate, with centred K and L and without the corrections,
has for independent Gaussian features about √(p q / ((m + p + 1)(m + q + 1))) with m = n - 1: 0.80 for 512
features of 128 inputs. It is offered for comparison with published numbers.

Intervals are the jackknife's over inputs (``jackknife``): what other inputs of the kind would change. They
say nothing of other seeds.

References: Kornblith et al. (2019), Similarity of Neural Network Representations Revisited; Song et al.
(2012), Feature Selection via Dependence Maximization (the unbiased estimate); Nguyen, Raghu & Kornblith
(2021), Do Wide and Deep Networks Learn the Same Things? (its use for CKA).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ired_diag.stats.arrays import Array
from ired_diag.stats.jackknife import Interval, Replicates, jackknife_interval, no_interval

FEWEST = 6  # inputs: with one left out, the corrections divide by n - 4
SAME = "the features are the same for all inputs"


def gram(features: Array) -> Array:
    """Return the products of centred features with each other.

    Args:
        features: Of shape (n, p), a row for each input.

    Returns:
        Of shape (n, n).
    """
    centred = features - features.mean(axis=0)
    products: Array = centred @ centred.T
    return products


def alignment(pairs: Sequence[tuple[Array, Array]]) -> Interval:
    """Return linear CKA without bias, the mean of several pairs of networks, and its interval over inputs.

    Args:
        pairs: Products of the features of two networks each, of shape (n, n), as of ``gram``; all of the same
            inputs in the same order.

    Raises:
        ValueError: They are of different shapes.
    """
    each = []
    for first, second in pairs:
        replicates = _replicates(first, second)
        if isinstance(replicates, Interval):
            return replicates
        each.append(replicates)
    return jackknife_interval(np.mean(each, axis=0))


def _replicates(first: Array, second: Array) -> Replicates | Interval:
    """Return CKA of two networks with its jackknife replicates, of shape (n + 1,), or why there is none."""
    if first.shape != second.shape:
        raise ValueError(f"expected products of the same inputs, found {first.shape} and {second.shape}")
    if len(first) < FEWEST:
        return no_interval(f"{len(first)} inputs: at least {FEWEST} are needed")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return no_interval("not a finite number")
    of_both = _criterion(first, second)
    of_first = _criterion(first, first)
    of_second = _criterion(second, second)
    if of_first[0] <= 0 or of_second[0] <= 0:
        return no_interval(SAME)
    with np.errstate(invalid="ignore", divide="ignore"):
        replicates: Replicates = of_both / np.sqrt(of_first * of_second)
    return replicates


def biased_alignment(first: Array, second: Array) -> float:
    """Return the usual estimate of linear CKA; NaN where the features of one are the same for all inputs.

    Args:
        first: Products of centred features, of shape (n, n).
        second: Those of another network.
    """
    square = float((first**2).sum()) * float((second**2).sum())
    if square <= 0:
        return math.nan
    return float((first * second).sum()) / math.sqrt(square)


def bias_of_independent(n: int, p: int, q: int) -> float:
    """Return about what the usual estimate is for independent Gaussian features.

    Args:
        n: Inputs.
        p: Features of one network.
        q: Features of the other one.

    >>> round(bias_of_independent(128, 512, 512), 2)
    0.8
    """
    m = n - 1
    return math.sqrt(p * q / ((m + p + 1) * (m + q + 1)))


def _criterion(first: Array, second: Array) -> Replicates:
    """Return HSIC, then the n values with one input left out, of shape (n + 1,)."""
    k = first - np.diag(np.diag(first))
    l = second - np.diag(np.diag(second))  # noqa: E741 - its usual name
    n = len(k)
    rows_k = k.sum(axis=1)
    rows_l = l.sum(axis=1)
    products = k * l
    # What is left of each sum without input i: the diagonals are 0.
    trace = np.concatenate([[products.sum()], products.sum() - 2 * products.sum(axis=1)])
    sum_k = np.concatenate([[rows_k.sum()], rows_k.sum() - 2 * rows_k])
    sum_l = np.concatenate([[rows_l.sum()], rows_l.sum() - 2 * rows_l])
    shared = rows_k[:, None] * rows_l[:, None] - k * rows_l[:, None] - rows_k[:, None] * l + products
    without = shared.sum(axis=0) - rows_k * rows_l
    rows = np.concatenate([[rows_k @ rows_l], without])
    left = np.full(n + 1, float(n - 1))
    left[0] = n
    corrected = trace + sum_k * sum_l / ((left - 1) * (left - 2)) - 2 / (left - 2) * rows
    criterion: Replicates = corrected / (left * (left - 3))
    return criterion
