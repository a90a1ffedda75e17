"""What an estimate becomes when its data are drawn again, with replacement.

A resample of n values is a row of weights w_i = count/n. With c = x - x̄ the centred values, its mean and the
variance of its mean are

    x̄* = x̄ + Σ w_i c_i,        v* = (Σ w_i c_i² - (Σ w_i c_i)²) / (n - 1),

so all resamples are two matrix products. What is kept of an estimate θ are its deviations θ* - θ, taken from
the centred values: no digits are lost where the spread is small beside the mean. A ratio is kept as its
logarithm; so the ratio turned over is the same with the sign changed.

Two samples are drawn from two streams of weights, in half of the resamples (first, second), in the other half
(second, first): a and b have the same part in it, and swapping them mirrors all deviations exactly.

The acceleration of a mean of influences u_i (how much each value moves the estimate) is
Σ u³ / (6 (Σ u²)^(3/2)), u divided by n in each sample.

Reference: Efron & Tibshirani (1993), An Introduction to the Bootstrap, sections 6.2, 14.3 and 22.5.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Resampled:
    """An estimate on each of k sets of data, and what it became in m resamples.

    Attributes:
        value: θ, of shape (k,).
        error: Its standard error, of shape (k,).
        deviations: θ* - θ, of shape (m, k); not finite where a resample has no θ*.
        errors: Standard errors of the θ*, of shape (m, k).
        acceleration: How fast the standard error changes with θ, of shape (k,).
    """

    value: Array
    error: Array
    deviations: Array
    errors: Array
    acceleration: Array


def resampled_mean(x: Array, *, draws: int, seed: int) -> Resampled:
    """Return the resampled mean of x, of shape (n, k)."""
    n, centre = len(x), x.mean(axis=0)
    deviations, variances = _moments(_weights(n, draws, seed, 0), x - centre)
    return _resampled(centre, deviations, variances, [x - centre])


def resampled_difference(x: Array, y: Array, *, draws: int, seed: int) -> Resampled:
    """Return the resampled difference of the means of x, of shape (n_x, k), and y, of shape (n_y, k)."""
    centres, (d, v) = _centres(x, y), _two_streams(x - x.mean(axis=0), y - y.mean(axis=0), draws, seed)
    influences = [x - centres[0], centres[1] - y]
    return _resampled(centres[0] - centres[1], d[0] - d[1], v[0] + v[1], influences)


def resampled_log_ratio(x: Array, y: Array, *, draws: int, seed: int) -> Resampled:
    """Return the resampled log ratio of the means of two samples, as in ``resampled_difference``."""
    centres = _centres(x, y)
    p, q = x / centres[0] - 1, y / centres[1] - 1
    d, v = _two_streams(p, q, draws, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        deviations = np.log1p(d[0]) - np.log1p(d[1])
        variances = v[0] / (1 + d[0]) ** 2 + v[1] / (1 + d[1]) ** 2
        return _resampled(np.log(centres[0] / centres[1]), deviations, variances, [p, -q])


def resampled_log_ratio_of_pairs(x: Array, y: Array, *, draws: int, seed: int) -> Resampled:
    """Return the resampled log ratio of the means of pairs, x and y of shape (n, k)."""
    n, centres = len(x), _centres(x, y)
    p, q = x / centres[0] - 1, y / centres[1] - 1
    weights = _weights(n, draws, seed, 0)
    (dp, vp), (dq, vq) = _moments(weights, p), _moments(weights, q)
    covariance = (weights @ (p * q) - dp * dq) / (n - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        deviations = np.log1p(dp) - np.log1p(dq)
        variances = vp / (1 + dp) ** 2 + vq / (1 + dq) ** 2 - 2 * covariance / ((1 + dp) * (1 + dq))
        return _resampled(np.log(centres[0] / centres[1]), deviations, variances, [p - q])


def _centres(x: Array, y: Array) -> tuple[Array, Array]:
    return x.mean(axis=0), y.mean(axis=0)


def _moments(weights: Array, centred: Array) -> tuple[Array, Array]:
    """Return the mean of each resample, and the estimated variance of that mean."""
    means = weights @ centred
    return means, np.maximum(weights @ centred**2 - means**2, 0.0) / (len(centred) - 1)


def _two_streams(p: Array, q: Array, draws: int, seed: int) -> tuple[list[Array], list[Array]]:
    """Return means, then variances, of both samples: half of the draws from each stream."""
    half = (draws + 1) // 2
    parts = [
        [_moments(_weights(len(sample), half, seed, stream), sample) for stream in streams]
        for sample, streams in ((p, (0, 1)), (q, (1, 0)))
    ]
    means, variances = ([np.concatenate([part[i] for part in both]) for both in parts] for i in (0, 1))
    return means, variances


def _resampled(value: Array, deviations: Array, variances: Array, influences: list[Array]) -> Resampled:
    square = sum((u**2).sum(axis=0) / len(u) ** 2 for u in influences)
    cube = sum((u**3).sum(axis=0) / len(u) ** 3 for u in influences)
    error = np.sqrt(sum((u**2).sum(axis=0) / (len(u) * (len(u) - 1)) for u in influences))
    with np.errstate(invalid="ignore", divide="ignore"):
        acceleration = cube / (6 * np.asarray(square) ** 1.5)
    return Resampled(value, error, deviations, np.sqrt(np.maximum(variances, 0.0)), acceleration)


@functools.lru_cache(maxsize=8)
def _weights(n: int, draws: int, seed: int, stream: int) -> Array:
    """Return the weights of resamples, of shape (draws, n); read-only, as they are shared."""
    counts = np.random.default_rng([seed, stream]).multinomial(n, np.full(n, 1 / n), size=draws)
    weights = counts / n
    weights.setflags(write=False)
    return weights
