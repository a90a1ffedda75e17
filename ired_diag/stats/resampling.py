"""What an estimate becomes when its data are drawn again, with replacement.

A resample of n values is a row of weights w_i = count/n. With c = x - x̄ the centred values, its mean and the
variance of its mean are

    x̄* = x̄ + Σ w_i c_i,        v* = (Σ w_i c_i² - (Σ w_i c_i)²) / (n - 1),

so all resamples are two matrix products. Stored of an estimate θ are its deviations θ* - θ, taken from
the centred values: no digits are lost where the spread is small next to the mean. A ratio is stored as
its logarithm; the inverse ratio is then the same with the opposite sign.

Two samples are drawn from two streams of weights, in half of the resamples (first, second), in the other half
(second, first): a and b have the same part in it, and swapping them mirrors all deviations exactly.

The acceleration of a mean of influences u_i (how much each value moves the estimate) is
Σ u³ / (6 (Σ u²)^(3/2)), u divided by n in each sample.

Reference: Efron & Tibshirani (1993), An Introduction to the Bootstrap, sections 6.2, 14.3 and 22.5.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ired_diag.stats.arrays import Array


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
    centre = x.mean(axis=0)
    centred = x - centre
    weights = _weights(len(x), draws=draws, seed=seed, stream=0)
    deviations, variances = _moments(weights, centred)
    return _resampled(centre, deviations=deviations, variances=variances, influences=[centred])


def resampled_difference(x: Array, y: Array, *, draws: int, seed: int) -> Resampled:
    """Return the resampled difference of the means of x, of shape (n_x, k), and y, of shape (n_y, k)."""
    centre_x = x.mean(axis=0)
    centre_y = y.mean(axis=0)
    p = x - centre_x
    q = y - centre_y
    drawn_x, drawn_y = _two_streams(p, q, draws=draws, seed=seed)
    return _resampled(
        centre_x - centre_y,
        deviations=drawn_x.deviations - drawn_y.deviations,
        variances=drawn_x.variances + drawn_y.variances,
        influences=[p, -q],
    )


def resampled_log_ratio(x: Array, y: Array, *, draws: int, seed: int) -> Resampled:
    """Return the resampled log ratio of the means of two samples, as in ``resampled_difference``."""
    centre_x = x.mean(axis=0)
    centre_y = y.mean(axis=0)
    p = x / centre_x - 1
    q = y / centre_y - 1
    drawn_x, drawn_y = _two_streams(p, q, draws=draws, seed=seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        log_x = np.log1p(drawn_x.deviations)
        log_y = np.log1p(drawn_y.deviations)
        relative_x = drawn_x.variances / (1 + drawn_x.deviations) ** 2
        relative_y = drawn_y.variances / (1 + drawn_y.deviations) ** 2
        return _resampled(
            np.log(centre_x / centre_y),
            deviations=log_x - log_y,
            variances=relative_x + relative_y,
            influences=[p, -q],
        )


class _Moments(NamedTuple):
    """The mean of each resample about the sample's mean, and the estimated variance of that mean."""

    deviations: Array
    variances: Array


def _moments(weights: Array, centred: Array) -> _Moments:
    means = weights @ centred
    spread = np.maximum(weights @ centred**2 - means**2, 0.0)
    return _Moments(means, spread / (len(centred) - 1))


def _two_streams(p: Array, q: Array, *, draws: int, seed: int) -> tuple[_Moments, _Moments]:
    """Return the moments of both samples: half of the draws from each stream."""
    half = (draws + 1) // 2
    return (
        _of_streams(p, (0, 1), draws=half, seed=seed),
        _of_streams(q, (1, 0), draws=half, seed=seed),
    )


def _of_streams(centred: Array, streams: tuple[int, int], *, draws: int, seed: int) -> _Moments:
    parts = []
    for stream in streams:
        weights = _weights(len(centred), draws=draws, seed=seed, stream=stream)
        parts.append(_moments(weights, centred))
    means, variances = zip(*parts, strict=True)
    return _Moments(np.concatenate(means), np.concatenate(variances))


def _resampled(value: Array, *, deviations: Array, variances: Array, influences: list[Array]) -> Resampled:
    square = np.zeros_like(value)
    cube = np.zeros_like(value)
    variance = np.zeros_like(value)
    for u in influences:
        n = len(u)
        squares = (u**2).sum(axis=0)
        square += squares / n**2
        cube += (u**3).sum(axis=0) / n**3
        variance += squares / (n * (n - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        acceleration = cube / (6 * square**1.5)
    return Resampled(
        value=value,
        error=np.sqrt(variance),
        deviations=deviations,
        errors=np.sqrt(np.maximum(variances, 0.0)),
        acceleration=acceleration,
    )


@functools.lru_cache(maxsize=8)
def _weights(n: int, *, draws: int, seed: int, stream: int) -> Array:
    """Return the weights of resamples, of shape (draws, n); read-only, as they are shared."""
    rng = np.random.default_rng([seed, stream])
    counts = rng.multinomial(n, np.full(n, 1 / n), size=draws)
    weights = counts / n
    weights.setflags(write=False)
    return weights
