"""Made runs that a watch follows while they grow: healthy ones of many kinds, and planted failures.

A healthy run is one of ``curve_kinds``, or an adversarial or a contrastive training. A failure is planted
into a healthy curve at a known evaluation, its onset.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks import curve_kinds
from benchmarks.curve_parts import Array, MadeCurve, descent, length, noise_level, progress

Generator = np.random.Generator
Expected = Literal["diverged", "not_finite", "stalled"]
LEAST, MOST = 40, 120  # evaluations


@dataclass(frozen=True, kw_only=True)
class MadeRun:
    """A run.

    Attributes:
        kind: Name of its kind.
        metric: Name of its metric.
        values: Its evaluations, of shape (n,).
        onset: The evaluation at which a failure begins; None of a healthy run.
        expected: What is to be announced; None of a healthy run.
    """

    kind: str
    metric: str
    values: Array
    onset: int | None = None
    expected: Expected | None = None


def healthy(kind: str, rng: Generator) -> MadeRun:
    """Return a healthy run of a kind."""
    curve = HEALTHY[kind](rng)
    if isinstance(curve, MadeCurve):
        return MadeRun(kind=kind, metric="val_loss", values=curve.values)
    return MadeRun(kind=kind, metric="val_loss", values=curve)


def noisy(rng: Generator) -> Array:
    """Return a loss that comes down and rests, with noise of 5 to 20%."""
    n = length(rng, least=LEAST, most=MOST)
    noise = np.exp(rng.uniform(np.log(0.05), np.log(0.2)))
    nats = rng.uniform(0.5, 4) * descent(n, rng)
    return np.asarray(np.exp(nats + noise * rng.standard_normal(n)))


def adversarial(rng: Generator) -> Array:
    """Return the loss of a generator: it swings by up to three times with the discriminator's, and drifts."""
    n = length(rng, least=LEAST, most=MOST)
    turns = rng.uniform(4, 20)
    height = rng.uniform(0.2, np.log(3)) / 2
    drift = rng.uniform(-0.5, 0.3) * progress(n)
    noise = rng.uniform(0.02, 0.15) * rng.standard_normal(n)
    swing = np.sin(2 * np.pi * (turns * progress(n) + rng.random()))
    return np.asarray(np.exp(drift + height * swing + noise))


def contrastive(rng: Generator) -> Array:
    """Return a contrastive loss: ln N of guessing at first; or a difference of energies around 0."""
    n = length(rng, least=LEAST, most=MOST)
    if rng.random() < 0.5:
        guessing = np.log(rng.choice([64, 256, 2048]))
        floor = rng.uniform(0.05, 0.6) * guessing
        noise = rng.uniform(0.01, 0.1) * rng.standard_normal(n)
        loss = floor + (guessing - floor) * descent(n, rng)
        return np.asarray(loss * np.exp(noise))
    size = rng.uniform(0.1, 10)
    scatter = size * rng.standard_normal(n)
    return np.asarray(scatter + size * rng.uniform(0, 30) * descent(n, rng))


HEALTHY: dict[str, Callable[[Generator], MadeCurve | Array]] = {
    "noisy": noisy,
    "spikes": curve_kinds.spikes,
    "plateau and drop": curve_kinds.step_schedule,
    "warm restarts": curve_kinds.warm_restarts,
    "cyclic rate": curve_kinds.swinging,
    "double descent": curve_kinds.double_descent,
    "grokking": curve_kinds.grokking,
    "adversarial": adversarial,
    "contrastive": contrastive,
    "over-fits a little": curve_kinds.small_overfit,
}


def _base(rng: Generator) -> tuple[Array, int]:
    """Return the logarithm of a healthy loss, and an evaluation at which it is to fail."""
    n = length(rng, least=LEAST, most=MOST)
    noise = noise_level(rng, most=0.05)
    nats = rng.uniform(0.8, 3) * descent(n, rng) + noise.draw(n, rng)
    return nats, int(n * rng.uniform(0.3, 0.7))


def _since(n: int, onset: int) -> Array:
    """Return 0 before an onset, then 1, 2, 3 and so on."""
    return np.maximum(0, np.arange(n) - onset + 1).astype(np.float64)


def climbs(rng: Generator) -> MadeRun:
    """Return a loss that grows by 1.3 to 3 times with each evaluation."""
    nats, onset = _base(rng)
    pace = rng.uniform(np.log(1.3), np.log(3))
    nats = nats + np.minimum(pace * _since(len(nats), onset), 12)
    return MadeRun(kind="climbs", metric="val_loss", values=np.exp(nats), onset=onset, expected="diverged")


def jumps(rng: Generator) -> MadeRun:
    """Return a loss that jumps to a level 5 to 100 times higher, and stays."""
    nats, onset = _base(rng)
    nats = nats + rng.uniform(np.log(5), np.log(100)) * (_since(len(nats), onset) > 0)
    return MadeRun(kind="jumps", metric="val_loss", values=np.exp(nats), onset=onset, expected="diverged")


def creeps(rng: Generator) -> MadeRun:
    """Return a loss that grows by 3 to 10 times over a third of the training."""
    nats, onset = _base(rng)
    share = np.minimum(1, _since(len(nats), onset) / (len(nats) / 3))
    nats = nats + rng.uniform(np.log(3), np.log(10)) * share
    return MadeRun(kind="creeps", metric="val_loss", values=np.exp(nats), onset=onset, expected="diverged")


def collapses(rng: Generator) -> MadeRun:
    """Return an accuracy that falls back to chance within one to eight evaluations."""
    nats, onset = _base(rng)
    n = len(nats)
    top = rng.uniform(0.7, 0.97)
    share = np.minimum(1, _since(n, onset) / rng.integers(1, 9))
    noise = 0.01 * rng.standard_normal(n)
    values = top - (top - 0.1) * np.maximum(descent(n, rng), share) + noise
    return MadeRun(
        kind="collapses",
        metric="val_accuracy",
        values=np.clip(values, 0, 1),
        onset=onset,
        expected="diverged",
    )


def breaks(rng: Generator) -> MadeRun:
    """Return a loss that is NaN or infinite from some evaluation on."""
    nats, onset = _base(rng)
    values = np.exp(nats)
    values[onset:] = rng.choice([np.nan, np.inf])
    return MadeRun(kind="breaks", metric="val_loss", values=values, onset=onset, expected="not_finite")


def stops(rng: Generator) -> MadeRun:
    """Return a loss after which no further line comes."""
    nats, onset = _base(rng)
    values = np.exp(nats[:onset])
    return MadeRun(kind="stops", metric="val_loss", values=values, onset=onset, expected="stalled")


PLANTED = (climbs, jumps, creeps, collapses, breaks, stops)
