"""Studies whose truth is made: groups of runs that differ by chance alone, or by a known amount.

Evaluation j of seed i of group g is, in units of the level that all groups come to,

    vᵢⱼ = 1 + δ_g + A exp(-j / τ_g) + drift_g(j) + sᵢ + eᵢⱼ,    var(s) = σ_s², var(e) = σ_e²,

with e of lag-one correlation φ. Seeds of the same number in different groups share s and e with correlation ρ
where the design says so. Drifts end at 0, so that the last evaluations of all groups have one mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from ired_diag.runs.ending import Ending
from ired_diag.runs.history import History, Series
from ired_diag.runs.run import Run

Array = NDArray[np.float64]
Groups = dict[str, list[Run]]

METRIC = "val_loss"
EVALUATIONS = 100
AMPLITUDE = 3.0
HEAVY = 3.0  # degrees of freedom of heavy-tailed noise
SPIKES, HIGHEST = 0.02, 3.0  # share of evaluations that are spikes, and how many times as high at most
STATED = {  # what tells that equal seeds are trained and evaluated on the same data
    "dataset": "inverse",
    "rank": 20,
    "ood": False,
    "validation_batches": 10,
    "validation_batch_size": 512,
    "evaluation_mode": "fixed",
}


@dataclass(frozen=True, kw_only=True)
class Design:
    """How the curves of a study are made.

    Attributes:
        seeds: In each group.
        groups: How many.
        seed_sd: σ_s.
        evaluation_sd: σ_e.
        correlation: φ of the evaluation noise.
        heavy: Whether that has heavy tails and spikes.
        spread: Factor of both sds in the last group.
        shared: ρ, of seeds of equal number.
        stated: Whether the configurations state the same data and evaluation.
        times: τ in evaluations, of each group in turn.
        improves: Whether all groups still improve, as a power of the step, instead of resting.
        effect: δ of the last group.
        drift: By how much the last group comes down over the second half.
        linear: Whether it does so along a line, instead of an exponential.
        evaluations: Of each run.
        failing: Probability that a seed ends in NaN.
    """

    seeds: int = 5
    groups: int = 2
    seed_sd: float = 0.005
    evaluation_sd: float = 0.01
    correlation: float = 0.0
    heavy: bool = False
    spread: float = 1.0
    shared: float = 0.0
    stated: bool = False
    times: tuple[float, ...] = (4.0,)
    improves: bool = False
    effect: float = 0.0
    drift: float = 0.0
    linear: bool = False
    evaluations: int = EVALUATIONS
    failing: float = 0.0


def study_of(design: Design, rng: np.random.Generator) -> Groups:
    """Return the groups of one study, by name."""
    curves = curves_of(design, rng)
    names = [f"m{g}" for g in range(design.groups)]
    return {
        name: runs_of(name, group, configuration=STATED if design.stated else None)
        for name, group in zip(names, curves, strict=True)
    }


def curves_of(design: Design, rng: np.random.Generator) -> Array:
    """Return the evaluations of all runs of a study, of shape (groups, seeds, evaluations)."""
    shape = (design.groups, design.seeds)
    sds = np.ones(design.groups)
    sds[-1] = design.spread
    offsets = design.seed_sd * _alike(rng.standard_normal(shape), rng, design.shared)
    noise = design.evaluation_sd * _noise(design, rng)
    values = means_of(design)[:, None, :] + sds[:, None, None] * (offsets[:, :, None] + noise)
    if design.heavy:
        spikes = rng.random(values.shape) < SPIKES
        values = np.where(spikes, values * rng.uniform(1.1, HIGHEST, values.shape), values)
    values[rng.random(shape) < design.failing, -3:] = np.nan
    return np.asarray(values)


def means_of(design: Design) -> Array:
    """Return the mean curve of each group, of shape (groups, evaluations)."""
    j = np.arange(design.evaluations, dtype=np.float64)
    times = [design.times[g % len(design.times)] for g in range(design.groups)]
    fall = [(1 + j / 10) ** -0.5 if design.improves else np.exp(-j / time) for time in times]
    means = 1 + AMPLITUDE * np.array(fall)
    if design.evaluations == 1:
        means[:] = 1.0
    means[-1] += design.effect + design.drift * _drift(design.evaluations, linear=design.linear)
    return means


def true_means(curves: Array, start: int) -> Array:
    """Return each run's mean from the true start of the plateau on, of shape (groups, seeds)."""
    return np.asarray(curves[:, :, start:].mean(axis=2))


def runs_of(name: str, curves: Array, *, configuration: Mapping[str, Any] | None) -> list[Run]:
    """Return runs of one group with these evaluations, of shape (seeds, evaluations)."""
    steps = 100 * np.arange(1, curves.shape[1] + 1, dtype=np.int64)
    return [run_of(name, seed, Series(steps, values), configuration) for seed, values in enumerate(curves)]


def run_of(name: str, seed: int, series: Series, configuration: Mapping[str, Any] | None) -> Run:
    """Return one complete run."""
    history = History({METRIC: series})
    return Run(
        experiment=name,
        name=None,
        variant=None,
        seed=seed,
        path=Path(name),
        configuration=configuration,
        history=history,
        ending=Ending("complete"),
    )


def partly_shared(
    counts: tuple[int, int, int], *, correlation: float, effect: float, rng: np.random.Generator
) -> Groups:
    """Return two groups of single numbers that share some seeds, with stated data and evaluation.

    Args:
        counts: Seeds that both groups have, that only the first has, and that only the second has.
        correlation: Of equal seeds' numbers.
        effect: Mean of the second less that of the first, in standard deviations of a group.
        rng: Source of randomness.
    """
    shared, first, second = counts
    z = _alike(rng.standard_normal((2, shared)), rng, correlation)
    a = np.concatenate([z[0], rng.standard_normal(first)])
    b = np.concatenate([z[1], rng.standard_normal(second)]) + effect
    labels = (range(shared + first), [*range(shared), *range(shared + first, shared + first + second)])
    return {
        name: [_number(name, seed, 1 + 0.01 * value) for seed, value in zip(seeds, x, strict=True)]
        for name, seeds, x in zip(("m0", "m1"), labels, (a, b), strict=True)
    }


def _number(name: str, seed: int, value: float) -> Run:
    return run_of(name, seed, Series(np.array([100], dtype=np.int64), np.array([value])), STATED)


def _alike(z: Array, rng: np.random.Generator, correlation: float) -> Array:
    """Return standard normals that have this correlation between groups, the first axis."""
    shared = rng.standard_normal(z.shape[1:])
    return np.asarray(np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * z)


def _noise(design: Design, rng: np.random.Generator) -> Array:
    """Return evaluation noise of standard deviation 1."""
    shape = (design.groups, design.seeds, design.evaluations)
    z = rng.standard_t(HEAVY, shape) / np.sqrt(HEAVY / (HEAVY - 2)) if design.heavy else None
    z = _alike(rng.standard_normal(shape) if z is None else z, rng, design.shared)
    phi = design.correlation
    scale = np.full(design.evaluations, np.sqrt(1 - phi**2))
    scale[0] = 1.0
    return np.asarray(lfilter([1.0], [1.0, -phi], scale * z, axis=-1))


def _drift(evaluations: int, *, linear: bool) -> Array:
    """Return a way down to 0 at the last evaluation that falls by 1 over the second half."""
    t = np.linspace(0.0, 1.0, evaluations)
    way = 1 - t if linear else np.exp(-4 * t) - np.exp(-4)
    middle = 0.5 if linear else np.exp(-2) - np.exp(-4)
    return np.asarray(way / middle)
