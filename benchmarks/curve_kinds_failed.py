"""Curves of trainings that failed: an error about them is right, silence is not."""

from __future__ import annotations

import numpy as np

from benchmarks.curve_parts import (
    Array,
    MadeCurve,
    Words,
    descent,
    length,
    loss,
    made,
    noise_level,
    progress,
    unit,
)

DIVERGED: Words = frozenset({"diverged"})


def _risen(n: int, start: float, width: float, nats: float) -> Array:
    """Return a rise that begins at a share of the training and takes a share of it, then stays."""
    return nats * np.clip((progress(n) - start) / width, 0, 1)


def divergence(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that comes down, then rises by 3 to 100 times, for good."""
    n = length(rng, least=30)
    noise = noise_level(rng, most=0.1)
    start = rng.uniform(0.3, 0.8)
    rise = _risen(n, start, rng.uniform(0.02, 0.9 - start + 0.1), rng.uniform(np.log(3), np.log(100)))
    return loss(rng.uniform(0.5, 3) * descent(n, rng) + rise, rng, DIVERGED, noise=noise, healthy=False)


def late_divergence(rng: np.random.Generator) -> MadeCurve:
    """Return a loss at rest that is 3 to 20 times higher in its last three to five evaluations."""
    n = length(rng, least=30)
    noise = noise_level(rng, most=0.05)
    nats = rng.uniform(0.5, 3) * descent(n, rng)
    nats[n - rng.integers(3, 6) :] += rng.uniform(np.log(3), np.log(20))
    return loss(nats, rng, DIVERGED, noise=noise, healthy=False)


def slow_overfit(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that creeps up by 2 to 4 times from its floor to its end."""
    n = length(rng, least=30)
    noise = noise_level(rng, most=0.05)
    start = rng.uniform(0.15, 0.5)
    rise = _risen(n, start, 1 - start, rng.uniform(np.log(2), np.log(4)))
    return loss(
        rng.uniform(0.8, 3) * descent(n, rng, slowest=0.04) + rise, rng, DIVERGED, noise=noise, healthy=False
    )


def rises_from_the_start(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that rises at every step, or nearly, by 3 to 1000 times."""
    n = length(rng)
    noise = noise_level(rng, most=0.01)
    nats = rng.uniform(np.log(3), np.log(1000)) * progress(n) ** rng.uniform(0.5, 3)
    return loss(nats, rng, DIVERGED, noise=noise, healthy=False)


def ends_not_finite(rng: np.random.Generator) -> MadeCurve:
    """Return a loss whose last evaluations, one or more, are NaN or infinite."""
    noise, n = noise_level(rng), length(rng)
    curve = loss(rng.uniform(0.5, 3) * descent(n, rng), rng, DIVERGED, noise=noise, healthy=False)
    curve.values[n - rng.integers(1, 1 + n // 2) :] = rng.choice([np.nan, np.inf])
    return curve


def collapse_after_bad_start(rng: np.random.Generator) -> MadeCurve:
    """Return an R² that starts far below 0, reaches 0.8 to 0.99, and falls to 0.1 or below."""
    n, noise = length(rng, least=30), noise_level(rng, most=0.05)
    end = rng.uniform(0.8, 0.99)
    start = rng.uniform(0.4, 0.8)
    lost = _risen(n, start, rng.uniform(0.03, 0.9 - start + 0.1), end - rng.uniform(-0.5, 0.1))
    values = end - rng.uniform(5, 100) * descent(n, rng, slowest=0.03) - lost + 0.1 * noise.draw(n, rng)
    return made(values, rng, DIVERGED, lower=False, healthy=False)


def accuracy_lost(rng: np.random.Generator) -> MadeCurve:
    """Return an accuracy that rises to 0.6 to 0.99 and falls back to chance, 0.1."""
    n, noise = length(rng, least=30), noise_level(rng, most=0.1)
    top, start = rng.uniform(0.6, 0.99), rng.uniform(0.3, 0.8)
    lost = _risen(n, start, rng.uniform(0.02, 0.9 - start + 0.1), top - 0.1)
    values = top - (top - 0.1) * descent(n, rng) - lost + 0.1 * noise.draw(n, rng)
    return made(np.clip(values, 0, 1), rng, DIVERGED, lower=False, healthy=False)


def reward_lost(rng: np.random.Generator) -> MadeCurve:
    """Return a return that goes from below 0 to above it, and back to 70% at least; higher is better."""
    n, noise = length(rng, least=30), noise_level(rng, most=0.05)
    low, high = -rng.uniform(0.1, 1), rng.uniform(0.1, 1)
    start = rng.uniform(0.35, 0.75)
    lost = _risen(n, start, 0.15, rng.uniform(0.7, 1.5))
    values = high + (high - low) * (noise.draw(n, rng) - descent(n, rng) - lost)
    return made(rng.choice([1.0, 200.0, 5000.0]) * values, rng, DIVERGED, lower=False, healthy=False)


def negative_lost(rng: np.random.Generator) -> MadeCurve:
    """Return a negative loss that wins, and loses 80% or more of that again."""
    n, noise = length(rng, least=30), noise_level(rng, most=0.05)
    won = rng.uniform(0.5, 5)
    lost = _risen(n, rng.uniform(0.35, 0.75), 0.15, rng.uniform(0.8, 2))
    values = -rng.uniform(0.5, 5) + won * (descent(n, rng) - 1 + lost + noise.draw(n, rng))
    return made(unit(rng) * values, rng, DIVERGED | {"regressed"}, healthy=False)


KINDS = (
    divergence,
    late_divergence,
    slow_overfit,
    rises_from_the_start,
    ends_not_finite,
    collapse_after_bad_start,
    accuracy_lost,
    reward_lost,
    negative_lost,
)
