"""Healthy curves of metrics other than a plain positive loss: signed, bounded, coarse, near the rounding."""

from __future__ import annotations

import numpy as np

from benchmarks.curve_kinds import EITHER, FALLS, RESTS, SHORT, STUCK, SWINGS
from benchmarks.curve_parts import MadeCurve, descent, length, made, noise_level, progress, unit


def hovers_at_zero(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that comes down to 0 and scatters around it, on both sides."""
    n, noise = length(rng, least=12), noise_level(rng)
    down = descent(n, rng) + noise.draw(n, rng)
    hidden = STUCK if noise.hides(1.0) else frozenset()
    return made(unit(rng) * down, rng, RESTS | hidden | (EITHER if n < 30 else RESTS))


def around_zero(rng: np.random.Generator) -> MadeCurve:
    """Return noise around 0 from the first evaluation on."""
    n = length(rng)
    noise = noise_level(rng)
    values = unit(rng) * (noise.draw(n, rng) + rng.choice([0.0, 0.5, 2.0]) * noise.sd)
    return made(values, rng, STUCK | RESTS | frozenset({"no_trend"}) | (SHORT if n < 10 else frozenset()))


def negative(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that is negative throughout, such as a negative log-likelihood of densities."""
    n, noise = length(rng, least=12), noise_level(rng, most=0.05)
    start, won = rng.uniform(0.5, 5), rng.uniform(0.5, 5)
    values = -(start + won * (1 - descent(n, rng))) + won * noise.draw(n, rng)
    return made(unit(rng) * values, rng, RESTS | (EITHER | STUCK if n < 30 or noise.hides(0.3) else RESTS))


def negative_near_zero(rng: np.random.Generator) -> MadeCurve:
    """Return a negative loss that ends, by chance of its unit, close below 0: ratios mean nothing."""
    n, noise = length(rng, least=20), noise_level(rng, most=0.05)
    values = -0.02 - (1 - descent(n, rng)) * rng.uniform(0.05, 0.3) + 0.01 * noise.draw(n, rng) / 0.05
    return made(unit(rng) * values, rng, EITHER | STUCK)


def crosses_zero(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that falls from above 0 to below it."""
    n, noise = length(rng, least=12), noise_level(rng, most=0.1)
    above, below = rng.uniform(0.2, 5), rng.uniform(0.01, 5)
    values = (above + below) * (descent(n, rng) + noise.draw(n, rng)) - below
    return made(unit(rng) * values, rng, RESTS | (EITHER if n < 30 or noise.hides(1.0) else RESTS))


def reward(rng: np.random.Generator) -> MadeCurve:
    """Return a return of reinforcement learning: from below 0 to above it, noisy; higher is better."""
    n, noise = length(rng, least=20), noise_level(rng)
    low, high = -rng.uniform(0.1, 1), rng.uniform(0.1, 1)
    values = high + (low - high) * descent(n, rng, slowest=0.2) + (high - low) * noise.draw(n, rng)
    words = EITHER | (STUCK | SWINGS if noise.hides(1.0) else frozenset())
    return made(rng.choice([1.0, 200.0, 5000.0]) * values, rng, words, lower=False)


def little_gain(rng: np.random.Generator) -> MadeCurve:
    """Return a bounded metric that gains 0.5 to 4%, many times its noise; higher is better."""
    n = length(rng, least=20)
    start, gain = rng.uniform(0.6, 0.95), rng.uniform(0.005, 0.04)
    noise = noise_level(rng, most=0.05)
    way = descent(n, rng, slowest=0.2) if rng.random() < 0.8 else 1 - progress(n)
    values = start + gain * (1 - way + noise.draw(n, rng))
    return made(rng.choice([1.0, 100.0]) * values, rng, EITHER, lower=False)


def accuracy(rng: np.random.Generator) -> MadeCurve:
    """Return an accuracy that rises from chance to 0.5 to 0.999; higher is better."""
    n = length(rng, least=12)
    start, end = rng.uniform(0.001, 0.2), rng.uniform(0.5, 0.999)
    odds = np.log(end / (1 - end)) + (np.log(start / (1 - start)) - np.log(end / (1 - end))) * descent(n, rng)
    values = 1 / (1 + np.exp(-(odds + noise_level(rng).draw(n, rng))))
    return made(rng.choice([1.0, 100.0]) * values, rng, EITHER if n < 40 else RESTS | EITHER, lower=False)


def r_squared(rng: np.random.Generator) -> MadeCurve:
    """Return an R² that starts at -2 to -100 and rests at 0.3 to 0.99; higher is better."""
    n, noise = length(rng, least=20), noise_level(rng, most=0.05)
    end = rng.uniform(0.3, 0.99)
    values = end - (rng.uniform(2, 100)) * descent(n, rng, slowest=0.05) + (1 - end) * noise.draw(n, rng)
    return made(np.minimum(values, 1.0), rng, EITHER, lower=False)


def coarse_accuracy(rng: np.random.Generator) -> MadeCurve:
    """Return an accuracy on 20 to 500 examples, so that it takes few values; higher is better."""
    n, examples = length(rng, least=12), int(rng.choice([20, 50, 100, 500]))
    rate = rng.uniform(0.55, 0.99) - rng.uniform(0.3, 0.5) * descent(n, rng)
    values = rng.binomial(examples, np.clip(rate, 0, 1)) / examples
    return made(values, rng, EITHER | (STUCK if examples < 100 or n < 40 else frozenset()), lower=False)


def coarse_loss(rng: np.random.Generator) -> MadeCurve:
    """Return a loss printed with two or three digits, that may come to rest on 0.0 or beside it."""
    n = length(rng, least=12)
    floor = rng.choice([0.0, 0.0002, 0.001, 0.01, 0.3])
    noise = noise_level(rng, most=0.1)
    smooth = floor + rng.uniform(0.5, 3) * descent(n, rng, slowest=0.06)
    digits = int(rng.choice([2, 3, 4]))
    values = np.maximum(0, np.round(smooth * np.exp(noise.draw(n, rng)), digits))
    return made(values, rng, EITHER)


def rounding_floor(rng: np.random.Generator) -> MadeCurve:
    """Return an error that falls to the rounding of its floats, and jumps there between a few multiples."""
    n = length(rng, least=20)
    grain = float(rng.choice([2.0**-52, 2.0**-23]))
    falling = np.exp(-progress(n) / rng.uniform(0.005, 0.012))
    values = np.round(falling / grain) * grain + grain * rng.integers(0, int(rng.choice([2, 4, 10])), n)
    return made(unit(rng) * np.maximum(values, rng.choice([0.0, grain / 2])), rng, EITHER)


def last_digits(rng: np.random.Generator) -> MadeCurve:
    """Return a level that differs only in its last digits from one evaluation to the next."""
    n = length(rng, least=8)
    grain = float(rng.choice([2.0**-52, 2.0**-23]))
    values = unit(rng) * (1 + grain * rng.integers(-2, 3, n).astype(np.float64))
    return made(values, rng, STUCK | RESTS | frozenset({"no_trend"}) | (SHORT if n < 10 else frozenset()))


def offset(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that wins 0.1 to 3% of a large constant part, many times its noise."""
    n, noise = length(rng, least=20), noise_level(rng, most=0.05)
    values = 1 + rng.uniform(0.001, 0.03) * (descent(n, rng) + noise.draw(n, rng))
    return made(unit(rng) * values, rng, EITHER)


def rising_at_every_step(rng: np.random.Generator) -> MadeCurve:
    """Return a metric of which more is better that rises at every step, without noise."""
    n = length(rng, least=4)
    t = progress(n)
    values = rng.uniform(0.01, 0.5) + rng.uniform(0.1, 0.5) * (
        t if rng.random() < 0.5 else 1 - np.exp(-4 * t)
    )
    return made(values, rng, EITHER | (SHORT if n < 10 else FALLS), lower=False)


KINDS = (
    hovers_at_zero,
    around_zero,
    negative,
    negative_near_zero,
    crosses_zero,
    reward,
    little_gain,
    accuracy,
    r_squared,
    coarse_accuracy,
    coarse_loss,
    rounding_floor,
    last_digits,
    offset,
    rising_at_every_step,
)
