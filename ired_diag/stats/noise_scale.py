"""The gradient noise scale: how many samples a batch needs before its gradient is more signal than noise.

A batch of B samples has the gradient g_B, of mean G and covariance Σ/B. Its length is too long on average,

    E|g_B|² = |G|² + tr Σ / B,

so two batch sizes tell the two apart (McCandlish et al., A.1): with small batches of b and big ones of B,

    |G|² = (B|g_B|² - b|g_b|²)/(B - b),      tr Σ = (|g_b|² - |g_B|²)/(1/b - 1/B),      B_simple = tr Σ/|G|²,

each averaged before the ratio is taken. Here K batches of m samples are cut twice.

- For |G|² the small batches are the K, the big one their union. The formula then is the mean of g_r·g_s over
  all pairs r ≠ s, and with two kinds of gradient the same mean of a_r·b_s estimates A·B without bias.
- For tr Σ the big batches are the K, the small ones their halves. The formula then is m times the mean of
  |half difference|², the *scatter* |g_r' - g_r''|²/4.

The two cuts differ where the samples of a batch share something random (a clamp that takes its bound from the
first sample for all): then the gradients of batches differ by more than Σ/m, by a V that no batch size
averages away,

    E|g_B|² = |G|² + V + tr Σ / B,

which adds to the first formula for tr Σ, but not to the second, and not to |G|², a product of two batches.

Intervals are the jackknife's over batches. Where noise drowns the mean they are wider than they need be.

Reference: McCandlish, Kaplan, Amodei (2018), An Empirical Model of Large-Batch Training, section 2.2 and
appendix A.1; Efron & Stein (1981), The Jackknife Estimate of Variance (of means over pairs).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ired_diag.stats.arrays import Array
from ired_diag.stats.jackknife import (
    UNSURE_DIVISOR,
    Interval,
    Replicates,
    jackknife_interval,
    no_interval,
    ratio_interval,
    replicates_of_mean,
)
from ired_diag.stats.summary import CONFIDENCE


@dataclass(frozen=True)
class Products:
    """What is stored of the gradients a_r, b_r of K batches, each of shape (K,).

    Attributes:
        own: a_r·b_r, within a batch: what its samples share is in it.
        whole: ½ (a_r·b̄ + ā·b_r), with the mean over batches.
        scatter: ¼ (a_r' - a_r'')·(b_r' - b_r''), of the halves of a batch.
    """

    own: Array
    whole: Array
    scatter: Array

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.own)


def true_product(products: Products) -> Replicates:
    """Return A·B of the mean gradients A and B without bias: the mean of a_r·b_s over all r ≠ s.

    >>> same = Products(np.full(4, 3.0), np.full(4, 3.0), np.zeros(4))
    >>> true_product(same).tolist()
    [3.0, 3.0, 3.0, 3.0, 3.0]
    """
    n = len(products)
    own = products.own
    whole = products.whole
    pairs = n * whole.sum() - own.sum()
    without = pairs - 2 * n * whole + 2 * own
    mean = pairs / (n * (n - 1))
    means_without = without / ((n - 1) * (n - 2))
    return np.concatenate([[mean], means_without])


def covariance_trace(products: Products, size: int) -> Replicates:
    """Return tr Σ of a single sample's gradient, without what a batch shares.

    Args:
        products: Products of a gradient with itself.
        size: Samples in a batch, m.
    """
    return size * replicates_of_mean(products.scatter)


def squared_norm_at(products: Products, size: int, batch_size: int) -> Replicates:
    """Return E|g_B|², what a batch of another size has, noise and all.

    Args:
        products: Products of a gradient with itself, in batches of ``size``.
        size: Samples in a batch, m.
        batch_size: B.
    """
    return replicates_of_mean(products.own - (1 - size / batch_size) * products.scatter)


def shared_variance(products: Products) -> Replicates:
    """Return V, the variance that no batch size averages away; about 0 where a batch shares nothing."""
    return replicates_of_mean(products.own - products.scatter) - true_product(products)


def shared_part(products: Products, size: int, batch_size: int) -> Interval:
    """Return V over V + tr Σ/B: the part of a batch's noise that a larger batch keeps. Cut at 0 and 1."""
    shared = shared_variance(products)
    own = covariance_trace(products, size) / batch_size
    ratio = ratio_interval(shared, shared + own)
    reason = "the noise at this batch size cannot be distinguished from 0"
    return _cut(ratio, least=0.0, most=1.0, reason=reason)


def noise_scale(products: Products, size: int) -> Interval:
    """Return B_simple = tr Σ / |G|², in samples; NaN where |G|² cannot be distinguished from 0."""
    ratio = ratio_interval(covariance_trace(products, size), true_product(products))
    return _cut(ratio, least=0.0, most=math.inf, reason="the mean gradient cannot be distinguished from 0")


def norm(products: Products) -> Interval:
    """Return |G|, its interval cut at 0."""
    squared = jackknife_interval(true_product(products))
    low = _root(squared.low)
    reason = squared.reason
    if not reason and not low > 0:
        reason = "it cannot be distinguished from 0"
    return Interval(_root(squared.value), low=low, high=_root(squared.high), reason=reason)


def _root(squared: float) -> float:
    """Return the square root, 0 of a negative number; NaN of NaN."""
    if math.isnan(squared):
        return squared
    return math.sqrt(max(0.0, squared))


def cosine(cross: Products, first: Products, second: Products, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the cosine between two mean gradients; NaN where one of them cannot be distinguished from 0.

    Noise does not draw it towards 0, as it does the cosine of two batches' gradients, nor do samples that
    the two share draw it towards theirs. Estimate and interval are cut at ±1.

    Args:
        cross: Products of the first gradient with the second.
        first: Products of the first gradient with itself.
        second: Products of the second gradient with itself.
        confidence: Confidence level of the interval.
    """
    lengths = [true_product(first), true_product(second)]
    for length in lengths:
        if not np.isfinite(length).all():
            return no_interval("not a finite number")
        if not jackknife_interval(length).low > 0 or (length <= 0).any():
            return no_interval("a gradient cannot be distinguished from 0")
    replicates = true_product(cross) / np.sqrt(lengths[0] * lengths[1])
    interval = jackknife_interval(replicates, confidence=confidence)
    return _cut(interval, least=-1.0, most=1.0, reason="")


def _cut(interval: Interval, *, least: float, most: float, reason: str) -> Interval:
    """Return an interval cut at the ends of what can be, its reason in the words of the quantity."""
    if math.isnan(interval.value):
        unsure = interval.reason == UNSURE_DIVISOR
        return no_interval(reason if unsure else interval.reason)
    value, low, high = np.clip([interval.value, interval.low, interval.high], least, most).tolist()
    return Interval(value, low=low, high=high, reason=interval.reason)
