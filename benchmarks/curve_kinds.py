"""Healthy learning curves of many kinds: an error about any of them is a false alarm.

Each kind is a function of a random generator that returns one curve, with the words on its shape that are
right of it. Levels of noise, lengths, steps and units differ from curve to curve (``curve_parts``). Where
noise hides what happened, the word for nothing seen is right too. Kinds of metrics other than positive
losses are in ``curve_kinds_signed``, those of failed trainings in ``curve_kinds_failed``.
"""

from __future__ import annotations

import numpy as np

from benchmarks.curve_parts import (
    Array,
    MadeCurve,
    Noise,
    Words,
    descent,
    length,
    loss,
    made,
    noise_level,
    progress,
    unit,
)

RESTS: Words = frozenset({"converged"})
FALLS: Words = frozenset({"improving"})
EITHER = RESTS | FALLS
STUCK: Words = frozenset({"stuck"})
SHORT: Words = frozenset({"too_short"})
CYCLES: Words = frozenset({"restarts", "restarting", "cycles", "warm_restarts"})
SWINGS: Words = frozenset({"unstable"})


def words_of(nats: Array, noise: Noise) -> Words:
    """Return the words for a curve that falls and rests, or still falls, from its logarithm."""
    n, won, late = len(nats), float(nats[0] - nats[-1]), float(nats[len(nats) // 2] - nats[-1])
    words = RESTS if late < 0.02 else FALLS if late > 0.2 and not noise.hides(late) else EITHER
    if won < 0.08 or noise.hides(won):
        words = EITHER | STUCK
    return words | SHORT if n < 10 else words


def exponential(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that comes down and rests."""
    noise, n = noise_level(rng), length(rng)
    nats = rng.uniform(0.3, 5) * descent(n, rng)
    return loss(nats, rng, words_of(nats, noise), noise=noise)


def slow_fall(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that still falls at its end: a straight line in nats, or a power of the steps."""
    noise, n = noise_level(rng), length(rng)
    total = rng.uniform(0.5, 4)
    nats = -total * (progress(n) if rng.random() < 0.5 else np.log1p(20 * progress(n)) / np.log(21))
    return loss(nats, rng, words_of(nats, noise), noise=noise)


def step_schedule(rng: np.random.Generator) -> MadeCurve:
    """Return a loss with one to three drops, where a learning rate is cut, each relaxing fast, then flat."""
    noise, n = noise_level(rng), length(rng, least=30)
    nats = rng.uniform(0.3, 2) * descent(n, rng)
    drops = rng.uniform(0.3, 0.85, rng.integers(1, 4))
    for at in drops:
        since = np.arange(n) - round(at * n)
        nats += rng.uniform(0.2, 2.5) * np.where(since < 0, 1, np.exp(-(since + 1) / rng.uniform(0.3, 2.5)))
    rests_seen = (1 - drops.max()) * n >= 20 and not noise.hides(float(nats[0] - nats[-1]))
    return loss(nats, rng, RESTS if rests_seen else EITHER, noise=noise)


def cosine_schedule(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that falls with a learning rate on a cosine: faster in the middle, flat at the end."""
    noise, n = noise_level(rng), length(rng, least=16)
    t = progress(n)
    nats = rng.uniform(0.3, 2) * descent(n, rng) + rng.uniform(0.1, 1.5) * (1 + np.cos(np.pi * t)) / 2
    return loss(nats, rng, words_of(nats, noise) | EITHER, noise=noise)


def warm_restarts(rng: np.random.Generator) -> MadeCurve:
    """Return a loss whose learning rate restarts, two to six times: up at once, then down, each time lower.

    The last cycle may be cut short soon after its restart: it is then above what came before.
    """
    noise = noise_level(rng, most=0.05)
    cycles, each = int(rng.integers(2, 7)), length(rng, least=8, most=60)
    up, down = rng.uniform(0.1, 1.2), rng.uniform(0.02, 0.3)
    wave = (1 + np.cos(np.pi * progress(each))) / 2
    nats = np.concatenate([up * wave - down * i for i in range(cycles)])
    if cycles > 2 and rng.random() < 0.4:
        nats = nats[: len(nats) - each + int(rng.integers(2, max(3, each // 2)))]
    nats = nats + rng.uniform(0, 2) * np.exp(-np.arange(len(nats)) / (each / 6))
    return loss(nats, rng, EITHER | CYCLES | SWINGS, noise=noise)


def grokking(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that rests high for long, then drops by 3 to 150 times late in training."""
    noise, n = noise_level(rng), length(rng, least=30)
    at, width = round(rng.uniform(0.6, 0.97) * n), rng.uniform(0.5, 4)
    drop = rng.uniform(np.log(3), 5)
    nats = rng.uniform(0, 1) * descent(n, rng) - drop / (
        1 + np.exp(-np.clip((np.arange(n) - at) / width, -50, 50))
    )
    return loss(nats, rng, EITHER, noise=noise)


def hump(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that first rises by 1.05 to 8 times, then falls for long to 0.2 to 0.8 of its start."""
    n = length(rng, least=16)
    noise = noise_level(rng, most=0.05)
    at, top, end = rng.uniform(0.05, 0.45), rng.uniform(0.05, 2.1), np.log(rng.uniform(0.2, 0.8))
    nats = np.interp(progress(n), [0, at, 1], [0, top, end])
    return loss(nats, rng, FALLS if not noise.hides(-end) else EITHER | STUCK, noise=noise)


def double_descent(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that falls, rises by 1.1 to 3 times, and falls below its first low."""
    n = length(rng, least=40)
    noise = noise_level(rng, most=0.05)
    low, at = rng.uniform(0.3, 2), rng.uniform(0.15, 0.3)
    top, end = -low + rng.uniform(0.1, 1.1), -low - rng.uniform(0.15, 1)
    nats = np.interp(
        progress(n), [0, at, at + 0.2, rng.uniform(at + 0.3, 1), 1.001], [0, -low, top, end, end]
    )
    return loss(nats, rng, EITHER, noise=noise)


def last_point_spike(rng: np.random.Generator) -> MadeCurve:
    """Return a loss at rest, or still falling, whose very last evaluation is 1.5 to 50 times too high."""
    noise, n = noise_level(rng), length(rng, least=12)
    nats = rng.uniform(0.5, 4) * (descent(n, rng) if rng.random() < 0.7 else 1 - progress(n))
    words = words_of(nats, noise) | (EITHER if noise.sd > 0.05 else RESTS)
    nats[-1] += np.log(rng.uniform(1.5, 50))
    return loss(nats, rng, words, noise=noise)


def spikes(rng: np.random.Generator) -> MadeCurve:
    """Return a loss with spikes of one to three evaluations, 1.3 to 30 times up, that come back."""
    noise, n = noise_level(rng), length(rng, least=20)
    nats = rng.uniform(0.5, 4) * descent(n, rng)
    words = words_of(nats, noise) | RESTS | SWINGS
    for at in rng.integers(2, n - 4, rng.integers(1, 1 + max(2, n // 12))):
        nats[at : at + rng.integers(1, 4)] += np.log(rng.uniform(1.3, 30))
    return loss(nats, rng, words, noise=noise)


def warm_up(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that rises or waits during warm-up, with a first evaluation that may be far off."""
    noise, n = noise_level(rng), length(rng, least=20)
    nats = rng.uniform(0.5, 4) * descent(n, rng, fastest=0.05)
    nats += rng.uniform(0, 0.7) * np.exp(-((progress(n) / 0.08 - 1) ** 2))
    words = words_of(nats, noise) | RESTS
    nats[0] += rng.choice([0.0, rng.uniform(0, 7)])
    return loss(nats, rng, words, noise=noise)


def swinging(rng: np.random.Generator) -> MadeCurve:
    """Return a loss at rest that goes up and down by 5 to 40% with a cyclic learning rate."""
    noise, n = noise_level(rng, most=0.05), length(rng, least=40)
    turns, height = rng.uniform(3, 12), rng.uniform(0.05, 0.34)
    nats = rng.uniform(0.8, 4) * descent(n, rng)
    nats += height * np.sin(2 * np.pi * (turns * progress(n) + rng.random())) / 2
    return loss(nats, rng, EITHER | CYCLES | SWINGS, noise=noise)


def small_overfit(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that ends 3 to 25% above its floor: worth a warning, not an error."""
    noise, n = noise_level(rng, most=0.03), length(rng, least=30)
    rise = rng.uniform(0.03, 0.22)
    t = progress(n)
    nats = rng.uniform(0.5, 3) * descent(n, rng) + rise * np.maximum(0, t - rng.uniform(0.3, 0.6)) * 2
    hidden = noise.hides(rise) or rise < 0.08
    return loss(nats, rng, EITHER | {"regressed"} if hidden else frozenset({"regressed"}), noise=noise)


def noiseless(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that falls at every step without noise, however fast or slowly."""
    n = length(rng, least=4)
    quiet = Noise(0.0, 0.0, False)
    t = progress(n)
    kinds = (
        np.exp(-t / rng.uniform(0.02, 2)),
        1 - t,
        (1 + t / rng.uniform(0.001, 1)) ** -rng.uniform(0.2, 2),
    )
    nats: Array = rng.uniform(0.06, 5) * np.asarray(kinds[rng.integers(3)])
    return loss(nats, rng, EITHER | SHORT if n < 10 else words_of(nats, quiet) | EITHER, noise=quiet)


def few_evaluations(rng: np.random.Generator) -> MadeCurve:
    """Return three to seven evaluations of a loss that plainly falls."""
    n = int(rng.integers(3, 8))
    noise = Noise(float(rng.choice([0.0, 0.005, 0.02])), 0.0, False)
    nats = -rng.uniform(0.15, 1) * np.arange(n, dtype=np.float64) ** float(rng.uniform(0.5, 1))
    return loss(nats, rng, FALLS | SHORT, noise=noise)


def level(rng: np.random.Generator) -> MadeCurve:
    """Return a loss that stays where it starts: noise around one level, or the same number throughout."""
    noise, n = noise_level(rng), length(rng)
    return loss(np.zeros(n), rng, STUCK | (SHORT if n < 10 else frozenset()), noise=noise)


def calmer(rng: np.random.Generator) -> MadeCurve:
    """Return a loss whose noise shrinks, or grows, threefold to tenfold along the training."""
    noise, n = noise_level(rng, most=0.1), length(rng, least=20)
    nats = rng.uniform(0.8, 4) * descent(n, rng)
    factor = np.exp(
        rng.uniform(np.log(3), np.log(10)) * (progress(n) - 1 if rng.random() < 0.3 else -progress(n))
    )
    values = unit(rng) * np.exp(nats + factor * noise.draw(n, rng))
    return made(values, rng, words_of(nats, noise) | RESTS)


def wandering(rng: np.random.Generator) -> MadeCurve:
    """Return a loss at rest whose evaluations wander by a tenth to four tenths of their level."""
    n = length(rng, least=40)
    noise = Noise(sd=rng.uniform(0.1, 0.4), correlation=float(rng.choice([0.6, 0.8])), heavy=False)
    size = 1 + rng.uniform(3, 30) * descent(n, rng, slowest=0.08)
    words = RESTS | SWINGS | frozenset({"improving", "regressed"})
    return made(unit(rng) * np.abs(size + noise.draw(n, rng)), rng, words)


def missing_amid(rng: np.random.Generator) -> MadeCurve:
    """Return a loss at rest of which a few evaluations, up to a tenth, are NaN or infinite."""
    noise, n = noise_level(rng), length(rng, least=20)
    nats = rng.uniform(0.8, 4) * descent(n, rng)
    curve = loss(nats, rng, words_of(nats, noise) | RESTS, noise=noise)
    curve.values[rng.integers(0, n - 3, rng.integers(1, max(3, n // 10) + 1))] = rng.choice([np.nan, np.inf])
    return curve


def very_long(rng: np.random.Generator) -> MadeCurve:
    """Return a loss of ten or a hundred thousand evaluations that rests."""
    n = int(rng.choice([10_000, 100_000]))
    noise = noise_level(rng)
    nats = rng.uniform(0.8, 4) * descent(n, rng)
    return loss(nats, rng, words_of(nats, noise) | RESTS, noise=noise)


KINDS = (
    exponential,
    slow_fall,
    step_schedule,
    cosine_schedule,
    warm_restarts,
    grokking,
    hump,
    double_descent,
    last_point_spike,
    spikes,
    warm_up,
    swinging,
    small_overfit,
    noiseless,
    few_evaluations,
    level,
    calmer,
    missing_amid,
    wandering,
)
