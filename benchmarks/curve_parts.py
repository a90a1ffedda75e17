"""What made learning curves are made of: lengths, steps, units, and noise that may be correlated or spiky.

The noise of one evaluation is a first-order autoregression around 0,

    eᵢ = φ eᵢ₋₁ + √(1 - φ²) zᵢ,    zᵢ standard normal, or Student's t with 4 degrees of freedom scaled to it,

of standard deviation σ. Of a positive loss σ is relative: the noise enters as a factor e^(σ eᵢ).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Array = NDArray[np.float64]
Words = frozenset[str]

LEAST_NOISE, MOST_NOISE = 1e-3, 0.2
STRONG = 0.6  # a correlation from which on noise wanders like a trend: it is then at most WANDERING
WANDERING = 0.05
HEAVY = 4.0  # degrees of freedom


@dataclass(frozen=True)
class MadeCurve:
    """A learning curve, and what may be said of it.

    Attributes:
        steps: Of shape (n,), increasing.
        values: Of shape (n,).
        lower_is_better: The direction.
        healthy: Whether an error about it would be a false alarm.
        words: The verdicts on its shape that are right.
    """

    steps: Array
    values: Array
    lower_is_better: bool
    healthy: bool
    words: Words


@dataclass(frozen=True)
class Noise:
    """The noise of one curve's evaluations.

    Attributes:
        sd: Standard deviation σ.
        correlation: φ.
        heavy: Whether it has heavy tails.
    """

    sd: float
    correlation: float
    heavy: bool

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return the noise of n evaluations."""
        z = rng.standard_t(HEAVY, n) * np.sqrt((HEAVY - 2) / HEAVY) if self.heavy else rng.standard_normal(n)
        scale = np.full(n, np.sqrt(1 - self.correlation**2))
        scale[0] = 1.0
        return np.asarray(self.sd * lfilter([1.0], [1.0, -self.correlation], scale * z))

    def hides(self, size: float) -> bool:
        """Say whether a change of this size is less than what the noise does by itself."""
        return bool(size < 8 * self.sd * np.sqrt((1 + self.correlation) / (1 - self.correlation)))


def noise_level(rng: np.random.Generator, *, most: float = MOST_NOISE) -> Noise:
    """Return a level of noise: none in a tenth of all cases, else from 0.1% up to ``most``."""
    correlation = float(rng.choice([0.0, 0.0, 0.3, 0.6, 0.8, 0.9]))
    if correlation > STRONG:
        most = min(most, WANDERING)
    quiet = rng.random() < 0.1
    sd = 0.0 if quiet else float(np.exp(rng.uniform(np.log(LEAST_NOISE), np.log(most))))
    return Noise(sd, correlation, bool(rng.random() < 0.25))


def length(rng: np.random.Generator, *, least: int = 8, most: int = 400) -> int:
    """Return a number of evaluations, small ones as often as large ones."""
    return round(float(np.exp(rng.uniform(np.log(least), np.log(most)))))


def unit(rng: np.random.Generator) -> float:
    """Return the size of a metric's unit: any, or one that people have."""
    return float(10 ** rng.uniform(-9, 9)) if rng.random() < 0.5 else float(rng.choice([0.1, 1.0, 10.0]))


def steps_of(n: int, rng: np.random.Generator) -> Array:
    """Return the steps of n evaluations: evenly spaced from 0 or later, unevenly, or by powers."""
    every = int(rng.choice([1, 10, 100, 1000, 6250]))
    kind = rng.integers(5)
    if kind == 0:
        return np.arange(n, dtype=np.float64)
    if kind == 1:
        return np.cumsum(rng.integers(1, 2 * every + 1, n)).astype(np.float64)
    if kind == 2:
        return np.cumsum(np.maximum(1, np.round(np.geomspace(1, 100, n)))).astype(np.float64)
    return every * np.arange(1, n + 1, dtype=np.float64)


def progress(n: int) -> Array:
    """Return the place of each evaluation within the training, from 0 to 1."""
    return np.linspace(0.0, 1.0, n)


def descent(n: int, rng: np.random.Generator, *, fastest: float = 0.02, slowest: float = 0.1) -> Array:
    """Return a way down from 1 to 0: an exponential, or one with a long tail that ends within 2%."""
    t = progress(n) / np.exp(rng.uniform(np.log(fastest), np.log(slowest)))
    way = np.exp(-t) if rng.random() < 0.7 else (1 + t) ** -2.0
    return np.asarray(way, dtype=np.float64)


def made(
    values: Array, rng: np.random.Generator, words: Words, *, lower: bool = True, healthy: bool = True
) -> MadeCurve:
    """Return a curve of these values at steps of some kind."""
    return MadeCurve(steps_of(len(values), rng), values, lower, healthy, words)


def loss(
    nats: Array,
    rng: np.random.Generator,
    words: Words,
    *,
    noise: Noise,
    healthy: bool = True,
) -> MadeCurve:
    """Return a positive loss, lower is better, from its logarithm and its noise."""
    return made(unit(rng) * np.exp(nats + noise.draw(len(nats), rng)), rng, words, healthy=healthy)
