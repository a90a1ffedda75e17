"""How often does a comparison over tasks see an effect where there is none? By design; nominal 5%.

    python -m benchmarks.across_levels [--studies 10000]

Designs: 3, 4, 5 and 10 seeds of the new group; 2, 5 and 20 tasks; tasks of equal spread, or spreads in a
geometric series from 1 to 10; none, 15% or 35% of the cells missing at random (each task keeps two seeds);
numbers of one seed on different tasks independent or with a correlation of 0.8. Seeds are pairs; or not, with
as many seeds of the old group; or not, with two seeds more and a new group of three times the spread. The
tests are those of ``ired_diag.stats.task_effects``, as ``ired-diag across`` makes them.

The second table has trainings that share no seed over tasks (``--separate-runs``); the third has the default
scale, ratios of means averaged as logarithms, next to the arithmetic mean of ratios to the old group's mean,
which finds the noise of the denominators.

The exit status is 1 where a level of the mean effect, or of the interaction, exceeds 6% by more than three
standard errors, in the first two tables or for ratios of seeds that spread by 30% or less. The full run takes
about four minutes on one core.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ired_diag.stats.score_scale import relative_scale
from ired_diag.stats.task_effects import (
    Source,
    heterogeneity,
    independent_tasks,
    mean_effect,
    source_of,
    welch_df,
)

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
ALPHA, ACCEPTED = 0.05, 0.06
SEED = 20261129
SEEDS = (3, 4, 5, 10)
TASKS = (2, 5, 20)
SPREADS = (1.0, 10.0)
MISSING = (0.0, 0.15, 0.35)
CORRELATIONS = (0.0, 0.8)
MORE_SEEDS, LOUDER = 2, 3.0


@dataclass(frozen=True)
class Levels:
    """Shares of false alarms of the mean effect and of the interaction."""

    mean: float
    interaction: float


def levels_of(effects: Array, sources: Sequence[Source]) -> Levels:
    """Return the levels over many studies of no effect.

    Args:
        effects: Of shape (studies, tasks).
        sources: What their covariance is the sum of.
    """
    mean = mean_effect(effects, sources)
    t = mean.value / np.sqrt(mean.variance)
    p = 2 * stats.t.sf(np.abs(t), mean.df)
    test = heterogeneity(effects, sources)
    p_interaction = stats.f.sf(test.f, test.df_above, test.df_below)
    return Levels(float(np.mean(p < ALPHA)), float(np.mean(p_interaction < ALPHA)))


def noise(rng: np.random.Generator, mask: Mask, *, studies: int, correlation: float, spread: float) -> Array:
    """Return numbers of seeds without any effect, of shape (studies, seeds, tasks), NaN where missing."""
    seeds, tasks = mask.shape
    own = rng.standard_normal((studies, seeds, tasks))
    shared = rng.standard_normal((studies, seeds, 1))
    mixed = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own
    numbers = mixed * np.geomspace(1.0, spread, tasks)
    return np.where(mask, numbers, math.nan)


def mask_of(rng: np.random.Generator, seeds: int, tasks: int, missing: float) -> Mask:
    """Return which cells are present: each task keeps two seeds, each seed one task."""
    while True:
        mask: Mask = rng.random((seeds, tasks)) >= missing
        if mask.sum(axis=0).min() >= 2 and mask.any(axis=1).all():
            return mask


def shared_seeds(studies: int) -> Iterator[tuple[str, list[Levels]]]:
    """Yield each design with shared seeds, and the levels of pairs, equal groups, and unequal groups."""
    for seeds in SEEDS:
        for tasks in TASKS:
            for spread in SPREADS:
                for missing in MISSING:
                    for correlation in CORRELATIONS:
                        key = [seeds, tasks, int(spread), round(100 * missing), round(10 * correlation)]
                        rng = np.random.default_rng([SEED, *key])
                        mask = mask_of(rng, seeds, tasks, missing)
                        other = mask_of(rng, seeds, tasks, missing)
                        larger = mask_of(rng, seeds + MORE_SEEDS, tasks, missing)
                        drawn = [
                            noise(rng, each, studies=studies, correlation=correlation, spread=spread)
                            for each in (mask, other, larger)
                        ]
                        of_new = source_of(drawn[0])
                        of_old = source_of(drawn[1])
                        of_larger = source_of(drawn[2])
                        louder = source_of(LOUDER * drawn[0])
                        levels = [
                            levels_of(of_new.means, [of_new]),
                            levels_of(of_new.means - of_old.means, [of_new, of_old]),
                            levels_of(louder.means - of_larger.means, [louder, of_larger]),
                        ]
                        name = f"{seeds} | {tasks} | 1:{spread:g} | {missing:.0%} | {correlation:g}"
                        yield name, levels


def by_tasks(new: Array, old: Array) -> tuple[Array, list[Source]]:
    """Return effects and sources of unpaired groups whose runs of different tasks share no seed.

    Args:
        new: Numbers of shape (studies, seeds, tasks).
        old: Numbers of the old group, of shape (studies, seeds, tasks).
    """
    effects = new.mean(axis=1) - old.mean(axis=1)
    parts = [group.var(axis=1, ddof=1) / group.shape[1] for group in (new, old)]
    degrees = [np.full(effects.shape, group.shape[1] - 1.0) for group in (new, old)]
    return effects, independent_tasks(effects, parts[0] + parts[1], welch_df(parts, degrees))


def separate_runs(studies: int) -> Iterator[tuple[str, list[Levels]]]:
    """Yield each design of separate trainings, and the levels of pairs, equal groups, and unequal groups."""
    for seeds in SEEDS:
        for tasks in TASKS:
            for spread in SPREADS:
                rng = np.random.default_rng([SEED, seeds, tasks, int(spread)])
                every = np.ones((seeds + MORE_SEEDS, tasks), dtype=np.bool_)
                new = noise(rng, every[:seeds], studies=studies, correlation=0, spread=spread)
                old = noise(rng, every[:seeds], studies=studies, correlation=0, spread=spread)
                larger = noise(rng, every, studies=studies, correlation=0, spread=spread)
                variances = new.var(axis=1, ddof=1) / seeds
                pairs = new.mean(axis=1)
                degrees = np.full(pairs.shape, seeds - 1.0)
                levels = [
                    levels_of(pairs, independent_tasks(pairs, variances, degrees)),
                    levels_of(*by_tasks(new, old)),
                    levels_of(*by_tasks(LOUDER * new, larger)),
                ]
                yield f"{seeds} | {tasks} | 1:{spread:g}", levels


def ratios(studies: int) -> Iterator[tuple[str, float, Levels, Levels]]:
    """Yield designs of ratios, how far seeds spread, levels of logarithms, and of arithmetic means."""
    for variation in (0.1, 0.3, 0.5):
        for seeds in (3, 5, 10):
            for tasks in (5, 20):
                rng = np.random.default_rng([SEED, round(10 * variation), seeds, tasks])
                sigma = math.sqrt(math.log1p(variation**2))
                drawn = rng.standard_normal((2, studies, seeds, tasks))
                new, old = np.exp(sigma * drawn - sigma**2 / 2)
                logarithms = [_relative(new), _relative(old)]
                over_old = old.mean(axis=1, keepdims=True)
                yield (
                    f"{variation:.0%} | {seeds} | {tasks}",
                    variation,
                    levels_of(*by_tasks(*logarithms)),
                    levels_of(*by_tasks(new / over_old, old / over_old)),
                )


def _relative(numbers: Array) -> Array:
    """Return numbers of many studies as the tool makes them for its default scale."""
    studies = []
    sign = np.ones(numbers.shape[-1])
    for study in numbers:
        studies.append(relative_scale(study, sign).for_effects(study))
    return np.stack(studies)


def say(line: str) -> None:
    """Print a line at once: the tables take minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=10_000)
    chosen = parser.parse_args()
    bound = ACCEPTED + 3 * math.sqrt(ACCEPTED * (1 - ACCEPTED) / chosen.studies)
    largest: list[Levels] = []
    columns = "pairs | equal groups | unequal groups"
    say(f"Levels in %, mean effect then interaction, of {chosen.studies} studies\n")
    say(f"| seeds | tasks | spreads | missing | correlation | {columns} |\n|---|---|---|---|---|---|---|---|")
    for name, levels in shared_seeds(chosen.studies):
        say(f"| {name} | {' | '.join(map(in_percent, levels))} |")
        largest += levels
    say(f"\n| seeds | tasks | spreads | {columns} |\n|---|---|---|---|---|---|")
    for name, levels in separate_runs(chosen.studies):
        say(f"| {name} | {' | '.join(map(in_percent, levels))} |")
        largest += levels
    say("\n| spread of seeds | seeds | tasks | logarithms of ratios | ratios |\n|---|---|---|---|---|")
    for name, variation, logarithms, arithmetic in ratios(chosen.studies):
        say(f"| {name} | {in_percent(logarithms)} | {in_percent(arithmetic)} |")
        if variation <= 0.3:
            largest.append(logarithms)
    mean = max(levels.mean for levels in largest)
    interaction = max(levels.interaction for levels in largest)
    say(f"\nLargest level: {mean:.1%} of the mean effect, {interaction:.1%} of the interaction ")
    say(f"(accepted: {ACCEPTED:.0%}, with three standard errors {bound:.1%})")
    sys.exit(max(mean, interaction) > bound)


def in_percent(levels: Levels) -> str:
    """Return both levels in percent."""
    return f"{100 * levels.mean:.1f}, {100 * levels.interaction:.1f}"


if __name__ == "__main__":
    main()
