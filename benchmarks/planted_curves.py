"""Curves with a known onset, healthy ones without, and one published: what a verdict on curves makes of them.

A made curve comes down and rests, its noise autoregressive. A diverging one rises besides, from an onset in
the middle half on, by 3 to 20 times within a tenth of its length or so: a factor of 1 + (F - 1)(1 - e^(-t)).
Its true onset is the first evaluation that is raised.

The published one is of another study: GaussianImage, Baseline 1 (an image fitted with 50 Gaussians, Adam at a
constant learning rate of 0.001), whose loss is told at 14 iterations. By eye it is best at 1500, and rises
from 1500 or 1600 on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from ired_diag.curves.best import best_evaluation
from ired_diag.curves.shape import shape_of

NOISES = (0.01, 0.02, 0.05, 0.1, 0.2)
WITHIN = 3  # evaluations
PUBLISHED = {
    1: 0.245190,
    100: 0.115349,
    500: 0.089064,
    1000: 0.075008,
    1300: 0.072929,
    1500: 0.071194,
    1600: 0.075390,
    1700: 0.081795,
    1800: 0.086109,
    2000: 0.098863,
    3000: 0.157375,
    5000: 0.255318,
    8000: 0.314602,
    10000: 0.299966,
}
BEST, ONSETS = 1500, (1500, 1600)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Onsets:
    """How well the onset of divergences is found at one level of noise.

    Attributes:
        noise: Standard deviation of an evaluation, in nats.
        curves: How many.
        seen: How many are called diverged.
        within: How many of them with an onset within three evaluations of the true one.
        error: Median distance of the onsets from the true ones, in evaluations; NaN where none is seen.
    """

    noise: float
    curves: int
    seen: int
    within: int
    error: float


def onsets_at(noise: float, count: int, *, rng: np.random.Generator) -> Onsets:
    """Return how well the onsets of ``count`` made divergences are found at one level of noise."""
    errors = []
    for _ in range(count):
        size = int(rng.integers(60, 150))
        onset = int(rng.uniform(0.35, 0.65) * size)
        past = np.maximum(0, np.arange(size) - onset + 1)
        factor = rng.uniform(3, 20)
        rise = np.log1p((factor - 1) * -np.expm1(-past / (rng.uniform(0.02, 0.1) * size)))
        values = np.exp(_healthy(size, noise, rng) + rise)
        shape = shape_of(np.arange(size), values)
        if shape.word == "diverged" and shape.onset is not None:
            errors.append(abs(shape.onset.step - onset))
    within = sum(error <= WITHIN for error in errors)
    return Onsets(noise, count, len(errors), within, float(np.median(errors)) if errors else np.nan)


def false_divergences(count: int, *, rng: np.random.Generator) -> int:
    """Return how many of ``count`` healthy curves, of every noise, are called diverged."""
    words = [
        shape_of(np.arange(size), np.exp(_healthy(size, float(rng.choice(NOISES)), rng))).word
        for size in rng.integers(40, 150, size=count)
    ]
    return words.count("diverged")


def published() -> tuple[float, float]:
    """Return the best step and the onset found in the published curve; NaN where there is none."""
    steps, values = np.array(list(PUBLISHED)), np.array(list(PUBLISHED.values()))
    best, onset = best_evaluation(steps, values), shape_of(steps, values).onset
    return best.step if best else np.nan, onset.step if onset else np.nan


def _healthy(size: int, noise: float, rng: np.random.Generator) -> Array:
    """Return a curve that comes down and rests, in nats, with noise that is stationary from its first on."""
    fall = np.log1p(np.exp(rng.uniform(1, 5) - np.arange(size) / (rng.uniform(0.02, 0.045) * size)))
    phi = rng.uniform(0, 0.9)
    shocks = rng.standard_normal(size) * np.sqrt(1 - phi**2)
    shocks[0] /= np.sqrt(1 - phi**2)
    return np.asarray(fall + noise * lfilter([1.0], [1.0, -phi], shocks), dtype=np.float64)
